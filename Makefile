# Everything a contributor runs. The environment is made on first use, in .venv, and reused.
#
#   make demo     a network learns to write Python in two minutes; picture and report go to out/
#   make test     the tests            (PYTEST_ARGS="-k softmax" narrows them)
#   make check    lint, formatting, types
#   make golden   run the tests and accept the golden files they produce
#   make bench    the benchmarks       (tests/benchmarks/README.md)

VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
BENCH_ARGS ?=

# A name on PATH may be a launcher for a version that is absent, so each candidate is run.
PYTHON ?= $(shell for p in python3.12 python3.11 python3 python python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; \
	done)

.PHONY: demo test check format golden bench clean

demo: $(VENV)/.examples
	$(BIN)/python examples/char_rnn.py

test: $(VENV)/.test
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --update-golden $(PYTEST_ARGS)

bench: $(VENV)/.bench
	$(BIN)/python -m tests.benchmarks $(BENCH_ARGS)

clean:
	rm -rf $(VENV) build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; name one: make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# One stamp per extra; a changed pyproject.toml installs again.
$(VENV)/.%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
