#!/usr/bin/env bash
# Tests the contracts: what is committed follows from the sources, then forge's tests, gas figures among them.
# Usage: scripts/test-contracts.sh [--long]
# With --long also the long profile, coverage (95 % of the lines in src/ at least) and slither. Goes on after a failure
# and ends with one line: how many passed and how many failed; a step that is not a test counts as one.
set -euo pipefail
cd "$(dirname "$0")/../contracts"

lines_min_percent=95

passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Runs a command, shows its output and keeps it; sets `status`.
run() {
  echo
  echo "== $1"
  shift
  status=0
  "$@" 2>&1 | tee "$log" || status=$?
}

count() { # passed, failed; a step that ended badly and counted no failure is one
  local step_failed=$2
  if [[ $status -ne 0 && $step_failed -eq 0 ]]; then step_failed=1; fi
  passed=$((passed + $1))
  failed=$((failed + step_failed))
}

check() {
  run "$@"
  count $((status == 0)) 0
}

forge_tests() {
  local totals step_passed step_failed
  run "$@"
  totals=$(sed -nE 's/^Ran [0-9]+ test suites? .*: ([0-9]+) tests? passed, ([0-9]+) failed.*/\1 \2/p' "$log" | tail -n 1)
  read -r step_passed step_failed <<<"${totals:-0 0}"
  count "$step_passed" "$step_failed"
}

coverage() {
  local hit=0 found=0
  run coverage npm run --silent coverage -- --color never
  read -r hit found < <(sed -nE 's/^\| Total +\| [0-9.]+% \(([0-9]+)\/([0-9]+)\).*/\1 \2/p' "$log") || true
  echo "coverage: $hit of $found lines of src/; $lines_min_percent % are asked"
  if ((found == 0 || hit * 100 < found * lines_min_percent)); then status=1; fi
  count $((status == 0)) 0
}

check format tools/foundry forge fmt --check
check artifacts tools/artifacts --check
check vectors tools/vectors --check
check addresses tools/addresses --check
forge_tests tests npm run --silent test -- --color never

if [[ "${1:-}" == --long ]]; then
  forge_tests "long profile" npm run --silent long -- --color never
  coverage
  check slither npm run --silent slither
fi

echo
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
