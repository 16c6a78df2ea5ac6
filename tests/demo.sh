#!/bin/sh
# The main job: the sample project on a private PostgreSQL, from an empty database.
set -eu
dagmar=${DAGMAR:-dagmar}
say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }
"$dagmar" dev reset --env demo --yes --quiet >/dev/null
say "$dagmar" plan --env demo
say "$dagmar" apply --env demo --yes --quiet
say "$dagmar" status --env demo
printf '\nTry next: %s graph, %s plan --sql --offline, %s rollback --last-run --env demo\n' "$dagmar" "$dagmar" "$dagmar"
