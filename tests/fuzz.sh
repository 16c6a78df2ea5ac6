#!/bin/sh
# Runs the fuzz targets, or those that are named, for FUZZ_SECONDS each. What is found stays in target/fuzz/corpus, and
# an input that fails in target/fuzz/failures: `make fuzz` prints how to run it again. A mended one belongs to fuzz/seeds.
# FUZZ_SEED makes the choice of inputs the same in every run.
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-12}
work=target/fuzz
[ $# -gt 0 ] || set -- split knowledge yaml project stored token jwt forwarded

if ! command -v c++ >/dev/null; then
    if ! command -v apt-get >/dev/null; then
        echo "libFuzzer needs a C++ compiler: install one (c++)" >&2
        exit 1
    fi
    echo "a C++ compiler is not installed: installing the package g++ with apt-get" >&2
    as=''
    [ "$(id -u)" = 0 ] || as=sudo
    $as apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $as apt-get install -y -qq --no-install-recommends g++ >&2
fi

(cd fuzz && cargo build --quiet --release --locked)
bin=$(dirname "$(find "$work"/*/release -maxdepth 1 -type f -name split | head -n 1)")

# one statement a file, one document a file
rm -rf "$work/seeds"
mkdir -p "$work/failures" "$work/seeds/sql"
grep -v '^--' tests/data/locks/statements.sql | sed 's/^[0-9]*: //' | split -l 1 -a 4 - "$work/seeds/sql/"

for target in "$@"; do
    case $target in
        split | knowledge) set -- "$work/seeds/sql" -dict=fuzz/sql.dict -max_len=600 ;;
        stored | token | jwt | forwarded) set -- -max_len=4000 ;;
        *) set -- plans tests/cases examples tests/data/lint -dict=fuzz/yaml.dict -max_len=4000 ;;
    esac
    mkdir -p "$work/corpus/$target"
    printf '%s: %s seconds\n' "$target" "$seconds"
    log=$work/$target.log
    if ! "$bin/$target" -max_total_time="$seconds" -seed="${FUZZ_SEED:-0}" -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$work/failures/$target-" "$work/corpus/$target" "fuzz/seeds/$target" "$@" 2>"$log"; then
        grep -a -A 30 -m 1 -E 'panicked|ERROR: libFuzzer' "$log" || tail -n 40 "$log"
        input=$(grep -a -o "Test unit written to .*" "$log" | sed 's/Test unit written to //')
        printf '%s fails. To run the input again: %s/%s %s\n' "$target" "$bin" "$target" "${input:-(see $log)}"
        exit 1
    fi
    grep -a 'stat::number_of_executed_units' "$log"
done
