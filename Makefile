# Every target makes .venv itself and needs nothing but Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out/demo
COUNT ?= 400

.PHONY: demo test test-models lint bench weights docs clean

demo: $(VENV)/.core  ## build a RetriBooru dataset from the built-in sample mirror
	$(BIN)/build retribooru --source sample --count $(COUNT) --out $(OUT)

test: $(VENV)/.dev  ## run every test
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-models: $(VENV)/.models  ## also the tests that need torch, transformers, ultralytics
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(VENV)/.dev  ## style, types
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.dev  ## measure speed, the sample's planted truth and real drawings
	$(BIN)/python -m benchmarks

weights: $(VENV)/.models  ## train the packaged light models anew (hours on a CPU)
	$(BIN)/python -m weights.data --cache .cache/bank
	$(BIN)/python -m weights.train --cache .cache/bank --run .cache/run

docs: $(VENV)/.core  ## write docs/cli.md anew
	$(BIN)/python -m builders.cli_docs

clean:  ## forget .venv and what was built here
	rm -rf $(VENV) out

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

$(VENV)/.models: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev,models,yolo]"
	touch $@
