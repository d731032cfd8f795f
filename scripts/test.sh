#!/usr/bin/env bash
# Runs every suite, also after one failed, and ends with one line: how many passed and how many failed.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-$PWD/target}"
logs="$target/test-logs"
mkdir -p "$logs"
rm -f "$logs"/*

passed=0
failed=0

# Adds to the sums what a suite's log says; a suite that says nothing and ended badly counts as one failure.
count() {
  local status=$1 suite_passed=$2 suite_failed=$3
  if [[ $status -ne 0 && $suite_failed -eq 0 ]]; then suite_failed=1; fi
  passed=$((passed + suite_passed))
  failed=$((failed + suite_failed))
}

finish() {
  echo
  echo "$passed passed, $failed failed" | tee "$logs/summary"
  [[ $failed -eq 0 ]]
}

# Runs a command, shows its output and keeps it; sets `status`.
run() {
  local name=$1
  shift
  echo
  echo "=== $name"
  status=0
  "$@" 2>&1 | tee "$logs/$name.log" || status=$?
}

# The number that stands before a word in a line: "12 passed"; 0 if it is not there.
number_before() { # word, line
  grep -oE "[0-9]+$1" <<<"$2" | grep -oE '^[0-9]+' || echo 0
}

# Setting up and checking come first: there is no use in testing what does not pass them.
run setup bash -c 'scripts/setup-tools.sh && for folder in contracts web sdk/js; do scripts/setup-npm.sh "$folder" || exit; done &&
  scripts/build-web.sh'
[[ $status -eq 0 ]] || { count 1 0 0; finish; exit; }
# Where time is short clippy compiles what it lints, so that what others wrote is not compiled a second time for the lints alone,
# and the node is not optimised: only its figures depend on that.
if [[ -n "${RAYSWARM_BUILD_ONCE:-}" ]]; then
  export RUSTC_WORKSPACE_WRAPPER=clippy-driver
  export CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
  CARGO_FLAGS=
  for package in node network scheduler; do CARGO_FLAGS+=" --config profile.dev.package.rayswarm-$package.opt-level=0"; done
  export CARGO_FLAGS
fi
run check scripts/check.sh --without-docs
count "$status" "$((status == 0))" 0
[[ $status -eq 0 ]] || { finish; exit; }

# The end-to-end tests use the program as a person would. It is built with the tests, so that nothing is built twice.
run build cargo build ${CARGO_FLAGS:-} --quiet --locked --workspace --all-targets
[[ $status -eq 0 ]] || { count 1 0 0; finish; exit; }
run engines "$target/debug/rayswarm" engines install blender
[[ $status -eq 0 ]] || { count 1 0 0; finish; exit; }

# The short part; `make contracts-test` runs all of it.
run contracts scripts/test-contracts.sh
totals=$(tail -n 1 "$logs/contracts.log")
count "$status" "$(number_before ' passed' "$totals")" "$(number_before ' failed' "$totals")"

# What runs beside Blender is also tested from Rust, through real sessions; these are the parts that need no Blender.
for beside in blender commands; do
  run "python-$beside" env PYTHONPATH=engines/$beside \
    python3 -B -m unittest discover --start-directory engines/$beside/tests
  ran=$(sed -nE 's/^Ran ([0-9]+) tests?.*/\1/p' "$logs/python-$beside.log")
  broken=$(sed -nE 's/^FAILED \((.*)\)$/\1/p' "$logs/python-$beside.log" | { grep -oE '(failures|errors)=[0-9]+' || true; } |
    awk -F= '{ sum += $2 } END { print sum + 0 }')
  count "$status" "$((${ran:-0} - broken))" "$broken"
done

# The client against the program that was just built, and in a browser where there is one.
run javascript env RAYSWARM_BIN="$target/debug/rayswarm" npm --prefix sdk/js run --silent test
said() { sed -nE "s/^[^ ]+ $1 ([0-9]+)\$/\1/p" "$logs/javascript.log"; }
ran=$(said pass)
broken=$(said fail)
count "$status" "${ran:-0}" "${broken:-0}"

# The Blender extension, in the Blender of the engine store, against the program that was just built.
run addon scripts/test-addon.sh
totals=$(tail -n 1 "$logs/addon.log")
count "$status" "$(number_before ' passed' "$totals")" "$(number_before ' failed' "$totals")"

# Tests that need one of the contracts' tools pass without it, and the runner hides what passing tests say.
for tool in @foundry-rs/anvil-linux-amd64 @foundry-rs/cast-linux-amd64 viem ethers; do
  [[ -d contracts/node_modules/$tool ]] || echo "SKIPPED: tests with $tool, which npm did not install" >&2
done
[[ -d "$target/state-tests" ]] || echo "SKIPPED: Ethereum's state tests but for a sample; scripts/fetch-state-tests.sh makes them" >&2
run rust cargo nextest run ${CARGO_FLAGS:-} --locked --workspace
totals=$(grep -E '^ *Summary' "$logs/rust.log" | tail -n 1 || true)
count "$status" "$(number_before ' passed' "$totals")" "$(number_before ' failed' "$totals")"

finish
