# Everything that a reader or a writer runs. Needs python3 (3.11 or newer) and make, nothing else.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ltcbook-ready
PORT ?= 8000
# for the tests of the kernels for a GPU, which need none: the version that the lock's torch would bring with CUDA
TRITON := triton==3.7.1; sys_platform == 'linux' and platform_machine == 'x86_64'
# TORCH=cpu takes PyTorch without a GPU's libraries: uv knows where it lies
TORCH ?=
INSTALL := $(if $(TORCH),UV_TORCH_BACKEND=$(TORCH) $(VENV)/bin/uv pip install --python $(RUN),$(RUN) -m pip install --disable-pip-version-check)
VERSIONS ?= lowest-direct
OTHER := _build/$(VERSIONS)

# an option of a command for a variable that was given, be it empty
given = $(if $(filter undefined,$(origin $(1))),,$(2)="$($(1))")

.PHONY: help book course serve publish notebooks pdf tex test colab floors format coverage bench address strip clean distclean
.DEFAULT_GOAL := help

help: ## show this list
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-12s %s\n", $$1, $$2}'

book: $(READY) ## render the book and print its address (SOLUTIONS=no: for a class, without solutions, in _build/class)
	@$(RUN) -m $(if $(filter no,$(SOLUTIONS)),ltcbook.course site,ltcbook.site build)

course: $(READY) ## make homework: make course CHAPTERS="ltc rnn" TO=FOLDER FORMAT=otter (or nbgrader, plain; ARGS=--exercises-only)
	@$(RUN) -m ltcbook.course release $(CHAPTERS) --to "$(TO)" $(call given,FORMAT,--format) $(ARGS)

serve: $(READY) ## render the book and serve it on this machine (PORT=8000)
	@$(RUN) -m ltcbook.site serve --port $(PORT)

publish: $(READY) ## render the book for any web server: make publish TO=FOLDER SITE=https://OWNER.github.io/REPO
	@$(RUN) -m ltcbook.site publish "$(TO)" $(call given,SITE,--site)

notebooks: $(READY) ## push the chapters, pinned to their commit, to the branch that Colab opens (LTCBOOK_BRANCH=notebooks)
	@$(RUN) -m ltcbook.site notebooks

pdf: tex $(READY) ## print the book as one PDF (needs XeLaTeX, a few hundred MB)
	@$(RUN) -m ltcbook.site pdf

tex:
	@$(PYTHON) ltcbook/site/tex.py

test: book ## set up everything, a browser included, and pass all tests (ARGS="-k layers" picks some)
	@$(RUN) tests/browser.py
	@$(RUN) -m pip install --quiet --disable-pip-version-check "$(TRITON)"
	@$(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

floors: ## pass the package's tests on the oldest versions that pyproject.toml allows (VERSIONS=highest: on the newest)
	@$(PYTHON) -m venv $(OTHER)
	@$(OTHER)/bin/python -m pip install --quiet --disable-pip-version-check uv
	@$(OTHER)/bin/uv pip install --quiet --python $(OTHER) --upgrade --resolution $(VERSIONS) --all-extras -r pyproject.toml
	@$(OTHER)/bin/uv pip install --quiet --python $(OTHER) --group test
	@$(OTHER)/bin/uv pip install --quiet --python $(OTHER) --no-deps --editable .
	@$(OTHER)/bin/uv pip list --quiet --python $(OTHER)
	@$(OTHER)/bin/python -m pytest --package -n 2 --dist loadfile $(ARGS)

colab: $(READY) ## run all chapters with what Google Colab has: its Python, its packages (3 GB; ARGS="ltc rnn" picks some)
	@$(RUN) tests/colab.py $(ARGS)

format: $(READY) ## format all Python, mend what ruff can mend
	@$(RUN) -m ruff check --fix . && $(RUN) -m ruff format .

coverage: book ## run the tests and list the lines that none of them has run (ARGS="-k models": of some)
	@$(RUN) tests/browser.py
	@$(RUN) -m pip install --quiet --disable-pip-version-check "$(TRITON)"
	@$(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term-missing:skip-covered $(ARGS)

bench: $(READY) ## time everything beside its peers, twenty minutes, and write benchmarks/results.json (ARGS=--quick: two to three minutes; ARGS=--peers: JAX)
	@$(RUN) -m benchmarks $(ARGS)

address: $(READY) ## write the repository's address: make address URL=https://github.com/OWNER/REPO BRANCH=main (URL= clears it)
	@$(RUN) -m ltcbook.site address $(call given,URL,--url) $(call given,BRANCH,--branch) $(call given,REVISION,--revision) $(call given,SITE,--site)

strip: $(READY) ## take outputs out of the chapters, keeping the cells' ids
	@$(RUN) -m ltcbook.site strip

clean: ## remove what was rendered (the environment stays)
	rm -rf _build build *.egg-info .pytest_cache .hypothesis

distclean: clean ## remove the environment too
	rm -rf $(VENV)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "ltcbook needs Python 3.11 or newer; this is `$(PYTHON) --version`. Try: make book PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "`id -u`" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "python3-venv is missing: installing Debian's package"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; \
	  else \
	    echo "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; \
	  fi; }
	@test -x $(RUN) || { echo "making $(VENV) with `$(PYTHON) --version`"; $(PYTHON) -m venv $(VENV); }
	@echo "installing the pinned requirements into $(VENV)"
	@test -z "$(TORCH)" || $(RUN) -m pip install --quiet --disable-pip-version-check uv
	@$(INSTALL) --quiet -r requirements.lock
	@$(INSTALL) --quiet --no-deps --no-build-isolation --editable .
	@touch $@
