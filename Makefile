# Everything a newcomer needs: `make demo` to see it work, `make test` to see that it works.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
DEMO ?= anyseek-demo
FUZZ_SECONDS ?= 60

.PHONY: help demo test check format fuzz clean

help:
	@echo "make demo    install into $(VENV), make a demo folder, index it, ask it questions"
	@echo "make test    install into $(VENV) and run the test suite"
	@echo "make check   lint, format check and types"
	@echo "make fuzz    throw odd input at our own parsers, FUZZ_SECONDS=60 at each"
	@echo "make format  put the code in order"

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[cpu,formats]"
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable ".[cpu,formats,dev]"
	@touch $@

demo: $(VENV)/installed
	$(BIN)/anyseek demo $(DEMO)

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: $(VENV)/installed-dev
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

clean:
	rm -rf $(VENV) $(DEMO) .mypy_cache .ruff_cache .pytest_cache .hypothesis
