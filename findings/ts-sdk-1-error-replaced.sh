#!/usr/bin/env bash
# npm @modelcontextprotocol/sdk 1.32.2, compared with @modelcontextprotocol/client 2.4.0
# Input: a tool with an outputSchema whose call fails: `isError: true`, a text that says why, and `structuredContent` that describes
# the failure. MCP's schema.json allows `structuredContent` beside `isError`; an outputSchema describes the result of a successful
# call, and without structured content both versions of the client exempt errors from it.
# Expected: the client passes on the error with its text.
# Seen: 1.x validates the structured content of an error against the outputSchema and throws a protocol error instead of the
# result: what went wrong is lost. 2.x passes it on.
# Matters: the facts of an error must be only in the text, or its structured content must satisfy the outputSchema too.
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
const outputSchema = { type: 'object', properties: { status: { type: 'string' } }, required: ['status'] };
const content = [{ type: 'text', text: 'VM 100 is locked (backup)' }];
const cases = { text: { content, isError: true }, structured: { content, isError: true, structuredContent: { lock: 'backup' } } };
for (const [version, client, stdio] of [
    [1, '@modelcontextprotocol/sdk/client/index.js', '@modelcontextprotocol/sdk/client/stdio.js'],
    [2, '@modelcontextprotocol/client', '@modelcontextprotocol/client/stdio'],
]) {
    const [{ Client }, { StdioClientTransport }] = [await import(client), await import(stdio)];
    for (const [name, answer] of Object.entries(cases)) {
        const session = new Client({ name: 'c', version: '1' });
        const env = { CASE: JSON.stringify({ tool: { outputSchema }, answer }) };
        await session.connect(new StdioClientTransport({ command: process.execPath, args: ['server.mjs'], env }));
        await session.listTools();
        const said = await session.callTool({ name: 't', arguments: {} }).then(
            (result) => `isError ${result.isError}, ${result.content[0].text}`,
            (error) => `thrown, ${error.code}, says why: ${error.message.includes('locked')}`);
        console.log(`${version}.x, ${name}: ${said}`);
        await session.close();
    }
}
EOF
seen=$(node client.mjs 2>/dev/null)
expected='1.x, text: isError true, VM 100 is locked (backup)
1.x, structured: thrown, -32602, says why: false
2.x, text: isError true, VM 100 is locked (backup)
2.x, structured: isError true, VM 100 is locked (backup)'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
