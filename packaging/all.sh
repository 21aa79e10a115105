#!/usr/bin/env bash
# Builds and tests every package below target/packages, and writes SHA256SUMS. Reports what it had to skip.
# usage: [REPOSITORY=URL] packaging/all.sh [CPU…]   (x86_64 and aarch64 by default; packaging/windows.sh makes the one for Windows)
. "$(dirname "$0")/common.sh"
# SHA256SUMS lists only files of this run.
find "$out" -mindepth 1 -delete
for part in "binaries $*" debian image bundle npm pypi registry http; do
    echo "==== ${part%% *}"
    # shellcheck disable=SC2086
    packaging/${part%% *}.sh ${part#"${part%% *}"}
done
echo "==== checksums"
cp "$out/registry/server.json" "$out/" 2>/dev/null || true
(
    cd "$out"
    cp npm/*.tgz pypi/*.whl . 2>/dev/null || true
    find . -maxdepth 1 -type f \( -name 'proxmox-mcp*.tar.gz' -o -name '*.zip' -o -name '*.deb' -o -name '*.oci.tar' \
        -o -name '*.mcpb' -o -name '*.tgz' -o -name '*.whl' -o -name server.json \) -printf '%f\n' \
        | LC_ALL=C sort | xargs sha256sum >SHA256SUMS
    sha256sum --check --quiet SHA256SUMS
    cat SHA256SUMS
)
