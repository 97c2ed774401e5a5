# StoicNet. `make help` lists what can be made.
# The first interpreter that will do. Each is run, not looked up: a pyenv shim is found even where its
# version is not installed, and Debian's python3 may lack venv.
PYTHON ?= $(or $(shell for python in python3.11 python3.12 python3.13 python3; do \
	"$$python" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		2>/dev/null && echo "$$python" && break; done),$(error Python 3.11, 3.12 or 3.13 with venv \
	is needed, and none of python3.11, python3.12, python3.13 and python3 is one: \
	install one, or name one with PYTHON=...))
PORT ?= 8000
HOST ?= 127.0.0.1
# Extra flags for every pip install. PyTorch from its CPU index is a fifth of the download:
#   make test PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"
PIP_FLAGS ?=

VENV := .venv
DEV_VENV := .venv-dev
LOWEST_VENV := .venv-lowest
EVAL_VENV := .venv-eval
# Which build of ONNX Runtime `make serve` installs. default: the one with CUDA, for the CUDA
# libraries of the system. cpu: the small one. gpu: the CUDA and cuDNN libraries as wheels as well.
# Left out, what the environment was made with stays.
MADE_WITH := $(patsubst $(VENV)/.locked-%,%,$(wildcard $(VENV)/.locked-*))
RUNTIME ?= $(or $(MADE_WITH),default)
ifeq ($(filter default cpu gpu,$(RUNTIME)),)
$(error RUNTIME is default, cpu or gpu, not "$(RUNTIME)")
endif
# A stamp is written last, so that an environment whose installation was cut off does not look ready.
SERVE_LOCKED := $(VENV)/.locked-$(RUNTIME)
SERVE_READY := $(VENV)/.installed
DEV_LOCKED := $(DEV_VENV)/.locked
DEV_READY := $(DEV_VENV)/.installed
LOWEST_LOCKED := $(LOWEST_VENV)/.locked
LOWEST_READY := $(LOWEST_VENV)/.installed
EVAL_READY := $(EVAL_VENV)/.installed
MODEL ?= photo
DEV := $(DEV_VENV)/bin

.DEFAULT_GOAL := help
.PHONY: fuzz evaluate evaluate-check help serve gpu sample test lint format typecheck unit test-fast hooks clean test-browser browser-tools screenshots \
	lock sbom test-lowest dist

help: ## say what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | \
		awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

# pip compiles what it installs: where Python may not keep what it compiles, every process of Ray
# would compile its modules again and come up too late.
PIP_INSTALL = bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS)
LOCKS := deploy/locks

# $(call fresh,VENV): an empty environment. The stamps go first: clearing can be cut off as well.
fresh = rm -f $(1)/.locked* $(1)/.installed && $(PYTHON) -m venv --clear $(1)
# $(call locked,VENV,FILES): exactly what the locks name, by hash, and nothing built from source.
locked = $(1)/$(PIP_INSTALL) --require-hashes --no-deps --only-binary :all: $(2:%=-r %)
# $(call project,VENV): this checkout, built by the locked Hatchling.
project = $(1)/$(PIP_INSTALL) --no-deps --no-build-isolation --editable .

$(SERVE_LOCKED): $(LOCKS)/$(RUNTIME).txt $(LOCKS)/build.txt
	$(call fresh,$(VENV))
	$(call locked,$(VENV),$^)
	@touch $@

$(SERVE_READY): $(SERVE_LOCKED) pyproject.toml
	$(call project,$(VENV))
	@touch $@

$(DEV_LOCKED): $(LOCKS)/dev.txt $(LOCKS)/torch.txt
	$(call fresh,$(DEV_VENV))
	$(call locked,$(DEV_VENV),$<)
	$(DEV_VENV)/$(PIP_INSTALL) -r $(LOCKS)/torch.txt
	@touch $@

$(DEV_READY): $(DEV_LOCKED) pyproject.toml
	$(call project,$(DEV_VENV))
	@touch $@

$(LOWEST_LOCKED): $(LOCKS)/lowest.txt $(LOCKS)/torch.txt
	$(call fresh,$(LOWEST_VENV))
	$(call locked,$(LOWEST_VENV),$<)
	$(LOWEST_VENV)/$(PIP_INSTALL) -r $(LOCKS)/torch.txt
	@touch $@

# Old releases have no wheels for newer Pythons.
$(LOWEST_LOCKED): PYTHON := python3.11
$(LOWEST_READY): $(LOWEST_LOCKED) pyproject.toml
	$(call project,$(LOWEST_VENV))
	@touch $@

# MediaPipe and dlib, apart from training; every package is pinned, hence --no-deps.
$(EVAL_READY): model_training/evaluation/requirements.txt
	$(call fresh,$(EVAL_VENV))
	$(EVAL_VENV)/$(PIP_INSTALL) --no-deps -r $<
	@touch $@

serve: $(SERVE_READY) ## install what serving needs into .venv (RUNTIME=cpu: without CUDA) and serve on PORT (8000)
	$(VENV)/bin/stoicnet serve --host $(HOST) --port $(PORT)

gpu: ## make .venv with the CUDA and cuDNN libraries (NVIDIA driver needed)
	@$(MAKE) --no-print-directory RUNTIME=gpu $(SERVE_READY)

test: $(DEV_READY) lint typecheck unit ## install the tools into .venv-dev; lint, type-check, test

lint: $(DEV_READY) ## ruff: rules and formatting; what may import what
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
	$(DEV)/lint-imports --no-cache

typecheck: $(DEV_READY) ## mypy --strict on the service, the training and the benchmarks
	$(DEV)/mypy --strict app model_training stoicnet hatch_build.py integrations benchmarks

# As many processes as this one may use cores, four at most: each of them loads PyTorch. The tests of
# one file stay together, so that what they share is made once (tests/conftest.py).
TEST_PROCESSES ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 4 ] && n=4; echo $$n)
PYTEST = $(DEV)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadgroup --no-loadscope-reorder

unit: $(DEV_READY) ## pytest alone (ARGS="tests/app -k decode" chooses)
	$(PYTEST) $(ARGS)

test-fast: $(DEV_READY) ## the tests that take no more than about a second each, for the edit loop
	$(PYTEST) -m "not slow" $(ARGS)

# Old releases warn of what newer ones have mended, hence -W.
test-lowest: $(LOWEST_READY) ## the fast tests with the lowest versions that pyproject.toml allows
	$(LOWEST_VENV)/bin/python -m pytest -m "not slow" -W default tests/app tests/model_training $(ARGS)

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

LOCK = $(DEV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	$(UPGRADE) --output-file $(LOCKS)/$(1).txt
# PyTorch is pinned in torch.txt, without what only its CUDA build needs.
WITHOUT_TORCH := --constraints $(LOCKS)/held.in --extra train --extra dev --overrides $(LOCKS)/torch-overrides.in \
	--no-emit-package torch pyproject.toml $(LOCKS)/build.in
# Everything else takes the versions of dev.txt: what is served is what was tested.
AS_TESTED := --constraints $(LOCKS)/dev.txt
# Some releases come without a wheel for some machine, and uv locks them all the same: the last step of
# `lock` fails then, and held.in is where to pass such a release over.
PLATFORMS := x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin
lock: $(DEV_READY) ## pin every environment and image (UPGRADE=--upgrade takes newer versions)
	$(call LOCK,dev) $(WITHOUT_TORCH)
	$(call LOCK,build) $(AS_TESTED) $(LOCKS)/build.in
	$(call LOCK,sbom) $(LOCKS)/sbom.in
	$(call LOCK,default) $(AS_TESTED) pyproject.toml
	$(call LOCK,cpu) $(AS_TESTED) --overrides $(LOCKS)/cpu-overrides.in pyproject.toml $(LOCKS)/cpu.in
	$(call LOCK,gpu) $(AS_TESTED) --extra gpu pyproject.toml
	$(call LOCK,lowest) --resolution lowest-direct --constraints $(LOCKS)/lowest.in $(WITHOUT_TORCH)
	set -e; for platform in $(PLATFORMS); do for python in 3.11 3.12 3.13; do \
		MACOSX_DEPLOYMENT_TARGET=14.0 $(DEV)/uv pip compile --quiet --no-deps --only-binary :all: \
			--python-version $$python --python-platform $$platform $(LOCKS)/dev.txt -o /dev/null; \
	done; done

sbom: $(DEV_READY) ## install the CPU image's lock into .venv-sbom; write its SBOM and licence list
	$(call fresh,.venv-sbom)
	$(call locked,.venv-sbom,$(LOCKS)/cpu.txt)
	.venv-sbom/bin/python -m pip uninstall --quiet --yes pip setuptools
	$(call fresh,.venv-cyclonedx)
	$(call locked,.venv-cyclonedx,$(LOCKS)/sbom.txt)
	.venv-cyclonedx/bin/cyclonedx-py environment --output-reproducible --output-format JSON \
		--output-file deploy/sbom.cdx.json .venv-sbom/bin/python
	$(DEV)/python -m deploy.licences
	rm -rf .venv-sbom .venv-cyclonedx

# The last step in an environment of its own: twine pins libraries that nothing else here needs.
dist: $(DEV_READY) ## build wheel and source distribution into dist/, and check them as PyPI would
	rm -rf dist
	$(DEV)/python -m hatchling build
	$(call fresh,.venv-twine)
	.venv-twine/$(PIP_INSTALL) twine==6.2.0
	.venv-twine/bin/python -m twine check --strict dist/*
	rm -rf .venv-twine

clean: ## remove environments and caches
	rm -rf $(VENV) $(DEV_VENV) $(LOWEST_VENV) $(EVAL_VENV) .venv-twine .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
