#!/usr/bin/env bash
# Measures calls over a link with a given latency, in round trips: how often a user waits for the network.
# usage: bench/link.sh [COMMAND …]
# COMMAND is the command line of another MCP server to run with the same work. In it, {host}, {port}, {id}, {secret},
# {ca} and {config} stand for the cluster's address, the API token, the CA file, and a configuration file of this program.
# Environment: RTT (milliseconds, 20), ROUNDS (5), IDLE_ROUNDS (3), BINARY (measure this one instead of building),
# SETTINGS (additional configuration keys as a JSON object, such as '{"keep_warm": true}'), CALLS (a file like
# bench/link.json with the other server's tools; then only COMMAND is measured).
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${BINARY:-$(scripts/build.sh | tail -n 1)}
exec cargo bench --quiet --profile fuzz --bench link -- "$binary" "$@"
