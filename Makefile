# Everything is made below build/; `make help` lists the targets.

PYTHON ?= python3
VENV   := build/venv
BIN    := $(VENV)/bin
SETUP  := $(VENV)/.stamp

EXAMPLES := $(sort $(wildcard examples/*.ims))
# Platform devices have no skeletons.
PCI       = $(shell grep -l '^ *pci ' $(EXAMPLES))
# Debian's python3 comes without venv.
ENSURE_VENV = $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	$(PYTHON) kernel_test_module/packages.py python3-venv

INSTALL  := pip install --quiet --disable-pip-version-check
CODE     := dsl generator templates kernel_test_module tests

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1: /p' $(MAKEFILE_LIST) | awk -F': ' '{printf "%-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(SETUP) ## a virtual environment with the package and what its development needs

$(SETUP): pyproject.toml kernel_test_module/pyproject.toml requirements-dev.txt
	$(ENSURE_VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(INSTALL) --require-hashes -r requirements-dev.txt
	$(BIN)/$(INSTALL) --no-deps --no-build-isolation -e . -e kernel_test_module
	touch $@

.PHONY: lock
lock: ## the newest versions of what development needs, with hashes: requirements-dev.txt
	$(ENSURE_VENV)
	$(PYTHON) -m venv build/lock-venv
	build/lock-venv/bin/$(INSTALL) uv
	build/lock-venv/bin/uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 \
		--generate-hashes --custom-compile-command 'make lock' --no-annotate --extra dev \
		-o requirements-dev.txt pyproject.toml

# --- the tool -----------------------------------------------------------------------------------

.PHONY: demo
demo: build/demo-venv/.stamp ## the series of every example, without a kernel tree
	rm -rf build/demo
	build/demo-venv/bin/imsgen $(EXAMPLES) --kernel linux-6.12 -o build/demo
	@for dir in build/demo/*/; do \
		echo; echo "$$dir"; \
		for patch in $$dir[0-9]*.patch; do \
			printf '  %-68s %s\n' "$${patch##*/}" \
				"$$(sed -n 's/^ [0-9]* files* changed, //p' $$patch)"; \
		done; \
	done
	@echo; echo "In a Linux 6.12 tree: git am .../0001-*.patch and up, or imsgen DEVICE.ims -o - | git am"

# Only what the tool itself needs: fast, and proof that nothing else is.
build/demo-venv/.stamp: pyproject.toml
	$(ENSURE_VENV)
	$(PYTHON) -m venv build/demo-venv
	build/demo-venv/bin/$(INSTALL) -e .
	touch $@

.PHONY: generated
generated: $(SETUP) ## make generated/ and the skeletons of drivers beside the examples again
	$(BIN)/imsgen $(EXAMPLES) --kernel linux-6.12 --sources -o generated
	for layout in $(PCI); do \
		name=$$(basename "$$layout" .ims); \
		mkdir -p "examples/$$name"; \
		$(BIN)/imsgen skeleton "$$layout" -o - > "examples/$$name/$$name-skeleton.c" || exit; \
	done

PICTURES := crypto2 idxd mlx5 nvme rocker vfio

.PHONY: pictures
pictures: $(SETUP) ## make docs/pictures/ again, and with Chromium what shows the tool at work
	@for name in $(PICTURES); do \
		$(BIN)/imsgen show examples/$$name.ims --svg docs/pictures/$$name.svg || exit 1; \
	done
	$(BIN)/python -m tests.generator.pictures

.PHONY: site
site: $(SETUP) ## docs/ as a site: build/site/index.html
	$(BIN)/mkdocs build --strict --quiet

.PHONY: bench-tool
bench-tool: $(SETUP) ## the tool's own time and memory beside its peers, and for larger inputs: docs/bench.md
	$(BIN)/python tests/bench/tool.py --docs

.PHONY: bench-growth
bench-growth: $(SETUP) ## how the work of checking grows with each construct of the language
	$(BIN)/python tests/bench/growth.py

.PHONY: profile
profile: $(SETUP) ## record the kernel profile again from a pristine tree: TREE=path
	@test -n "$(TREE)" || { echo "usage: make profile TREE=path/to/linux-6.12" >&2; exit 2; }
	$(BIN)/python -m imsgen.generator.kernel.target record "$(TREE)" \
		-o generator/kernel/profiles/linux-6.12.json

# --- the code -----------------------------------------------------------------------------------

.PHONY: fmt
fmt: $(SETUP) ## format the Python code
	$(BIN)/black --quiet $(CODE)
	$(BIN)/ruff check --quiet --fix $(CODE)

.PHONY: lint
lint: $(SETUP) build/typed/imsgen ## formatting, ruff, mypy --strict, generated/ up to date
	$(BIN)/python -m imsgen.kernel_test_module lint

# mypy can't follow setuptools' editable package-dir; links of the installed shape can be.
build/typed/imsgen:
	mkdir -p $@
	ln -s $(CURDIR)/dsl $(CURDIR)/generator $(CURDIR)/templates $(CURDIR)/kernel_test_module $@

.PHONY: installed
installed: $(SETUP) ## the wheel in fresh environments, with the lowest and the newest of what it needs
	$(BIN)/python -m imsgen.kernel_test_module.release installed

.PHONY: release
release: $(SETUP) ## wheel, source archive, bill of materials and checksums from the tag: build/release
	$(BIN)/python -m imsgen.kernel_test_module.release release

.PHONY: fuzz
fuzz: $(SETUP) ## ten minutes: runs that are killed, odd descriptions, trees, folders; SEED=n for another
	$(BIN)/python tests/fuzz/fuzz.py --seed $(or $(SEED),1)

.PHONY: night
night: $(SETUP) packages ## eight hours of the same with a fresh seed, or with SEED=n again; then the tutorial
	$(BIN)/python tests/fuzz/fuzz.py --seconds 28000 --kills 5000 --pairs 2000 $(SEED:%=--seed %)
	$(RUNNER) tutorial

# --- the kernel ---------------------------------------------------------------------------------

# What `python -m imsgen.kernel_test_module` calls its kernels: 6.12, newest
KERNELS ?= 6.12 newest
RUNNER   = $(BIN)/python -m imsgen.kernel_test_module

.PHONY: packages
packages: ## the Debian packages that kernels need, installed if this is root's machine
	$(PYTHON) kernel_test_module/packages.py

.PHONY: test
test: $(SETUP) build/typed/imsgen ## everything: lint, pytest, kernels fetched, built, checked, booted
	$(RUNNER) test $(KERNELS:%=--kernel %)

.PHONY: test-fast
test-fast: $(SETUP) build/typed/imsgen ## what needs no kernel and no patience: lint, and pytest without slow tests
	$(RUNNER) test --fast

.PHONY: kunit
kunit: $(SETUP) packages ## the KUnit suites under UML and QEMU, without the static checks
	$(RUNNER) kunit $(KERNELS:%=--kernel %)

.PHONY: e2e
e2e: $(SETUP) packages ## real interrupts through generated stores, in QEMU; prints the table
	$(RUNNER) e2e

.PHONY: models
models: $(SETUP) packages ## drivers on models of their devices, under UML; faults that the models find
	$(RUNNER) models

.PHONY: models-qemu
models-qemu: $(SETUP) packages ## the same in QEMU 10.1 or later, with four CPUs and interrupt remapping
	$(RUNNER) models-qemu

.PHONY: simulate
simulate: $(SETUP) packages ## the simulator against generated pools in a booted kernel, operation by operation
	$(RUNNER) simulate

.PHONY: layouts
layouts: $(SETUP) packages ## random layouts, those of documents and real devices: built, and booted under UML
	$(RUNNER) layouts

.PHONY: idxd
idxd: $(SETUP) packages ## the series that gives the in-tree idxd driver IMS: build/idxd; checked, compiled, KUnit
	$(RUNNER) idxd $(KERNELS:%=--kernel %)

.PHONY: converted
converted: $(SETUP) packages ## drivers of platform devices with generated glue, beside mainline's: booted in QEMU
	$(RUNNER) converted

.PHONY: tutorial
tutorial: $(SETUP) packages ## all commands of docs/tutorial.md, up to an interrupt that fires
	$(RUNNER) tutorial

.PHONY: mutants
mutants: $(SETUP) packages ## seeded faults in the templates: each one has to be caught by KUnit
	$(RUNNER) mutants

.PHONY: bench
bench: $(SETUP) packages ## the hot paths against what drivers do today, under UML and QEMU: build/bench.json
	$(BIN)/python -m imsgen.kernel_test_module.bench --docs

.PHONY: counts
counts: $(SETUP) packages ## instructions, branches, atomics and calls of the hot paths, against tests/golden
	$(BIN)/python -m imsgen.kernel_test_module.counts

.PHONY: clean
clean: ## remove build/ (unpacked and built kernels are elsewhere, and stay)
	rm -rf build
