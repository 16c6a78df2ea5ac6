#!/bin/sh
# Installs what the tests of the pages need, where it is missing: a browser with its driver, and axe-core, which looks for
# barriers (from the npm registry; nothing of it is shipped).
set -eu
cd "$(dirname "$0")/.."

if ! command -v chromedriver >/dev/null 2>&1; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "The tests of the pages need chromium and chromedriver: install them with your system's package manager." >&2
    exit 1
  fi
  run=""
  if [ "$(id -u)" != 0 ]; then run="sudo"; fi
  $run apt-get -qq update
  DEBIAN_FRONTEND=noninteractive $run apt-get -qq -y --no-install-recommends install chromium chromium-driver >/dev/null
fi

# a file lock: several tests may ask for it
mkdir -p target/axe
exec 9>target/axe/lock
flock 9
if [ ! -e target/axe/axe.min.js ]; then
  if ! command -v npm >/dev/null 2>&1; then
    echo "The tests of the pages fetch axe-core with npm: install it." >&2
    exit 1
  fi
  (cd target/axe && npm pack --silent axe-core@4.14.1 >/dev/null && tar -xzf axe-core-4.14.1.tgz package/axe.min.js)
  mv target/axe/package/axe.min.js target/axe/axe.min.js
  rm -r target/axe/package target/axe/*.tgz
fi
