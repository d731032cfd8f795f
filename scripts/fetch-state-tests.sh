#!/usr/bin/env bash
# Makes Ethereum's state tests for the hardforks of our chain in target/state-tests, for crates/chain/tests/general_state.
# What is asked comes from ethereum/tests as npm has it, and from fill/ there; the answers from Ethereum's executable
# specification as PyPI has it, which must first find what ethereum/tests has published. About three minutes, once.
set -euo pipefail
cd "$(dirname "$0")/.."

tests=ethereumjs-testing@1.0.4
tests_sha512=c1a5154a4eff311a415a415bd2bf30199cd85e2cc265d53fb192023c27eeea9a3ae5fd9e6cd2a96c43b99bf3ee4fd5d23f274681c03532b58cbdc94617ef654e
specification=ethereum-execution==2.20.0
specification_sha256=5322bab367faeb6c9102a1131d13da8f7ba74fead5464c87c887f9221c9767a1

target="${CARGO_TARGET_DIR:-$PWD/target}"
folder="$target/state-tests"
source=crates/chain/tests/general_state
# Changes when anything does that the fixtures are made of.
made_of=$(find "$source/fill" "$source/published.txt" scripts/fetch-state-tests.sh -type f -not -name '*.pyc' -print0 |
  sort -z | xargs -0 sha256sum | sha256sum)
[[ "$(cat "$folder/made-of" 2>/dev/null)" != "$made_of" ]] || exit 0

for command in npm python3; do
  command -v "$command" >/dev/null || { echo "fetch-state-tests: $command is missing" >&2; exit 1; }
done
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "fetch-state-tests: the specification needs Python 3.11 or newer" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "Fetching $tests and $specification"
archive=$(npm pack --silent --pack-destination "$work" "$tests")
sha512sum --status --check <<<"$tests_sha512  $work/$archive" ||
  { echo "fetch-state-tests: $tests is not what it was when it was pinned" >&2; exit 1; }
tar -xzf "$work/$archive" -C "$work" package/tests/StateTests

python="$work/python"
python3 -m venv "$python"
pip=("$python/bin/pip" --disable-pip-version-check --quiet install --no-deps --only-binary :all:)
"${pip[@]}" --requirement "$source/fill/requirements.txt"
"${pip[@]}" --require-hashes --requirement <(echo "$specification --hash=sha256:$specification_sha256")

echo "Filling state tests"
"$python/bin/python" -B "$source/fill" "$source/published.txt" "$work/package/tests/StateTests" "$work/filled"
echo "$made_of" >"$work/filled/made-of"
mkdir -p "$target"
rm -rf "$folder"
mv "$work/filled" "$folder"
