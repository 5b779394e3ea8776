#!/usr/bin/env bash
# Prints all figures in one run. Ratios are taken side by side; milliseconds are those of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
# All with the features of the whole workspace: any smaller set would compile the dependencies again.
cargo build -q --workspace --examples --bins
echo "# Remote Render benchmark, $(date -u +%Y-%m-%d)"
echo "machine: $(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)"
echo
echo "## Loading STL against stl_io"
cargo bench -q --workspace --profile dev --bench stl
echo
echo "## Rendering and read-back"
target/debug/examples/frames auto small
echo
echo "## A whole factory: 1,000 devices"
target/debug/rr-samples --out target/bench-factory --factory 1000
RR_IMPORT="$PWD/target/debug/rr-import" target/debug/examples/factory target/bench-factory/factory-1000.rrws.json
echo
echo "## Beside the load of a large file"
target/debug/rr-samples --out target/bench-loading --rollers 1000 --unshared
RR_IMPORT="$PWD/target/debug/rr-import" target/debug/examples/loading \
  target/bench-loading/roller-conveyor-1000.igs samples/production-line.rrws.json
echo
echo "## Conversion and encoding"
cargo bench -q --workspace --profile dev --bench encode
echo
echo "## Many receivers"
for receivers in 10 30 60 100; do target/debug/examples/receivers --good "$receivers"; done
target/debug/examples/receivers --good 20 --bad all
echo
echo "## The whole path in Chromium"
node tests/e2e/bench.mjs "$@"
