#!/bin/sh
# The server of a test run: server.sh start DIR BIN PID. Data in memory where there is room;
# stopped and removed once the process PID has ended.
set -eu
dir=$2 bin=$3 watched=$4
as=''
if [ "$(id -u)" = 0 ]; then
    # initdb refuses root
    as="setpriv --reuid=postgres --regid=postgres --clear-groups"
    id postgres >/dev/null 2>&1 || as="setpriv --reuid=nobody --regid=nogroup --clear-groups"
fi
data=$(mktemp -d "$( [ -w /dev/shm ] && echo /dev/shm || echo "$dir" )/dagmar-it.XXXXXX")
if [ -n "$as" ]; then
    chown "${as##*--regid=}" "$data" 2>/dev/null || true
    owner=$(echo "$as" | sed 's/.*--reuid=\([a-z]*\).*/\1/')
    chown "$owner" "$data" "$dir"
fi
exec 3>"$dir/log"
$as "$bin/initdb" -D "$data/db" -A trust -U postgres -N -E UTF8 --locale=C.UTF-8 --wal-segsize=1 >&3 2>&1
$as "$bin/pg_ctl" -D "$data/db" -w -t 30 -l "$data/log" start \
    -o "-c listen_addresses= -c unix_socket_directories=$dir -c fsync=off -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB -c max_prepared_transactions=10" >&3 2>&1 \
    || { cat "$data/log" >&3; exit 1; }
echo "$data" > "$dir/ready"
(
    # a signal for the whole group, as Ctrl-C sends it, must not leave the server behind
    trap '' HUP INT TERM
    exec </dev/null >/dev/null 2>&1 3>&-
    while kill -0 "$watched" 2>/dev/null; do sleep 1; done
    $as "$bin/pg_ctl" -D "$data/db" -m immediate stop
    rm -rf "$data" "$dir"
) &
