#!/usr/bin/env bash
# Builds the Blender add-on with Blender's own extension command, out of the newest Blender in the engine store, and
# validates it: target/addon/rayswarm-VERSION.zip, whose path is the last line printed.
set -euo pipefail
cd "$(dirname "$0")/.."

engines="${RAYSWARM_ENGINES:-$HOME/.local/share/rayswarm/engines}"
folder="${CARGO_TARGET_DIR:-$PWD/target}/addon"
blender=$(find "$engines" -maxdepth 1 -name 'blender-*' | sort -V | tail -n 1)
[[ -n $blender ]] || { echo "build-addon: no Blender in $engines; make engines" >&2; exit 1; }
python="$blender/bin/python"
command=$(find "$blender"/lib/python3*/site-packages/bpy -path '*/bl_pkg/cli/blender_ext.py')

manifest=addon/rayswarm/blender_manifest.toml
version=$(sed -nE 's/^version = "(.*)"$/\1/p' "$manifest")
wheel=$(sed -nE 's|^wheels = \["\./wheels/(.*)"\]$|\1|p' "$manifest")
hash=$(sed -nE 's/.*--hash=sha256:([0-9a-f]{64})$/\1/p' addon/wheels.txt)
mkdir -p "$folder/wheels"
if ! sha256sum --status --check <<<"$hash  $folder/wheels/$wheel" 2>/dev/null; then
  "$python" -m pip --disable-pip-version-check --quiet download --no-deps --only-binary :all: --require-hashes \
    --requirement addon/wheels.txt --dest "$folder/wheels"
fi

rm -rf "$folder/source"
mkdir -p "$folder/source/wheels"
cp -r addon/rayswarm/. "$folder/source"
cp "$folder/wheels/$wheel" "$folder/source/wheels"
archive="$folder/rayswarm-$version.zip"
"$python" -B "$command" build --source-dir "$folder/source" --output-filepath "$archive"
"$python" -B "$command" validate "$archive"
echo "$archive"
