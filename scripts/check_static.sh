#!/usr/bin/env bash
# The binary is static: it runs in a chroot that holds nothing else, and finds a host name in /etc/hosts there.
# usage: scripts/check_static.sh BINARY
set -euo pipefail
binary=$1
if ldd "$binary" 2>&1 | grep -q '=>'; then
    echo "ldd finds libraries:" && ldd "$binary"
    exit 1
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cp "$binary" "$root/proxmox-mcp"
mkdir "$root/etc"
echo '127.0.0.1 pve.test' >"$root/etc/hosts"
inside() {
    if [ "$(id -u)" -eq 0 ]; then chroot "$root" "$@"; else unshare -r chroot "$root" "$@"; fi
}
inside /proxmox-mcp --version
inside /proxmox-mcp demo call proxmox_get_version
# Port 1 on loopback is closed: that the refusal comes from 127.0.0.1 shows that the name was resolved.
answer=$(PROXMOX_HOST=pve.test:1 PROXMOX_TOKEN_ID=root@pam!t PROXMOX_TOKEN_SECRET=x \
    inside /proxmox-mcp call proxmox_test_connection 2>&1) && { echo "a closed port was reached"; exit 1; }
echo "$answer"
grep -q '127.0.0.1' <<<"$answer"
