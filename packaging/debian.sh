#!/usr/bin/env bash
# Makes a Debian package of each binary that was built, and installs, runs and removes the one for this machine.
# usage: packaging/debian.sh
. "$(dirname "$0")/common.sh"
command -v dpkg-deb >/dev/null || { skip "Debian package: dpkg-deb is not installed"; exit 0; }
binary=$(this_binary)
maintainer="The proxmox-mcp developers <proxmox-mcp@packages.invalid>"
# The release date, from CHANGELOG.md.
released=$(sed -n "s/^## \[$version\] - //p" CHANGELOG.md)
[ -n "$released" ] || fail "CHANGELOG.md has no entry for $version"

make_package() { # CPU ARCHITECTURE
    local root file
    root=$(mktemp -d)
    chmod 755 "$root"
    install -D -m 755 "$out/bin/$1/proxmox-mcp" "$root/usr/bin/proxmox-mcp"
    local share=$root/usr/share doc=$root/usr/share/doc/proxmox-mcp
    install -d "$share/man/man1" "$doc/examples" "$share/bash-completion/completions" \
        "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d" "$share/lintian/overrides"
    "$binary" man | gzip -9n >"$share/man/man1/proxmox-mcp.1.gz"
    "$binary" completion bash >"$share/bash-completion/completions/proxmox-mcp"
    "$binary" completion zsh >"$share/zsh/vendor-completions/_proxmox-mcp"
    "$binary" completion fish >"$share/fish/vendor_completions.d/proxmox-mcp.fish"
    cp config.example.json "$doc/examples/"
    gzip -9n <CHANGELOG.md >"$doc/changelog.gz"
    gzip -9n <packaging/THIRD-PARTY-NOTICES.txt >"$doc/THIRD-PARTY-NOTICES.txt.gz"
    gzip -9n >"$doc/changelog.Debian.gz" <<EOF
proxmox-mcp ($version-1) unstable; urgency=medium

  * Release $version; what changed is in changelog.gz.

 -- $maintainer  $(LC_ALL=C date -u -R -d "$released")
EOF
    {
        printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
        printf 'Upstream-Name: proxmox-mcp\nSource: %s\n\n' "$repository"
        printf 'Files: *\nCopyright: %s\nLicense: Expat\n' "$(sed -n 's/^Copyright (c) //p' LICENSE)"
        sed '1,/^Copyright/d' LICENSE | sed '/./,$!d' | sed 's/^$/./; s/^/ /'
    } >"$doc/copyright"
    # It is meant to be one static file; because it is position-independent, lintian takes it for a library.
    printf 'proxmox-mcp: %s [usr/bin/proxmox-mcp]\n' statically-linked-binary shared-library-lacks-prerequisites \
        >"$share/lintian/overrides/proxmox-mcp"
    find "$root/usr" -type f ! -path '*/bin/*' -exec chmod 644 {} +
    find "$root/usr" -type d -exec chmod 755 {} +
    install -d -m 755 "$root/DEBIAN"
    (cd "$root" && find usr -type f -exec md5sum {} + | LC_ALL=C sort -k 2) >"$root/DEBIAN/md5sums"
    chmod 644 "$root/DEBIAN/md5sums"
    cat >"$root/DEBIAN/control" <<EOF
Package: proxmox-mcp
Version: $version-1
Architecture: $2
Maintainer: $maintainer
Installed-Size: $(du -k -s --apparent-size "$root/usr" | cut -f 1)
Suggests: ca-certificates, openssh-client
Section: admin
Priority: optional
Homepage: $repository
Description: MCP server that manages a Proxmox VE cluster
 A Model Context Protocol server over standard input and output, through which
 an AI assistant views and manages a Proxmox VE cluster with an API token. It
 asks before data is destroyed, and can write every change to an audit log.
 .
 It is one static program; the same tools can be called from a shell.
EOF
    find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    file=$out/proxmox-mcp_$version-1_$2.deb
    dpkg-deb --root-owner-group -Zxz --build "$root" "$file" >/dev/null
    rm -rf "$root"
    echo "$file ($(wc -c <"$file") bytes)"
}

for cpu in $(built); do
    case $cpu in x86_64) make_package x86_64 amd64 ;; aarch64) make_package aarch64 arm64 ;; esac
done

echo "== The manual page"
"$binary" man >"$out/proxmox-mcp.1"
if command -v groff >/dev/null; then
    warnings=$(groff -man -ww -Tascii -z "$out/proxmox-mcp.1" 2>&1)
    [ -z "$warnings" ] || fail "groff warns: $warnings"
elif command -v man >/dev/null; then
    warnings=$(LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$out/proxmox-mcp.1" 2>&1 >/dev/null)
    [ -z "$warnings" ] || fail "man warns: $warnings"
else
    skip "reading the manual page: neither groff nor man is installed"
fi

install_run_remove() {
    case $machine in x86_64) package=$out/proxmox-mcp_$version-1_amd64.deb ;; *) package=$out/proxmox-mcp_$version-1_arm64.deb ;; esac
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/triggers"
    touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(unshare -r)
    "${as_root[@]}" dpkg --root="$root" --force-not-root --force-bad-path --log=/dev/null --install "$package" >/dev/null
    [ "$("${as_root[@]}" chroot "$root" /usr/bin/proxmox-mcp --version)" = "proxmox-mcp $version" ] || fail "the installed program does not run"
    "${as_root[@]}" chroot "$root" /usr/bin/proxmox-mcp demo call proxmox_list_nodes | grep -q pve1 || fail "the installed program fails a call"
    [ "$(dpkg --root="$root" --log=/dev/null --verify proxmox-mcp)" = "" ] || fail "the installed files differ from their checksums"
    gzip -dc "$root/usr/share/man/man1/proxmox-mcp.1.gz" | cmp - "$out/proxmox-mcp.1" || fail "the manual page differs"
    "${as_root[@]}" dpkg --root="$root" --force-not-root --force-bad-path --log=/dev/null --purge proxmox-mcp >/dev/null
    left=$(find "$root" -path "$root/var" -prune -o ! -type d -print)
    [ -z "$left" ] || fail "removing the package leaves $left"
}
echo "== Installing, running and removing the package"
if [ "$(id -u)" -eq 0 ] || unshare -r true 2>/dev/null; then
    install_run_remove
else
    skip "installing the package: chroot needs root or user namespaces"
fi

echo "== lintian"
if command -v lintian >/dev/null || { install_packages lintian && command -v lintian >/dev/null; }; then
    # The package is not for Debian's archive, so it closes no bug there.
    lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs --allow-root "$out"/proxmox-mcp_"$version"-1_*.deb
else
    skip "lintian: it is not installed, and only root could install it"
fi
