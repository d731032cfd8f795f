#!/usr/bin/env bash
# Tests the Blender add-on: its client under plain Python and against a real node, then all of it in headless Blender.
# Usage: scripts/test-addon.sh [VERSION…]
# Without versions, in the Blender of the engine store; with some (4.2.23 4.5.15 5.0.1), in those, which pip installs.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-$PWD/target}"
engines="${RAYSWARM_ENGINES:-$HOME/.local/share/rayswarm/engines}"
pytest_version=8.4.2
# Blender brings it; with it Blender Asset Tracer reads compressed files.
zstandard_version=0.25.0

python="$target/tools/addon/bin/python"
if [[ "$("$python" -m pytest --version 2>/dev/null)" != "pytest $pytest_version" ]]; then
  python3.11 -m venv "$target/tools/addon"
  "$python" -m pip --disable-pip-version-check --quiet install "pytest==$pytest_version" \
    "zstandard==$zstandard_version"
fi

if [[ $# -eq 0 ]]; then
  newest=$(find "$engines" -maxdepth 1 -name 'blender-*' | sort -V | tail -n 1)
  set -- "${newest##*/blender-}"
fi
# As `VERSION=PYTHON`.
blenders=()
for version in "$@"; do
  home="$engines/blender-$version"
  if [[ ! -x $home/bin/python ]]; then
    home="$target/addon/blender-$version"
    [[ -x $home/bin/python ]] || python3.11 -m venv "$home"
    "$home/bin/python" -m pip --disable-pip-version-check --quiet install "bpy==$version"
  fi
  blenders+=("$version=$home/bin/python")
done

RAYSWARM_ADDON=$(scripts/build-addon.sh | tail -n 1)
export RAYSWARM_ADDON RAYSWARM_ENGINES="$engines" RAYSWARM_BIN="${RAYSWARM_BIN:-$target/debug/rayswarm}"
export RAYSWARM_BLENDERS="${blenders[*]}"
exec "$python" -B -m pytest -p no:cacheprovider -q -rs addon/tests
