#!/usr/bin/env bash
# npm proxmox-api 1.1.1
# Input: the options `host`, `tokenID` and `tokenSecret`, without `port`, which the package's own types declare as optional with
# the default 8006, the port of pveproxy.
# Expected: requests to port 8006.
# Seen: the URL has no port, so they go to 443.
# Matters: users who switch from this client bring a configuration that either sets 8006 or needs a proxy on 443; a server
# should name the port in the error about a refused connection.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund proxmox-api@1.1.1 >/dev/null

cat >try.mjs <<'EOF'
import { readFileSync } from 'node:fs';
import proxmox from 'proxmox-api';

const types = readFileSync('node_modules/proxmox-api/esm/ProxmoxEngine.d.ts', 'utf8');
console.log(`the types say 8006: ${types.includes('8006')}`);
const answer = { status: 200, headers: new Headers({ 'content-type': 'application/json;charset=UTF-8' }), json: async () => ({ data: [] }) };
const pve = proxmox({
    host: 'pve1.example.com', tokenID: 'root@pam!t', tokenSecret: '00000000-0000-0000-0000-000000000000',
    fetch: async (url) => {
        console.log(`${url.href} (port ${url.port || { 'https:': 443 }[url.protocol]})`);
        return answer;
    },
});
await pve.nodes.$get();
EOF
seen=$(node try.mjs)
expected='the types say 8006: true
https://pve1.example.com/api2/json/nodes (port 443)'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
