# Shared by the packaging scripts: paths, the version, and functions that report errors and skipped steps. Source it, do
# not run it.
# shellcheck shell=bash disable=SC2034
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
about=$(sed -n 's/^description = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
out=$PWD/target/packages
tools=$PWD/target/tools
# The package on PyPI, where another project's package has the name of this program; also in src/setup/launch.rs.
pypi_name=proxmox-mcp-rs
# Where releases are published: from Cargo.toml, or else a placeholder.
repository=${REPOSITORY:-$(sed -n 's/^repository = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)}
repository=${repository:-https://github.com/example/proxmox-mcp}
owner=$(cut -d / -f 4 <<<"$repository")
# Reproducible archives and Debian packages: every file has the time of the last commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
mkdir -p "$out" "$tools"

machine=$(uname -m)
[ "$machine" != arm64 ] || machine=aarch64

# Every platform that there are packages for, as named in file names.
all_platforms=(x86_64-linux aarch64-linux x86_64-windows x86_64-macos aarch64-macos)
# build_for PLATFORM TARGET: builds, and prints the path of the binary. Without SOURCE_DATE_EPOCH: the binary does not
# contain it, and a new value would compile everything again.
build_for() {
    local profile=release
    [ "$1" = "$machine-linux" ] || profile=${OTHERS:-release}
    env -u SOURCE_DATE_EPOCH PROFILE="$profile" scripts/build.sh "$2" >"$out/path.txt"
    tail -n 1 "$out/path.txt"
}

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# Reports a step that cannot run here; with CI set this is a failure.
skip() {
    [ -z "${CI:-}" ] || fail "$* (nothing may be skipped with CI set)"
    echo "SKIPPED: $*"
}

# The processors for which binaries.sh has built.
built() { for file in "$out"/bin/*/proxmox-mcp; do [ ! -x "$file" ] || basename "$(dirname "$file")"; done; }

# this_binary: the path of the binary for this machine; builds it if there is none.
this_binary() {
    local binary=$out/bin/$machine/proxmox-mcp
    [ -x "$binary" ] || packaging/binaries.sh "$machine" >&2
    echo "$binary"
}

# filled FILE [NAME=VALUE…]: the template with @NAME@ replaced.
filled() {
    local file=$1 text pair
    text=$(<"$file")
    shift
    for pair in "VERSION=$version" "ABOUT=$about" "REPOSITORY=$repository" "OWNER=$owner" "$@"; do
        text=${text//@${pair%%=*}@/${pair#*=}}
    done
    [[ $text != *@[A-Z_]*@* ]] || fail "$file: a placeholder is left in $(grep -o '@[A-Z_]*@' <<<"$text" | head -n 1)"
    printf '%s\n' "$text"
}

# unpack PACKAGE…: Debian packages below target/tools/debian, without installing them.
unpack() {
    command -v apt-get >/dev/null || { echo "there is no apt-get"; return 1; }
    local folder
    folder=$(mktemp -d)
    chmod 755 "$folder"
    (
        cd "$folder"
        apt-get download "$@" || { apt-get update && apt-get download "$@"; }
    ) >"$folder/log" 2>&1 || { tail -n 2 "$folder/log"; rm -rf "$folder"; return 1; }
    mkdir -p "$tools/debian"
    for package in "$folder"/*.deb; do dpkg -x "$package" "$tools/debian"; done
    rm -rf "$folder"
}

# npm_tools PACKAGE…: installs npm packages below target/tools/packaging.
npm_tools() {
    command -v npm >/dev/null || { echo "npm is not installed"; return 1; }
    [ "$(cat "$tools/packaging/wanted" 2>/dev/null)" != "$*" ] || return 0
    mkdir -p "$tools/packaging"
    (cd "$tools/packaging" && echo '{"private":true}' >package.json \
        && npm install --no-audit --no-fund --loglevel=error "$@" && echo "$*" >wanted) 2>&1
}
# One list for all scripts, because npm removes packages that are not named. The bridge needs a newer Node.js than that of
# Debian 12.
node_packages=(@anthropic-ai/mcpb@2.1.2 mcp-proxy@6.7.19 "$(grep '^node@' tests/clients/packages.txt)")

# The platforms that were built, as npm names them.
platforms() {
    local platform
    for platform in linux-x64 linux-arm64 win32-x64 darwin-x64 darwin-arm64; do
        [ ! -x "$(binary_for "$platform")" ] || echo "$platform"
    done
}

# binary_for PLATFORM: where the scripts put its binary.
binary_for() {
    case $1 in
        linux-x64) echo "$out/bin/x86_64/proxmox-mcp" ;;
        linux-arm64) echo "$out/bin/aarch64/proxmox-mcp" ;;
        win32-x64) echo "$out/windows/x86_64/proxmox-mcp.exe" ;;
        darwin-x64) echo "$out/macos/x86_64/proxmox-mcp" ;;
        darwin-arm64) echo "$out/macos/aarch64/proxmox-mcp" ;;
    esac
}

# The lines of a short session, and whether its answers are right.
example_session() {
    echo '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"packaging","version":"1"}}}'
    echo '{"jsonrpc":"2.0","method":"notifications/initialized"}'
    echo '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"proxmox_list_nodes","arguments":{}}}'
}
check_example() { # WHAT ANSWERS
    grep -q "\"serverInfo\":{[^}]*\"version\":\"$version\"" <<<"$2" || fail "$1: the server does not report its version: $2"
    grep -q '"pve1"' <<<"$2" || fail "$1: a call failed: $2"
    [ "$(wc -l <<<"$2")" -eq 2 ] || fail "$1: the output has other lines: $2"
}

# python_tools FOLDER CHECK PACKAGE…: installs packages from PyPI in a venv below target/tools unless CHECK (Python)
# passes.
python_tools() {
    local folder=$tools/$1 check=$2
    shift 2
    command -v python3 >/dev/null || { echo "python3 is not installed"; return 1; }
    "$folder/bin/python" -c "$check" 2>/dev/null || { python3 -m venv "$folder" && "$folder/bin/pip" install --quiet "$@"; } 2>&1
}

# add_papers FOLDER: adds the files that come with the program in every archive.
add_papers() {
    install -m 644 LICENSE packaging/THIRD-PARTY-NOTICES.txt README.md CHANGELOG.md config.example.json "$1/"
    install -D -m 644 -t "$1/docs" docs/*
}

# pack_tar NAME BINARY: makes NAME.tar.gz with the program, its documents and its manual page, reproducibly.
pack_tar() {
    local folder
    folder=$(mktemp -d)
    install -D -m 755 "$2" "$folder/$1/proxmox-mcp"
    add_papers "$folder/$1"
    "$(this_binary)" man >"$folder/$1/proxmox-mcp.1"
    chmod -R u=rwX,go=rX "$folder/$1"
    tar -C "$folder" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -c "$1" | gzip -9n >"$out/$1.tar.gz"
    rm -rf "$folder"
    echo "$out/$1.tar.gz ($(wc -c <"$out/$1.tar.gz") bytes)"
}

# has_no_path BINARY: checks that a release does not contain the path where it was built.
has_no_path() {
    [ -z "${OTHERS:-}" ] || return 0
    ! grep -qaF -e "$PWD/" -e "${CARGO_HOME:-$HOME/.cargo}/" "$1" || fail "$1 contains a path of this machine"
}

# install_packages PACKAGE…: Debian packages, which takes root.
install_packages() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return 1
    { apt-get install -y --no-install-recommends "$@" || { apt-get update && apt-get install -y --no-install-recommends "$@"; }; } \
        >/dev/null 2>&1
}
