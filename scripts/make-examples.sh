#!/usr/bin/env bash
# Makes the example scenes again from their scripts, with the Blender in the engine store (or PYTHON_WITH_BPY).
set -euo pipefail
cd "$(dirname "$0")/.."

store="${RAYSWARM_ENGINES:-$HOME/.local/share/rayswarm/engines}"
python="${PYTHON_WITH_BPY:-$(find "$store" -path '*/blender-4.5*/bin/python' 2>/dev/null | sort -V | tail -n 1)}"
if [[ -z "$python" ]]; then
  echo "make-examples: no Blender 4.5 in $store; run: make engines" >&2
  exit 1
fi
export PYTHONDONTWRITEBYTECODE=1
# A .blend remembers its maker's home folder.
export HOME=/
"$python" examples/still/make_still.py
"$python" examples/animation/make_animation.py
