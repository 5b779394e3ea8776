#!/usr/bin/env bash
# Prints all figures in one run. Ratios are taken side by side; milliseconds are those of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "# Remote Render benchmark, $(date -u +%Y-%m-%d)"
echo "machine: $(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)"
echo
echo "## Loading STL against stl_io"
cargo bench -q -p rr-load --profile dev --bench stl
echo
echo "## Rendering and read-back"
cargo run -q -p rr-render --example frames -- auto small
echo
echo "## Conversion and encoding"
cargo bench -q -p rr-encode --profile dev --bench encode
echo
echo "## The whole path in Chromium"
node tests/e2e/bench.mjs "$@"
