"""Starts the program under the package's own name, as `uvx proxmox-mcp-rs` does."""

import os
import signal
import subprocess
import sys


def main():
    """Runs the program that lies beside this command, and ends as it ends."""
    beside = os.path.dirname(os.path.abspath(sys.argv[0]))
    if os.name != "nt":
        program = os.path.join(beside, "proxmox-mcp")
        os.execv(program, [program, *sys.argv[1:]])
    # Ctrl-C reaches the program, too, which answers what is under way before it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(subprocess.call([os.path.join(beside, "proxmox-mcp.exe"), *sys.argv[1:]]))
