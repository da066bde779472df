# Two commands matter to a newcomer: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
export UV_COMPILE_BYTECODE = 1
# Set on some machines; everything starts at half speed without bytecode.
unexport PYTHONDONTWRITEBYTECODE
unexport VIRTUAL_ENV

VENV := .venv
BIN := $(VENV)/bin
FLOWLOCK := $(BIN)/flowlock --profile embedded

.PHONY: demo test test-parts storm lint golden bench dev clean
.DEFAULT_GOAL := demo

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv

# An editable environment with every tool of the project; quick when nothing changed.
dev: $(BIN)/uv
	@$(BIN)/uv sync --quiet --all-packages --inexact --python $(BIN)/python
	@$(BIN)/python -m compileall -q src

demo: dev
	@$(FLOWLOCK) demo

test: dev
	$(BIN)/python -m pytest -n auto

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

golden: dev
	$(BIN)/python -m pytest -n auto tests/golden tests/unit --refresh-golden

bench: dev
	$(BIN)/python -m bench

clean:
	rm -rf .flowlock $(VENV)
