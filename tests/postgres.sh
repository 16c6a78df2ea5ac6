#!/bin/sh
# Makes sure that PostgreSQL's server binaries are on this machine; installs them through
# the system's package manager when they are not. Starts nothing.
set -eu
for dir in "${DAGMAR_PG_BIN:-}" "$(pg_config --bindir 2>/dev/null || true)" /usr/lib/postgresql/*/bin \
    /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin $(echo "$PATH" | tr ':' ' '); do
    if [ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] && [ -x "$dir/psql" ]; then exit 0; fi
done
as=''
[ "$(id -u)" = 0 ] || as=sudo
if command -v apt-get >/dev/null; then
    echo "PostgreSQL is not installed: installing the package postgresql with apt-get" >&2
    export DEBIAN_FRONTEND=noninteractive
    $as apt-get update -qq
    # the package must not make and start a cluster of its own
    $as apt-get install -y -qq --no-install-recommends postgresql-common >&2
    $as sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    $as apt-get install -y -qq --no-install-recommends postgresql >&2
elif command -v dnf >/dev/null; then
    echo "PostgreSQL is not installed: installing postgresql-server with dnf" >&2
    $as dnf install -y postgresql-server postgresql
elif command -v brew >/dev/null; then
    echo "PostgreSQL is not installed: installing postgresql with brew" >&2
    brew install postgresql
else
    echo "PostgreSQL is not installed, and no package manager is known here: install its server, or set DAGMAR_PG_BIN" >&2
    exit 1
fi
