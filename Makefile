# make run: set up, then take real sources to a promoted model.   make test: set up, then every check.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PROFILE ?= quick
# Against what `make check` compares, and for how long `make test-long` fuzzes.
BASE ?= main
FUZZ_SECONDS ?= 600

# Packages are installed without bytecode, which their first use leaves behind. Where the environment forbids that, every
# process would compile torch and transformers anew: some ten seconds each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run check test test-long lint clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

setup: $(VENV)/.ready  ## .venv with the pinned requirements and kslm itself

$(VENV)/.ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 13) else "kslm needs Python 3.11 or 3.12; this is %d.%d. Name another: make PYTHON=python3.11 setup" % v[:2])'
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing pinned requirements into $(VENV) (about 5 GB with torch; several minutes on a first run) ..."
	@$(BIN)/pip install --disable-pip-version-check --quiet --no-compile -r requirements.txt
	@$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

run: setup  ## every stage of PROFILE (quick), from fetch to a champion
	@$(BIN)/kslm run --profile $(PROFILE)

check: setup lint  ## lint, types, layers, and the tests of what differs from BASE (main)
	@changed=$$($(BIN)/python tests/changed.py $(BASE)) || exit 1; \
	if [ -z "$$changed" ]; then echo "No tests of what differs from $(BASE)."; \
	else $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q $$changed; fi

test: setup lint  ## lint, types, layers, tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q

test-long: setup  ## campaigns: property tests with 2,000 examples, kills at every moment, fuzzing for FUZZ_SECONDS
	@KSLM_TESTS=long $(BIN)/python -m pytest -n 2 --dist loadfile --timeout 7200 -q
	@$(BIN)/python benchmarks/fuzz_readers.py --seconds $(FUZZ_SECONDS)

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

clean:  ## remove the environment and caches, never KSLM_HOME
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
