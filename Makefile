# Everything starts here; `make help` lists the targets. Needs nothing but Python 3.12 and git.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
export UV_COMPILE_BYTECODE := 1
# Without bytecode Ludwig imports in 20 s instead of 9.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run ui mlflow test test-quick lint format benchmarks clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.synced ## Make .venv with everything locked in uv.lock (about 7 GB, a minute or two)

$(BIN)/uv:
	@command -v python3.12 >/dev/null && python3.12 -c '' 2>/dev/null || { echo "python3.12 was not found: install Python 3.12 (and git), then run make again."; exit 1; }
	python3.12 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv

$(VENV)/.synced: pyproject.toml uv.lock | $(BIN)/uv
	$(BIN)/uv sync --frozen
	@touch $@

run: setup ## The main job: both teams compete on real prices, from bars to a leaderboard
	@$(BIN)/trading run

ui: setup ## Dagit on http://localhost:3000 with the same assets, jobs and schedules
	@$(BIN)/trading ui

mlflow: setup ## The experiments on http://localhost:5000
	@MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(BIN)/mlflow server --workers 1 --host 127.0.0.1 --port 5000 \
	    --backend-store-uri sqlite:///.local/mlflow/mlflow.db --default-artifact-root .local/mlflow/artifacts

lint: setup ## Format check, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: lint ## Lint, types and all tests (about 20 minutes on 2 cores)
	$(BIN)/pytest

test-quick: setup ## Only the tests that take seconds
	$(BIN)/pytest -m "not slow"

benchmarks: setup ## Speed and memory, as ratios against the plain alternative
	$(BIN)/python -m benchmarks

clean: ## Forget everything computed (.local); configurations and branches stay
	rm -rf .local
