#!/usr/bin/env python3
"""Records docs/demo.svg, the terminal session that README.md shows, from the built-in sample cluster.

    scripts/record.py BINARY           run the commands and write docs/demo.svg
    scripts/record.py --check BINARY   fail if docs/demo.svg differs from what the commands print now

The commands run on a pseudo-terminal, so the picture shows what a person would see. Task ids and durations differ from
run to run and are replaced by fixed ones: the same program always gives the same file. The animation plays once. Viewers
without animation, or set to reduced motion, show the last frame.
"""

import html
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "demo.svg"
PROMPT = "$ "
# The commands that are typed, and the answer if the program asks.
SESSION = [
    ("proxmox-mcp demo call proxmox_list_vms status=running fields=vmid,name,node,cpu,mem limit=3", None),
    ("proxmox-mcp demo call proxmox_start_vm vmid=101", None),
    ("proxmox-mcp demo call proxmox_delete_vm vmid=100", "no"),
]
# What differs from run to run, and its replacement.
VARYING = [
    (re.compile(r"(UPID:\w+):[0-9A-F]{8}:[0-9A-F]{8}:[0-9A-F]{8}:"), r"\1:00001A2B:00C0FFEE:6B0BE242:"),
    (re.compile(r"^(duration +)[0-9.]+$"), r"\g<1>0.5"),
]
QUESTION = b"> "
LONGEST = 60  # seconds a command may take

# The picture, in pixels; `LETTER` is the width of a character, or a little more.
LETTER, LINE, MARGIN, BAR = 8.43, 19, 18, 30
# The animation, in seconds.
TYPED, PAUSE, PRINTED, READ = 0.025, 0.4, 0.04, 1.6


def run(binary, command, reply):
    """The lines that a terminal shows for a command."""
    process, terminal = pty.fork()
    if process == 0:
        os.execve(binary, command.split(), {"HOME": os.path.dirname(binary), "TERM": "xterm"})
    watch = subprocess.Popen(["sh", "-c", f"sleep {LONGEST}; kill {process} 2>/dev/null"])
    shown = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # on Linux, the other side is closed
            break
        if not part:
            break
        shown += part
        if shown.endswith(b"\n" + QUESTION):
            if reply is None:
                sys.exit(f"`{command}` asks a question, and no answer is recorded:\n{shown.decode()}")
            os.write(terminal, reply.encode() + b"\n")
    os.waitpid(process, 0)
    watch.kill()
    watch.wait()
    return [line for line in map(settled, shown.decode().split("\n")) if line]


def settled(line):
    """The final state of a line: overwritten text is removed, and varying text is replaced."""
    line = line.rstrip("\r").replace("\x1b[K", "").rsplit("\r", 1)[-1].rstrip()
    for pattern, fixed in VARYING:
        line = pattern.sub(fixed, line)
    return line


def picture(scenes):
    """The scenes, each a command and its lines, as an animated SVG."""
    rows, rules, at = [], [], 0.6
    y = BAR + MARGIN
    for command, lines in scenes:
        length = len(command) * TYPED
        rows.append((y, f'<tspan class="p">{PROMPT}</tspan>{html.escape(command, quote=False)}',
                     "c", f"type {length:.2f}s steps({len(command)}) {at:.2f}s"))
        at += length + PAUSE
        for line in lines:
            y += LINE
            rows.append((y, html.escape(line, quote=False), "o", f"show 1ms {at:.2f}s"))
            at += PRINTED
        at += READ
        y += LINE * 2
    height = y - LINE + MARGIN // 2
    letters = max(len(line) for command, lines in scenes for line in [PROMPT + command, *lines])
    width = round(letters * LETTER + MARGIN * 2)
    text = "\n".join(
        f'<text class="{kind}" x="{MARGIN}" y="{row}" style="animation:{moves} backwards">{words}</text>'
        for row, words, kind, moves in rows
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" \
aria-labelledby="t">
<!-- Written by scripts/record.py. -->
<title id="t">A terminal: proxmox-mcp lists virtual machines, starts one, and asks before it deletes one.</title>
<style>
text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; \
white-space: pre; fill: #c9d1d9 }}
.c {{ fill: #ffffff; font-weight: 600 }}
.p {{ fill: #3fb950 }}
@keyframes type {{ from {{ clip-path: inset(0 100% 0 0) }} to {{ clip-path: inset(0 0 0 0) }} }}
@keyframes show {{ from {{ opacity: 0 }} to {{ opacity: 1 }} }}
@media (prefers-reduced-motion: reduce) {{ text {{ animation: none !important }} }}
</style>
<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>
<circle cx="20" cy="{BAR // 2 + 2}" r="5" fill="#ff5f57"/>
<circle cx="38" cy="{BAR // 2 + 2}" r="5" fill="#febc2e"/>
<circle cx="56" cy="{BAR // 2 + 2}" r="5" fill="#28c840"/>
{text}
</svg>
"""


def main():
    arguments = sys.argv[1:]
    check = "--check" in arguments
    arguments = [word for word in arguments if word != "--check"]
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.exit(__doc__)
    if not os.access(arguments[0], os.X_OK):
        sys.exit(f"record.py: there is no program at {arguments[0]}; run ./setup.sh first.")
    # A copy in an empty folder, so that no configuration beside it or in the home folder is read.
    with tempfile.TemporaryDirectory() as folder:
        binary = shutil.copy(arguments[0], os.path.join(folder, "proxmox-mcp"))
        text = picture([(command, run(binary, command, reply)) for command, reply in SESSION])
    if not check:
        PICTURE.write_text(text, encoding="utf-8")
        print(f"{PICTURE.relative_to(ROOT)}: {len(text.encode())} bytes")
    elif not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != text:
        sys.exit("record.py: docs/demo.svg is out of date. Run scripts/record.py BINARY, look at it, and commit it.")


main()
