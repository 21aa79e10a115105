#!/usr/bin/env bash
# PyPI pydantic-ai-slim 2.68.0 with fastmcp-slim 4.2.3 and mcp 2.3.0
# Input: a result with `isError: true`, a text that says what to do and structuredContent with the facts (MCP's schema.json allows
# both together), and a result whose only text is a JSON document with a version number.
# Expected: the model is given the text as the server wrote it.
# Seen: structured content replaces the text, even that of an error: what to do is lost. A text that is JSON is parsed and
# serialized again: 8.10 becomes 8.1.
# Matters: structured content must contain everything that the text says, especially for errors, and text that has to arrive
# unchanged, such as a version or a file, must be a JSON string or not look like JSON.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile "pydantic-ai-slim[mcp]==2.68.0" fastmcp-slim==4.2.3 mcp==2.3.0

cat >server.py <<'EOF'
import json
import sys

TEXT = {"type": "text", "text": "VM 100 is locked. Wait for the backup."}
RESULTS = {
    "stop": {"content": [TEXT], "structuredContent": {"lock": "backup"}, "isError": True},
    "version": {"content": [{"type": "text", "text": '{"version": 8.10}'}]},
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

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.function import FunctionModel


async def ask(name):
    # Instead of a model: calls the tool, then prints the result.
    def model(messages, info):
        part = messages[-1].parts[-1]
        if part.part_kind != "tool-return":
            return ModelResponse(parts=[ToolCallPart(name, {})])
        print(f"{name}: {part.model_response_str()}")
        return ModelResponse(parts=[TextPart("done")])

    async with Agent(FunctionModel(model), toolsets=[MCPToolset(StdioTransport(command=sys.executable, args=["server.py"]))]) as agent:
        await agent.run("go")


asyncio.run(ask("stop"))
asyncio.run(ask("version"))
EOF
seen=$(env/bin/python -W ignore client.py 2>/dev/null)
expected='stop: {"error":"{\"lock\":\"backup\"}"}
version: {"version":8.1}'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
