#!/usr/bin/env bash
# PyPI autogen-ext 0.7.5 with mcp 1.30.0
# Input: a result of tools/call that contains a text and a `resource_link`, a content type of MCP since 2025-06-18.
# Expected: the text and some form of the link; at least the text.
# Seen: McpWorkbench returns an error that names a Python class instead of the result. The text is lost, and so is the information
# that the call succeeded.
# Matters: a change that was carried out is reported as failed, and a model that believes it makes the change again. A link to a
# task or a log has to be in the text; use a separate block only for clients that are known to accept it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile "autogen-ext[mcp]==0.7.5" autogen-agentchat==0.7.5 mcp==1.30.0

cat >server.py <<'EOF'
import json
import sys

TEXT = {"type": "text", "text": "VM 100 was started"}
LINK = {"type": "resource_link", "uri": "pve://task/1", "name": "log of the task"}
RESULTS = {"plain": {"content": [TEXT]}, "linked": {"content": [TEXT, LINK]}}
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

from autogen_ext.tools.mcp import McpWorkbench, StdioServerParams


async def main():
    async with McpWorkbench(StdioServerParams(command=sys.executable, args=["server.py"])) as workbench:
        for name in ("plain", "linked"):
            result = await workbench.call_tool(name, {})
            print(f"{name}: is_error {result.is_error}, {[part.content.strip() for part in result.result]}")


asyncio.run(main())
EOF
seen=$(env/bin/python -W ignore client.py 2>/dev/null)
expected=$(cat <<'EOF'
plain: is_error False, ['VM 100 was started']
linked: is_error True, ["Unknown content type from server: <class 'mcp.types.ResourceLink'>"]
EOF
)
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
