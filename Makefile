# `make demo` and `make test` need Python 3.11+, make and git; they set up the rest in .venv/. Where there is Node.js
# they build the web dashboard, too.
# ARGS goes through: make demo ARGS=--json, make test ARGS='-k lease -x'.

.DEFAULT_GOAL := help
.PHONY: help demo test test-real test-gpu check check-python check-dashboard bench built dashboard dev-web dev lock clean
BIN := .venv/bin
READY := .venv/.ready
ARGS ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: built ## the main job on simulated GPUs and real processes (ARGS=--json for a machine)
	@$(BIN)/python -m demo.workstation $(ARGS)

test: built ## every test that this machine can run, with coverage
	@$(BIN)/python -m pytest --cov --cov-report=term:skip-covered $(ARGS)

test-real: built ## the tests on real components (systemd, an inference server, ...); none may be skipped
	@SENTINEL_REQUIRE_REAL=1 $(BIN)/python -m pytest -m real $(ARGS)

test-gpu: built ## the tests for the owner of an NVIDIA card; prints lines for docs/verified.md
	@SENTINEL_REQUIRE_GPU=1 $(BIN)/python -m pytest -m gpu -s $(ARGS)

check: $(READY) ## style, types, who may import whom, house rules; the dashboard's, where there is Node.js
	@$(MAKE) --no-print-directory -j2 --output-sync=target check-python check-dashboard

check-python:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_house_rules.py tests/test_documents.py

check-dashboard:
	@sh requirements/dashboard.sh check

bench: built ## the figures, each with its target (ARGS=--json for a machine)
	@$(BIN)/python -m bench $(ARGS)

dashboard: ## the web dashboard, built into the package; needs Node.js 20.19
	@sh requirements/dashboard.sh build
	@sh requirements/dashboard.sh promises

dev-web: ## the same while you work on it, against the controller that SENTINEL_URL names
	@sh requirements/dashboard.sh dev

dev: built ## .venv with every extra and every tool, and the dashboard

built: $(READY) # quick when there is nothing to do, and never in the way of what needs no dashboard
	@sh requirements/dashboard.sh ready

$(READY): requirements/set-up.sh requirements/dev.txt pyproject.toml
	@sh requirements/set-up.sh

lock: $(READY) ## pins requirements/dev.in and the extras anew (ARGS=--upgrade for newer versions)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-strip-extras --all-extras $(ARGS) \
		--output-file requirements/dev.txt requirements/dev.in pyproject.toml

clean: ## removes what make made, .venv included
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov build dist \
		dashboard/dist dashboard/node_modules src/sentinel/dashboard_files
