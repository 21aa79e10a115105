#!/usr/bin/env bash
# The binary is static and small: it runs in a chroot that holds nothing else, and finds a host name in /etc/hosts
# there.
# usage: scripts/check_static.sh BINARY
set -euo pipefail
binary=$1
size=$(wc -c <"$binary")
echo "$size bytes"
[ "$size" -le $((4 * 1024 * 1024)) ] || { echo "the binary is over 4 MiB"; exit 1; }
# `ldd` says "statically linked" or "not a dynamic executable", each libc in its own words; only what is linked
# dynamically has lines with an arrow or names a loader.
if libraries=$(ldd "$binary" 2>&1) && grep -qE '=>|/ld-' <<<"$libraries"; then
    echo "ldd finds libraries: $libraries"
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
if answer=$(PROXMOX_HOST=pve.test:1 PROXMOX_TOKEN_ID=root@pam!t PROXMOX_TOKEN_SECRET=x \
    inside /proxmox-mcp call proxmox_test_connection 2>&1); then
    echo "a closed port was reached"
    exit 1
fi
echo "$answer"
grep -q '127.0.0.1' <<<"$answer"
