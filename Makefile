# Two commands: `make demo` ends with a finished report, `make test` runs every test. Neither needs a key or a network
# once the locked set is installed.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# the first interpreter that fits; `make PYTHON=/path/to/python3.12 demo` chooses another
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for p in python3 python3.12 python3.13 python3.11 python; do \
	"$$p" -c '$(FITS)' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo test up lab lint lock clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-7s %s\n", $$1, $$2}'

setup: $(READY)  ## create .venv and install the locked set

$(READY): requirements.lock pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "error: no Python 3.11, 3.12 or 3.13 found; install one or run: make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; exit 2; }
	@echo "Installing the locked set into $(VENV) with $$($(PYTHON) --version) (about 1.6 GB; some minutes the first time)"
	@started=$$SECONDS; \
	$(PYTHON) -m venv $(VENV); \
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
		--progress-bar off -r requirements.lock | awk -v all="$$(grep -c '^[A-Za-z0-9]' requirements.lock)" \
		'/^(Collecting|Ignoring)/ {printf "\r  fetched %d of %d packages", ++n, all; fflush()} \
		/^Installing/ {printf "\n  unpacking; the longest step\n"; fflush()} /rror/ {print}'; \
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .; \
	echo "Installed in $$((SECONDS - started)) s"
	@touch $@

demo: $(READY)  ## set up, fill a store, collect, and make a first monthly report (HTML and PDF)
	@$(BIN)/analytics demo

test: $(READY)  ## run every test, offline
	@$(BIN)/python -m pytest -n 2

up: $(READY)  ## start everything: database, Prefect with its UI, schedules, web app
	@$(BIN)/analytics up

lab: $(READY)  ## open JupyterLab on notebooks/ with this project's kernel
	@$(BIN)/analytics lab

lint: $(READY)  ## ruff and mypy
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

lock: $(READY)  ## resolve pyproject.toml anew into requirements.lock and environment.yml (needs uv)
	@uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --quiet --output-file requirements.lock
	@$(BIN)/python .ci/environment.py > environment.yml

clean:  ## stop the embedded database and remove everything made here
	@[ ! -x $(BIN)/analytics ] || $(BIN)/analytics db stop || true
	@rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find data output -mindepth 1 -maxdepth 1 ! -name README.md ! -name sample ! -name .gitkeep -exec rm -rf {} +
