#!/usr/bin/env bash
# PyPI llama-index-tools-mcp 0.6.0 with llama-index-core 0.14.25 and mcp 2.3.0
# Input: two results of tools/call as in MCP 2025-11-25: one with two lines of text and a `_meta`, and one with `isError: true`.
# Expected: the text of the result for the model, and the failure marked as such.
# Seen: the model is given the Python representation of the whole result object: the line break as \n, names of classes, fields
# that are None, and `_meta`. An error is not marked: ToolOutput.is_error stays False, and only `is_error=True` in the text shows it.
# Matters: tables and logs lose their line breaks, the model reads `_meta`, and each answer costs about 150 more characters.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile llama-index-tools-mcp==0.6.0 llama-index-core==0.14.25 mcp==2.3.0

cat >server.py <<'EOF'
import json
import sys

RESULTS = {
    "log": {"content": [{"type": "text", "text": "starting\nTASK OK"}], "_meta": {"example.com/view": "for the view only"}},
    "stop": {"content": [{"type": "text", "text": "VM 100 is locked"}], "isError": True},
}
TOOLS = [{"name": name, "description": name, "inputSchema": {"type": "object", "properties": {}}} for name in RESULTS]
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    answer = {"jsonrpc": "2.0", "id": asked["id"]}
    if asked["method"] == "initialize":
        version = asked["params"]["protocolVersion"]
        answer["result"] = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif asked["method"] == "tools/list":
        answer["result"] = {"tools": TOOLS}
    elif asked["method"] == "tools/call":
        answer["result"] = RESULTS[asked["params"]["name"]]
    else:
        answer["error"] = {"code": -32601, "message": "Method not found"}
    print(json.dumps(answer), flush=True)
EOF
cat >client.py <<'EOF'
import asyncio
import sys

from llama_index.tools.mcp import BasicMCPClient, McpToolSpec


async def main():
    client = BasicMCPClient(sys.executable, args=["server.py"])
    for tool in await McpToolSpec(client=client).to_tool_list_async():
        output = await tool.acall()
        print(f"{tool.metadata.name}: is_error {output.is_error}, {output.content}")


asyncio.run(main())
EOF
seen=$(env/bin/python -W ignore client.py 2>/dev/null)
expected=$(cat <<'EOF'
log: is_error False, meta={'example.com/view': 'for the view only'} content=[TextContent(type='text', text='starting\nTASK OK', annotations=None, meta=None)] structured_content=None is_error=False result_type='complete'
stop: is_error False, meta=None content=[TextContent(type='text', text='VM 100 is locked', annotations=None, meta=None)] structured_content=None is_error=True result_type='complete'
EOF
)
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
