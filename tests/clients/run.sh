#!/usr/bin/env bash
# Real clients with the settings that `init --client … --write` writes: each is asked for its list of servers, and those
# that start the servers for it must have connected. Then `init --remove` removes the server, and no client lists it.
# usage: tests/clients/run.sh BINARY PYTHON MODULES [CLIENT…]
#        PYTHON has the package fakepve; MODULES is the node_modules folder in which packages.txt was installed. With
#        names of clients, only those are run, and all of them must be installed.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
    echo "run.sh: $*" >&2
    exit 1
}
# A client's output for a server that it has connected to; the last two only read their file.
clients='
claude-code claude ✔.Connected
gemini gemini ✓.proxmox.*Connected
qwen qwen ✓.*proxmox.*Connected
opencode opencode ✓.proxmox.*connected
codex codex proxmox.*enabled
copilot copilot proxmox.\(local\)
'
if [ "${1:-}" != --inside ]; then
    PROGRAM=$(realpath "$1") MODULES=$(realpath "$3")
    export PROGRAM MODULES
    exec "$2" tests/fakepve/run.py --with bash tests/clients/run.sh --inside '{config}' "${@:4}"
fi

config=$2
wanted=("${@:3}")
port=$(sed -n 's/.*"port": *\([0-9]*\).*/\1/p' "$config")
secret=$(sed -n 's/.*"token_secret": *"\([^"]*\)".*/\1/p' "$config")
login=(--host 127.0.0.1 --port "$port" --ca-file "${config%/*}/fakepve.crt" --token-id root@pam!test --token-secret-file -
    --yes --force)
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
# Without this machine's configuration and without an account: a client that needs one fails here.
run() {
    (cd "$home/work" && env -i HOME="$home" PATH="$MODULES/.bin:$PATH" GEMINI_CLI_TRUST_WORKSPACE=true DISABLE_AUTOUPDATER=1 \
        OPENCODE_DISABLE_AUTOUPDATE=1 OPENCODE_DISABLE_MODELS_FETCH=1 NO_COLOR=1 TERM=dumb timeout 120 "$@" </dev/null 2>&1)
}
ran=0
while read -r client command expected; do
    [ -n "$client" ] || continue
    rm -rf "$home"
    mkdir -p "$home/work"
    [ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $client "* ]] || continue
    if [ ! -x "$MODULES/.bin/$command" ]; then
        [ ${#wanted[@]} -eq 0 ] || fail "$client is not installed"
        echo "SKIPPED: $client is not installed"
        continue
    fi
    env -i HOME="$home" "$PROGRAM" init "${login[@]}" --client "$client" --write <<<"$secret" >"$home/said" \
        || { cat "$home/said"; fail "init --client $client --write failed"; }
    listed=$(run "$command" mcp list) || { echo "$listed"; fail "$command mcp list failed"; }
    grep -qE "$expected" <<<"$listed" || { echo "$listed"; fail "$client is not connected"; }
    env -i HOME="$home" "$PROGRAM" init --remove --client "$client" >"$home/said" \
        || { cat "$home/said"; fail "init --remove --client $client failed"; }
    left=$(run "$command" mcp list) || { echo "$left"; fail "$command cannot read what init --remove left"; }
    ! grep -q "$PROGRAM" <<<"$left" && ! grep -qE "$expected" <<<"$left" || { echo "$left"; fail "$client has the server still"; }
    echo "$client $(run "$command" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1): $(grep -E "$expected" <<<"$listed" | head -n 1 | tr -s ' ' | sed "s|$PROGRAM|PROGRAM|")"
    ran=$((ran + 1))
done <<<"$clients"
[ "$ran" -gt 0 ] || fail "no client is installed"
echo "$ran clients"
