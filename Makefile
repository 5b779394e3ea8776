# Everything that is built, tested and measured. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# One target folder and one profile for all of it: the demo, the tests and the benchmarks share one build.
CARGO ?= cargo
export RR_REQUIRE_VIEWER = 1
export XDG_RUNTIME_DIR ?= /tmp

.PHONY: help build demo demo-fleet test bench bench-fleet bench-stream web protocol samples fmt lint rust-test web-test e2e e2e-run desktop-run install-build install-run install-test install-bench clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install-build:
	@tools/install.sh build
install-run:
	@tools/install.sh run
install-test:
	@tools/install.sh test
install-bench:
	@tools/install.sh bench

web-viewer/node_modules: web-viewer/package-lock.json
	cd web-viewer && npm ci --no-audit --no-fund
	@touch $@

web-viewer/dist/index.html: web-viewer/node_modules $(shell find web-viewer/src web-viewer/public web-viewer/*.html web-viewer/*.ts web-viewer/*.json -type f 2>/dev/null)
	cd web-viewer && npm run --silent build
	@touch $@

web: web-viewer/dist/index.html ## Build the viewer page that rrhost embeds

build: install-build web ## Build rrhost, rrctl and rr-import
	$(CARGO) build

demo: install-run build ## Serve the sample line on 127.0.0.1 and print link and QR code
	rm -rf target/demo && mkdir -p target/demo && cp -r samples/models samples/*.rrws.json target/demo/
	target/debug/rrhost --headless --qr --listen 127.0.0.1:$${RR_DEMO_PORT:-8443} target/demo/production-line.rrws.json

demo-fleet: install-test web tests/e2e/node_modules ## Show a fleet at work: gateway, PostgreSQL, coturn, three workers, four tablets
	$(CARGO) build --workspace --tests
	cd tests/e2e && node demo_fleet.mjs

protocol: ## Generate TypeScript types and JSON schema from the Rust definitions
	$(CARGO) run -q -p rr-protocol --bin rr-protocol-gen

samples: ## Generate the sample models and workspace
	$(CARGO) run -q -p rr-samples -- --out samples

fmt:
	$(CARGO) fmt --all --check

lint:
	$(CARGO) clippy --workspace --all-targets -- -D warnings

# Builds the programs as well: the end-to-end tests run those.
rust-test:
	$(CARGO) test --workspace

web-test: web-viewer/node_modules
	cd web-viewer && npm run --silent check && npm test --silent

tests/e2e/node_modules: tests/e2e/package-lock.json
	cd tests/e2e && npm ci --no-audit --no-fund
	@touch $@

e2e: build e2e-run ## End to end in a real headless Chromium

# With the programs as they are in target/debug.
e2e-run: tests/e2e/node_modules
	cd tests/e2e && node --test --test-concurrency=1 --test-reporter=spec *.test.mjs
	cd tests/e2e && node demo_fleet.mjs

# The real window under Xvfb, dark and light, against blessed pictures. The window shows the path of the file, so the
# path is always the same one.
desktop-run:
	rm -rf /tmp/remote-render-window && mkdir /tmp/remote-render-window
	cp -r samples/models samples/*.rrws.json /tmp/remote-render-window/
	for theme in dark light; do THEME=$$theme GOLDEN=host-app/tests/golden host-app/tests/desktop_screenshot.sh \
	  target/debug/rrhost target/desktop/$$theme /tmp/remote-render-window/production-line.rrws.json || exit 1; done

test: install-test ## Everything: format, lints, Rust, TypeScript, end to end, faults, the window
	$(MAKE) web
	$(MAKE) fmt
	$(MAKE) lint
	$(MAKE) rust-test
	$(MAKE) web-test
	$(MAKE) e2e-run
	$(MAKE) desktop-run

bench: install-test ## Print the figures: loading, rendering, encoding, start, latency
	$(MAKE) web tests/e2e/node_modules
	tests/bench.sh

bench-fleet: install-test ## Fleets in virtual time, and what a gateway takes
	$(CARGO) build -q --workspace --examples --bins
	target/debug/examples/working_day
	target/debug/examples/gateway_load target/debug/rrctl

bench-stream: install-bench ## Stream the same pictures with ours, webrtcbin and Selkies (QUICK=1: a short look)
	$(MAKE) web tests/e2e/node_modules
	tests/bench_stream.sh

clean:
	$(CARGO) clean
	rm -rf web-viewer/dist web-viewer/node_modules tests/e2e/node_modules
