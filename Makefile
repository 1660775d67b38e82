# Python 3.11 or newer and make are enough: the rest is made here, in .venv and var/.
# PYTHON=... names another interpreter, ARGS=... goes to the command (make demo ARGS=--no-serve).

PYTHON ?=
ARGS ?=
UV ?= uv
IN := .venv/bin
RUN := $(IN)/python
READY := .venv/ready
RESOLVE := --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links
WORDS := locale/zh_Hans/LC_MESSAGES/django
export PYTHON

# An environment that was made elsewhere is not ready here: its commands point to where it was.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
$(shell rm -f $(READY))
endif

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test lint lint-style lint-types lint-house lint-docker bench screenshots soak \
	messages css lock clean
.DELETE_ON_ERROR:

help: ## this list
	@echo "make ...      ARGS=... goes to the command, PYTHON=... names another Python"
	@sed -n 's/^\([a-z-]*\):.*## /  \1|/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

$(READY): requirements.lock scripts/environment
	@./scripts/environment

$(WORDS).mo: $(WORDS).po $(READY)
	@$(RUN) -m scripts.messages compile

demo: $(WORDS).mo ## the whole way on a made-up university, then its pages (ARGS=--no-serve: ends before the pages)
	@$(RUN) manage.py demo $(ARGS)

demo-reset: $(WORDS).mo ## throw away what the demo keeps, and begin anew
	@$(RUN) -m scripts.reset && $(RUN) manage.py demo $(ARGS)

test: lint $(WORDS).mo ## lint, then all tests, those in a browser included (ARGS: for pytest)
	@$(RUN) -m scripts.test $(ARGS)

lint: $(WORDS).mo ## what needs no test: style, types, contracts, migrations, translations
	@$(MAKE) --no-print-directory -j 2 lint-types lint-house lint-style lint-docker
	@echo "lint: all well"

lint-style: $(READY)
	@$(IN)/ruff check -q
	@$(IN)/ruff format -q --check || { echo "Not formatted: $(IN)/ruff format"; exit 1; }
	@$(IN)/djlint --quiet --lint templates demo/templates
	@$(IN)/djlint --quiet --check templates demo/templates || { echo "Not formatted: $(IN)/djlint --reformat"; exit 1; }

lint-types: $(READY)
	@$(IN)/mypy

lint-house: $(WORDS).mo
	@said=$$($(IN)/lint-imports --no-logo 2>&1) || { echo "$$said"; exit 1; }
	@$(RUN) manage.py makemigrations --check --dry-run
	@$(RUN) -m scripts.messages check

lint-docker: $(READY)
	@$(IN)/check-jsonschema -q --builtin-schema vendor.compose-spec docker/compose.yaml
	@$(IN)/hadolint docker/Dockerfile

bench: $(WORDS).mo ## requests, points, conditions and rows a second
	@$(RUN) -m benchmarks $(ARGS)

screenshots: $(WORDS).mo ## a picture of every page, wide and narrow, in both languages
	@BROWSER_PATH="$$($(RUN) -m scripts.browser)" $(RUN) -m demo.screenshots $(ARGS)

soak: $(WORDS).mo ## hours: collecting under kills and faults, damaged rulebooks, made-up expressions
	@$(RUN) -m benchmarks.soak $(ARGS)

messages: $(READY) ## bring the translations in line with the sources
	@$(RUN) -m scripts.messages update
	@$(RUN) -m scripts.messages compile

css: ## build static/css/yuanfen.css anew (needs Node)
	@npm ci --silent && npm run --silent build

lock: ## resolve pyproject.toml anew into the lock files (needs uv; ARGS=--upgrade for newer versions)
	@$(UV) pip compile -q pyproject.toml --group dev -o requirements.lock $(ARGS) $(RESOLVE)
	@$(UV) pip compile -q pyproject.toml -c requirements.lock -o requirements-runtime.lock $(ARGS) $(RESOLVE)

clean: ## remove what was made, but for var/ (make demo-reset) and node_modules/
	@rm -rf .venv .venv.log .*_cache .hypothesis build htmlcov
	@find . -name node_modules -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
