# Paceline. `make run` and `make test` are all the set-up there is; `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

MODEL ?= smollm2
ALL_MODELS := smollm2 coder-0.5b gemma3 coder-1.5b
# Of a comparison with llama.cpp; one round of all models takes about ten minutes.
ROUNDS ?= 5
PACELINE := .build/release/paceline
KEY_LATENCY := .build/release/key-latency
# Of a measurement of key to paint, which takes about a minute for each model, screen and load.
KEYS ?= 500
SCREENS ?= 80x24 120x40 200x60
# Of a table of methods; all prompts of a set on the largest model take about an hour for each method.
METHODS ?= prompt-lookup lookahead-trie resident-drafter dynamic-tree semi-autoregressive resident-drafter+judge \
	superposed-drafts hogwild-workers
RACE_MODELS ?= smollm2 coder-0.5b coder-1.5b
PROMPTS ?= $(wildcard assets/prompts/*.jsonl)
LIMIT ?= 20
# Tests and program are built in one configuration, with the same flags, so that nothing is compiled twice.
BUILD := swift build -c release
TEST := swift test -c release --disable-testable-imports

.PHONY: help run test test-all build bench bench-report key-latency methods-table format lint clean packages test-packages model models

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: packages build model ## Install what is missing, fetch the default model, build, open the playground
	@exec $(PACELINE) --model $(MODEL)

test: packages test-packages build model ## Run every test that the default model and tiny ones can serve
	$(TEST) $(TESTFLAGS)

test-all: packages test-packages build models ## Fetch the other models too and run every test
	PACELINE_TEST_MODELS=all $(TEST) $(TESTFLAGS)

build: ## Build the program
	@command -v swift >/dev/null || { echo "make: a Swift toolchain (6.2 or newer) is needed and not on the path" >&2; exit 1; }
	$(BUILD)

bench: packages build model ## Measure prompt and generation speed
	$(PACELINE) bench --model $(MODEL) $(BENCHFLAGS)

bench-report: packages build models ## Compare with llama.cpp (PEER=its bin folder) and write BENCHMARKS.md
	@[[ -n "$(PEER)" ]] || { echo "make: say where llama.cpp's programs are: make bench-report PEER=FOLDER" >&2; exit 1; }
	$(PACELINE) bench $(ALL_MODELS:%=--model %) --against "$(PEER)" --rounds $(ROUNDS) \
		--targets assets/bench-targets.json --quality-text Tests/ModelsTests/Fixtures/perplexity.txt \
		--markdown BENCHMARKS.md $(BENCHFLAGS)
	@section=$$($(KEY_LATENCY) $(PACELINE) smollm2 coder-1.5b --keys $(KEYS) $(SCREENS:%=--size %) \
		--busy 0 --busy 1 --markdown) && printf '\n%s\n' "$$section" >> BENCHMARKS.md
	@section=$$($(PACELINE) draw "a red heart" --method next-scale --against raster-scan --repeats 20 --markdown) \
		&& printf '\n%s\n' "$$section" >> BENCHMARKS.md

key-latency: packages build model ## Measure key to paint while an answer streams, alone and with a busy process
	$(KEY_LATENCY) $(PACELINE) $(MODEL) --keys $(KEYS) --busy 0 --busy 1

methods-table: packages build models ## Race methods on models and sets of prompts (METHODS, RACE_MODELS, LIMIT, TABLE)
	$(PACELINE) race $(METHODS:%=--method %) $(RACE_MODELS:%=--model %) $(PROMPTS:%=--prompts %) \
		--limit $(LIMIT) $(if $(TABLE),--markdown $(TABLE)) $(RACEFLAGS)

format: ## Lay the sources out as .swift-format says
	swift format --in-place --recursive Sources Tests Package.swift

lint: ## Check the layout and the rules of .swift-format
	swift format lint --strict --recursive Sources Tests Package.swift

clean: ## Remove what was built; models and sessions stay
	rm -rf .build

model:
	@$(PACELINE) models get $(MODEL)

models:
	@for name in $(ALL_MODELS); do $(PACELINE) models get "$$name"; done

packages:
	@.ci/install run

test-packages:
	@.ci/install test
