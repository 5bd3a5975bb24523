#!/usr/bin/env bash
# Measures publishing and prints one table. Needs cargo, python3, tar and zstd; takes some minutes.
#   benches/publish.sh [--runs 5] [--versions 1000]
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in python3 tar zstd; do
  command -v "$tool" >/dev/null || { echo "benches/publish.sh needs $tool: install it first (Debian: apt-get install $tool)" >&2; exit 2; }
done
cargo build --release --locked
exec python3 benches/publish.py "${CARGO_TARGET_DIR:-target}/release/skep" "$@"
