#!/usr/bin/env bash
# Measures previews of a blog of 10,000 posts against Hugo and Zola and prints tables. Needs cargo and python3 with venv;
# takes some minutes.
#   benches/preview.sh [--posts 10000] [--saves 40]
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/others.sh
cargo build --release --locked
exec python3 benches/preview.py "${CARGO_TARGET_DIR:-target}/release/skep" "${others[@]}" "$@"
