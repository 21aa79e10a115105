#!/usr/bin/env bash
# PyPI clientapi-pve 2026.5.24
# Input: the shortest configuration of a VM that Proxmox VE answers to GET /nodes/{node}/qemu/{vmid}/config: its digest, and one key.
# By the API's description all keys but the digest are optional, among them vcpus (at least 1) and the numbered hostpci0 to net31.
# Expected: an object with what the answer holds.
# Seen: the client fills in each key that is absent, numbered ones as lists of None, vcpus as 0, and then finds its own values
# invalid: no configuration of any VM can be read.
# Matters: the numbered keys of a configuration are separate parameters, not a list with holes. A model of a configuration leaves
# out what is absent and does not check values that it did not receive.
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
