#!/usr/bin/env bash
# Builds the release binary, a static PIE on Linux, and prints its path as the last line. The build is reproducible: the
# same sources give the same bytes, whatever folder they are in.
# usage: [PROFILE=NAME] scripts/build.sh [TARGET [OPTION …]]   (a Rust target triple; default: this machine's, with musl.
# The options are passed on to `cargo build`. PROFILE=dev builds in a quarter of the time, for tests of the packaging
# rather than of the program.)
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
    # Only Linux has fully static programs; elsewhere the binary depends only on the system's own libraries.
    target=$(rustc -vV | sed -n 's/^host: //p')
    echo "Building for $target (static programs exist on Linux only)." >&2
elif ! have_target; then
    if [ $# -ne 0 ]; then
        echo "The Rust target $target is not installed, and rustup could not add it." >&2
        exit 1
    fi
    target=$machine-unknown-linux-gnu
    export RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static"
    echo "The musl target is not available here; building for $target with +crt-static instead." >&2
fi

# ring and src/relro.c are C code that needs no headers of a C library: if there is no musl-gcc, the system's compiler
# is enough. For another processor, clang compiles and Rust's own linker links.
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

# Without a Mac, programs for macOS are linked by zig. It has no frameworks, so packaging/macos lists the symbols that
# the program uses from them. The path is relative, so that builds in different folders are identical.
build=(build)
if [[ $target == *-apple-darwin ]] && [ "$(uname -s)" != Darwin ]; then
    command -v cargo-zigbuild >/dev/null || {
        echo "A build for macOS needs cargo-zigbuild and zig: pip install cargo-zigbuild ziglang." >&2
        exit 1
    }
    build=(zigbuild)
    export RUSTFLAGS="${RUSTFLAGS:-} -C link-arg=-F -C link-arg=packaging/macos/frameworks -C link-arg=-Wl,-dead_strip_dylibs"
    # Without -S the program's UUID depends on the folder: zig computes it from the paths of the object files, too, which
    # are stripped only afterwards.
    export RUSTFLAGS="$RUSTFLAGS -C link-arg=-Wl,-S"
fi

# A panic message names its source file; the folder of this machine is removed from that path.
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src= --remap-path-prefix=$PWD="

# LLVM inlines functions up to a cost of 250; with 100 the program is 7 % smaller (8.2 instead of 8.8 MB).
export RUSTFLAGS="$RUSTFLAGS -C llvm-args=-inline-threshold=100"

# Programs for Windows get no build timestamp.
[[ $target != *-windows-gnu ]] || export RUSTFLAGS="$RUSTFLAGS -C link-arg=-Wl,--no-insert-timestamp"

profile=${PROFILE:-release}
# Stripped and without debug information, like a release.
[ "$profile" != dev ] || export CARGO_PROFILE_DEV_STRIP=true CARGO_PROFILE_DEV_DEBUG=0
cargo "${build[@]}" --profile "$profile" --locked --target "$target" "${@:2}" >&2
folder=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
case $target in *-windows-*) suffix=.exe ;; *) suffix= ;; esac
[ "$profile" != dev ] || profile=debug
echo "$folder/$target/$profile/proxmox-mcp$suffix"
