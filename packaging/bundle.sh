#!/usr/bin/env bash
# Packs the binaries that were built into one MCP bundle (.mcpb), and starts it like a desktop client on this machine.
# usage: packaging/bundle.sh
. "$(dirname "$0")/common.sh"
if ! why=$(npm_tools "${node_packages[@]}"); then
    skip "MCP bundle: $why"
    exit 0
fi
mcpb() { "$tools/packaging/node_modules/.bin/mcpb" "$@"; }
this_binary >/dev/null

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mac=()
systems=()
for platform in $(platforms); do
    binary=$(binary_for "$platform")
    case $platform in
        linux-x64) install -D -m 755 "$binary" "$folder/server/linux/proxmox-mcp-x86_64" ;;
        linux-arm64) install -D -m 755 "$binary" "$folder/server/linux/proxmox-mcp-aarch64" ;;
        win32-x64) install -D -m 755 "$binary" "$folder/server/windows/proxmox-mcp.exe" ;;
        darwin-*) mac+=("$binary") ;;
    esac
    systems+=("${platform%-*}")
done
# A manifest distinguishes systems but not processors: on Linux a script does, and on macOS one file contains both
# programs.
install -m 755 packaging/bundle/linux.sh "$folder/server/linux/proxmox-mcp"
if [ ${#mac[@]} -gt 0 ]; then
    mkdir "$folder/server/macos"
    python3 packaging/macos/universal.py "$folder/server/macos/proxmox-mcp" "${mac[@]}" >/dev/null
fi
cp LICENSE packaging/THIRD-PARTY-NOTICES.txt "$folder/"
filled packaging/manifest.json >"$folder/whole.json"
python3 - "$folder" "${systems[@]}" <<'END'
import json, pathlib, sys
folder, systems = pathlib.Path(sys.argv[1]), set(sys.argv[2:])
manifest = json.loads((folder / "whole.json").read_text())
(folder / "whole.json").unlink()
platforms = manifest["compatibility"]["platforms"]
for absent in set(platforms) - systems:
    print(f"left out, because it was not built here: the program for {absent}")
    platforms.remove(absent)
    del manifest["server"]["mcp_config"]["platform_overrides"][absent]
(folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
END
mcpb validate "$folder/manifest.json"
# Not with `mcpb pack`, which is not reproducible: it keeps the order of the files on disk and local times.
file=$out/proxmox-mcp-$version.mcpb
python3 packaging/zip.py "$folder" "$file"

rm -rf "$out/bundle"
mcpb unpack "$file" "$out/bundle" >/dev/null
MCPB=$tools/packaging/node_modules/@anthropic-ai/mcpb node packaging/try_bundle.mjs "$out/bundle" "$version"
