#!/usr/bin/env bash
# Runs the Windows binary under wine: a piped session, calls, and `init`, `check` and clients' files against fakepve.
# usage: tests/wine/try.sh BINARY [PYTHON]   (PYTHON has the package fakepve; without it only the session is tested)
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/wine/prefix.sh

fail() {
    echo "try.sh: $*" >&2
    exit 1
}
# The script calls itself this way while fakepve runs.
if [ "${1:-}" = --inside ]; then
    config=$2
    port=$(sed -n 's/.*"port": *\([0-9]*\).*/\1/p' "$config")
    secret=$(sed -n 's/.*"token_secret": *"\([^"]*\)".*/\1/p' "$config")
    login=(--host 127.0.0.1 --port "$port" --ca-file "Z:${config%/*}/fakepve.crt" --token-id root@pam!test
        --token-secret-file - --access full --yes)
    say=$WINEPREFIX/said.txt
    run() { wine "$PROGRAM" "$@" >"$say" 2>&1; }
    roaming=$(find "$WINEPREFIX/drive_c/users" -path '*/AppData/Roaming' -type d | grep -v '/Public/' | head -n 1)
    profile=${roaming%/AppData/Roaming}

    # The existing content of a client's file is preserved.
    mkdir -p "$roaming/Claude"
    printf '{\r\n  // mine\r\n  "mcpServers": {"other": {"command": "C:\\\\x.exe"}}\r\n}\r\n' >"$roaming/Claude/claude_desktop_config.json"
    cp "$roaming/Claude/claude_desktop_config.json" "$WINEPREFIX/before.json"
    for client in $CLIENTS; do
        run init "${login[@]}" --force --client "$client" --write <<<"$secret" || { cat "$say"; fail "init --client $client failed"; }
        ! grep -q "$secret" "$say" || fail "init shows the secret"
        grep -q 'AppData\\Roaming\\proxmox-mcp\\config.json`, which only you can read' "$say" || { cat "$say"; fail "init writes elsewhere"; }
        file=$(sed -n 's/^Added to `C:\\\([^`]*\)`.*/\1/p' "$say" | tr '\\' /)
        [ -n "$file" ] || { cat "$say"; fail "init changed no file for $client"; }
        file=$WINEPREFIX/drive_c/$file
        grep -qF 'C:\\Program Files\\proxmox-mcp\\proxmox-mcp.exe' "$file" || { cat "$file"; fail "$client is not given the path"; }
        echo "init --client $client --write: ${file#"$profile/"}"
    done
    grep -q '// mine' "$roaming/Claude/claude_desktop_config.json" || fail "a comment is lost"
    for client in $CLIENTS; do
        run init --remove --client "$client" && grep -q 'Removed from' "$say" || { cat "$say"; fail "init --remove --client $client failed"; }
    done
    grep -qF '"other": {"command": "C:\\x.exe"}' "$roaming/Claude/claude_desktop_config.json" || fail "another server is lost"
    ! grep -rl Program.Files "$profile" --include='*.json' --include='*.toml' || fail "a client has the server still"

    # `check` and a call find the configuration that `init` wrote. Each change is logged.
    run check || { cat "$say"; fail "check failed"; }
    grep -E '^(ok|warning|note) ' "$say" | sed 's/^/check: /'
    grep -q '^ok *login' "$say" || fail "check did not log in"
    sed -i 's/^{/{"audit_log": "audit.jsonl",/' "$roaming/proxmox-mcp/config.json"
    run call proxmox_start_vm vmid=100 && grep -q '"exitstatus":"OK"' "$say" || { cat "$say"; fail "a call failed"; }
    run call proxmox_stop_vm vmid=100 || { cat "$say"; fail "a second call failed"; }
    run audit verify 'C:'"${roaming#"$WINEPREFIX/drive_c"}"/proxmox-mcp/audit.jsonl && grep -q '^4 lines' "$say" || { cat "$say"; fail "the log is not whole"; }
    echo "calls: carried out and written to the log"

    # A request that needs approval waits and is approved in a terminal; the same call is then carried out once.
    sed -i 's/"access": *"full"/"access": "standard"/' "$roaming/proxmox-mcp/config.json"
    run call proxmox_delete_vm vmid=100 || true
    name=$(sed -n 's/.*"approve":"\([^"]*\)".*/\1/p' "$say")
    [ -n "$name" ] || { cat "$say"; fail "deleting a machine does not wait for approval"; }
    run approve --list && grep -q "^$name .*proxmox_delete_vm" "$say" || { cat "$say"; fail "approve --list does not show it"; }
    run approve "$name" </dev/null && fail "it is approved without a terminal"
    TERM=xterm python3 tests/wine/approve.py wine "$PROGRAM" approve "$name" >"$say" && grep -q Approved: "$say" \
        || { cat "$say"; fail "approve in a terminal failed"; }
    run call proxmox_delete_vm vmid=100 && grep -q '"exitstatus":"OK"' "$say" || { cat "$say"; fail "what was approved is not done"; }
    run approve --list && [ ! -s "$say" ] || { cat "$say"; fail "it still waits"; }
    echo "approve: the word was typed in a terminal, and the machine deleted"
    exit
fi

binary=$1 python=${2:-}
folder=$(mktemp -d)
trap 'wineserver -k 2>/dev/null || true; wineserver -w 2>/dev/null || true; rm -rf "$folder"' EXIT
make_prefix "$folder/prefix" || exit 3
install -D "$binary" "$WINEPREFIX/drive_c/Program Files/proxmox-mcp/proxmox-mcp.exe"
PROGRAM='C:\Program Files\proxmox-mcp\proxmox-mcp.exe'
CLIENTS=$(wine "$PROGRAM" init --help | tr -d '\r' | sed -n '/^  --client/,/\.$/p' | tr -s ' \n' ' ' | sed 's/.*One of \(.*\)\..*/\1/; s/,//g')
export PROGRAM CLIENTS
[ -n "$CLIENTS" ] || fail "the program does not start"
echo "$(wine "$PROGRAM" --version | tr -d '\r') under $(wine --version)"

# The session of setup.sh.
answers=$(
    sed -n "/^    printf '%s\\\\n' \\\\$/,/|$/s/^ *'\({.*}\)'.*/\1/p" setup.sh | wine "$PROGRAM" demo
)
[ "$(grep -c '"result"' <<<"$answers")" -eq 4 ] && ! grep -q '"isError"' <<<"$answers" || fail "the session is wrong: $answers"
! grep -q $'\r' <<<"$answers" || fail "lines end as on Windows"
echo "session of setup.sh: four answers"
said() { # WORDS ARGUMENT…
    local words=$1 text
    shift
    text=$(wine "$PROGRAM" "$@" 2>&1) || true
    grep -qF "$words" <<<"$text" || fail "\`$*\` does not say $words: $text"
}
said pve1 demo call --table proxmox_list_nodes
said '%APPDATA%\proxmox-mcp\config.json' --help
said 'AppData\Roaming\proxmox-mcp\config.json' call proxmox_get_version

if [ -z "$python" ] || ! "$python" -c 'import fakepve' 2>/dev/null; then
    echo "SKIPPED: init and check under wine: fakepve is not installed"
    exit
fi
"$python" tests/fakepve/run.py --with bash tests/wine/try.sh --inside '{config}'

# The nine tools, with every way to log in and to trust a certificate. Paths in variables are Windows paths.
cat >"$folder/proxmox-mcp" <<END
#!/bin/sh
export WINEPREFIX='$WINEPREFIX' WINEDEBUG=-all HOME='$HOME'
[ -z "\$PROXMOX_CA_FILE" ] || export PROXMOX_CA_FILE="Z:\$PROXMOX_CA_FILE"
exec wine '$PROGRAM' "\$@"
END
chmod 755 "$folder/proxmox-mcp"
"$python" tests/fakepve/run.py "$folder/proxmox-mcp" >"$folder/nine.txt" 2>&1 || { grep -v '^  ok' "$folder/nine.txt"; fail "the nine tools fail"; }
echo "nine tools against fakepve: $(tail -n 1 "$folder/nine.txt")"
