# What a newcomer needs: `make demo`, `make test`, `make check`, `make docs`, `make clean`. Each makes .venv on its first call (Python 3.11 or newer).

# The first of these that is new enough.
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11 python,\
	$(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
BIN := .venv/bin
STAMP := .venv/installed

# Otherwise OpenMP's idle threads spin on cores that others need: 15.5 s instead of 0.5 s for one small LightGBM fit.
export OMP_WAIT_POLICY = passive

.PHONY: demo test check clean venv programs docs

venv: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "automl needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --compile --constraint constraints.txt --editable '.[excel,parquet,dev]'
	touch $(STAMP)

# A minute on a table as messy as real life, into a folder of its own; then the first answers.
demo: $(STAMP)
	@run="runs/demo-$$(date +%Y%m%d-%H%M%S)" && set -e; \
	echo "\$$ automl fit datasets/messy/data.csv --target Cancelled --budget 60s --output $$run"; \
	$(BIN)/automl fit datasets/messy/data.csv --target Cancelled --budget 60s --output "$$run"; \
	echo; echo "\$$ automl predict $$run datasets/messy/data.csv --proba | head -n 6"; \
	$(BIN)/automl predict "$$run" datasets/messy/data.csv --proba --output "$$run/predictions.csv"; \
	head -n 6 "$$run/predictions.csv"

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m 'not heavy'

# The tests that `check` runs; `.ci/run` has just run the others.
TESTS ?= heavy or not heavy

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) docs
	$(BIN)/python -m pytest -n 2 -m '$(TESTS)'

# The site of guide, reference and decisions, in build/site; a link or a name that leads nowhere is an error.
docs: $(STAMP)
	@test -x $(BIN)/mkdocs || $(BIN)/python -m pip install --disable-pip-version-check --quiet --compile --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# What the heavy tests need beyond: libraries of trackers, torch, a browser, LibreOffice. On Debian; `.ci/run` calls it.
programs: $(STAMP)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --compile --constraint constraints.txt --editable '.[all,dev,programs]'
	@for program in chromium soffice pdftotext; do command -v $$program >/dev/null || lacking="$$lacking $$program"; done; \
	if test -n "$$lacking"; then apt-get update -q && apt-get install -y -q --no-install-recommends chromium libreoffice-calc poppler-utils; fi

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis catboost_info
	find automl tests datasets benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
