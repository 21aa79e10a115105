#!/usr/bin/env bash
# Serves the sample cluster over HTTPS through the bridge that docs/http.md describes, and sends requests like a client:
# with the key, without one, with a wrong one, and without TLS.
# usage: packaging/http.sh [BINARY]
. "$(dirname "$0")/common.sh"
binary=${1:-$(this_binary)}
if ! why=$(npm_tools "${node_packages[@]}"); then
    skip "HTTP bridge: $why"
    exit 0
fi
for program in curl openssl; do
    command -v $program >/dev/null || install_packages $program || { skip "HTTP bridge: $program is not installed"; exit 0; }
done
export PATH=$tools/packaging/node_modules/.bin:$PATH
folder=$(mktemp -d)
bridge=
trap '[ -z "$bridge" ] || kill "$bridge" 2>/dev/null; rm -rf "$folder"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
key=$(openssl rand -hex 32)
# A port that is free now.
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')

# The command from docs/http.md.
MCP_PROXY_API_KEY=$key "$tools/packaging/node_modules/.bin/mcp-proxy" --host 127.0.0.1 --port "$port" --server stream \
    --sslCert "$folder/cert.pem" --sslKey "$folder/key.pem" -- "$binary" demo >"$folder/bridge.log" 2>&1 &
bridge=$!

request() { # prints the status, writes the body; further arguments are curl's
    local body=$1
    shift
    curl --silent --noproxy '*' --max-time 20 --cacert "$folder/cert.pem" -H 'Content-Type: application/json' \
        -H 'Accept: application/json, text/event-stream' --dump-header "$folder/head" --output "$folder/body" \
        --write-out '%{http_code}' -d "$body" "$@" "https://localhost:$port/mcp"
}
initialize='{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"http.sh","version":"1"}}}'
list='{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}'
call='{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"proxmox_list_nodes","arguments":{}}}'
modern='{"jsonrpc":"2.0","id":4,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"http.sh","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}'

# It is ready when it answers; a process that has ended never answers.
until curl --silent --noproxy '*' --cacert "$folder/cert.pem" "https://localhost:$port/ping" >/dev/null; do
    kill -0 "$bridge" 2>/dev/null || { cat "$folder/bridge.log"; fail "the bridge has exited"; }
    sleep 0.1
done

refused() { # WHAT BODY [curl's arguments]
    local what=$1 status
    shift
    status=$(request "$@")
    [ "$status" = 401 ] || fail "$what is answered with $status, not 401: $(cat "$folder/body")"
    ! grep -qE '"tools"|serverInfo' "$folder/body" || fail "$what is answered"
    echo "refused with 401: $what"
}
allowed() { # WHAT EXPECTED BODY [curl's arguments]
    local what=$1 expected=$2 status
    shift 2
    status=$(request "$@" -H "X-API-Key: $key")
    [ "$status" = 200 ] || fail "$what is answered with $status: $(head -c 300 "$folder/body")"
    grep -q "$expected" "$folder/body" || fail "$what lacks $expected: $(head -c 300 "$folder/body")"
    echo "answered: $what"
}
refused "initialize without a key" "$initialize"
refused "initialize with a wrong key" "$initialize" -H "X-API-Key: ${key%?}"
refused "tools/list of 2026-07-28 without a key" "$modern" -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/list'
allowed "initialize" '"serverInfo"' "$initialize"
session=$(sed -n 's/^mcp-session-id: *\([^[:space:]]*\).*/\1/Ip' "$folder/head")
[ -n "$session" ] || fail "the answer has no Mcp-Session-Id header"
allowed "tools/list" '"proxmox_list_vms"' "$list" -H "Mcp-Session-Id: $session"
echo "   $(grep -o '"name":"proxmox_' "$folder/body" | wc -l | tr -d ' ') tools"
allowed "a call" 'pve1' "$call" -H "Mcp-Session-Id: $session"
allowed "tools/list of 2026-07-28" '"proxmox_list_vms"' "$modern" -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/list'
refused "a call in somebody else's session without a key" "$call" -H "Mcp-Session-Id: $session"
if curl --silent --noproxy '*' --max-time 20 -H "X-API-Key: $key" -d "$list" "http://localhost:$port/mcp" >/dev/null; then
    fail "the bridge answers without TLS"
fi
# The key must not be in a command line, where every user of the machine could read it.
! tr '\0' ' ' <"/proc/$bridge/cmdline" 2>/dev/null | grep -q "$key" || fail "the key is in the command line"
kill "$bridge"
wait "$bridge" 2>/dev/null || true
bridge=
