# One page of commands. `make help` lists them. Works from any folder name; nothing here needs root.
# PYTHON=/path/to/python3.12 chooses the Python of .venv.
SHELL := /bin/sh
PY := .venv/bin/python
TESTS ?= tests
# One more than there are processors: every test that looks at real processes waits for a part of its time.
JOBS ?= $$(( $$(getconf _NPROCESSORS_ONLN) + 1 ))
EXIT ?=
IMAGE ?= segue:latest
BASE ?=
export PYTHON EXIT

.DEFAULT_GOAL := help
.PHONY: help ui ui-if-possible image screens setup demo test campaign bench lint format lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with everything the locks name
	@python=$$(tools/find-python) && "$$python" tools/setup.py

ui: ## build the admin into src/segue/web/static (needs Node 20)
	@python=$$(tools/find-python) && "$$python" tools/build_ui.py

image: setup ui ## build the image of containers (docker or podman); IMAGE=name:tag, BASE=image with Python
	@$$(command -v docker || command -v podman) build --file containers/Dockerfile --tag $(IMAGE) $(if $(BASE),--build-arg BASE=$(BASE)) .

screens: setup ui ## pictures of every page of the admin in docs/screens
	@$(PY) -m tests.ui.screens

demo: setup ## real records through a drawn process; EXIT=1 ends by itself
	@$(PY) tools/build_ui.py --if-possible
	@demo/run

ui-if-possible: # where Node is
	@python=$$(tools/find-python) && "$$python" tools/build_ui.py --if-possible

# Compiled modules are kept even where the environment says not to: hundreds of processes are started that need them.
test: ## linters, types, layers, then all tests
	@$(MAKE) --no-print-directory --jobs=2 lint ui-if-possible
	@env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest -n $(JOBS) --dist worksteal $(TESTS)

campaign: setup ## the long crash, switch and fault campaigns
	@campaign/run

bench: setup ## the benches: one JSON object a line
	@bench/run

lint: setup ## ruff, mypy --strict, import-linter
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports

format: setup ## let ruff put the source in order
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

lock: setup ## make requirements/*.txt anew; UPGRADE=1 for the newest versions
	@tools/lock

clean: ## remove .venv and all caches
	@rm -rf .venv .setup-lock .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
	@find . -name __pycache__ -type d -not -path './ui/node_modules/*' -prune -exec rm -rf {} +
