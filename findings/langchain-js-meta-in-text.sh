#!/usr/bin/env bash
# npm @langchain/mcp-adapters 1.1.4 with @langchain/core 1.4.0
# Input: results of tools/call with one block of text and beside it `_meta`, or `structuredContent`, as MCP 2025-11-25 allows.
# Expected: the model is given the text; `_meta` is for the client, and structured content is kept separately as an artifact.
# Seen: if either of them is present, the text for the model is a JSON object that contains the quoted text, the structured content
# and `meta` (and the artifact contains them again).
# Matters: the model reads what a server puts into the `_meta` of a result, and a result whose text repeats its structured content
# costs its tokens twice, once with every quotation mark escaped.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @langchain/mcp-adapters@1.1.4 @langchain/core@1.4.0 >/dev/null

cat >server.mjs <<'EOF'
import { createInterface } from 'node:readline';

const content = [{ type: 'text', text: '2 VMs "run"' }];
const results = {
    plain: { content },
    marked: { content, _meta: { 'example.com/view': 'for the view only' } },
    structured: { content, structuredContent: { running: 2 } },
};
const tools = Object.keys(results).map((name) => ({ name, description: name, inputSchema: { type: 'object', properties: {} } }));
createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    const result = {
        initialize: { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } },
        'tools/list': { tools },
        'tools/call': results[params?.name],
    }[method];
    if (result) console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
});
EOF
cat >client.mjs <<'EOF'
import { MultiServerMCPClient } from '@langchain/mcp-adapters';

const client = new MultiServerMCPClient({ mcpServers: { s: { transport: 'stdio', command: process.execPath, args: ['server.mjs'] } } });
for (const tool of await client.getTools()) {
    const message = await tool.invoke({ name: tool.name, args: {}, id: '1', type: 'tool_call' });
    console.log(`${tool.name}: ${message.content}`);
}
await client.close();
EOF
seen=$(node client.mjs)
expected='plain: 2 VMs "run"
marked: {"type":"text","text":"2 VMs \"run\"","meta":{"example.com/view":"for the view only"}}
structured: {"type":"text","text":"2 VMs \"run\"","structuredContent":{"running":2}}'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
