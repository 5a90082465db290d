# Every target makes .venv itself and needs nothing but Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .peers
OUT ?= out/demo
COUNT ?= 400

.PHONY: demo test test-models lint bench weights docs clean

demo: $(VENV)/.core  ## build a RetriBooru dataset from the built-in sample mirror
	$(BIN)/build retribooru --source sample --count $(COUNT) --out $(OUT)

test: $(VENV)/.dev  ## run every test
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-models: $(VENV)/.models  ## also the tests that need torch: models, trainers
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(VENV)/.dev  ## style, types
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.dev $(PEERS)/.datasets  ## measure speed, the sample's planted truth and real drawings
	$(BIN)/python -m benchmarks --peers $(PEERS)/bin/python

weights: $(VENV)/.models  ## train the packaged light models anew (hours on a CPU)
	$(BIN)/python -m weights.data --cache .cache/bank
	$(BIN)/python -m weights.train --cache .cache/bank --run .cache/run

docs: $(VENV)/.core  ## write docs/cli.md, docs/reasons.md and docs/trainers.md anew
	$(BIN)/python -m builders.cli_docs
	$(BIN)/python -m trainers.cli_docs

clean:  ## forget the environments and what was built here
	rm -rf $(VENV) $(PEERS) out

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

$(VENV)/.models: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev,models,trainers,yolo,peers]"
	touch $@

$(PEERS)/.datasets:
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check "datasets>=5.2" imagehash msgspec onnxruntime
	touch $@
