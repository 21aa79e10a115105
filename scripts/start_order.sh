#!/usr/bin/env bash
# Writes scripts/start.ld anew: which functions run between a start and the answer to `initialize`, as a linker script
# that puts them side by side. Needed only after the way of a start has changed much; what the file no longer names,
# or names in vain, costs a page fault. Needs valgrind.
# usage: scripts/start_order.sh
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_PROFILE_RELEASE_STRIP=false CARGO_TARGET_DIR=target/start_order
binary=$(scripts/build.sh | tail -n 1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo '{"host":"pve.example.org","token_id":"a@pve!b","token_secret":"12345678-90ab-cdef-1234-567890abcdef"}' \
    >"$folder/config.json"
chmod 600 "$folder/config.json"
echo '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}' \
    | valgrind --quiet --tool=callgrind --demangle=no --callgrind-out-file="$folder/profile" \
        "$binary" --config "$folder/config.json" | grep -q '"protocolVersion"'

# Hashes and numbers in names differ from one build to the next, and a `$` would be a symbol of the linker's.
# `.text*` is also `.text.unlikely`.
patterns() { sed -E 's/17h[0-9a-f]{16}E/17h*E/; s/Cs[0-9A-Za-z]+_/Cs*_/g; s/\$/?/g; s/\.[0-9]+( |$)/*\1/'; }
# By size, all that a pattern finds taken together: the many small ones share a few pages, and a pattern that many
# functions share, of which a start uses one, comes last.
names=$(LC_ALL=C join \
    <(sed -nE "s/^c?fn=\([0-9]+\) ([A-Za-z_][^' ]*).*/\1/p" "$folder/profile" | patterns | LC_ALL=C sort -u) \
    <(nm -S -t d "$binary" | sed -nE 's/^[0-9]+ ([0-9]+) [tTwW] (.*)$/\2 \1/p' | patterns | LC_ALL=C sort \
        | awk '$1 != name { if (name) print name, sum; name = $1; sum = 0 } { sum += $2 } END { print name, sum }') \
    | LC_ALL=C sort -k2,2n -k1,1 | cut -d ' ' -f 1)
{
    cat <<'HEAD'
/* Made by scripts/start_order.sh: what runs at a start lies side by side, in six pieces of 64 KiB instead of thirty.
   The system reads a program in such pieces, and each one that is touched for the first time costs as much as
   thousands of instructions. A pattern that finds nothing does no harm. */
SECTIONS
{
  .text.start :
  {
    *crt1.o(.text .text.*)
HEAD
    while read -r name; do echo "    *(.text*.$name)"; done <<<"$names"
    cat <<'TAIL'
    *libc.a:*(.text .text.*)
  }
}
INSERT BEFORE .text;
TAIL
} >scripts/start.ld
echo "scripts/start.ld names $(wc -l <<<"$names") functions."
