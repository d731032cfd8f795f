#!/usr/bin/env bash
# Installs the npm packages of a folder as its package-lock.json pins them: scripts/setup-npm.sh contracts
set -euo pipefail
folder=${1:?name the folder: contracts, web or sdk/js}
cd "$(dirname "$0")/../$folder"

# npm writes this file last, so one that is newer than the lock stands for a finished installation.
if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then
  echo "Installing the npm packages of $folder"
  # `npm ci` would refuse a lock that leaves out the optional packages of platforms other than the one it was made
  # on; without saving, `npm install` takes every version and checksum from the lock just the same.
  npm install --no-save --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
fi
