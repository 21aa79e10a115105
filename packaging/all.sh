#!/usr/bin/env bash
# Builds and tests every package below target/packages, and writes SHA256SUMS. Reports what it had to skip.
# usage: [REPOSITORY=URL] [OTHERS=PROFILE] packaging/all.sh [PLATFORM…]
#        PLATFORM is x86_64-linux, aarch64-linux, x86_64-windows, x86_64-macos or aarch64-macos; all of them by default.
#        OTHERS=dev builds those for other machines in a quarter of the time, to test the packaging.
. "$(dirname "$0")/common.sh"
[ $# -gt 0 ] || set -- "${all_platforms[@]}"
# SHA256SUMS lists only files of this run.
find "$out" -mindepth 1 -delete
of() { # SYSTEM PLATFORM…: the processors of that system
    local platform
    for platform in "${@:2}"; do
        case $platform in
            *-linux | *-windows | *-macos) [[ $platform != *-"$1" ]] || echo "${platform%-*}" ;;
            *) fail "there is no platform $platform, only ${all_platforms[*]}" ;;
        esac
    done
}
run() { # PART [ARGUMENT…]
    echo "==== $1"
    local began=$SECONDS
    "packaging/$1.sh" "${@:2}"
    echo "($1: $((SECONDS - began)) s)"
}
linux=$(of linux "$@")
windows=$(of windows "$@")
macos=$(of macos "$@")
# shellcheck disable=SC2086
{
    [ -z "$linux" ] || run binaries $linux
    [ -z "$windows" ] || run windows
    [ -z "$macos" ] || run macos $macos
}
for part in debian image bundle npm pypi registry http cargo sbom; do run "$part"; done

echo "==== checksums"
cp "$out/registry/server.json" "$out"/npm/*.tgz "$out"/pypi/*.whl "$out/" 2>/dev/null || true
cp packaging/THIRD-PARTY-NOTICES.txt "$out/"
(
    cd "$out"
    find . -maxdepth 1 -type f \( -name 'proxmox[-_]mcp*.tar.gz' -o -name '*.zip' -o -name '*.deb' -o -name '*.oci.tar' -o -name '*.mcpb' \
        -o -name '*.tgz' -o -name '*.whl' -o -name '*.crate' -o -name '*.cdx.json' -o -name server.json -o -name THIRD-PARTY-NOTICES.txt \) \
        -printf '%f\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS
    sha256sum --check --quiet SHA256SUMS
    while read -r sum file; do printf '%s  %10d  %s\n' "$sum" "$(wc -c <"$file")" "$file"; done <SHA256SUMS
)
