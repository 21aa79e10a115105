#!/usr/bin/env bash
# PyPI proxmoxer 2.3.0
# Input: Python's True and False for the parameters `onboot` and `protection` of POST /nodes/{node}/qemu, both of type boolean in
# the API schema.
# Expected: the client converts them to 1 and 0, the form encoding of the API.
# Seen: they are sent as the words True and False. Proxmox VE 9.2 accepts only 1 and 0 in a form and answers 400 to these words.
# Matters: code for proxmoxer passes numbers or strings instead, and a model that has seen such code passes them to tools as well: a
# parameter of type boolean should accept 0 and 1, and an API client has to convert booleans itself.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile proxmoxer==2.3.0 requests==2.34.2

cat >client.py <<'EOF'
import requests
from proxmoxer import ProxmoxAPI


class Recorder(requests.adapters.BaseAdapter):
    """In place of the connection: prints the request and answers that all is well."""

    def send(self, request, **_):
        print(request.method, request.path_url, request.body)
        answer = requests.Response()
        answer.status_code, answer._content, answer.request, answer.url = 200, b'{"data":null}', request, request.url
        return answer

    def close(self):
        pass


pve = ProxmoxAPI("pve1", user="root@pam", token_name="t", token_value="x")
pve._store["session"].mount("https://", Recorder())
pve.nodes("pve1").qemu.post(vmid=100, onboot=True, protection=False)
pve.nodes("pve1").qemu.get(full=True)
EOF
seen=$(env/bin/python client.py)
expected='POST /api2/json/nodes/pve1/qemu vmid=100&onboot=True&protection=False
GET /api2/json/nodes/pve1/qemu?full=True None'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
