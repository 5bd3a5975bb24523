#!/usr/bin/env bash
# Measures how a site gets from node to node and prints one table, by parts: clone, page, crowd, push, idle. Needs cargo,
# python3, iproute2, util-linux (unshare), nginx, curl, tar and zstd; takes some minutes. The programs run in a network namespace of their
# own, in which there is nothing but a loopback interface: its counters are what goes over the wire.
#   benches/sync.sh [PART...] [--rounds 7] [--pages 100] [--readers 8] [--edits 20] [--pause 6] [--idle 60] [--realtime]
# With SKEP=PROGRAM that program is measured and nothing is built.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in python3 ip unshare nginx curl tar zstd; do
  command -v "$tool" >/dev/null || { echo "benches/sync.sh needs $tool: install it first (Debian: apt-get install python3 iproute2 util-linux nginx-light curl tar zstd)" >&2; exit 2; }
done
if [ -z "${SKEP:-}" ]; then
  cargo build --release --locked
  SKEP=${CARGO_TARGET_DIR:-target}/release/skep
fi
SKEP=$(realpath "$SKEP")
[ "$(id -u)" = 0 ] && own=(unshare --net) || own=(unshare --map-root-user --net)
exec "${own[@]}" python3 benches/sync.py "$SKEP" "$@"
