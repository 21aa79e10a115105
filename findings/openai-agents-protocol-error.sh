#!/usr/bin/env bash
# PyPI openai-agents 0.24.0 with mcp 2.3.0
# Input: a call that a server refuses in each of MCP's two ways: with a JSON-RPC error -32602 with a message (which the
# specification prescribes for unknown tools and malformed requests), and with a result that has `isError: true` and the same text.
# Expected: the model learns that the call failed, and why.
# Seen: the message of the JSON-RPC error is replaced by a fixed sentence that asks to try again. The text of the result arrives,
# but nothing marks it as a failure.
# Matters: errors that a model should correct belong in a result with `isError`, whose text itself says that nothing was done.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile openai-agents==0.24.0 mcp==2.3.0

cat >server.py <<'EOF'
import json
import sys

RESULTS = {"result": {"content": [{"type": "text", "text": "Unknown argument vm_id, did you mean vmid?"}], "isError": True}, "protocol": None}
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
        if asked["params"]["name"] == "protocol":
            answer["error"] = {"code": -32602, "message": "Unknown argument vm_id, did you mean vmid?"}
        else:
            answer["result"] = RESULTS[asked["params"]["name"]]
    else:
        answer["error"] = {"code": -32601, "message": "Method not found"}
    print(json.dumps(answer), flush=True)
EOF
cat >client.py <<'EOF'
import asyncio
import logging
import sys

from agents import Agent, RunContextWrapper
from agents.mcp import MCPServerStdio
from agents.mcp.util import MCPUtil
from agents.tool_context import ToolContext


async def main():
    logging.disable()
    async with MCPServerStdio(params={"command": sys.executable, "args": ["server.py"]}) as server:
        agent, context = Agent(name="a", mcp_servers=[server]), RunContextWrapper(context=None)
        for tool in await MCPUtil.get_all_function_tools([server], False, context, agent):
            call = ToolContext(context=None, tool_name=tool.name, tool_call_id="1", tool_arguments="{}")
            print(f"{tool.name}: {await tool.on_invoke_tool(call, '{}')}")


asyncio.run(main())
EOF
seen=$(env/bin/python -W ignore client.py 2>/dev/null)
expected="result: {'type': 'text', 'text': 'Unknown argument vm_id, did you mean vmid?'}
protocol: An error occurred while running the tool. Please try again."
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
