#!/usr/bin/env bash
# Builds the studio into web/dist, which becomes part of the program, unless it is newer than all it is made of.
# With --if-possible it only says so where Node.js is missing or too old: the program does without the studio.
set -euo pipefail
cd "$(dirname "$0")/.."

sources=(web/src web/public web/index.html web/vite.config.ts web/tsconfig.json web/package-lock.json)
if [[ -f web/dist/index.html && -z "$(find "${sources[@]}" -newer web/dist/index.html -print -quit)" ]]; then
  exit 0
fi

# Vite says which versions it runs on: 20.19 or newer, 22.12 or newer.
fits='const [major, minor] = process.versions.node.split(".").map(Number);
  process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1)'
if ! command -v npm >/dev/null || ! node -e "$fits" 2>/dev/null; then
  found=$(node --version 2>/dev/null || echo none)
  echo "build-web: the studio needs Node.js 20.19, 22.12 or newer with npm; found: $found" >&2
  [[ "${1:-}" == --if-possible ]] || exit 1
  echo "build-web: going on without the studio" >&2
  exit 0
fi

scripts/setup-npm.sh web
echo "Building the studio"
npm --prefix web run --silent build -- --logLevel warn
