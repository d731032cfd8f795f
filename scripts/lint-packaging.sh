#!/usr/bin/env bash
# Lints what is in packaging/ without a container engine and without starting a service. Stops at the first complaint.
set -euo pipefail
cd "$(dirname "$0")/.."

tools="${CARGO_TARGET_DIR:-$PWD/target}/tools/packaging/bin"
[[ -x $tools/hadolint && -x $tools/check-jsonschema ]] ||
  { echo "lint-packaging: linters are missing; run: scripts/setup-tools.sh" >&2; exit 3; }
fail() { echo "lint-packaging: $*" >&2; exit 1; }

dockerfile=packaging/Dockerfile
"$tools/hadolint" --no-color "$dockerfile"

# Two places that have to say the same.
wanted=$(sed -nE 's/^channel = "(.*)"$/\1/p' rust-toolchain.toml)
found=$(sed -nE 's/^ARG RUST_VERSION=(.+)$/\1/p' "$dockerfile")
[[ $found == "$wanted" ]] || fail "$dockerfile builds with Rust $found, rust-toolchain.toml says $wanted"
# All that scripts/setup-system.sh installs for running; iproute2 is for tests.
needed=$(sed -nE 's/^packages\+?=\((.*)\)$/\1/p' scripts/setup-system.sh)
[[ $needed == *bubblewrap* ]] || fail "scripts/setup-system.sh names its packages in another way; mend this script"
for package in $needed; do
  [[ $package == iproute2 ]] || grep -qE "^ +$package( |$)" "$dockerfile" ||
    fail "$dockerfile lacks $package, which scripts/setup-system.sh installs"
done

complaints=$("$tools/check-jsonschema" --builtin-schema vendor.compose-spec packaging/compose.yaml 2>&1) ||
  fail "$complaints"
"$tools/python" -B scripts/lint_packaging.py

if command -v systemd-analyze >/dev/null; then
  # Verified with a program that is there, as ours need not be installed.
  copy=$(mktemp -d)
  trap 'rm -r "$copy"' EXIT
  original=packaging/systemd/rayswarm.service
  unit=$copy/rayswarm.service
  sed -E 's|^(ExecStart=)[^ ]+|\1/usr/bin/true|' "$original" >"$unit"
  complaints=$(systemd-analyze verify --man=no "$unit" 2>&1) || complaints+=" (systemd-analyze verify failed)"
  # A directive that is unknown, or misspelt, is only warned of.
  [[ -z $complaints ]] || fail "${complaints//"$unit"/$original}"
  # In tenths, of 100 where nothing is restricted. Systemd 252 says 30; versions differ a little.
  systemd-analyze security --offline=true --threshold=35 "$unit" >/dev/null ||
    fail "$original restricts less than it did; see: systemd-analyze security --offline=true"
else
  echo "SKIPPED: systemd-analyze is missing, the unit was not verified" >&2
fi
