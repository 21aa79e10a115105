#!/usr/bin/env bash
# Builds a container image of each binary that was built, and runs the one for this machine as the image's own user.
# usage: packaging/image.sh   (uses buildah as root, otherwise docker or podman; only buildah writes the archives of a release)
. "$(dirname "$0")/common.sh"
[ "$(uname -s)" = Linux ] || { skip "container image: its binary is built on Linux"; exit 0; }
this_binary >/dev/null
context=$out/image
rm -rf "$context"
mkdir -p "$context"
cp packaging/Dockerfile LICENSE packaging/THIRD-PARTY-NOTICES.txt "$context/"

# Mozilla's certificate authorities as packaged by Debian. This machine's own store may contain others.
if ! unpack ca-certificates >"$out/why.txt"; then
    skip "container image: ca-certificates could not be downloaded from Debian ($(cat "$out/why.txt"))"
    exit 0
fi
find "$tools/debian/usr/share/ca-certificates/mozilla" -name '*.crt' | LC_ALL=C sort | xargs cat >"$context/ca-certificates.crt"
count=$(grep -c 'BEGIN CERTIFICATE' "$context/ca-certificates.crt")
[ "$count" -ge 100 ] || fail "only $count certificate authorities were found"

architectures=()
for cpu in $(built); do
    case $cpu in x86_64) architecture=amd64 ;; aarch64) architecture=arm64 ;; esac
    install -D -m 755 "$out/bin/$cpu/proxmox-mcp" "$context/$architecture/proxmox-mcp"
    architectures+=("$architecture")
done
case $machine in x86_64) own=amd64 ;; *) own=arm64 ;; esac

arguments=(--build-arg "VERSION=$version" --build-arg "SERVER_NAME=io.github.$owner/proxmox-mcp" --build-arg "REPOSITORY=$repository")
name=proxmox-mcp:$version

# Runs the image as its own user, with only its root file system, and checks its content.
check_root() { # FOLDER
    local root=$1 found
    found=$(cd "$root" && find . -type f | LC_ALL=C sort | tr '\n' ' ')
    [ "$found" = "./etc/ssl/certs/ca-certificates.crt ./licenses/LICENSE ./licenses/THIRD-PARTY-NOTICES.txt ./usr/bin/proxmox-mcp " ] || fail "the image contains $found"
    inside() { chroot --userspec=65532:65532 "$root" "$@"; }
    [ "$(inside /usr/bin/proxmox-mcp --version)" = "proxmox-mcp $version" ] || fail "it does not run"
    inside /usr/bin/proxmox-mcp demo call proxmox_list_nodes | grep -q pve1 || fail "a call failed"
    echo "$name: runs as 65532 in $(du -s --apparent-size -b "$root" | cut -f 1) bytes, $count authorities"
}

with_engine() { # docker or podman
    local architecture
    for architecture in "${architectures[@]}"; do
        "$1" build "${arguments[@]}" --build-arg "TARGETARCH=$architecture" --platform "linux/$architecture" \
            -t "$name-$architecture" "$context"
    done
    local version_line code=0
    version_line=$("$1" run --rm "$name-$own" --version) || code=$?
    # From 125 on it is the engine that failed, not the program.
    [ "$code" -lt 125 ] || { skip "container image: it was built, but $1 cannot run containers here"; return; }
    [ "$version_line" = "proxmox-mcp $version" ] || fail "it does not run"
    "$1" run --rm --read-only --cap-drop=ALL "$name-$own" demo call proxmox_list_nodes | grep -q pve1 || fail "a call failed"
    [ "$("$1" inspect --format '{{.Config.User}}' "$name-$own")" = 65532:65532 ] || fail "it runs as root"
    echo "$name: built and run with $1"
}

# buildah needs neither a daemon nor rights beyond chroot; it can also be unpacked from Debian's packages.
buildah_command() {
    command -v buildah >/dev/null && { buildah=(buildah); return; }
    if [ ! -x "$tools/debian/usr/bin/buildah" ]; then
        unpack buildah golang-github-containers-image golang-github-containers-common libgpgme11 libassuan0 libsubid4 \
            libdevmapper1.02.1 || return 1
    fi
    local libraries
    libraries=$(dirname "$(find "$tools/debian/usr/lib" -name 'libgpgme.so.11' | head -n 1)")
    buildah=(env "LD_LIBRARY_PATH=$libraries" "CONTAINERS_CONF=$tools/debian/usr/share/containers/containers.conf"
        "$tools/debian/usr/bin/buildah" --registries-conf "$tools/debian/etc/containers/registries.conf")
    policy=(--signature-policy "$tools/debian/etc/containers/policy.json")
    "${buildah[@]}" --version >/dev/null
}
with_buildah() {
    local architecture id container root
    local store=(--root "$out/image-store" --runroot "$out/image-run" --storage-driver vfs)
    # The global options come before the command.
    at() { local command=$1; shift; "${buildah[@]}" "${store[@]}" "$command" "$@"; }
    for architecture in "${architectures[@]}"; do
        at build ${policy[@]+"${policy[@]}"} --isolation chroot --platform "linux/$architecture" \
            --timestamp "$SOURCE_DATE_EPOCH" "${arguments[@]}" -t "$name-$architecture" "$context" >"$out/image.log" 2>&1 \
            || { tail -n 5 "$out/image.log"; fail "buildah could not build for $architecture"; }
        rm -f "$out/proxmox-mcp-$version-$architecture.oci.tar"
        at push ${policy[@]+"${policy[@]}"} "$name-$architecture" \
            "oci-archive:$out/proxmox-mcp-$version-$architecture.oci.tar:$name" >>"$out/image.log" 2>&1 \
            || { tail -n 5 "$out/image.log"; fail "buildah could not write the archive"; }
        # buildah's archive has the current time and an arbitrary order; it is packed again, reproducibly.
        rm -rf "$out/image-archive"
        mkdir "$out/image-archive"
        tar -C "$out/image-archive" -xf "$out/proxmox-mcp-$version-$architecture.oci.tar"
        chmod -R u=rwX,go=rX "$out/image-archive"
        tar -C "$out/image-archive" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
            -cf "$out/proxmox-mcp-$version-$architecture.oci.tar" .
        echo "$out/proxmox-mcp-$version-$architecture.oci.tar ($(wc -c <"$out/proxmox-mcp-$version-$architecture.oci.tar") bytes)"
        id=$(at inspect --type image --format '{{.OCIv1.Architecture}} {{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}}' "$name-$architecture")
        [ "$id" = "$architecture 65532:65532 [/usr/bin/proxmox-mcp]" ] || fail "the image is $id"
    done
    container=$(at from ${policy[@]+"${policy[@]}"} "localhost/$name-$own")
    root=$(at mount "$container")
    check_root "$root"
    at umount "$container" >/dev/null
    at rm "$container" >/dev/null
    rm -rf "$out/image-store" "$out/image-run" "$out/image-archive"
}

# buildah cannot unpack a layer where the root folder is no mount point.
in_chroot() { ! awk '$5 == "/" { found = 1 } END { exit !found }' /proc/self/mountinfo; }
if [ "$(id -u)" -eq 0 ] && ! in_chroot && buildah_command >"$out/why.txt" 2>&1; then
    with_buildah
elif command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    with_engine docker
elif command -v podman >/dev/null && podman info >/dev/null 2>&1; then
    with_engine podman
else
    skip "container image: docker and podman do not run here, and buildah needs root outside a chroot"
fi
