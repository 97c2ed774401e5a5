# StoicNet. `make help` lists what can be made.
PYTHON ?= python3.11
PORT ?= 8000
HOST ?= 127.0.0.1
# Extra flags for every pip install. PyTorch from its CPU index is a fifth of the download:
#   make test PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"
PIP_FLAGS ?=

VENV := .venv
DEV_VENV := .venv-dev
SERVE_READY := $(VENV)/.installed
DEV_READY := $(DEV_VENV)/.installed
EVAL_VENV := .venv-eval
EVAL_READY := $(EVAL_VENV)/.installed
MODEL ?= photo
DEV := $(DEV_VENV)/bin

.DEFAULT_GOAL := help
.PHONY: fuzz evaluate evaluate-check help serve gpu sample test lint format typecheck unit test-fast hooks clean test-browser browser-tools screenshots \
	lock sbom

help: ## say what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | \
		awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

$(SERVE_READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -e .
	@touch $@

# MediaPipe and dlib, apart from training; every package is pinned, hence --no-deps.
$(EVAL_READY): model_training/evaluation/requirements.txt
	$(PYTHON) -m venv $(EVAL_VENV)
	$(EVAL_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) \
		--no-deps -r $<
	@touch $@

$(DEV_READY): pyproject.toml
	$(PYTHON) -m venv $(DEV_VENV)
	$(DEV)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -e ".[train,dev]"
	@touch $@

serve: $(SERVE_READY) ## install what serving needs into .venv and serve on PORT (8000)
	$(VENV)/bin/stoicnet serve --host $(HOST) --port $(PORT)

gpu: $(SERVE_READY) ## add the CUDA and cuDNN libraries to .venv (NVIDIA driver needed)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -e ".[gpu]"

test: $(DEV_READY) lint typecheck unit ## install the tools into .venv-dev; lint, type-check, test

lint: $(DEV_READY) ## ruff: rules and formatting
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .

typecheck: $(DEV_READY) ## mypy --strict on the service
	$(DEV)/mypy --strict app

# As many processes as this one may use cores, four at most: each of them loads PyTorch. The tests of
# one file stay together, so that what they share is made once.
TEST_PROCESSES ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 4 ] && n=4; echo $$n)
PYTEST = $(DEV)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

unit: $(DEV_READY) ## pytest alone (ARGS="tests/app -k decode" chooses)
	$(PYTEST) $(ARGS)

test-fast: $(DEV_READY) ## the tests that take no more than about a second each, for the edit loop
	$(PYTEST) -m "not slow" $(ARGS)

fuzz: $(DEV_READY) ## FUZZ_EXAMPLES (2000) requests and broken photographs for the service
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),2000) $(DEV)/python -m pytest tests/app/test_fuzz.py \
		tests/app/imaging

format: $(DEV_READY) ## let ruff fix and format the code
	$(DEV)/ruff check --fix .
	$(DEV)/ruff format .

hooks: $(DEV_READY) ## run ruff and mypy before each commit
	$(DEV)/pre-commit install

evaluate: $(EVAL_READY) ## measure MODEL ("photo classic": both) on DATA (a folder): tables, report, JSON
	$(EVAL_VENV)/bin/python -m model_training evaluate $(MODEL:%=--model %) --data $(DATA) $(ARGS)

evaluate-check: $(EVAL_READY) ## check the controls on real pictures (LONDON=folder)
	$(EVAL_VENV)/bin/python -m model_training evaluate-check --london $(LONDON) $(ARGS)

browser-tools: ## install Chromium where it is missing (Debian, Ubuntu)
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || { \
		root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$root apt-get update && \
		$$root apt-get install --yes --no-install-recommends chromium chromium-driver; }

test-browser: $(DEV_READY) browser-tools ## install Chromium (Debian, Ubuntu) and test the page in it
	$(DEV)/python -m pytest tests/web $(ARGS)

screenshots: $(DEV_READY) browser-tools ## take the pictures of the page in docs/images
	$(DEV)/python -m tests.web.screenshots

LOCK := $(DEV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
lock: $(DEV_READY) ## pin what the images install (UPGRADE=--upgrade takes newer versions)
	$(LOCK) $(UPGRADE) --overrides deploy/locks/cpu-overrides.in pyproject.toml \
		deploy/locks/cpu.in --output-file deploy/locks/cpu.txt
	$(LOCK) $(UPGRADE) --extra gpu pyproject.toml --output-file deploy/locks/gpu.txt

sbom: $(DEV_READY) ## install the CPU image's lock into .venv-sbom; write its SBOM and licence list
	$(PYTHON) -m venv --clear .venv-sbom
	.venv-sbom/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--no-deps -r deploy/locks/cpu.txt
	.venv-sbom/bin/python -m pip uninstall --quiet --yes pip setuptools
	$(DEV)/cyclonedx-py environment --output-reproducible --output-format JSON \
		--output-file deploy/sbom.cdx.json .venv-sbom/bin/python
	$(DEV)/python -m deploy.licences
	rm -rf .venv-sbom

clean: ## remove environments and caches
	rm -rf $(VENV) $(DEV_VENV) $(EVAL_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
