#!/bin/sh
# Starts the program for this machine's processor.
case $(uname -m) in
    aarch64 | arm64) processor=aarch64 ;;
    *) processor=x86_64 ;;
esac
exec "${0%/*}/proxmox-mcp-$processor" "$@"
