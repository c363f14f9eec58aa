# Everything starts here; `make help` lists the targets. Needs nothing but Python 3.12 and git.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
export UV_COMPILE_BYTECODE := 1
# Without bytecode Ludwig imports in 20 s instead of 9.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run season ui mlflow evidently up round down wipe logs backup restore test test-quick test-whole test-full test-stack lint style types format benchmarks clean

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

season: setup ## A season of the recorded bars, lived session by session in some minutes, apart from the replay
	@$(BIN)/trading season start

ui: setup ## Dagit on http://localhost:3000 with the same assets, jobs and schedules
	@$(BIN)/trading ui

mlflow: setup ## The experiments on http://localhost:5000
	@MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(BIN)/mlflow server --workers 1 --host 127.0.0.1 --port 5000 \
	    --backend-store-uri sqlite:///.local/mlflow/mlflow.db --default-artifact-root .local/mlflow/artifacts

evidently: setup ## What Evidently measured over time, in its own pages on http://localhost:8010
	@$(BIN)/trading evidently

# The stack needs Docker, python3 and no virtual environment.
STACK := my_dagster_project/deploy
export TRADING_SECRETS_FILE ?= .env.secrets

up: ## The stack under Docker Compose: everything up, healthy and secured (first time: 10 minutes, 30 GB of disk)
	@python3 -m my_dagster_project.deploy.preflight --file $(TRADING_SECRETS_FILE)
	@python3 -m my_dagster_project.operations.secrets --file $(TRADING_SECRETS_FILE)
	@$(STACK)/compose up -d --build --wait
	@$(STACK)/addresses

round: ## On the stack: queue everything that is due for the workers, in order, and say how far it is
	@$(STACK)/compose exec -T code-server trading round

down: ## Stop the stack; what it has stored stays
	@$(STACK)/compose --profile '*' down

wipe: ## Forget everything the stack has stored; asks first and names what is lost
	@$(STACK)/wipe

logs: ## Follow the stack's logs
	@$(STACK)/compose logs --follow --tail 100

backup: ## The whole stack into one file: make backup [FILE=backups/...]
	@mkdir -p backups && $(STACK)/backup "$(or $(FILE),backups/trading-$(shell date -u +%Y%m%dT%H%M%SZ).tar)"

restore: ## Bring a backup back to an empty stack: make restore FILE=... [FORCE=--force]
	@$(STACK)/restore "$(FILE)" $(FORCE)

lint: style types ## Format check, lint, layers, declared packages and types

style: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/deptry .

types: setup
	$(BIN)/mypy

format: setup ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Side by side on all cores; a file's tests stay together, the longest files first (tests/conftest.py).
PYTEST := $(BIN)/pytest --dist loadfile --no-loadscope-reorder
# One process more than cores: a fifth of the time those of all rooms wait, for servers to start and runs to end.
ALL := -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# Types are checked beside the tests, a minute of a core that they leave idle; what is wrong with them stands at the end.
# mypy by itself: its workers gave up on a busy machine ("Failed to establish connection with worker").
WITH_TYPES = types=$$(mktemp); trap 'rm -f $$types' EXIT; $(MAKE) --no-print-directory types >$$types 2>&1 & checked=$$!; \
    $(1); tests=$$?; wait $$checked; right=$$?; cat $$types; exit $$((tests | right))

test: style ## Format, lint, types and all tests but the stack's (eight minutes on 2 cores)
	@$(call WITH_TYPES,$(PYTEST) $(ALL) -m "not full and not stack")

# The rooms of pure functions and of what needs no server; collecting the others alone takes half a minute.
QUICK := $(addprefix tests/,domain foundation teams market_data paper_broker trading test_imports.py test_graph.py)

test-quick: setup ## The quick tests of the rooms that need no server, a third of the examples drawn (a minute)
	TRADING_TESTS=quick $(PYTEST) -n auto -m "not slow and not full" $(QUICK)

test-whole: setup ## Only what the whole draw has beside `make test`: whole runs, long replays, scenarios, planted bugs (eight minutes)
	TRADING_TESTS=full $(PYTEST) $(ALL) -m "full and not stack and not drill"

WHOLE := not stack
# In one go with all that `make test` has: a draw that is the first part of a larger one is not made twice.
test-full: style ## `make test` with the whole draw: three times the examples, all scenarios, long replays, whole runs, planted bugs
	@$(call WITH_TYPES,TRADING_TESTS=full $(PYTEST) $(ALL) -m "$(WHOLE)")

test-stack: setup ## Build the stack's images, bring it all up, drive it, take it down (needs a Docker Engine; skips without one)
	$(BIN)/pytest -m stack tests/stack --timeout 1800 -rs

benchmarks: setup ## Speed and memory, as ratios against the plain alternative
	$(BIN)/python -m benchmarks

clean: ## Forget everything computed (.local); configurations and branches stay
	rm -rf .local
