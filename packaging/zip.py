#!/usr/bin/env python3
"""Packs a folder as a zip, reproducibly.

usage: zip.py FOLDER OUTPUT
"""
import os, pathlib, sys, time, zipfile

folder, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
moment = time.gmtime(max(int(os.environ["SOURCE_DATE_EPOCH"]), 315532800))[:6]
with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), moment)
        entry.external_attr = (0o100000 | (0o755 if os.access(path, os.X_OK) else 0o644)) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.create_system = 3
        archive.writestr(entry, path.read_bytes())
print(f"{output} ({output.stat().st_size} bytes)")
