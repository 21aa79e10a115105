#!/usr/bin/env bash
# PyPI agno 3.1.10 with fastmcp 4.2.3 and mcp 2.3.0
# Input: a call that a healthy server refuses immediately with a JSON-RPC error -32602 with a message, and one that it answers with
# a text and a `resource_link` (MCP 2025-06-18 and later).
# Expected: the message, and the link or its URI.
# Seen: after the message, the model is told that the server may be unreachable or the request may have timed out; and instead of
# the link it is told that the content is not supported, without its URI.
# Matters: a model that assumes a timeout repeats the same call. Refuse with a result that has `isError`, and write the URI of
# a resource into the text too.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile agno==3.1.10 fastmcp==4.2.3 mcp==2.3.0

cat >server.py <<'EOF'
import json
import sys

TEXT = {"type": "text", "text": "VM 100 was started"}
LINK = {"type": "resource_link", "uri": "pve://task/1", "name": "log of the task"}
RESULTS = {"linked": {"content": [TEXT, LINK]}, "protocol": None}
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

from agno.tools.function import FunctionCall
from agno.tools.mcp import MCPTools
from mcp import StdioServerParameters


async def main():
    logging.disable()
    async with MCPTools(server_params=StdioServerParameters(command=sys.executable, args=["server.py"])) as server:
        for name, function in server.functions.items():
            call = FunctionCall(function=function, arguments={}, call_id="1")
            await call.aexecute()
            print(f"{name}: {call.result.content!r}")


asyncio.run(main())
EOF
seen=$(env/bin/python -W ignore client.py 2>/dev/null)
expected=$(cat <<'EOF'
linked: 'VM 100 was started\n[Unsupported content type: resource_link]'
protocol: "MCP tool 'protocol' failed: Unknown argument vm_id, did you mean vmid?. The MCP server may be unreachable or the request timed out."
EOF
)
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
