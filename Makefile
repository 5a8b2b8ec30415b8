# What a person types. Needs Python 3.11 or later, git and make; everything else goes into .venv.
#
#   make run                 install, prepare the database, start the server     PORT=8000 HOST=127.0.0.1
#   make run MODEL=local     the same with the small local model instead of the offline one
#   make test                the test suite                                      ARGS='-k words'
#   make check               what must hold before a change is done
#
# Two stamps in .venv remember what is installed, so a second call does nothing until a lock file changes.

VENV  ?= .venv
HOST  ?= 127.0.0.1
PORT  ?= 8000
MODEL ?=
ARGS  ?=

BIN     := $(VENV)/bin
RUNTIME := $(VENV)/.installed
DEV     := $(VENV)/.installed-dev
# --no-deps: the lock names every package, so there is nothing to resolve. No keyring and no version check: no questions.
PIP     := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install install-dev run known-model test test-all browser check lint types imports migrations deploy-check javascript \
        format lock clean

help:
	@sed -n '/^#   make/s/^#   //p' Makefile
	@echo 'also: install, browser, test-all, format, lock, clean'

install: $(RUNTIME)
	@:

install-dev: $(DEV)
	@:

$(RUNTIME): requirements.lock
	@bash tools/venv.sh '$(VENV)'
	@echo 'Installing the pinned dependencies into $(VENV) ...'
	@$(PIP) install --no-deps --require-hashes -r requirements.lock
	@touch $@

$(DEV): requirements-dev.lock
	@bash tools/venv.sh '$(VENV)'
	@echo 'Installing the pinned dependencies and the development tools into $(VENV) ...'
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	@touch $(RUNTIME) $@

# MODEL is a shorthand for the model list; left empty, LLM_CONFIG_LIST or LLM_BASE_URL and its two companions decide.
run: known-model install
	@if [ -n '$(MODEL)' ]; then unset LLM_CONFIG_LIST LLM_BASE_URL LLM_API_KEY; export LLM_MODEL='$(MODEL)'; fi; \
	$(BIN)/python manage.py setup && exec $(BIN)/python manage.py serve --host '$(HOST)' --port '$(PORT)'

known-model:
	@case '$(MODEL)' in ''|local|offline) ;; *) \
	  echo 'MODEL must be offline or local; for another model set LLM_BASE_URL, LLM_API_KEY and LLM_MODEL.' >&2; exit 2 ;; esac

test: install-dev
	$(BIN)/python -m pytest $(ARGS)

browser: install-dev
	$(BIN)/python -m pytest -m browser $(ARGS)

# Once on SQLite, once on PostgreSQL and Redis; starts what is missing.
test-all: install-dev
	bash .ci/run tests

check: lint types imports migrations deploy-check javascript

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install-dev
	SECRET_KEY=types-only $(BIN)/mypy

imports: install-dev
	SECRET_KEY=imports-only $(BIN)/lint-imports

migrations: install-dev
	DEBUG=1 $(BIN)/python manage.py makemigrations --check --dry-run

# The settings of a deployment behind TLS; a key of this length and shape is what the check asks for.
deploy-check: install-dev
	@SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))') \
	ALLOWED_HOSTS=mozaiks.example ALLOWED_ORIGINS=https://mozaiks.example \
	$(BIN)/python manage.py check --deploy --fail-level WARNING

# The browser's modules need Node.js only here; a machine without it can still work on the rest.
javascript:
	@if command -v node >/dev/null; then node --test $(wildcard tests/js/*.test.js); \
	elif [ -n "$$CI" ]; then echo 'Node.js is missing: the tests in tests/js need it.' >&2; exit 1; \
	else echo 'Node.js is missing, so the tests in tests/js were not run.'; fi

format: install-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Hashes, no address: any index that serves these files will do.
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet $(ARGS)
lock: install-dev
	$(LOCK) --output-file requirements.lock
	$(LOCK) --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis
