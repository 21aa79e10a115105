#!/usr/bin/env bash
# Measures calls over a link of a given length, in round trips: how often a user waits for the way there and back.
# usage: bench/link.sh [COMMAND …]
# COMMAND is the command line of another MCP server to run on the same work. In its words, {host}, {port}, {id}, {secret},
# {ca} and {config} stand for the cluster's address, the token, the file of the authority, and a configuration of this program.
# Environment: RTT (milliseconds, 20), ROUNDS (5), IDLE_ROUNDS (3), BINARY (measure this one instead of building), SETTINGS
# (further keys of the configuration as a JSON object, such as '{"keep_warm": true}'), CALLS (a file like bench/link.json
# with the other server's tools; only COMMAND is measured then).
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${BINARY:-$(scripts/build.sh | tail -n 1)}
exec cargo bench --quiet --profile fuzz --bench link -- "$binary" "$@"
