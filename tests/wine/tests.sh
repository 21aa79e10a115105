#!/usr/bin/env bash
# Builds the unit and integration tests for Windows, runs them under wine, and prints how many pass and which do not. Takes
# a quarter of an hour; it is no part of the checks, because Wine's sockets and files differ from those of Windows.
# usage: tests/wine/tests.sh [FILTER…]
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/wine/prefix.sh

target=x86_64-pc-windows-gnu
rustup target add "$target" >/dev/null 2>&1 || true
programs=$(CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0 \
    cargo test --locked --no-run --target "$target" --lib --test it 2>&1 | sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
[ -n "$programs" ] || { echo "The tests could not be built: run cargo test --no-run --target $target" >&2; exit 1; }
folder=$(mktemp -d)
trap 'wineserver -k 2>/dev/null || true; wineserver -w 2>/dev/null || true; rm -rf "$folder"' EXIT
make_prefix "$folder/prefix" || exit 3
for program in $programs; do
    # Most of the time they wait for each other, so many run at once.
    timeout 1800 wine "$program" --test-threads 40 "$@" >"$folder/log" 2>&1 || true
    echo "$(basename "$program"): $(grep -c '^test .* \.\.\. ok' "$folder/log") tests pass; these do not:"
    sed -n 's/^test \(.*\) \.\.\. FAILED\r*$/  \1/p' "$folder/log"
done
