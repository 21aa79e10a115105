#!/usr/bin/env bash
# PyPI proxmoxer 2.3.0
# Input: the command of a Windows VM for POST /nodes/{node}/qemu/{vmid}/agent/exec, as a string. The guest agent's exec takes a path
# in the guest, and Windows separates its parts with backslashes.
# Expected: the string is sent as it is, or split at its blanks.
# Seen: on a client machine with Linux the string is split like in a POSIX shell, which removes the backslashes: the agent is
# asked to run C:WindowsSystem32ipconfig.exe. A list is sent unchanged. The client's own system decides, not the guest's.
# Matters: a tool that takes a command as one string must not split it like a POSIX shell if the guest may be a Windows VM.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile proxmoxer==2.3.0 requests==2.34.2

cat >client.py <<'EOF'
from urllib.parse import parse_qsl

import requests
from proxmoxer import ProxmoxAPI


class Recorder(requests.adapters.BaseAdapter):
    """In place of the connection: prints the form and answers that the command was started."""

    def send(self, request, **_):
        print([value for _, value in parse_qsl(request.body)])
        answer = requests.Response()
        answer.status_code, answer._content, answer.request, answer.url = 200, b'{"data":{"pid":1}}', request, request.url
        return answer

    def close(self):
        pass


pve = ProxmoxAPI("pve1", user="root@pam", token_name="t", token_value="x")
pve._store["session"].mount("https://", Recorder())
agent = pve.nodes("pve1").qemu(103).agent.exec
agent.post(command=r"C:\Windows\System32\ipconfig.exe /all")
agent.post(command=[r"C:\Windows\System32\ipconfig.exe", "/all"])
EOF
seen=$(env/bin/python client.py)
expected="['C:WindowsSystem32ipconfig.exe', '/all']
['C:\\\\Windows\\\\System32\\\\ipconfig.exe', '/all']"
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
