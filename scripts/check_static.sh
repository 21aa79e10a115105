#!/usr/bin/env bash
# Checks that the release binary is small, a static PIE with the usual hardening, and self-contained: it runs in a
# chroot that contains only the binary, and resolves a host name from /etc/hosts there.
# usage: scripts/check_static.sh BINARY
set -euo pipefail
binary=$1

fail() {
    echo "check_static.sh: $binary: $*" >&2
    exit 1
}

size=$(wc -c <"$binary")
echo "$size bytes"
[ "$size" -le $((8 * 1024 * 1024)) ] || fail "it is larger than 8 MiB"

headers=$(readelf --wide --file-header --program-headers "$binary")
dynamic=$(readelf --wide --dynamic "$binary")
segments() { awk -v type="$1" '$1 == type' <<<"$headers"; }
grep -q '^ *Type: *DYN' <<<"$headers" || fail "it is not position-independent"
[ -z "$(segments INTERP)" ] || fail "it asks for a dynamic loader"
! grep -q '(NEEDED)' <<<"$dynamic" || fail "it needs libraries: $(grep '(NEEDED)' <<<"$dynamic")"
# The flags of a segment come before its alignment; `R E` is printed as two words.
! segments LOAD | grep -qE ' RWE | +W +E ' || fail "a segment is writable and executable"
! segments GNU_STACK | grep -q ' RWE ' && [ -n "$(segments GNU_STACK)" ] || fail "the stack is executable"
! grep -q TEXTREL <<<"$dynamic" || fail "it has text relocations"
[ -n "$(segments GNU_RELRO)" ] || fail "it has no RELRO"
grep -qE 'BIND_NOW|FLAGS.*NOW' <<<"$dynamic" || fail "RELRO is partial: symbols are bound lazily"
# Constants must not be in a segment with code.
code=$(sed -n '/Segment Sections/,$p' <<<"$headers" | grep -E ' \.text( |$)')
! grep -qE ' \.(rodata|eh_frame|data|got)( |$)' <<<"$code" || fail "code and constants share a segment:$code"

# The actual memory mappings of the process, which waits for its input meanwhile.
coproc server { exec "$binary" demo 2>/dev/null; }
# bash forgets a coprocess as soon as it has ended.
process=$server_PID to=${server[1]} from=${server[0]}
echo '{"jsonrpc":"2.0","id":1,"method":"ping"}' >&"$to"
read -r _ <&"$from"
maps=$(cat "/proc/$process/maps")
exec {to}>&-
wait "$process" || true
own=$(grep -F "$(readlink -f "$binary")" <<<"$maps")
echo "$own"
! grep -qE '^[^ ]+ .wx' <<<"$maps" || fail "memory is writable and executable: $(grep -E '^[^ ]+ .wx' <<<"$maps")"
! grep -F '[stack]' <<<"$maps" | grep -q 'x[ps] ' || fail "the stack is executable"
base=$((16#$(head -n 1 <<<"$own" | cut -d - -f 1)))
read -r _ _ address _ _ length _ <<<"$(segments GNU_RELRO)"
while read -r range rights _; do
    if ((16#${range%-*} < base + address + length && base + address < 16#${range#*-})); then
        [[ $rights == r--* ]] || fail "RELRO is not applied at run time: it is in a mapping with $rights"
    fi
done <<<"$own"

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
# Port 1 on loopback is closed: a refusal by 127.0.0.1 shows that the name was resolved.
if answer=$(PROXMOX_HOST=pve.test:1 PROXMOX_TOKEN_ID=root@pam!t PROXMOX_TOKEN_SECRET=x \
    inside /proxmox-mcp call proxmox_test_connection 2>&1); then
    fail "a closed port was reached"
fi
echo "$answer"
grep -q '127.0.0.1' <<<"$answer"
