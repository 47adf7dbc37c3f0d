# phonehome: every target makes its own environment in .venv first.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
DEMO   ?=
BENCH  ?= all
RUNS   ?= 1000000
LINK   ?= http
HOURS  ?= 72
AGENTS ?= 1000
STORE  ?= sqlite
REPORTS ?= 1000000
RECEIVERS ?= 1
KILLS  ?= 10000
WORKERS ?= 2
MICROPYTHON_SOURCES = $(shell find shared/phonehome_wire device/phonehome device/examples tools/phonehome_sim -name '*.py')

.DEFAULT_GOAL := help
.PHONY: help setup system demo test test-pico check bench fuzz torture torture-kill torture-power herd survive clean

help:  ## Show this list.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.installed  ## Make .venv with everything pinned, umqtt.simple included.

$(VENV)/.installed: pyproject.toml tools/setup/constraints.txt tools/setup/umqtt.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c tools/setup/constraints.txt -e '.[test]'
	$(BIN)/python tools/setup/umqtt.py $(VENV)/upylib
	touch $@

system:
	sh tools/setup/system.sh

demo: setup  ## A virtual washer and fridge phone home; tickets open. DEMO=--once ends by itself.
	$(BIN)/phonehome demo $(DEMO)

test: setup system  ## Everything, under unix MicroPython too. WORKERS=2 files are tested side by side.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-pico: $(VENV)/.pico  ## Real firmware in an emulated Pico; tests/pico/README.md names the settings.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile tests/pico

$(VENV)/.pico: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c tools/setup/constraints.txt -e '.[pico]'
	touch $@

check: setup  ## Format, lint, types, device sources compile, imports and docs are true.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy shared/phonehome_wire shared/phonehome_product cloud/phonehome_cloud tools/phonehome_tools tools/setup device/phonehome/core
	@for f in $(MICROPYTHON_SOURCES); do $(BIN)/micropython -X compile-only $$f || { echo "$$f does not compile"; exit 1; }; done
	$(BIN)/python -m pytest -q tests/gates

bench: setup  ## Print the measured figures. BENCH=wire|heap|intake|digest|storage|latency|energy|courier|pico for one.
	$(BIN)/phonehome bench $(BENCH)

fuzz: setup  ## Mutate signed messages RUNS times; only a value or the wire error may come out.
	$(BIN)/python tests/shared/fuzz.py --runs $(RUNS)

torture-kill: setup  ## Kill -9 the agent KILLS times; every record arrives once or is counted.
	$(BIN)/python -m tests.device.killing --runs $(KILLS)

torture-power: setup  ## Cut the power at every program and erase of a littlefs image.
	PHONEHOME_CUTS=1 $(BIN)/python -m pytest -q --timeout 3600 tests/device/test_power_cut_littlefs.py

torture: setup system  ## One agent on a network that does everything wrong. LINK=http|https|mqtt|mqtts HOURS=72
	$(BIN)/python -m tests.storm torture --link $(LINK) --hours $(HOURS)

herd: setup system  ## AGENTS=1000 of them get power at once, and lose the receiver at once.
	$(BIN)/python -m tests.storm herd --agents $(AGENTS)

survive: setup system  ## Kill receivers, database and broker under REPORTS. STORE=sqlite|postgresql RECEIVERS=2
	$(BIN)/python -m tests.survival --store $(STORE) --reports $(REPORTS) --receivers $(RECEIVERS)

clean:  ## Remove what the other targets made.
	rm -rf $(VENV) .phonehome .pytest_cache .mypy_cache .ruff_cache .hypothesis
