# One environment for everything: every target sets up .venv first if it has to.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DOCS   := $(VENV)/.installed-docs
# A second environment that sees the first: triton in the first would change what torch offers.
KERNELS       := .venv-kernels
KERNELS_STAMP := $(KERNELS)/.installed
# Two cores: two test processes of one thread each are faster than two threads in each matrix product.
WORKERS ?= 2

.PHONY: help setup demo test test-kernels lint format figures figures-data docs clean

help:
	@echo 'make demo     boundary profiles at splice sites, from the embedded checkpoint and region'
	@echo 'make test     the tests'
	@echo 'make test-kernels  the CUDA kernels, by an interpreter on the CPU'
	@echo 'make lint     ruff, mypy and the directions of the imports'
	@echo 'make format   let ruff rewrite the code'
	@echo 'make figures  the figures that the README shows, into figures/'
	@echo 'make figures-data DATA=...  the figures of promoters and chr20, from human sequence in a folder'
	@echo 'make docs     the documentation, into site/'
	@echo 'make clean    remove .venv and what the tools cached'

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "ldar-interp: Python " + sys.version.split()[0] + " found, 3.11 or newer wanted; run make PYTHON=/path/to/python3.11")'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(DOCS): $(STAMP)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	@touch $@

demo: $(STAMP)
	$(BIN)/python -m ldar_interp.splice_profile --force

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

# Both variables are needed for a wheel without compiled parts, which the kernels do without.
$(KERNELS_STAMP): $(STAMP) constraints-kernels.txt
	test -x $(KERNELS)/bin/pip || $(PYTHON) -m venv $(KERNELS)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
	    "$$($(KERNELS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/first.pth"
	$(KERNELS)/bin/pip install --quiet --constraint constraints-kernels.txt einops triton wheel
	MAMBA_SKIP_CUDA_BUILD=TRUE MAMBA_FORCE_BUILD=TRUE $(KERNELS)/bin/pip install --quiet --no-deps \
	    --no-build-isolation --constraint constraints-kernels.txt mamba-ssm
	@touch $@

test-kernels: $(KERNELS_STAMP)
	OMP_NUM_THREADS=1 $(KERNELS)/bin/python -m pytest tests/model/test_cuda_scan.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

figures: $(STAMP)
	$(BIN)/python -m analyses.splice_profile.run --force
	$(BIN)/python -m analyses.checkpoint.draw_curve --out figures/checkpoint
	$(BIN)/python -m analyses.splice_controls.run --force
	$(BIN)/python -m analyses.tokenizer_integrity.run --force
	$(BIN)/python -m analyses.chunk_lengths.run --force
	$(BIN)/python -m analyses.mutagenesis.run --force
	$(BIN)/python -m analyses.ratio_loss.run --force
	$(BIN)/python -m analyses.compression.run --force
	$(BIN)/python -m analyses.routing.run --force
	$(BIN)/python -m analyses.training_dynamics.run --force
	$(BIN)/python -m analyses.matched_flops.run --force
	$(BIN)/python -m analyses.downstream.run --force

# Sequence that is not in the repository: make figures-data DATA=/folder/of/the/files
figures-data: $(STAMP)
	@test -n "$(DATA)" || { echo 'make figures-data: no DATA given; wanted make figures-data DATA=/folder/of/the/files (docs/figures.md)'; exit 2; }
	$(BIN)/python -m analyses.promoter_profile.run --data "$(DATA)" --force
	$(BIN)/python -m analyses.splice_chr20.run --data "$(DATA)" --force

docs: $(DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) $(KERNELS) site .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
