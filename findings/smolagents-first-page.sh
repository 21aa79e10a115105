#!/usr/bin/env bash
# PyPI smolagents 1.26.0 with mcpadapt 0.1.19 and mcp 1.30.0
# Input: a server that lists three tools on two pages. Pagination of tools/list by `nextCursor` is part of MCP since 2024-11-05.
# Expected: the client asks again with the cursor and finds all three.
# Seen: no request has the cursor; the agent never learns about the tools on the second page, and there is no warning.
# Matters: a server cannot use pages to shorten a long list of tools; all tools that must be found have to be on the first page.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile smolagents==1.26.0 mcpadapt==0.1.19 "mcp[ws]==1.30.0"

cat >server.py <<'EOF'
import json
import sys

ASKED = open("asked", "w")
TOOLS = [
    {"name": name, "description": name, "inputSchema": {"type": "object", "properties": {}}} for name in ("start", "stop", "state")
]
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif asked["method"] == "tools/list":
        cursor = (asked.get("params") or {}).get("cursor")
        print(cursor, file=ASKED, flush=True)
        result = {"tools": TOOLS[2:]} if cursor else {"tools": TOOLS[:2], "nextCursor": "2"}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
EOF
cat >client.py <<'EOF'
import sys

from mcp import StdioServerParameters
from smolagents import ToolCollection

server = StdioServerParameters(command=sys.executable, args=["server.py"])
with ToolCollection.from_mcp(server, trust_remote_code=True, structured_output=False) as found:
    print(sorted(tool.name for tool in found.tools))
print("cursors asked for:", sorted(set(open("asked").read().split())))
EOF
seen=$(env/bin/python -W ignore client.py 2>/dev/null)
expected="['start', 'stop']
cursors asked for: ['None']"
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
