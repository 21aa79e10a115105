#!/usr/bin/env bash
# Builds proxmox-mcp, installs it, writes a first config.json, and shows a real session against the sample cluster.
# usage: ./setup.sh [--prefix DIR] [--target TRIPLE] [--no-demo]
set -euo pipefail
cd "$(dirname "$0")"

prefix=.
target=()
demo=yes
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=${2:?--prefix needs a directory}; shift 2 ;;
        --target) target=("${2:?--target needs a Rust target triple}"); shift 2 ;;
        --no-demo) demo=no; shift ;;
        -h | --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
        *) echo "setup.sh: unknown option $1; see ./setup.sh --help" >&2; exit 2 ;;
    esac
done
if ! command -v cargo >/dev/null; then
    echo "setup.sh: cargo is not installed. Install Rust from https://rustup.rs, then run this again." >&2
    exit 1
fi
wanted=$(sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' Cargo.toml)
found=$(cargo --version | cut -d ' ' -f 2)
# Every version of Rust so far is 1.x.
if [ "$(cut -d . -f 2 <<<"$found")" -lt "$(cut -d . -f 2 <<<"$wanted")" ]; then
    echo "setup.sh: this needs Rust $wanted or newer, but cargo is $found; get a newer one from https://rustup.rs (or run: rustup update), then run this again." >&2
    exit 1
fi

echo "== Building (a minute or two the first time)"
built=$(scripts/build.sh ${target[@]+"${target[@]}"} | tail -n 1)
mkdir -p "$prefix"
prefix=$(cd "$prefix" && pwd)
# Replaced atomically, so that a running server keeps its own file.
cp "$built" "$prefix/.proxmox-mcp.new"
chmod 755 "$prefix/.proxmox-mcp.new"
mv "$prefix/.proxmox-mcp.new" "$prefix/proxmox-mcp"
binary=$prefix/proxmox-mcp
echo "   $binary ($(wc -c <"$binary" | tr -d ' ') bytes)"

config=$prefix/config.json
if [ -e "$config" ]; then
    echo "== $config exists already and is not changed"
else
    (umask 077 && cp config.example.json "$config")
    chmod 600 "$config"
    echo "== Wrote $config, an example: enter your host, token_id and token_secret"
fi

# The path, quoted for a shell and for JSON.
word=$(printf %q "$binary")
json=${binary//\\/\\\\}
json=${json//\"/\\\"}
cat <<EOF
== To connect a client
   Claude Code:  claude mcp add proxmox -- $word
   Claude Desktop, Cursor and others, in their JSON:
   {"mcpServers": {"proxmox": {"command": "$json"}}}
EOF

[ "$demo" = yes ] || exit 0
if [ ${#target[@]} -gt 0 ] && ! "$binary" --version >/dev/null 2>&1; then
    echo "== Built for ${target[0]}, which cannot run on this machine; the session is skipped"
    exit 0
fi
echo "== A session against the built-in sample cluster"
answers=$(
    printf '%s\n' \
        '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"setup.sh","version":"1"}}}' \
        '{"jsonrpc":"2.0","method":"notifications/initialized"}' \
        '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"proxmox_list_nodes"}}' \
        '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"proxmox_start_vm","arguments":{"vmid":101}}}' \
        '{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"proxmox_list_vms","arguments":{"limit":3}}}' |
        "$binary" demo
)
printf '%s\n' "$answers" | cut -c 1-400
if [ "$(printf '%s\n' "$answers" | grep -c '"result"')" -ne 4 ] || printf '%s' "$answers" | grep -q '"isError"'; then
    echo "setup.sh: the session above failed; four results were expected." >&2
    exit 1
fi
echo "== Done. Next, run \`$word init\` to enter your host and account (or edit $config), then \`$word check\`."
