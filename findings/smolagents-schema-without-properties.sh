#!/usr/bin/env bash
# PyPI smolagents 1.26.0 with mcpadapt 0.1.19 and mcp 1.30.0
# Input: two tools, one of them with the inputSchema {"type":"object","additionalProperties":false}. MCP's schema.json requires
# of an inputSchema only `type`, in every revision, and 2025-11-25 recommends this very form for a tool without parameters.
# Expected: two tools, one of them without arguments.
# Seen: KeyError for 'properties' while the tools are converted; the agent gets none of the server's tools.
# Matters: one tool without parameters makes the whole server unusable with smolagents. An empty `properties` costs 16 bytes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile smolagents==1.26.0 mcpadapt==0.1.19 "mcp[ws]==1.30.0"

cat >server.py <<'EOF'
import json
import os
import sys

EMPTY = {"type": "object", "additionalProperties": False}
if os.environ.get("PROPERTIES"):
    EMPTY["properties"] = {}
TOOLS = [
    {"name": "state", "description": "State of a VM", "inputSchema": {"type": "object", "properties": {"vmid": {"type": "integer"}}}},
    {"name": "overview", "description": "State of all", "inputSchema": EMPTY},
]
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif asked["method"] == "tools/list":
        result = {"tools": TOOLS}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
EOF
cat >client.py <<'EOF'
import sys

from mcp import StdioServerParameters
from smolagents import ToolCollection

for env in ({"PROPERTIES": "1"}, {}):
    server = StdioServerParameters(command=sys.executable, args=["server.py"], env=env)
    try:
        with ToolCollection.from_mcp(server, trust_remote_code=True, structured_output=False) as found:
            print(f"with {env}:", sorted(tool.name for tool in found.tools))
    except Exception as error:
        print(f"with {env}: {type(error).__name__} {error}")
EOF
seen=$(env/bin/python -W ignore client.py 2>/dev/null)
expected="with {'PROPERTIES': '1'}: ['overview', 'state']
with {}: KeyError 'properties'"
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
