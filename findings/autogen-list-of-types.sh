#!/usr/bin/env bash
# PyPI autogen-ext 0.7.5 with autogen-core 0.7.5 and mcp 1.30.0
# Input: two tools, one of which has a parameter of the type ["string", "null"]. A list of types is valid in every draft of JSON
# Schema, and MCP's schema.json allows any object as the schema of a parameter.
# Expected: two tools.
# Seen: mcp_server_tools raises TypeError while it converts that schema, and none of the server's tools is available.
# Matters: one nullable parameter in one tool makes the whole server useless there. Leave the parameter out of `required` instead,
# or write `anyOf`.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile "autogen-ext[mcp]==0.7.5" autogen-agentchat==0.7.5 mcp==1.30.0

cat >server.py <<'EOF'
import json
import sys

def tool(name, schema):
    return {"name": name, "description": name, "inputSchema": {"type": "object", "properties": {"notes": schema}}}


FORM = {"list": {"type": ["string", "null"]}, "anyOf": {"anyOf": [{"type": "string"}, {"type": "null"}]}}[sys.argv[1]]
TOOLS = [tool("start", {"type": "string"}), tool("update", FORM)]
RESULTS = {}
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

from autogen_ext.tools.mcp import StdioServerParams, mcp_server_tools


async def main():
    for form in ("anyOf", "list"):
        try:
            tools = await mcp_server_tools(StdioServerParams(command=sys.executable, args=["server.py", form]))
            print(f"{form}: {[tool.name for tool in tools]}")
        except Exception as error:
            print(f"{form}: {type(error).__name__}")


asyncio.run(main())
EOF
seen=$(env/bin/python -W ignore client.py 2>/dev/null)
expected="anyOf: ['start', 'update']
list: TypeError"
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
