# `make demo` runs the main job on a private PostgreSQL, `make test` the tests.
# Both install PostgreSQL through the system's package manager when there is none.

CARGO ?= cargo
BIN := target/debug/dagmar

.PHONY: demo test bench postgres install-tools

demo: postgres
	$(CARGO) build --quiet
	@DAGMAR=$(BIN) sh tests/demo.sh

test: postgres
	@if $(CARGO) nextest --version >/dev/null 2>&1; \
	then $(CARGO) nextest run --no-fail-fast; \
	else $(CARGO) test --no-fail-fast; fi

bench: postgres
	$(CARGO) bench --bench dagmar --bench backfill

postgres:
	@sh tests/postgres.sh
