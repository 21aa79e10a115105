#!/usr/bin/env bash
# Builds the release binary, static, and prints its path as the last line.
# usage: scripts/build.sh [TARGET [OPTION …]]   (a Rust target triple; default: this machine's, with musl. Options of
# `cargo build` say what else than the binary is to be built.)
set -euo pipefail
cd "$(dirname "$0")/.."

machine=$(uname -m)
[ "$machine" != arm64 ] || machine=aarch64
target=${1:-$machine-unknown-linux-musl}
have_target() {
    { command -v rustup >/dev/null && rustup target add "$target" >&2; } \
        || [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]
}
if [ "$(uname -s)" != Linux ] && [ $# -eq 0 ]; then
    # Only Linux knows fully static programs; elsewhere the native build depends on the system's own library alone.
    target=$(rustc -vV | sed -n 's/^host: //p')
    echo "Building for $target (static programs exist on Linux only)." >&2
elif ! have_target; then
    if [ $# -ne 0 ]; then
        echo "The Rust target $target cannot be had: rustup could not add it." >&2
        exit 1
    fi
    target=$machine-unknown-linux-gnu
    export RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static"
    echo "The musl target cannot be had here; building for $target with +crt-static instead." >&2
fi

# A dependency (ring) compiles a little C, which needs no C library: where there is no compiler for musl by the
# name that is looked for, the system's own will do. For another processor, clang compiles and Rust's own linker
# links.
cpu=${target%%-*}
cc=CC_${target//-/_}
linker=CARGO_TARGET_$(tr '[:lower:]-' '[:upper:]_' <<<"$target")_LINKER
if [[ $target == *-linux-musl ]] && [ -z "${!cc:-}" ]; then
    if command -v "$cpu-linux-musl-gcc" >/dev/null; then
        [ "$cpu" = "$machine" ] || export "$linker=${!linker:-$cpu-linux-musl-gcc}"
    elif [ "$cpu" = "$machine" ]; then
        command -v cc >/dev/null || {
            echo "There is no C compiler: install one (on Debian and Ubuntu: apt install gcc), then run this again." >&2
            exit 1
        }
        command -v musl-gcc >/dev/null || export "$cc=cc"
    else
        compiler=$(command -v clang || command -v "$cpu-linux-gnu-gcc") || {
            echo "A build for $cpu needs clang, $cpu-linux-musl-gcc or $cpu-linux-gnu-gcc; install one of them." >&2
            exit 1
        }
        export "$cc=$compiler" "$linker=${!linker:-rust-lld}"
    fi
fi

# With frame pointers, the tables for unwinding are a third smaller: 170 KB less, and profilers see the stack.
export RUSTFLAGS="${RUSTFLAGS:-} -C force-frame-pointers=yes"
# At a fixed place in memory: nothing is adjusted when it starts, which was half of the instructions and of the pages
# of a start. The stack, the heap and whatever is mapped are still placed at random.
[[ $target != *-linux-* ]] || RUSTFLAGS+=" -C relocation-model=static"
# Names that tell one instance of a generic function from another, for what follows.
RUSTFLAGS+=" -C symbol-mangling-version=v0"

# What a start runs and reads lies side by side in the file, where the linker can do that, and constants in one part with
# the code, as linkers had it until 2018: fewer pieces of the file to map and to fetch. Nothing that can be written can be run.
takes() {
    local folder
    folder=$(mktemp -d)
    # shellcheck disable=SC2086
    echo 'fn main() {}' | rustc --target "$target" ${!linker:+-C linker="${!linker}"} $1 -o "$folder/probe" - 2>/dev/null
    local taken=$?
    rm -r "$folder"
    return $taken
}
for flags in "-Tscripts/start.ld" "-Tscripts/start_constants.ld" "-z -C link-arg=noseparate-code"; do
    flags="-C link-arg=$flags"
    [[ $target != *-linux-* ]] || ! takes "$flags" || RUSTFLAGS+=" $flags"
done

# Panics name the file they come from; where this machine keeps it is nobody's business, and is longer.
RUSTFLAGS+=" --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src="

cargo build --release --locked --target "$target" "${@:2}" >&2
folder=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
echo "$folder/$target/release/proxmox-mcp"
