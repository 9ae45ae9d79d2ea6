# Every target sets itself up: .venv/ is built from requirements.lock when it is missing or out of date.
.DEFAULT_GOAL := help
.PHONY: help lab test test-fast release check check-lessons bench bench-grading bench-ship faults hostile compression-demo surgery-all quality structured demo lock format clean
bin := .venv/bin/
grading := benchmarks/bench_kernels.py benchmarks/bench_grading.py benchmarks/bench_class_size.py
two := --numprocesses 2 --dist worksteal
fresh := $(shell cat requirements.lock pyproject.toml tools/setup.sh postBuild | cksum)
ifneq ($(fresh),$(shell cat .venv/.ready 2>/dev/null))
.PHONY: .venv/.ready
endif

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.venv/.ready:
	@sh tools/setup.sh

lab: .venv/.ready  ## set up (first time) and open JupyterLab at the start page
	@echo "Opening JupyterLab at the start page.  Stop it with Ctrl-C here."
	@$(bin)jupyter lab --LabApp.default_url=/lab/tree/lessons/00_start_here/00_start_here.ipynb \
		$(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_ARGS)

test: .venv/.ready  ## set up and run every test
	@echo "Running every test (browser tests need chromium: Debian's package, or set CHROMIUM=/path)."
	@$(bin)ruff format --check --quiet . && $(bin)ruff check --quiet .
	@$(bin)python -m pytest $(two)

test-fast: .venv/.ready  ## the tests without browser and slow ones
	@$(bin)python -m pytest $(two) -m "not browser and not slow"

release: .venv/.ready  ## make lessons/ from solutions/ with nbgrader
	@$(bin)python -m tools.release

check: .venv/.ready  ## check solutions/ and lessons/: in sync, stripped, nothing leaks
	@$(bin)python -m tools.check

check-lessons: .venv/.ready  ## try right and typically wrong answers on the hidden tests
	@$(bin)python -m tools.check_answers

demo: .venv/.ready  ## make a class of 12 submissions, grade it, show the table
	@$(bin)python -m autograder demo

surgery-all: .venv/.ready  ## shrink every model of keras.applications, compare, print the table; half an hour
	@$(bin)python benchmarks/surgery.py

bench: .venv/.ready  ## measure against tfmot and plain Keras; prints ratios
	@for script in $(filter-out $(grading),$(wildcard benchmarks/bench_*.py)); do echo "== $$script"; $(bin)python $$script || exit 1; done

bench-grading: .venv/.ready  ## classes graded by stock nbgrader and by autograder, and classes of growing size; half an hour
	@for script in $(grading); do echo "== $$script"; $(bin)python $$script || exit 1; done

faults: .venv/.ready  ## kill a grader at 50 random moments and grade on; some minutes
	@FAULT_RUNS=50 $(bin)python -m pytest tests/grading/test_faults.py -k killed

hostile: .venv/.ready  ## grade the hostile corpus as root and as an ordinary user (run it as root); some minutes
	@HOSTILE=all $(bin)python -m pytest tests/grading/test_hostile.py

bench-ship: .venv/.ready  ## speed and size of what is shipped, in LiteRT, into docs/shipping.md; a few minutes
	@$(bin)python benchmarks/bench_ship.py --write docs/shipping.md

compression-demo: .venv/.ready  ## the demo of every tutorial, ours and tfmot side by side; a minute
	@$(bin)python benchmarks/compression_demo.py

quality: .venv/.ready  ## accuracy after pruning, ours and tfmot, into docs/quality.md; half an hour
	@$(bin)python benchmarks/quality.py --seeds 8 --write docs/quality.md

structured: .venv/.ready  ## accuracy and speed with fewer filters, into docs/structured.md; an hour, goes on if stopped
	@$(bin)python benchmarks/structured.py --write docs/structured.md
	@$(bin)python benchmarks/bench_structured.py --full --write docs/structured.md

lock: .venv/.ready  ## resolve requirements.lock anew from pyproject.toml
	@sh tools/lock.sh

format: .venv/.ready  ## format code and notebooks, strip notebooks
	@$(bin)ruff format --quiet . && $(bin)ruff check --quiet --fix . && $(bin)python -m tools.strip

clean:  ## remove the environment and what grading made
	rm -rf .venv demo_course tests/output build *.egg-info
