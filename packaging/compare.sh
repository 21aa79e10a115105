#!/usr/bin/env bash
# Builds a release twice, in two fresh clones whose folders differ in name and depth, and compares them byte by byte.
# usage: packaging/compare.sh [PLATFORM…]   (all of them by default, as packaging/all.sh names them)
. "$(dirname "$0")/common.sh"
unset SOURCE_DATE_EPOCH CARGO_TARGET_DIR
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
first=$folder/one second=$folder/another/and/deeper
for clone in "$first" "$second"; do
    git clone --quiet . "$clone"
    "$clone/packaging/release.sh" "$@" >"$folder/log" 2>&1 || { tail -n 20 "$folder/log"; fail "the release failed"; }
    # The second one is built from scratch, too.
    rm -rf "$clone/target"
done
diff -r "$first/dist" "$second/dist" || fail "two builds of the same commit differ"
cat "$first/dist/SHA256SUMS"
echo "$(wc -l <"$first/dist/SHA256SUMS") files, identical in both"
