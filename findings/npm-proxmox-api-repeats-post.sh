#!/usr/bin/env bash
# npm proxmox-api 1.1.1 with undici 6.29.1
# Input: a POST that starts a VM, to a server that carries it out and then closes the connection before it has answered, as pveproxy
# does when a worker process exits, or a proxy that drops a connection.
# Expected: an error; it is not known whether the VM was started, and POST is not idempotent (RFC 9110, 9.2.2).
# Seen: the client automatically sends the same POST a second time, and only then reports the failure.
# Matters: one call can cause a change twice. A client of Proxmox should repeat only requests that are safe to repeat, and a task
# that ends with "already running" may be caused by a repetition of one's own request.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund proxmox-api@1.1.1 undici@6.29.1 >/dev/null

cat >try.mjs <<'EOF'
import { createServer } from 'node:http';
import proxmox from 'proxmox-api';

// Reads the whole request, does what it asks for, and hangs up.
const server = createServer((request) => {
    request.resume().on('end', () => {
        console.log(`${request.method} ${request.url}`);
        request.socket.destroy();
    });
});
await new Promise((ready) => { server.listen(0, '127.0.0.1', ready); });
const pve = proxmox({
    host: '127.0.0.1', port: server.address().port, schema: 'http',
    tokenID: 'root@pam!t', tokenSecret: '00000000-0000-0000-0000-000000000000',
});
await pve.nodes.$('pve1').qemu.$(100).status.start.$post().then(
    () => console.log('answered'), () => console.log('failed'));
server.close();
EOF
seen=$(node try.mjs)
expected='POST /api2/json/nodes/pve1/qemu/100/status/start
POST /api2/json/nodes/pve1/qemu/100/status/start
failed'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
