# `make run` and `make test` do all their own set-up. `make help` lists the verbs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

export PATH := $(HOME)/.cargo/bin:$(PATH)
CARGO ?= cargo
BIN   := $(or $(CARGO_TARGET_DIR),target)/release/stockfold
FILE  ?= $(firstword $(wildcard ../shared/data/online-retail-*.csv.gz) tests/data/online-retail-excerpt.csv)
STOCK ?= ample
ARGS  ?=

.PHONY: help setup setup-test run build test sim mutants crash-points chaos lint schemas bench demo engines fmt

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

setup:
	@scripts/setup

setup-test:
	@scripts/setup test

run: build ## the whole engine in one process on http://127.0.0.1:8080 (ARGS='--port 9000 --data DIR …')
	$(BIN) up --seed demo $(ARGS)

build: setup ## the release binary, target/release/stockfold
	$(CARGO) build --release --locked -p stockfold

test: setup-test ## every test; Kafka and CQL servers for them are fetched and started (KAFKA_BROKERS=… SCYLLA_NODES=… name others)
	$(CARGO) test --workspace --locked --no-fail-fast

sim: setup ## the simulation: SEED=… for one run, SEEDS=… for how many, FROM=… for where they begin
	@$(CARGO) test --release --locked -p tests --test all sim::nothing -- --nocapture \
		| sed -u -e '/^simulated /h' -e '$${p;x;/./!d}'

mutants: setup ## every planted bug must be caught by its check (ARGS='--seeds 50 --json receipt-twice …')
	@$(CARGO) run --locked -p mutants -- $(ARGS)

crash-points: setup ## crash the embedded engine at every write and sync of a run (SEED=…, ARGS='--rounds 8 --torn 10 …')
	@$(CARGO) build --locked -p crash
	@$(or $(CARGO_TARGET_DIR),target)/debug/crash $(if $(SEED),--seed $(SEED)) $(ARGS)

chaos: setup-test ## real processes on a real cluster under kill -9, freezes, full disks (MINUTES=10, SEED=… repeats a schedule)
	@MINUTES=$(or $(MINUTES),10) $(CARGO) test --locked -p tests --test all chaos::nothing -- --nocapture \
		| sed -u -e '/^chaos .* wrong/h' -e '$${p;x}'

lint: setup ## formatting, clippy, licences and advisories
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	scripts/deny

engines: setup-test ## an empty Kafka and an empty CQL store to work with, until Ctrl-C (ARGS='--brokers 3 --cql 2')
	ENGINES_JVM= $(CARGO) run --locked -p engines -- $(ARGS)

fmt: ## format everything
	$(CARGO) fmt --all

schemas: setup ## write schemas/json, asyncapi.yaml and openapi.json anew from the code (RELEASE=0.2.0 keeps them as that version's)
	UPDATE_SCHEMAS=1 $(CARGO) test --locked -p schemas --test contract of_the_t
	UPDATE_SCHEMAS=1 $(CARGO) test --locked -p stockfold --bins openapi_is_checked_in
	$(CARGO) test --locked -p schemas --test contract
	$(if $(RELEASE),scripts/keep-contract $(RELEASE))

bench: build ## holds on one hot item, beside the disk's own rate (ARGS=--json)
	$(BIN) bench hot $(ARGS)

demo: build ## real retail data through the HTTP API, reconciled (STOCK=tight, FILE=…, ARGS=--json)
	$(BIN) replay $(FILE) --stock $(STOCK) $(ARGS)
