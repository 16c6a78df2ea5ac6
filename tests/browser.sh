#!/bin/sh
# Installs a browser with its driver for the tests of the pages, where there is none.
set -eu

if command -v chromedriver >/dev/null 2>&1; then
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "The tests of the pages need chromium and chromedriver: install them with your system's package manager." >&2
  exit 1
fi
run=""
if [ "$(id -u)" != 0 ]; then run="sudo"; fi
$run apt-get -qq update
DEBIAN_FRONTEND=noninteractive $run apt-get -qq -y --no-install-recommends install chromium chromium-driver >/dev/null
