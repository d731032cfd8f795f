#!/usr/bin/env bash
# Asks a running node everything its description allows, and much that it does not: schemathesis against /v1/openapi.json.
# Usage: scripts/test-api.sh DATA_FOLDER [schemathesis options]. It makes jobs, tokens and webhooks: give it a node of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

data=$1
shift
schemathesis="${CARGO_TARGET_DIR:-$PWD/target}/tools/schemathesis/bin/st"
[[ -x $schemathesis ]] || { echo "test-api: schemathesis is missing; run scripts/setup-tools.sh" >&2; exit 3; }

http=$(sed -nE 's/.*"http":"([^"]+)".*/\1/p' "$data/daemon.json")
# The event stream never ends.
exec "$schemathesis" --config-file scripts/schemathesis.toml run "http://$http/v1/openapi.json" \
  --header "Authorization: Bearer $(<"$data/token")" --exclude-path /v1/events "$@"
