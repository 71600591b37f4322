# Every target makes what it needs: the first call sets .venv up, later calls find it there.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench lock clean
BIN := .venv/bin
PYTHON ?=
WORKERS ?= auto
ARGS ?=

help: ## print this
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: ## make .venv with everything that development needs
	@PYTHON="$(PYTHON)" sh scripts/setup

demo: setup ## run the whole loop on a small bundled repository (under a minute, no key)
	@$(BIN)/swe-sleep demo $(ARGS)

test: setup ## run the tests, those that need Docker where an engine answers (ARGS="-k name")
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q $(ARGS)

lint: setup ## check style, formatting, types, and which room imports which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## put the code into the project's format
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format

bench: setup ## run one benchmark: make bench NAME=index ARGS="FOLDER"; without NAME, list them
ifdef NAME
	@$(BIN)/python -m benchmarks.$(NAME) $(ARGS)
else
	@for file in benchmarks/[a-z]*.py; do echo "$$(basename $$file .py): $$(head -1 $$file | tr -d '\"')"; done
endif

lock: setup ## renew requirements-dev.lock from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes \
	    --no-emit-index-url --no-header -o requirements-dev.lock

clean: ## remove .venv, caches and what tests left
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf .coverage dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
