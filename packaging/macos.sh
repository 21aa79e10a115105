#!/usr/bin/env bash
# Builds the binaries for macOS on Linux, with the compiler and linker of zig, and packs them. They are inspected and not
# run, for which it takes a Mac.
# usage: packaging/macos.sh
. "$(dirname "$0")/common.sh"
zig=$tools/zig
if ! "$zig/bin/python" -c 'import ziglang' 2>/dev/null || [ ! -x "$zig/bin/cargo-zigbuild" ]; then
    command -v python3 >/dev/null || { skip "macOS: python3 is not installed"; exit 0; }
    why=$({ python3 -m venv "$zig" && "$zig/bin/pip" install --quiet ziglang==0.17.1 cargo-zigbuild==0.24.1; } 2>&1) \
        || { skip "macOS: zig could not be installed from PyPI: $(tail -n 1 <<<"$why")"; exit 0; }
fi
export PATH=$zig/bin:$PATH
command -v rustup >/dev/null || { skip "macOS: Rust's libraries for it need rustup"; exit 0; }

for cpu in x86_64 aarch64; do
    target=$cpu-apple-darwin
    # Not told the date: it goes into no binary, and a new one would have everything compiled again.
    env -u SOURCE_DATE_EPOCH scripts/build.sh "$target" >"$out/path.txt"
    binary=$out/macos/$cpu/proxmox-mcp
    install -D -m 755 "$(tail -n 1 "$out/path.txt")" "$binary"
    python3 packaging/macho.py "$binary" "$cpu"
    name=proxmox-mcp-$version-$cpu-macos
    folder=$(mktemp -d)
    install -D -m 755 "$binary" "$folder/$name/proxmox-mcp"
    install -m 644 LICENSE packaging/THIRD-PARTY-NOTICES.txt README.md CHANGELOG.md config.example.json "$folder/$name/"
    install -D -m 644 -t "$folder/$name/docs" docs/*
    "$(this_binary)" man >"$folder/$name/proxmox-mcp.1"
    tar -C "$folder" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -c "$name" \
        | gzip -9n >"$out/$name.tar.gz"
    rm -rf "$folder"
    echo "$out/$name.tar.gz ($(wc -c <"$out/$name.tar.gz") bytes)"
done
