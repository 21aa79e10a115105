#!/usr/bin/env bash
# Makes an optimized build and prints one table of speed and size, as ratios that are comparable between machines.
# usage: bench/run.sh [COMMAND …]   (COMMAND: the command line of another MCP server to compare, with the same work)
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(scripts/build.sh | tail -n 1)
folder=$(dirname "$binary")
target=$(basename "$(dirname "$folder")")
scripts/build.sh "$target" --bench speed >/dev/null
# Once more: for the benchmark cargo has also built the binary, but with the features that dependencies have for tests.
scripts/build.sh >/dev/null
# The newest one, because older builds are in the same folder.
newest() { find "$folder/deps" -name "$1-*" -perm -u+x -type f -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-; }
hello=$folder/hello
rustc --edition 2024 -C opt-level=3 -C lto=fat -C codegen-units=1 -C strip=symbols ${RUSTFLAGS:-} \
    --target "$target" -o "$hello" bench/hello.rs
exec "$(newest speed)" "$binary" "$hello" "$@"
