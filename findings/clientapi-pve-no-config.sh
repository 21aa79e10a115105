#!/usr/bin/env bash
# PyPI clientapi-pve 2026.5.24
# Input: the shortest configuration of a VM that Proxmox VE returns for GET /nodes/{node}/qemu/{vmid}/config: its digest, and one
# key. According to the API schema all keys except the digest are optional, including vcpus (at least 1) and the numbered hostpci0
# to net31.
# Expected: an object with the content of the answer.
# Seen: the client fills in each key that is absent, numbered ones as lists of None, vcpus as 0, and then rejects its own values
# as invalid: no configuration of any VM can be read.
# Matters: the numbered keys of a configuration are separate parameters, not a list with gaps. A model of a configuration should
# leave out what is absent, and not validate values that it did not receive.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install -q --no-compile clientapi-pve==2026.5.24 pydantic==2.14.4

cat >client.py <<'EOF'
import json

from clientapi_pve import ApiClient

body = {"data": {"digest": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "cores": 1}}
try:
    print(ApiClient().deserialize(json.dumps(body), "QemuVmConfigResponse", "application/json").data.cores)
except ValueError as error:
    found = error.errors()
    print(f"{type(error).__name__}: more than 100 faults: {len(found) > 100}")
    for one in found:
        if one["loc"] in (("vcpus",), ("hostpcis", 0), ("cores",)):
            print(one["loc"], one["input"], one["msg"])
EOF
seen=$(env/bin/python -W ignore client.py)
expected="ValidationError: more than 100 faults: True
('vcpus',) 0 Input should be greater than or equal to 1
('hostpcis', 0) None Input should be a valid string"
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
