#!/usr/bin/env bash
# PyPI fastmcp 4.2.3 with mcp 2.3.0 (its client)
# Input: a tool whose outputSchema gives one property a `default`, and a result whose structuredContent leaves it out. In JSON
# Schema 2020-12 (validation, 9.2) `default` is an annotation: it says nothing about the content of an instance.
# Expected: the property is absent, or None, in the object into which the client converts the result.
# Seen: `data` contains the default as if the server had sent it; without a default it contains None. `structured_content` is
# unchanged.
# Matters: a default of Proxmox, such as 1 core, is reported as a value of this VM. Use no `default` in an outputSchema, or return
# every property that has one.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile fastmcp==4.2.3 mcp==2.3.0

cat >server.py <<'EOF'
import json
import sys

PROPERTIES = {"cores": {"type": "integer", "default": 1}, "memory": {"type": "integer"}}
SCHEMA = {"type": "object", "properties": PROPERTIES}
TOOLS = [{"name": "config", "description": "c", "inputSchema": {"type": "object"}, "outputSchema": SCHEMA}]
RESULTS = {"config": {"content": [{"type": "text", "text": "{}"}], "structuredContent": {}}}
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

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def main():
    async with Client(StdioTransport(command=sys.executable, args=["server.py"])) as client:
        result = await client.call_tool("config", {})
        print(f"server: {result.structured_content}, data: {result.data}")


asyncio.run(main())
EOF
seen=$(env/bin/python -W ignore client.py 2>/dev/null)
expected='server: {}, data: Root(cores=1, memory=None)'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
