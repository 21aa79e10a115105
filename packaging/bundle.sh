#!/usr/bin/env bash
# Packs each binary that was built as an MCP bundle (.mcpb), and starts the one for this machine as a desktop client would.
# usage: packaging/bundle.sh
. "$(dirname "$0")/common.sh"
if ! why=$(npm_tools "${node_packages[@]}"); then
    skip "MCP bundle: $why"
    exit 0
fi
mcpb() { "$tools/packaging/node_modules/.bin/mcpb" "$@"; }
this_binary >/dev/null

for cpu in $(built); do
    folder=$(mktemp -d)
    install -D -m 755 "$out/bin/$cpu/proxmox-mcp" "$folder/server/proxmox-mcp"
    cp LICENSE packaging/THIRD-PARTY-NOTICES.txt "$folder/"
    filled packaging/manifest.json PLATFORM=linux >"$folder/manifest.json"
    mcpb validate "$folder/manifest.json"
    find "$folder" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
    file=$out/proxmox-mcp-$version-$cpu-linux.mcpb
    mcpb pack "$folder" "$file" >"$out/bundle.log" || { tail -n 5 "$out/bundle.log"; fail "the bundle could not be packed"; }
    rm -rf "$folder"
    echo "$file ($(wc -c <"$file" | tr -d ' ') bytes)"
done

rm -rf "$out/bundle"
mcpb unpack "$out/proxmox-mcp-$version-$machine-linux.mcpb" "$out/bundle" >/dev/null
MCPB=$tools/packaging/node_modules/@anthropic-ai/mcpb node packaging/try_bundle.mjs "$out/bundle" "$version"
