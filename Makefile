# Every target sets up what it needs; `make` alone shows them all.
PYTHON ?= python3
DATASET ?= digits
SCALE ?= desk
PIP_OPTIONS ?=
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup demo data test lint format runs results papers figures claims explore teach notebooks status compare bench clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: .venv/installed  ## make .venv with the study and all that it needs

# To repeat an environment that was tested: make setup PIP_OPTIONS="-c constraints.txt"
.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
		{ echo "error: $(PYTHON) is not Python 3.10 to 3.13; name one as make PYTHON=python3.12." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) -e '.[dev]'
	@touch $@

demo: setup  ## compare every activation on handwritten digits, without a download
	$(RUN) experiments/compare.py +experiment=demo

data: setup  ## download MNIST and CIFAR-10 into data/, or check what is there
	$(RUN) experiments/data.py

test: setup  ## run the test suite
	$(RUN) -m pytest -n auto

lint: setup  ## check style and types
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

format: setup  ## put the code in style
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

runs: setup  ## unpack the runs behind the committed results into results/runs
	$(RUN) -m activation_study.commands.unpack

# The presets whose results are here; nothing is trained for them.
EXPERIMENTS ?= $(filter $(notdir $(basename $(wildcard conf/experiment/*.yaml))),\
	$(patsubst results/%/summary.md,%,$(wildcard results/*/summary.md)))

results: setup  ## make the tables and figures of results/EXPERIMENT again from the runs behind them, without training
	$(RUN) experiments/figures.py figure=functions out=results
	@status=0; for name in $(EXPERIMENTS); do \
		echo "$$name:"; $(RUN) experiments/compare.py +experiment=$$name missing=refuse || status=1; \
	done; $(RUN) -m activation_study.commands.results && exit $$status

papers: setup  ## make every item of the papers: make papers SCALE=smoke
	$(RUN) experiments/reproduce.py item=all scale=$(SCALE)

figures: setup  ## draw the figures of all runs into results/figures
	$(RUN) experiments/figures.py

claims: setup  ## judge what the article and the papers claim by the runs
	$(RUN) experiments/claims.py

explore: setup  ## make the explorer, one page in which the runs can be looked at: results/explorer.html
	$(RUN) experiments/explore.py

teach: setup  ## open notebook 2, on vanishing gradients, in JupyterLab
	$(RUN) -m jupyter lab notebooks/02_vanishing_gradients.ipynb

notebooks: setup  ## execute the notebooks in place
	$(RUN) notebooks/execute.py

status: setup  ## tell how the runs stand
	$(RUN) experiments/status.py

compare: setup  ## compare the activations on a data set: make compare DATASET=mnist
	$(RUN) experiments/compare.py dataset=$(DATASET)

bench: setup  ## measure speed: throughput, cost of watching, convolutions, start, analysis, growth, company, the explorer
	$(RUN) benchmarks/run.py

clean:  ## remove caches; runs, data and .venv stay
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info src/*.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
