#!/usr/bin/env bash
# Prints the path of a Chromium for the tests: RR_CHROMIUM, else the first one that is installed.
set -eu
for candidate in "${RR_CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
  [ -n "$candidate" ] && path=$(command -v "$candidate") && "$path" --version >/dev/null 2>&1 && echo "$path" && exit 0
done
echo "no Chromium found: install the package chromium, or set RR_CHROMIUM" >&2
exit 1
