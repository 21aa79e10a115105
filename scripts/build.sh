#!/usr/bin/env bash
# Builds the release binary, static, and prints its path as the last line.
# usage: scripts/build.sh [TARGET]   (a Rust target triple; default: this machine's, with musl)
set -euo pipefail
cd "$(dirname "$0")/.."

machine=$(uname -m)
target=${1:-$machine-unknown-linux-musl}
if [ "$(uname -s)" != Linux ] && [ $# -eq 0 ]; then
    # Only Linux knows fully static programs; elsewhere the native build depends on the system's own library alone.
    target=$(rustc -vV | sed -n 's/^host: //p')
    echo "Building for $target (static programs exist on Linux only)." >&2
elif ! { command -v rustup >/dev/null && rustup target add "$target" >&2; } \
    && ! [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
    if [ $# -ne 0 ]; then
        echo "The Rust target $target cannot be had: rustup could not add it." >&2
        exit 1
    fi
    target=$machine-unknown-linux-gnu
    export RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static"
    echo "The musl target cannot be had here; building for $target with +crt-static instead." >&2
fi

# A dependency (ring) compiles a little C. Where there is no compiler by the name that is looked for, the
# system's own does: that C needs no C library. For another processor, clang compiles and Rust's own linker links.
variable=CC_${target//-/_}
if [[ $target == *-musl ]] && [ -z "${!variable:-}" ]; then
    if [ "${target%%-*}" = "$machine" ]; then
        command -v musl-gcc >/dev/null || export "$variable=cc"
    elif command -v "${target%%-*}-linux-gnu-gcc" >/dev/null; then
        export "$variable=${target%%-*}-linux-gnu-gcc"
        linker=CARGO_TARGET_$(echo "${target//-/_}" | tr '[:lower:]' '[:upper:]')_LINKER
        export "$linker=rust-lld"
    fi
fi

cargo build --release --locked --target "$target" >&2
echo "${CARGO_TARGET_DIR:-target}/$target/release/proxmox-mcp"
