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
# What people configure most: what runs for none of it is not named.
cat >"$folder/config.json" <<'CONFIG'
{"host":"https://pve.example.org:8006","token_id":"a@pve!b","token_secret":"12345678-90ab-cdef-1234-567890abcdef",
"ca_file":"ca.pem","access":"standard","toolsets":["core"],"deny_tools":[],"protected":[],"wait":30}
CONFIG
chmod 600 "$folder/config.json"

# Which constants the system itself reads is in no trace: the signals that a starting thread blocks, a file's empty name.
# And some builds look into the table of tools where others have what is in it.
others='*(.rodata.app_mask) *(.rodata.__fstat.str1.1) *(.rodata.*5tools5index7ENTRIES)'

# Builds with other flags, or in another folder, have other hashes, by which the compiler decides what it writes where it is
# called: what any of three uses counts.
for build in 1 2 3; do
    map=$PWD/target/start_order/map$build
    binary=$(CARGO_TARGET_DIR=target/start_order RUSTFLAGS="-C link-arg=-Wl,-Map=$map" scripts/build.sh | tail -n 1)
    echo '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}' \
        | valgrind --quiet --tool=lackey --trace-mem=yes --log-file="$folder/accesses" "$binary" --config "$folder/config.json" \
        | grep -q '"protocolVersion"'
    # Each section with its address and size. The map gives a name a line of its own where it is long.
    awk '$1 ~ /^\.(text|rodata)/ && $1 !~ /\.(start|near)$/ { name = $1; if (NF == 1) next; $1 = ""; $0 = $0 }
         name && $1 ~ /^0x0*[1-9a-f]/ { print substr($1, 3), "is", name, $2 } { name = "" }' "$map" >"$folder/places$build"
    # What of each was run or read, in pieces of 16 bytes.
    end=0
    sort -k1,1 -k2,2r "$folder/places$build" \
        <(sed -nE 's/^(I | [LM]) +([0-9a-f]+),.*/\2/p' "$folder/accesses" | sort -u \
            | awk '{ print substr("0000000000000000" $1, length($1) + 1), "at" }') \
        | while read -r address what name size; do
            if [ "$what" = is ]; then
                current=$name end=$((16#$address + size)) last=
            elif ((16#$address < end)) && [ "${address%?}" != "$last" ]; then
                echo "$current 16" && last=${address%?}
            fi
        done >"$folder/used$build"
done

# Hashes and numbers in names differ from one build to the next, and a `$` would be a symbol of the linker's. Which crate a
# generic function was made for, at the end, is chance: of equal ones the compiler keeps any.
patterns() {
    sed -E 's/17h[0-9a-f]{16}E/17h*E/; s/Cs[0-9A-Za-z]+_/Cs*_/g; s/\$/?/g; s/\.[0-9]+( |$)/*\1/; s/^\.text\.unlikely\./.text*./' \
        | awk 'match($1, /Cs\*_[0-9]+[A-Za-z0-9_]+$/) {
                   crate = substr($1, RSTART + 4)
                   if (length(crate + 0) + crate == length(crate)) $1 = substr($1, 1, RSTART - 1) "*"
               } { print }'
}
sums() { awk '{ sum[$1] += $2 } END { for (name in sum) print name, sum[name] }' | sort; }
sizes() { while read -r _ _ name size; do echo "$name $((size))"; done; }
# The densest first: of how much that a pattern finds was how much used. So the many small ones share a few pages, and
# what is mostly for errors, or shared by functions of which a start uses one, comes last. Not taken: what is hardly used,
# and what has no name of its own.
join <(cat "$folder"/used? | patterns | sums) <(cat "$folder"/places? | sizes | patterns | sums) \
    | awk '$2 / $3 > 0.004 && $1 !~ /^\.(text|rodata)$/ && $1 !~ /\.Lanon\.|\.str1/ { print $2 / $3, $1 }' \
    | sort -k1,1gr -k2,2 | cut -d ' ' -f 2 >"$folder/dense"
# Constants without a name are counted in each crate, and most edits move them by a few: first those that were read, and
# behind the code their neighbours, by tens.
sed -nE 's/^\.rodata\.\.Lanon\.[0-9a-f]+\.([0-9]+) .*/\1/p' "$folder"/used? | sort -nu >"$folder/unnamed"

# usage: script SECTION PLACE < patterns
script() {
    cat <<HEAD
SECTIONS
{
  $1 :
  {
HEAD
    sed 's/.*/    &/'
    printf '  }\n}\nINSERT %s;\n' "$2"
}
about='/* Made by scripts/start_order.sh: what a start runs or reads lies side by side. The system reads a program in pieces of
   64 KiB, and each one that is touched for the first time costs as much as thousands of instructions. A pattern that
   finds nothing does no harm. */'
{
    echo "$about"
    { echo '*crt1.o(.text .text.*)' && echo '*libc.a:*(.text)' && sed -n 's/^\.text.*/*(&)/p' "$folder/dense"; } \
        | script .text.start 'BEFORE .text'
} >scripts/start.ld
{
    echo "$about"
    {
        echo "$others"
        sed -n 's/^\.rodata.*/*(&)/p' "$folder/dense"
        sed 's/.*/*(.rodata..Lanon.*.&)/' "$folder/unnamed"
    } | script .rodata.start 'AFTER .note.gnu.build-id'
    awk '{
            ten = int($1 / 10)
            for (t = ten - 1; t <= ten + 1; t++) if (0 < t && !seen[t]++) print "*(.rodata..Lanon.*." t "?)"
        }' "$folder/unnamed" | script .rodata.near 'BEFORE .text'
} >scripts/start_constants.ld
wc -l scripts/start*.ld
