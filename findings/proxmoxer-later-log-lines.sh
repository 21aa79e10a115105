#!/usr/bin/env bash
# PyPI proxmoxer 2.3.0
# Input: two lines of a task's log as GET /nodes/{node}/tasks/{upid}/log returns them with start=50: objects with the number `n` of
# the line in the whole log and its text `t`.
# Expected: proxmoxer.tools.Tasks.decode_log joins the lines it is given.
# Seen: it uses `n` as an index into the list, which is only right for a log that is read from its first line: IndexError.
# Matters: a log is followed by requesting the lines after the last known one, and `n` continues to count there. A test of such
# code needs a second page; a fake that numbers each answer from 1 hides the bug.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile proxmoxer==2.3.0 requests==2.34.2

cat >client.py <<'EOF'
from proxmoxer.tools import Tasks

for first in (1, 51):
    lines = [{"n": first, "t": "starting"}, {"n": first + 1, "t": "TASK OK"}]
    try:
        print(first, repr(Tasks.decode_log(lines)))
    except Exception as error:
        print(first, type(error).__name__)
EOF
seen=$(env/bin/python client.py 2>/dev/null)
expected="1 'starting\\nTASK OK'
51 IndexError"
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
