# Two commands: `make demo` renders a picture with three provider processes on this machine, `make test` runs
# everything. Both set up what they need and may be repeated at any time.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Where renderers are installed; one folder per version. The program reads the same variable.
export RAYSWARM_ENGINES ?= $(HOME)/.local/share/rayswarm/engines
# Tools that only this repository needs live beside its build and go away with it.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
export PATH := $(CARGO_TARGET_DIR)/tools/bin:$(PATH)

RAYSWARM := $(CARGO_TARGET_DIR)/debug/rayswarm

.PHONY: help demo test test-long fuzz check build release package-lint engines examples screenshots system system-tests tools contracts contracts-test web web-build sdk

help: ## Show what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

demo: system build engines ## Set up, then render a picture with three providers on this machine and pay them
	@$(RAYSWARM) demo $(DEMO)

test: system-tests ## Set up, check, then run every test: Rust, contracts, Python, end to end
	@scripts/test.sh

# A thousand seeds of each simulated chain, forty of each settled one, Ethereum's state tests, and quarrels that take minutes each.
test-long: system-tests build engines contracts ## Run what is too slow for `make test`: an hour or two
	scripts/fetch-state-tests.sh
	RAYSWARM_LONG=1 RAYSWARM_SEEDS=40 cargo nextest run --locked --workspace -E 'binary(quarrels) | binary(interleavings) | binary(general_state) | (package(rayswarm-tests) and binary(/chain/))'
	RAYSWARM_SEEDS=1000 cargo nextest run --locked --workspace -E 'package(rayswarm-simulation)'

# The short run is part of `make test`. The first build takes long.
fuzz: system ## Fuzz the decoders by coverage, FUZZ_SECONDS (60) for each of FUZZ_TARGETS (all)
	@scripts/fuzz.sh $(FUZZ_TARGETS)

check: system tools web sdk ## Format, lints with warnings denied, architecture, docs, Python
	@scripts/check.sh

# The tests' package comes along because Cargo then chooses the same features of dependencies as `make test` does,
# and builds them once for both.
build: ## Build the program, the studio in it
	@scripts/build-web.sh --if-possible
	cargo build --locked -p rayswarm-cli -p rayswarm-tests

release: ## Build the program for others, optimised, the studio in it, and compare its size with its limit
	@scripts/build-web.sh
	cargo build --release --locked -p rayswarm-cli
	@scripts/size.sh

package-lint: tools ## Lint what is in packaging/
	@scripts/lint-packaging.sh

engines: build ## Install Blender into the engine store
	@$(RAYSWARM) engines install blender

examples: ## Make the example scenes again from their scripts
	@scripts/make-examples.sh

screenshots: system-tests build engines ## Take pictures of every view of a real node's studio into target/screenshots
	npm --prefix web run drive -- "$(CARGO_TARGET_DIR)/screenshots"

system: ## Install the Debian packages that are missing
	@scripts/setup-system.sh

system-tests: ## Install the Debian packages that are missing, those of the tests too
	@scripts/setup-system.sh --tests

tools: ## Install the test runner and the linters that this repository pins
	@scripts/setup-tools.sh

contracts: ## Install the contracts' tools as their lock file says
	@scripts/setup-npm.sh contracts

# About ten minutes on two cores; most of it is the long profile.
contracts-test: contracts ## Test the contracts: artifacts, unit, fuzz, invariants, the long profile, coverage, slither
	@scripts/test-contracts.sh --long

web: ## Install what the studio is built with, as its lock file says
	@scripts/setup-npm.sh web

sdk: ## Install what the JavaScript client is built with
	@scripts/setup-npm.sh sdk/js

web-build: ## Build the studio into web/dist; the program has it from its next build on
	@scripts/build-web.sh
