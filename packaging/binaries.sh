#!/usr/bin/env bash
# Builds and tests the static binaries, and packs each with the licences, documentation and example configuration.
# usage: packaging/binaries.sh [CPU…]   (x86_64 and aarch64 by default)
. "$(dirname "$0")/common.sh"
[ "$(uname -s)" = Linux ] || fail "static programs exist on Linux only"
[ $# -gt 0 ] || set -- x86_64 aarch64

# The emulator for programs of another processor; empty for this one.
runner() {
    [ "$1" != "$machine" ] || return 0
    command -v "qemu-$1-static" || command -v "qemu-$1" || {
        [ -x "$tools/debian/usr/bin/qemu-$1-static" ] || unpack qemu-user-static >&2 || return 1
        echo "$tools/debian/usr/bin/qemu-$1-static"
    }
}

# A C compiler for another processor: one of those that scripts/build.sh searches for, or Debian's.
have_compiler() {
    [ "$1" != "$machine" ] || return 0
    command -v clang >/dev/null || command -v "$1-linux-musl-gcc" >/dev/null || { command -v "$1-linux-gnu-gcc" && [ -e "/usr/$1-linux-gnu/include/stdint.h" ]; } >/dev/null && return
    local headers=libc6-dev-amd64-cross
    [ "$1" != aarch64 ] || headers=libc6-dev-arm64-cross
    install_packages "gcc-${1//_/-}-linux-gnu" "$headers"
}

wanted=()
for cpu; do
    echo "== $cpu"
    if ! have_compiler "$cpu"; then
        skip "$cpu: there is no C compiler for it; install clang or $cpu-linux-gnu-gcc"
        continue
    fi
    wanted+=("$cpu")
    program=$(build_for "$cpu-linux" "$cpu-unknown-linux-musl")
    install -D -m 755 "$program" "$out/bin/$cpu/proxmox-mcp"
    binary=$out/bin/$cpu/proxmox-mcp
    # An ELF file names its processor in two bytes.
    elf=$(od -An -t x1 -j 18 -N 2 "$binary" | tr -d ' ')
    case $cpu:$elf in x86_64:3e00 | aarch64:b700) ;; *) fail "$binary is for another processor ($elf)" ;; esac
    size=$(wc -c <"$binary" | tr -d ' ')
    if ! run=$(runner "$cpu"); then
        skip "$cpu: it was built but not run (qemu-user-static could not be installed)"
    else
        [ "$(${run:+"$run"} "$binary" --version)" = "proxmox-mcp $version" ] || fail "the version is wrong"
        # A real request over TCP against the sample cluster, and a session over stdin.
        ${run:+"$run"} "$binary" demo call --json proxmox_list_nodes | grep -q '"pve1"' || fail "a call failed"
        echo '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"packaging","version":"1"}}}' \
            | ${run:+"$run"} "$binary" demo | grep -q "\"version\":\"$version\"" || fail "a session failed"
        # A refused connection: host names are resolved, unless a minimal system has none, and the system's error is reported.
        host=localhost
        grep -qsw localhost /etc/hosts || host=127.0.0.1
        refused=$(PROXMOX_HOST=$host:1 PROXMOX_TOKEN_ID=a@pve!b PROXMOX_TOKEN_SECRET=c \
            ${run:+"$run"} "$binary" call proxmox_get_version 2>&1) && fail "a closed port was reached"
        grep -qi refused <<<"$refused" || fail "the refused connection was not reported: $refused"
        echo "$cpu: $size bytes, runs${run:+ under ${run##*/}}"
    fi
    has_no_path "$binary"
    ! readelf -l "$binary" 2>/dev/null | grep -q INTERP || fail "$binary needs a dynamic loader"
done

for cpu in ${wanted[@]+"${wanted[@]}"}; do
    pack_tar "proxmox-mcp-$version-$cpu-linux" "$out/bin/$cpu/proxmox-mcp"
done
