#!/bin/sh
# Asks the routes of a running service whatever its description allows, and more, with schemathesis: no answer may be a
# mistake of the service, and each is as described. Arguments: the URL of the service; the file with its description.
# TOKEN is one of its tokens. SCHEMATHESIS_SEED makes the requests the same in every run.
set -eu
url=$1
document=$(realpath "$2")
cd "$(dirname "$0")/.."
dir=$PWD/target/schemathesis
venv=$dir/venv

# a file lock: tests of one machine share the folder
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
if [ ! -e "$venv/ready" ]; then
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        if ! command -v apt-get >/dev/null; then
            echo "schemathesis needs Python with venv: install it (python3, python3-venv)" >&2
            exit 1
        fi
        echo "Python has no venv: installing the package python3-venv with apt-get" >&2
        as=''
        [ "$(id -u)" = 0 ] || as=sudo
        $as apt-get update -qq
        DEBIAN_FRONTEND=noninteractive $as apt-get install -y -qq --no-install-recommends python3 python3-venv >&2
    fi
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check schemathesis==4.32.5 openapi-spec-validator==0.9.0 >&2
    touch "$venv/ready"
fi
flock -u 9

# it leaves files where it runs
cd "$dir"
"$venv/bin/openapi-spec-validator" "$document"

# without the routes that run something or stop it: what they answer depends on what ran before. Without warnings about
# how many requests were refused: the test asks the log whether each route was answered
"$venv/bin/schemathesis" run "$document" --url "$url" \
    --header "Authorization: Bearer $TOKEN" \
    --exclude-path /migrate --exclude-path /rollback --exclude-path-regex '/(runs|rollbacks|promotions|pause|resume|cancel)$' \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --phases examples,coverage,fuzzing --max-examples "${SCHEMATHESIS_EXAMPLES:-20}" \
    --seed "${SCHEMATHESIS_SEED:-1}" --generation-database none --no-color --warnings off
