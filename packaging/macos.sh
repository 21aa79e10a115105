#!/usr/bin/env bash
# Builds the binaries for macOS on Linux, and packs each with the licences, documentation and example configuration.
# They cannot be run here; instead, packaging/macos/inspect.py reads them like a Mac's loader.
# usage: packaging/macos.sh [CPU…]   (x86_64 and aarch64 by default)
. "$(dirname "$0")/common.sh"
[ $# -gt 0 ] || set -- x86_64 aarch64
if ! why=$(python_tools zig 'import ziglang' cargo-zigbuild==0.24.1 ziglang==0.17.1); then
    skip "macOS: cargo-zigbuild and ziglang could not be installed from PyPI: $(tail -n 1 <<<"$why")"
    exit 0
fi
export PATH=$tools/zig/bin:$PATH
for cpu; do
    case $cpu in x86_64) platform=darwin-x64 oldest=10.12 ;; aarch64) platform=darwin-arm64 oldest=11.0 ;; esac
    program=$(MACOSX_DEPLOYMENT_TARGET=$oldest build_for "$cpu-macos" "$cpu-apple-darwin")
    binary=$(binary_for $platform)
    install -D -m 755 "$program" "$binary"
    has_no_path "$binary"
    python3 packaging/macos/inspect.py "$binary" "$cpu" packaging/macos/frameworks
    pack_tar "proxmox-mcp-$version-$cpu-macos" "$binary"
done
echo "The programs for macOS were inspected but not run, because no Mac is available."
