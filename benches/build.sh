#!/usr/bin/env bash
# Measures builds of a blog against Hugo and Zola and prints tables. Needs cargo and python3 with venv; takes half an hour,
# with --quick some minutes.
#   benches/build.sh [--posts 1000 10000] [--runs 3] [--quick]
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/others.sh
cargo build --release --locked
floor=$(cargo bench --locked -p skep-generator --bench floor --no-run --message-format=json | python3 -c '
import json, sys
print([made["executable"] for made in map(json.loads, sys.stdin) if made.get("target", {}).get("name") == "floor" and made.get("executable")][-1])')
exec python3 benches/build.py "${CARGO_TARGET_DIR:-target}/release/skep" "$floor" "${others[@]}" "$@"
