#!/usr/bin/env bash
# Compares the size of the release program with its limit. With --crates it also says which crates most of its code and
# data come from, as far as symbols tell; generic code counts for the crate that defines it.
set -euo pipefail
cd "$(dirname "$0")/.."

# Millions of bytes.
limit_mb=90
crates_shown=20

program="${CARGO_TARGET_DIR:-$PWD/target}/release/rayswarm"
[[ -f $program ]] || { echo "size: $program is missing; run: make release" >&2; exit 3; }

if [[ "${1:-}" == --crates ]]; then
  command -v nm >/dev/null || { echo "size: nm is missing; run: apt-get install binutils" >&2; exit 3; }
  if [[ -z "$(nm --defined-only "$program" 2>/dev/null | head -n 1)" ]]; then
    echo "size: $program has no symbols; run: CARGO_PROFILE_RELEASE_STRIP=debuginfo make release" >&2
    exit 3
  fi
  # Lines are: address, size, kind, name. `<A as B>::f` counts for A.
  nm --print-size --radix=d --demangle=rust --defined-only "$program" |
    awk '
      NF >= 4 && $2 ~ /^[0-9]+$/ {
        name = $0
        sub(/^[0-9]+ [0-9]+ [^ ]+ /, "", name)
        owner = "no crate"
        if (name ~ /::/) {
          sub(/::.*/, "", name)
          gsub(/^[<&*(\[ ]+/, "", name)
          sub(/^(mut|const|dyn) /, "", name)
          if (name ~ /^[a-z_][a-z0-9_]*$/) owner = name
        }
        sum[owner] += $2
      }
      END { for (owner in sum) printf "%8.2f MB  %s\n", sum[owner] / 1e6, owner }' |
    sort -rn | sed -n "1,${crates_shown}p"
fi

bytes=$(stat --format=%s --dereference "$program")
size=$(awk -v bytes="$bytes" 'BEGIN { printf "%.1f", bytes / 1e6 }')
echo "$program has $size MB of $limit_mb"
if ((bytes > limit_mb * 1000000)); then
  echo "size: that is too large; scripts/size.sh --crates says what fills it, or raise the limit in scripts/size.sh with a" \
    "reason in the commit" >&2
  exit 1
fi
