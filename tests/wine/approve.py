#!/usr/bin/env python3
"""Runs a command on a terminal, and types the word that it asks for, like a person who approves a request.

usage: approve.py COMMAND [WORD…]   (prints the terminal's content; exits with COMMAND's exit code)
"""
import os, pty, re, sys

seen, typed = b"", False
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:  # how Linux reports that the other end was closed
        break
    if not part:
        break
    seen += part
    # Between the words, a console may move the cursor instead of writing a blank.
    plain = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b" ", seen)
    asked = re.search(rb"Type\s+(\S+)\s+to\s+approve", plain)
    if asked and b"leave" in plain[asked.end() :] and not typed:
        typed = True
        os.write(terminal, asked[1] + b"\r")
print(re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen).decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
