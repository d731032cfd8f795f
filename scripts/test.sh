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

# The sum of the numbers before a word in a log: "12 passed".
sum_of() { # word, log
  grep -oE "[0-9]+ (tests? )?$1" "$logs/$2.log" | awk '{ sum += $1 } END { print sum + 0 }'
}

# Setting up and checking come first: there is no use in testing what does not pass them.
run setup bash -c 'scripts/setup-tools.sh && scripts/setup-contracts.sh'
[[ $status -eq 0 ]] || { count 1 0 0; finish; exit; }
run check scripts/check.sh
count "$status" "$((status == 0))" 0
[[ $status -eq 0 ]] || { finish; exit; }

# The end-to-end tests use the program as a person would. It is built with the tests, so that nothing is built twice.
run build cargo build --quiet --locked --workspace --all-targets
[[ $status -eq 0 ]] || { count 1 0 0; finish; exit; }
run engines "$target/debug/rayswarm" engines install blender
[[ $status -eq 0 ]] || { count 1 0 0; finish; exit; }

run artifacts contracts/tools/artifacts --check
count "$status" "$((status == 0))" 0

run contracts contracts/tools/foundry forge test --color never
count "$status" "$(tail -n 5 "$logs/contracts.log" | sed -nE 's/.*: ([0-9]+) tests passed.*/\1/p' | tail -n 1 | grep . || echo 0)" \
  "$(tail -n 5 "$logs/contracts.log" | sed -nE 's/.* ([0-9]+) failed.*/\1/p' | tail -n 1 | grep . || echo 0)"

run rust cargo nextest run --locked --workspace
count "$status" "$(grep -E '^ *Summary' "$logs/rust.log" | sed -nE 's/.* ([0-9]+) passed.*/\1/p' | grep . || echo 0)" \
  "$(grep -E '^ *Summary' "$logs/rust.log" | sed -nE 's/.* ([0-9]+) failed.*/\1/p' | grep . || echo 0)"

finish
