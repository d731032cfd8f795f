#!/usr/bin/env bash
# Everything that can be said about the repository without running the program. Stops at the first complaint.
# Usage: scripts/check.sh [--without-docs]
# Without the pages of the code, which take minutes on a clean machine: integration has an hour and a half for all.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { echo; echo "== $*"; }

step "format"
cargo fmt --all --check

step "Python"
mapfile -t python_files < <(git ls-files --cached --others --exclude-standard -- '*.py')
ruff check --quiet "${python_files[@]}"

step "packaging"
scripts/lint-packaging.sh

step "architecture"
cargo run ${CARGO_FLAGS:-} --quiet --locked -p xtask -- tidy

step "lints"
if [[ "${RUSTC_WORKSPACE_WRAPPER:-}" == clippy-driver ]]; then
  cargo build ${CARGO_FLAGS:-} --quiet --locked --workspace --all-targets
else
  cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
fi

step "web"
npm --prefix web run --silent check

step "JavaScript client"
# Its tests with a real node belong to `make test`.
RAYSWARM_BIN='' npm --prefix sdk/js run --silent check

if [[ "${1:-}" == --without-docs ]]; then exit; fi
step "docs"
# Module maps name private modules on purpose: these pages are for people who work on the code.
RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --quiet --locked --no-deps --workspace --document-private-items
