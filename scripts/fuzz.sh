#!/usr/bin/env bash
# Fuzzes decoders by coverage, one after the other: fuzz/README.md.
# Usage: [FUZZ_SECONDS=60] scripts/fuzz.sh [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."

cargo_fuzz_version=0.13.2
target="${CARGO_TARGET_DIR:-$PWD/target}"
tools="$target/tools"
export PATH="$tools/bin:$PATH"
# Beside the build of everything else: with coverage and the address sanitizer nothing can be shared.
build="$target/fuzz"

targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  for program in fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$program" .rs)"); done
fi

if [[ "$(cargo fuzz --version 2>/dev/null)" != "cargo-fuzz $cargo_fuzz_version" ]]; then
  echo "Installing cargo-fuzz $cargo_fuzz_version"
  cargo install --quiet --locked --debug --root "$tools" --target-dir "$tools/fuzz-build" cargo-fuzz \
    --version "$cargo_fuzz_version"
  rm -rf "$tools/fuzz-build"
fi

# The versions of the workspace; what libFuzzer needs besides is added to them.
[[ fuzz/Cargo.lock -nt Cargo.lock ]] || cp Cargo.lock fuzz/Cargo.lock

# Network and node are the larger part of the build.
features=(--no-default-features)
for name in "${targets[@]}"; do
  case $name in
    block | header | executed_block | transaction | consensus_* | document) ;;
    *) features=() ;;
  esac
done

# Coverage and sanitizers are unstable flags, which the pinned compiler has too.
export RUSTC_BOOTSTRAP=1
for name in "${targets[@]}"; do
  echo "=== $name"
  found="$build/corpus/$name"
  mkdir -p "$found"
  cargo fuzz run --fuzz-dir fuzz --target-dir "$build" "${features[@]}" "$name" "$found" "fuzz/corpus/$name" -- \
    -max_total_time="${FUZZ_SECONDS:-60}" -max_len=65536 -timeout=30 -rss_limit_mb=4096 -print_final_stats=1
done
