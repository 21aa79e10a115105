#!/usr/bin/env bash
# PyPI crewai-tools 1.15.30 with crewai 1.15.30, mcpadapt 0.1.19 and mcp 1.30.0
# Input: a tool with one required parameter and optional ones of the types string, array and boolean, the last with a default; and
# a call with only the required one. In JSON Schema null is not a string, and a parameter that is not required may be left out.
# Expected: the server receives the arguments that the model gave.
# Seen: each parameter that was left out is sent as null, or as its default, although the server's schema allows null for none of
# them: a server that validates arguments against its own inputSchema has to refuse every such call.
# Matters: a server should treat null for an optional parameter as not given.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile "crewai-tools[mcp]==1.15.30" mcpadapt==0.1.19 "mcp[ws]==1.30.0"

cat >server.py <<'EOF'
import json
import sys

PROPERTIES = {
    "vmid": {"type": "integer"},
    "name": {"type": "string"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "start": {"type": "boolean", "default": False},
}
SCHEMA = {"type": "object", "properties": PROPERTIES, "required": ["vmid"], "additionalProperties": False}
TOOLS = [{"name": "clone", "description": "Clone a VM", "inputSchema": SCHEMA}]
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
        said = json.dumps(asked["params"]["arguments"])
        answer["result"] = {"content": [{"type": "text", "text": said}]}
    else:
        answer["error"] = {"code": -32601, "message": "Method not found"}
    print(json.dumps(answer), flush=True)
EOF
cat >client.py <<'EOF'
import sys

from crewai_tools import MCPServerAdapter
from mcp import StdioServerParameters

with MCPServerAdapter(StdioServerParameters(command=sys.executable, args=["server.py"])) as tools:
    print(tools[0].run(vmid=100))
EOF
seen=$(env/bin/python -W ignore client.py 2>/dev/null)
expected='{"vmid": 100, "name": null, "tags": null, "start": false}'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
