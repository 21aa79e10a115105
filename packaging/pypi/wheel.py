#!/usr/bin/env python3
"""Makes a wheel with the binary as a script, and a command with the name of the package. The output is reproducible.

usage: wheel.py OUTPUT NAME VERSION SUMMARY REPOSITORY PLATFORM_TAGS BINARY
"""
import base64, hashlib, os, pathlib, sys, time, zipfile

output, name, version, summary, repository, tags, binary = sys.argv[1:]
binary = pathlib.Path(binary)
normal = name.replace("-", "_")
info = f"{normal}-{version}.dist-info"
moment = time.gmtime(max(int(os.environ["SOURCE_DATE_EPOCH"]), 315532800))[:6]

metadata = f"""Metadata-Version: 2.4
Name: {name}
Version: {version}
Summary: {summary}
Project-URL: Homepage, {repository}
License-Expression: MIT
License-File: LICENSE
License-File: THIRD-PARTY-NOTICES.txt
Keywords: mcp,proxmox,virtualization,homelab
Requires-Python: >=3.8
Description-Content-Type: text/markdown

<!-- mcp-name: io.github.{repository.split("/")[3]}/proxmox-mcp -->

{pathlib.Path("README.md").read_text()}"""
wheel = "Wheel-Version: 1.0\nGenerator: proxmox-mcp\nRoot-Is-Purelib: false\n"
wheel += "".join(f"Tag: py3-none-{tag}\n" for tag in tags.split("."))
files = [
    (f"{normal}-{version}.data/scripts/{binary.name}", binary.read_bytes(), 0o755),
    (f"{info}/licenses/LICENSE", pathlib.Path("LICENSE").read_bytes(), 0o644),
    (f"{info}/licenses/THIRD-PARTY-NOTICES.txt", pathlib.Path("packaging/THIRD-PARTY-NOTICES.txt").read_bytes(), 0o644),
    (f"{normal}/__init__.py", pathlib.Path("packaging/pypi/launch.py").read_bytes(), 0o644),
    (f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {normal}:main\n".encode(), 0o644),
    (f"{info}/METADATA", metadata.encode(), 0o644),
    (f"{info}/WHEEL", wheel.encode(), 0o644),
]
record = ""
for path, content, _ in files:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    record += f"{path},sha256={digest},{len(content)}\n"
files.append((f"{info}/RECORD", (record + f"{info}/RECORD,,\n").encode(), 0o644))

path = pathlib.Path(output) / f"{normal}-{version}-py3-none-{tags}.whl"
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for inside, content, mode in files:
        entry = zipfile.ZipInfo(inside, moment)
        entry.external_attr = (0o100000 | mode) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.create_system = 3
        archive.writestr(entry, content)
print(f"{path} ({path.stat().st_size} bytes)")
