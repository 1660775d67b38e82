# Needs only Python 3.11 or newer and make. Everything else is installed into .venv and var/.
# PYTHON=... names another interpreter, ARGS=... is passed to the command (make demo ARGS=--no-serve).

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

# An environment that was made in another folder does not work here, because its commands contain the old path.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
$(shell rm -f $(READY))
endif

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test lint lint-style lint-types lint-house lint-docker bench screenshots soak \
	messages css lock clean
.DELETE_ON_ERROR:

help: ## show this list
	@echo "make ...      ARGS=... is passed to the command, PYTHON=... names another Python"
	@sed -n 's/^\([a-z-]*\):.*## /  \1|/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

$(READY): requirements.lock scripts/environment
	@./scripts/environment

$(WORDS).mo: $(WORDS).po $(READY)
	@$(RUN) -m scripts.messages compile

demo: $(WORDS).mo ## run the whole process for a made-up university, then serve its pages (ARGS=--no-serve: without the pages)
	@$(RUN) manage.py demo $(ARGS)

demo-reset: $(WORDS).mo ## delete the demo's data and start the demo again
	@$(RUN) -m scripts.reset && $(RUN) manage.py demo $(ARGS)

test: lint $(WORDS).mo ## run lint, then all tests, with those in a browser (ARGS: for pytest)
	@$(RUN) -m scripts.test $(ARGS)

lint: $(WORDS).mo ## check style, types, import contracts, migrations, translations and docker files
	@$(MAKE) --no-print-directory -j 2 lint-types lint-house lint-style lint-docker
	@echo "lint: no faults"

lint-style: $(READY)
	@$(IN)/ruff check -q
	@$(IN)/ruff format -q --check || { echo "Not formatted: $(IN)/ruff format"; exit 1; }
	@$(IN)/djlint --quiet --lint templates demo/templates
	@$(IN)/djlint --quiet --check templates demo/templates || { echo "Not formatted: $(IN)/djlint --reformat"; exit 1; }

lint-types: $(READY)
	@$(IN)/mypy

lint-house: $(WORDS).mo
	@output=$$($(IN)/lint-imports --no-logo 2>&1) || { echo "$$output"; exit 1; }
	@$(RUN) manage.py makemigrations --check --dry-run
	@$(RUN) -m scripts.messages check

lint-docker: $(READY)
	@$(IN)/check-jsonschema -q --builtin-schema vendor.compose-spec docker/compose.yaml
	@$(IN)/hadolint docker/Dockerfile

bench: $(WORDS).mo ## measure requests and API points, and conditions and rows per second
	@$(RUN) -m benchmarks $(ARGS)

screenshots: $(WORDS).mo ## take a picture of every page, wide and narrow, in both languages
	@BROWSER_PATH="$$($(RUN) -m scripts.browser)" $(RUN) -m demo.screenshots $(ARGS)

soak: $(WORDS).mo ## run the tests that take hours: collecting with kills and faults, damaged rulebooks, random expressions
	@$(RUN) -m benchmarks.soak $(ARGS)

messages: $(READY) ## update the translation catalogues from the sources
	@$(RUN) -m scripts.messages update
	@$(RUN) -m scripts.messages compile

css: ## build static/css/yuanfen.css again (needs Node)
	@npm ci --silent && npm run --silent build

lock: ## write the lock files from pyproject.toml (needs uv; ARGS=--upgrade for newer versions)
	@$(UV) pip compile -q pyproject.toml --group dev -o requirements.lock $(ARGS) $(RESOLVE)
	@$(UV) pip compile -q pyproject.toml -c requirements.lock -o requirements-runtime.lock $(ARGS) $(RESOLVE)

clean: ## delete generated files, except var/ (make demo-reset deletes that) and node_modules/
	@rm -rf .venv .venv.log .*_cache .hypothesis build htmlcov
	@find . -name node_modules -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
