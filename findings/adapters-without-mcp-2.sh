#!/usr/bin/env bash
# PyPI autogen-ext 0.7.5 and mcpadapt 0.1.19 (which smolagents and crewai-tools use), with mcp 2.3.0
# Input: each installed with the version of the MCP SDK that its own metadata allows: mcp>=1.11.0, mcp[ws]>=1.10.1, no upper bound.
# Expected: the package can be imported.
# Seen: pip reports no problem, but the import fails, because 2.x renamed its modules. smolagents advises to install the
# extra that was just installed.
# Matters: a fresh install of these clients has no MCP today unless mcp is kept below 2. This may be the cause of a report that
# a server "cannot be connected to"; try such a client with mcp<2, and pin it in tests.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
seen=$(for package in 'autogen-ext[mcp]==0.7.5 autogen_ext.tools.mcp' 'mcpadapt==0.1.19 mcpadapt.core'; do
    read -r wanted module <<<"$package"
    name=${wanted%%[[=]*}
    python3 -m venv --without-pip "$name"
    python3 -m pip --python "$name/bin/python" install -q --no-compile "$wanted" mcp==2.3.0 2>/dev/null
    echo "$name: $(python3 -m pip --python "$name/bin/python" check)"
    "$name/bin/python" -W ignore - "$module" <<'EOF'
import importlib
import sys

try:
    importlib.import_module(sys.argv[1])
    print("imported")
except ImportError as error:
    print(f"{type(error).__name__} in {error.name}")
EOF
done)
expected='autogen-ext: No broken requirements found.
ImportError in mcp.shared.context
mcpadapt: No broken requirements found.
ImportError in mcp.client.streamable_http'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
