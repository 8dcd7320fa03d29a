# make run: set up, then take real sources to a promoted model.   make test: set up, then every check.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PROFILE ?= quick

.PHONY: help setup run test lint clean

help:  ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

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

test: setup lint  ## lint, types, layers, tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

clean:  ## remove the environment and caches, never KSLM_HOME
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
