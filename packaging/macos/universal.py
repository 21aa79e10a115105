#!/usr/bin/env python3
"""Joins programs for macOS for several processors into one, like Apple's `lipo -create`. Each keeps its signature.

usage: universal.py OUTPUT BINARY…
"""
import pathlib, struct, sys

output, *inputs = map(pathlib.Path, sys.argv[1:])
ALIGN = 14  # the largest page is 2^14 bytes
parts = sorted((path.read_bytes() for path in inputs), key=lambda part: struct.unpack_from("<I", part, 4))
header, body = struct.pack(">2I", 0xCAFEBABE, len(parts)), b""
first = 1 << ALIGN
for part in parts:
    magic, cpu, subtype = struct.unpack_from("<3I", part)
    if magic != 0xFEEDFACF:
        sys.exit("universal.py: one of the files is no program of 64 bits for macOS")
    body += b"\0" * (-len(body) % first)
    header += struct.pack(">5I", cpu, subtype, first + len(body), len(part), ALIGN)
    body += part
output.write_bytes(header + b"\0" * (first - len(header)) + body)
output.chmod(0o755)
print(f"{output} ({output.stat().st_size} bytes)")
