#!/usr/bin/env bash
# Makes everything that is published, from a clone without changes: the packages for every platform, the entry for the
# registry, an SBOM for each program, the licences, and SHA256SUMS, all in dist/. Nothing is skipped: if something
# cannot be built or tested here, the release fails. Builds of the same commit are identical, which packaging/compare.sh
# checks.
# usage: REPOSITORY=URL packaging/release.sh [PLATFORM…]   (all of them by default, as packaging/all.sh names them)
. "$(dirname "$0")/common.sh"
changed=$(git status --porcelain)
[ -z "$changed" ] || fail "there are uncommitted changes: $(head -n 5 <<<"$changed")"
unset OTHERS PROFILE
CI=true packaging/all.sh "$@"
rm -rf dist
mkdir dist
cut -d ' ' -f 3 "$out/SHA256SUMS" | (cd "$out" && xargs cp -t "$OLDPWD/dist")
cp "$out/SHA256SUMS" dist/
echo "$(wc -l <dist/SHA256SUMS) files in dist/, for $(git rev-parse HEAD)"
