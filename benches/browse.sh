#!/usr/bin/env bash
# Measures the pages of a running node and prints a table, by parts: library, gateway, review. Needs cargo, python3 and curl; the
# part gateway nginx and wrk, the part review node and chromium. Takes a few minutes.
#   benches/browse.sh [PART...] [--sites 200] [--requests 50] [--changes 10000] [--rounds 5]
# With SKEP=PROGRAM that program is measured and nothing is built.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in python3 curl; do
  command -v "$tool" >/dev/null || { echo "benches/browse.sh needs $tool: install it first (Debian: apt-get install $tool)" >&2; exit 2; }
done
if [ -z "${SKEP:-}" ]; then
  cargo build --release --locked
  SKEP=${CARGO_TARGET_DIR:-target}/release/skep
fi
exec python3 benches/browse.py "$SKEP" "$@"
