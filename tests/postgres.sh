#!/bin/sh
# Makes sure that PostgreSQL's server binaries and PgBouncer are on this machine; installs them
# through the system's package manager when they are not. Starts nothing.
set -eu

has_postgres() {
    for dir in "${DAGMAR_PG_BIN:-}" "$(pg_config --bindir 2>/dev/null || true)" /usr/lib/postgresql/*/bin \
        /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin $(echo "$PATH" | tr ':' ' '); do
        if [ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] && [ -x "$dir/psql" ]; then return 0; fi
    done
    return 1
}

has_pgbouncer() {
    for dir in /usr/sbin /usr/bin /opt/homebrew/bin $(echo "$PATH" | tr ':' ' '); do
        if [ -x "$dir/pgbouncer" ]; then return 0; fi
    done
    return 1
}

if has_postgres && has_pgbouncer; then exit 0; fi
as=''
[ "$(id -u)" = 0 ] || as=sudo
if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    $as apt-get update -qq
    if ! has_postgres; then
        echo "PostgreSQL is not installed: installing the package postgresql with apt-get" >&2
        # the package must not make and start a cluster of its own
        $as apt-get install -y -qq --no-install-recommends postgresql-common >&2
        $as sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
        $as apt-get install -y -qq --no-install-recommends postgresql >&2
    fi
    if ! has_pgbouncer; then
        echo "PgBouncer is not installed: installing the package pgbouncer with apt-get" >&2
        # only the program is wanted: nothing may start a pooler of the machine's own
        if [ ! -e /usr/sbin/policy-rc.d ]; then
            printf '#!/bin/sh\nexit 101\n' | $as tee /usr/sbin/policy-rc.d >/dev/null
            $as chmod +x /usr/sbin/policy-rc.d
            trap '$as rm -f /usr/sbin/policy-rc.d' EXIT
        fi
        $as apt-get install -y -qq --no-install-recommends pgbouncer >&2
    fi
elif command -v dnf >/dev/null; then
    echo "PostgreSQL or PgBouncer is not installed: installing postgresql-server and pgbouncer with dnf" >&2
    $as dnf install -y postgresql-server postgresql pgbouncer
elif command -v brew >/dev/null; then
    echo "PostgreSQL or PgBouncer is not installed: installing postgresql and pgbouncer with brew" >&2
    has_postgres || brew install postgresql
    has_pgbouncer || brew install pgbouncer
else
    echo "PostgreSQL or PgBouncer is not installed, and no package manager is known here: install them, or set DAGMAR_PG_BIN" >&2
    exit 1
fi
