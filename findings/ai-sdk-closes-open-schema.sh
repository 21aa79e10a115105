#!/usr/bin/env bash
# npm @ai-sdk/mcp 1.0.102 (the same with 2.0.99 under Node 22)
# Input: tools whose inputSchema allows more than it names: by `additionalProperties: true`, and by `patternProperties` for keys
# such as net0. Both are JSON Schema 2020-12, the dialect of MCP 2025-11-25, and valid by its schema.json.
# Expected: the model is given the schema unchanged.
# Seen: `additionalProperties: false` is written into the root of every schema, replacing `true`: the first tool no longer
# takes any argument. Nested objects are not changed.
# Matters: free parameters, such as those of an API method, need a separate object below the root.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @ai-sdk/mcp@1.0.102 >/dev/null

cat >server.mjs <<'EOF'
import { createInterface } from 'node:readline';

const text = { type: 'string' };
const schemas = {
    open: { type: 'object', properties: {}, additionalProperties: true },
    cards: { type: 'object', properties: { vmid: { type: 'integer' } }, patternProperties: { '^net[0-9]+$': text } },
    nested: { type: 'object', properties: { parameters: { type: 'object', additionalProperties: true } } },
};
const tools = Object.entries(schemas).map(([name, inputSchema]) => ({ name, description: name, inputSchema }));
createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    const result = {
        initialize: { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } },
        'tools/list': { tools },
    }[method];
    if (result) console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
});
EOF
cat >client.mjs <<'EOF'
import { experimental_createMCPClient as createMCPClient } from '@ai-sdk/mcp';
import { Experimental_StdioMCPTransport as StdioTransport } from '@ai-sdk/mcp/mcp-stdio';

const client = await createMCPClient({ transport: new StdioTransport({ command: process.execPath, args: ['server.mjs'] }) });
for (const [name, tool] of Object.entries(await client.tools())) {
    console.log(`${name}: ${JSON.stringify(tool.inputSchema.jsonSchema)}`);
}
await client.close();
EOF
seen=$(node client.mjs)
expected='open: {"type":"object","properties":{},"additionalProperties":false}
cards: {"type":"object","properties":{"vmid":{"type":"integer"}},"patternProperties":{"^net[0-9]+$":{"type":"string"}},"additionalProperties":false}
nested: {"type":"object","properties":{"parameters":{"type":"object","additionalProperties":true}},"additionalProperties":false}'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
