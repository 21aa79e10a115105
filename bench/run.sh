#!/usr/bin/env bash
# Builds everything for speed and prints one table: how fast and how small, as ratios that hold on any machine.
# usage: bench/run.sh [COMMAND …]   (COMMAND: the command line of another MCP server to run beside, on the same work)
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(scripts/build.sh | tail -n 1)
folder=$(dirname "$binary")
target=$(basename "$(dirname "$folder")")
scripts/build.sh "$target" --bench speed >/dev/null
# Once more: for its benches cargo has built the binary too, with what dependencies have for tests in it.
scripts/build.sh >/dev/null
# The newest, for older builds lie beside it.
newest() { find "$folder/deps" -name "$1-*" -perm -u+x -type f -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-; }
hello=$folder/hello
rustc --edition 2024 -C opt-level=3 -C lto=fat -C codegen-units=1 -C strip=symbols ${RUSTFLAGS:-} \
    --target "$target" -o "$hello" bench/hello.rs
exec "$(newest speed)" "$binary" "$hello" "$@"
