#!/usr/bin/env bash
# PyPI smolagents 1.26.0 with mcpadapt 0.1.19 and mcp 1.30.0
# Input: three results of tools/call as in MCP 2025-11-25: one with `isError: true` and two blocks of text, one with a text and an
# image, and one with `structuredContent` whose `content` is an empty list (CallToolResult requires the list, not an entry).
# Expected: the failure is reported as such, and each block reaches the agent.
# Seen: only the first block is passed on, as a plain string. The failed call looks like a successful one, its second block and the
# image are lost, and the result without a block raises ValueError although it has structured content.
# Matters: the first text block itself has to say that a call failed, why and what to do next, and what an image shows.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile smolagents==1.26.0 mcpadapt==0.1.19 "mcp[ws]==1.30.0"

cat >server.py <<'EOF'
import json
import sys

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
RESULTS = {
    "stop": {"content": [{"type": "text", "text": "VM 100 is locked"}, {"type": "text", "text": "Wait for its backup"}], "isError": True},
    "screen": {"content": [{"type": "text", "text": "1x1"}, {"type": "image", "data": PIXEL, "mimeType": "image/png"}]},
    "state": {"content": [], "structuredContent": {"status": "running"}},
}
TOOLS = [{"name": name, "description": name, "inputSchema": {"type": "object", "properties": {}}} for name in RESULTS]
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif asked["method"] == "tools/list":
        result = {"tools": TOOLS}
    elif asked["method"] == "tools/call":
        result = RESULTS[asked["params"]["name"]]
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
    for tool in found.tools:
        try:
            answer = tool()
            print(f"{tool.name}: {type(answer).__name__} {answer!r}")
        except Exception as error:
            print(f"{tool.name}: {type(error).__name__}")
EOF
seen=$(env/bin/python -W ignore client.py 2>/dev/null)
expected="stop: str 'VM 100 is locked'
screen: str '1x1'
state: ValueError"
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
