# Every target sets up what it needs: Python 3.11 or newer, pip and make are enough.
#
#   make demo     every method and a month of subscriptions against a local Midtrans, and the proof that the books are right
#   make test     every test of the quick suite; ARGS="tests/ledger -k refund" runs some
#   make faults   what kills, freezes and starves real processes, in about six minutes
#   make up       everything on this machine until Ctrl-C; ARGS="--port 9000" changes how
#   make check    format, lint, types, import contracts, house rules, then both of these; this is what CI runs
#   make replay   rebuild every read model from the log and compare
#   make chaos    kill everything again and again, and prove that nothing is lost; KILLS=200 SEED=1
#   make mutants  break one rule after the other, and prove that each is caught; ARGS="M1 M8" only these
#   make crashpoints   kill a process at every step that moves money, and prove the same; ARGS=--pairs at every two
#   make bench    every speed with its bar, beside pgbench and the peers; ONLY=append or renewals runs one part
#   make bench-growth  whether anything slows down from ten thousand events to ten million
#   make docs     write what is generated under docs/
#   make golden   write the golden file of each topic that has none
#   make format   format the code
#   make lock     resolve the requirements anew (needs uv)
#   make clean    remove what make made; never any ledger's data

# python3, unless it was built without profile-guided optimisation, as pyenv's is, and the system's own will do: that one takes
# a tenth less for a command (docs/performance.md).
OPTIMISED := import sys, sysconfig; sys.exit("--enable-optimizations" not in str(sysconfig.get_config_var("CONFIG_ARGS")))
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
SYSTEM_PYTHON := /usr/bin/python3
PYTHON ?= $(shell python3 -c '$(OPTIMISED)' 2>/dev/null || ! $(SYSTEM_PYTHON) -c 'import ensurepip; $(NEW_ENOUGH)' 2>/dev/null \
	&& echo python3 || echo $(SYSTEM_PYTHON))
ARGS ?=
KILLS ?= 200
SEED ?= 1

VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --quiet --disable-pip-version-check
INSTALLED := $(VENV)/.installed

# The stamp says where the environment was made: a copied folder brings one that points elsewhere.
ifneq ($(shell cat $(INSTALLED) 2>/dev/null),$(CURDIR))
.PHONY: $(INSTALLED)
endif

# Hundreds of processes run in a suite: where the shell says that nothing compiled is kept, each would compile all of it.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup demo test faults up check lint replay chaos mutants crashpoints bench bench-growth docs golden format lock clean

help:
	@sed -n 's/^#   //p' Makefile

setup: $(INSTALLED)

$(INSTALLED): requirements/dev.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here: install Python 3.11 or newer, or name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo "$(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing into $(VENV) for $(PYTHON); this takes a minute the first time."
	@$(RUN) -m pip --version >/dev/null 2>&1 \
		&& [ "$$(cat $(INSTALLED) 2>/dev/null || echo '$(CURDIR)')" = '$(CURDIR)' ] \
		|| $(PYTHON) -m venv --clear $(VENV)
	@rm -f $(INSTALLED)
	@$(PIP) install --require-hashes --requirement requirements/dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@printf '%s\n' '$(CURDIR)' > $(INSTALLED)

demo: setup
	@$(RUN) -m api.cli demo $(ARGS)

# Each process has a PostgreSQL of its own; one file's tests stay together. They wait much: three share two cores. Who comes first
# stands in tests/conftest.py.
test: setup
	@$(RUN) -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder $(if $(ARGS),$(ARGS),--ignore tests/faults)

# Two at a time, because what is killed here has to be back within seconds; by name, to see what hangs.
faults: setup
	@$(RUN) -m pytest -v -n 2 --dist loadfile tests/faults $(ARGS)

up: setup
	@$(RUN) -m api.cli up $(ARGS)

check: lint test faults

lint: setup
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports --no-logo

replay: setup
	@$(RUN) scripts/replay.py $(ARGS)

# build/chaos.json has it all; exit code 0 only when nothing is violated. ARGS=--short takes a minute and a half.
chaos: setup
	@PYTHONPATH=tests $(RUN) -m faults.chaos --kills $(KILLS) --commands $$(($(KILLS) * 10)) --seed $(SEED) $(ARGS)

mutants: setup
	@PYTHONPATH=tests $(RUN) -m faults.mutants $(ARGS)

crashpoints: setup
	@PYTHONPATH=tests $(RUN) -m faults.crash_points $(ARGS)

# Exit code 0 only when no bar is missed. docs/performance.md says what each number means.
bench: setup
	@PYTHONPATH=tests $(RUN) -m benchmarks $(if $(ONLY),--only $(ONLY)) $(ARGS)

# ARGS="--events 1000000" asks for a tenth of the history, and needs a tenth of 15 GB.
bench-growth: setup
	@PYTHONPATH=tests $(RUN) -m benchmarks.growth $(ARGS)

golden: setup
	@PYTHONPATH=tests $(RUN) -m support.golden $(ARGS)

docs: setup
	@$(RUN) -m api.cli documents docs

format: setup
	@$(RUN) -m ruff check --fix-only --quiet .
	@$(RUN) -m ruff format .

# No header, because it would name this machine; uv leaves the addresses of registries out.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

lock:
	@$(COMPILE) pyproject.toml --output-file requirements/server.lock
	@$(COMPILE) pyproject.toml --extra embedded --output-file requirements/runtime.lock
	@$(COMPILE) pyproject.toml --extra embedded --extra dev --output-file requirements/dev.lock
	@$(COMPILE) requirements/build.in --constraint requirements/dev.lock --output-file requirements/build.lock

clean:
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
