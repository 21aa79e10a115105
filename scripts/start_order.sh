#!/usr/bin/env bash
# Writes scripts/start.ld and scripts/start_constants.ld anew: which functions run, and which constants are read, between
# a start and the answer to `initialize`, as linker scripts that put them side by side. Needed only after the way of a
# start has changed much; what the files no longer name, or name in vain, costs a page fault. Needs valgrind.
# usage: scripts/start_order.sh
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
map=$PWD/target/start_order/map
binary=$(CARGO_TARGET_DIR=target/start_order RUSTFLAGS="-C link-arg=-Wl,-Map=$map" scripts/build.sh | tail -n 1)
# What people configure most: what runs for none of it is not named.
cat >"$folder/config.json" <<'CONFIG'
{"host":"https://pve.example.org:8006","token_id":"a@pve!b","token_secret":"12345678-90ab-cdef-1234-567890abcdef",
"ca_file":"ca.pem","access":"standard","toolsets":["core"],"deny_tools":[],"protected":[],"wait":30}
CONFIG
chmod 600 "$folder/config.json"
echo '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}' \
    | valgrind --quiet --tool=lackey --trace-mem=yes --log-file="$folder/accesses" "$binary" --config "$folder/config.json" \
    | grep -q '"protocolVersion"'

# Which constants the system itself reads (the signals that a starting thread blocks) is in no trace.
system='*(.rodata.app_mask)'

# Each section with its address and size. The map gives a name a line of its own where it is long.
awk '$1 ~ /^\.(text|rodata)/ && $1 !~ /\.start$/ { name = $1; if (NF == 1) next; $1 = ""; $0 = $0 }
     name && $1 ~ /^0x0*[1-9a-f]/ { print substr($1, 3), "is", name, $2 } { name = "" }' "$map" >"$folder/places"
# What of each was run or read, in pieces of 16 bytes.
sort -k1,1 -k2,2r "$folder/places" \
    <(sed -nE 's/^(I | [LM]) +([0-9a-f]+),.*/\2/p' "$folder/accesses" | sort -u \
        | awk '{ print substr("0000000000000000" $1, length($1) + 1), "at" }') \
    | awk '$2 == "is" { name = $3; next } name && !seen[name, substr($1, 1, 15)]++ { print name, 16 }' >"$folder/used"

# Hashes and numbers in names differ from one build to the next, and a `$` would be a symbol of the linker's.
patterns() {
    sed -E 's/17h[0-9a-f]{16}E/17h*E/; s/Cs[0-9A-Za-z]+_/Cs*_/g; s/\$/?/g; s/\.[0-9]+( |$)/*\1/; s/^\.text\.unlikely\./.text*./'
}
sums() { awk '{ sum[$1] += $2 } END { for (name in sum) print name, sum[name] }' | sort; }
sizes() { while read -r _ _ name size; do echo "$name $((size))"; done; }
# The densest first: of how much that a pattern finds was how much used. So the many small ones share a few pages, and
# what is mostly for errors, or shared by functions of which a start uses one, comes last. Not taken: what is hardly used,
# and what has no name of its own (other numbers after each edit).
join <(patterns <"$folder/used" | sums) <(sizes <"$folder/places" | patterns | sums) \
    | awk '$2 / $3 > 0.004 && $1 !~ /^\.(text|rodata)$/ && $1 !~ /\.Lanon\.|\.str1/ { print $2 / $3, $1 }' \
    | sort -k1,1gr -k2,2 | cut -d ' ' -f 2 >"$folder/dense"

# usage: script SECTION PLACE < patterns
script() {
    cat <<HEAD
/* Made by scripts/start_order.sh: what a start runs or reads lies side by side. The system reads a program in pieces of
   64 KiB, and each one that is touched for the first time costs as much as thousands of instructions. A pattern that
   finds nothing does no harm. */
SECTIONS
{
  $1 :
  {
HEAD
    sed 's/.*/    &/'
    printf '  }\n}\nINSERT %s;\n' "$2"
}
{ echo '*crt1.o(.text .text.*)' && echo '*libc.a:*(.text)' && sed -n 's/^\.text.*/*(&)/p' "$folder/dense"; } \
    | script .text.start 'BEFORE .text' >scripts/start.ld
{ echo "$system" && sed -n 's/^\.rodata.*/*(&)/p' "$folder/dense"; } \
    | script .rodata.start 'AFTER .note.gnu.build-id' >scripts/start_constants.ld
wc -l scripts/start*.ld
