#!/usr/bin/env bash
# Installs forge, solc and the libraries of the contracts as contracts/package-lock.json pins them.
set -euo pipefail
cd "$(dirname "$0")/../contracts"

# npm writes this file last, so one that is newer than the lock stands for a finished installation.
if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then
  echo "Installing the contracts' tools"
  # `npm ci` would refuse a lock that leaves out the optional packages of platforms other than the one it was made
  # on; without saving, `npm install` takes every version and checksum from the lock just the same.
  npm install --no-save --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
fi
