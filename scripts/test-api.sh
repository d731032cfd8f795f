#!/usr/bin/env bash
# Asks a running node everything its description allows, and much that it does not: schemathesis against /v1/openapi.json.
# Usage: scripts/test-api.sh DATA_FOLDER [schemathesis options]. Needs Python with venv; reads only, unless told otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

data=$1
shift
tools="${CARGO_TARGET_DIR:-$PWD/target}/tools/schemathesis"
[[ -x $tools/bin/st ]] || { python3 -m venv "$tools" && "$tools/bin/pip" install --quiet schemathesis==4.32.5; }

http=$(sed -nE 's/.*"http":"([^"]+)".*/\1/p' "$data/daemon.json")
# The event stream never ends.
exec "$tools/bin/st" run "http://$http/v1/openapi.json" --header "Authorization: Bearer $(<"$data/token")" \
  --exclude-path /v1/events "$@"
