"""Starts the program under the package's own name, as `uvx proxmox-mcp-rs` does."""

import os
import signal
import subprocess
import sys


def main():
    """Runs the program beside this command, and exits with its exit code."""
    beside = os.path.dirname(os.path.abspath(sys.argv[0]))
    if os.name != "nt":
        program = os.path.join(beside, "proxmox-mcp")
        os.execv(program, [program, *sys.argv[1:]])
    # Ctrl-C also reaches the program, which answers the calls in progress before it exits.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(subprocess.call([os.path.join(beside, "proxmox-mcp.exe"), *sys.argv[1:]]))
