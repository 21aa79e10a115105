#!/usr/bin/env bash
# npm @modelcontextprotocol/sdk 1.32.2 and @modelcontextprotocol/client 2.4.0
# Input: a result whose text has `annotations.lastModified`. MCP's schema.json (2025-06-18 and later) makes it a string, described
# as ISO 8601; a date alone and a local time without an offset are ISO 8601 as well.
# Expected: the annotation, which is only a hint, is accepted or ignored.
# Seen: only a full time with `Z` or an offset is accepted. With any other form the whole result is rejected, including its text.
# Matters: an optional time can cost the whole answer. A server should write lastModified in full, or leave it out.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @modelcontextprotocol/sdk@1.32.2 @modelcontextprotocol/client@2.4.0 >/dev/null

cat >server.mjs <<'EOF'
import { createInterface } from 'node:readline';

const { tool, answer } = JSON.parse(process.env.CASE);
createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    const result = {
        initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } },
        'tools/list': { tools: [{ name: 't', inputSchema: { type: 'object' }, ...tool }] },
        'tools/call': answer,
    }[method];
    if (result) console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
});
EOF
cat >client.mjs <<'EOF'
for (const [version, client, stdio] of [
    [1, '@modelcontextprotocol/sdk/client/index.js', '@modelcontextprotocol/sdk/client/stdio.js'],
    [2, '@modelcontextprotocol/client', '@modelcontextprotocol/client/stdio'],
]) {
    const [{ Client }, { StdioClientTransport }] = [await import(client), await import(stdio)];
    for (const lastModified of ['2026-11-29T12:00:00Z', '2026-11-29T12:00:00+01:00', '2026-11-29T12:00:00', '2026-11-29']) {
        const session = new Client({ name: 'c', version: '1' });
        const answer = { content: [{ type: 'text', text: 'running', annotations: { lastModified } }] };
        const env = { CASE: JSON.stringify({ tool: {}, answer }) };
        await session.connect(new StdioClientTransport({ command: process.execPath, args: ['server.mjs'], env }));
        const said = await session.callTool({ name: 't', arguments: {} }).then(
            (result) => result.content[0].text, () => 'refused');
        console.log(`${version}.x, ${lastModified}: ${said}`);
        await session.close();
    }
}
EOF
seen=$(node client.mjs 2>/dev/null)
expected='1.x, 2026-11-29T12:00:00Z: running
1.x, 2026-11-29T12:00:00+01:00: running
1.x, 2026-11-29T12:00:00: refused
1.x, 2026-11-29: refused
2.x, 2026-11-29T12:00:00Z: running
2.x, 2026-11-29T12:00:00+01:00: running
2.x, 2026-11-29T12:00:00: refused
2.x, 2026-11-29: refused'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
