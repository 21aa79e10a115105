#!/usr/bin/env bash
# npm @modelcontextprotocol/sdk 1.32.2, compared with @modelcontextprotocol/client 2.4.0
# Input: a tool with an outputSchema that describes a pair with `prefixItems` and forbids a third entry with `items: false`, and a
# result that satisfies it. In MCP 2025-11-25 the dialect of a schema without `$schema` is JSON Schema 2020-12, which has both
# keywords.
# Expected: the result is accepted.
# Seen: 1.x validates with draft-07, where `prefixItems` means nothing and `items: false` forbids every entry: the call
# fails, with or without `$schema`. 2.x accepts it.
# Matters: an outputSchema has to mean the same in draft-07 and 2020-12; tuples are described as objects instead.
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
const pair = { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false };
const schema = { type: 'object', properties: { disk: pair } };
const disk = ['scsi0', 32];
const answer = { content: [{ type: 'text', text: JSON.stringify({ disk }) }], structuredContent: { disk } };
const cases = { 'no $schema': schema, '$schema': { $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema } };
for (const [version, client, stdio] of [
    [1, '@modelcontextprotocol/sdk/client/index.js', '@modelcontextprotocol/sdk/client/stdio.js'],
    [2, '@modelcontextprotocol/client', '@modelcontextprotocol/client/stdio'],
]) {
    const [{ Client }, { StdioClientTransport }] = [await import(client), await import(stdio)];
    for (const [name, outputSchema] of Object.entries(cases)) {
        const session = new Client({ name: 'c', version: '1' });
        const env = { CASE: JSON.stringify({ tool: { outputSchema }, answer }) };
        await session.connect(new StdioClientTransport({ command: process.execPath, args: ['server.mjs'], env }));
        await session.listTools();
        const said = await session.callTool({ name: 't', arguments: {} }).then(
            ({ structuredContent }) => JSON.stringify(structuredContent), (error) => `error ${error.code}`);
        console.log(`${version}.x, ${name}: ${said}`);
        await session.close();
    }
}
EOF
seen=$(node client.mjs 2>/dev/null)
expected='1.x, no $schema: error -32602
1.x, $schema: error -32602
2.x, no $schema: {"disk":["scsi0",32]}
2.x, $schema: {"disk":["scsi0",32]}'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
