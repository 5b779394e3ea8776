#!/usr/bin/env bash
# Ours, GStreamer's webrtcbin and Selkies with the same pictures: see docs/benchmarks.md. QUICK=1 for a short look; what
# else is given goes to tests/e2e/bench_stream.mjs.
set -euo pipefail
cd "$(dirname "$0")/.."
out=target/bench-stream
mkdir -p "$out"
# With the features of the whole workspace: any smaller set would compile the dependencies again.
[ -n "${RR_HOST:-}" ] || cargo build -q --workspace --examples --bins
# Examples do not lie beside it.
export RR_IMPORT="${RR_IMPORT:-$PWD/target/debug/rr-import}"

workspace=samples/production-line.rrws.json
if [ ! -s "$out/pictures.rgba" ] || [ "$workspace" -nt "$out/pictures.rgba" ]; then
  target/debug/examples/orbit "$workspace" "$out/pictures.new" 180
  mv "$out/pictures.new" "$out/pictures.rgba"
fi

wanted=tests/e2e/stream/selkies.txt
if ! cmp -s "$wanted" "$out/selkies/installed.txt"; then
  rm -rf "$out/selkies"
  python3 -m venv "$out/selkies"
  "$out/selkies/bin/pip" install -q --disable-pip-version-check -r "$wanted"
  cp "$wanted" "$out/selkies/installed.txt"
fi
exec node tests/e2e/bench_stream.mjs "$@"
