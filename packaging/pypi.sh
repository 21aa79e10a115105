#!/usr/bin/env bash
# Makes a wheel for PyPI from each binary that was built, checks them with twine, and installs and runs the one for this
# machine with uvx and pip, from the file.
# usage: [REPOSITORY=URL] packaging/pypi.sh
. "$(dirname "$0")/common.sh"
command -v python3 >/dev/null || { skip "wheels: python3 is not installed"; exit 0; }
this_binary >/dev/null
folder=$out/pypi
rm -rf "$folder"
mkdir -p "$folder"

# A static program runs with any C library: with glibc as old as pip's tags can express, and with musl.
tags() { # PLATFORM
    case $1 in
        linux-x64) echo manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64 ;;
        linux-arm64) echo manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64 ;;
        win32-x64) echo win_amd64 ;;
        darwin-x64) echo macosx_10_12_x86_64 ;;
        darwin-arm64) echo macosx_11_0_arm64 ;;
    esac
}
for platform in $(platforms); do
    python3 packaging/pypi/wheel.py "$folder" "$pypi_name" "$version" "$about" "$repository" "$(tags "$platform")" \
        "$(binary_for "$platform")"
done

bin=$tools/pypi/bin
if ! why=$(python_tools pypi 'import twine, uv' twine==6.2.0 uv==0.13.9); then
    skip "wheels: twine and uv could not be installed from PyPI: $(tail -n 1 <<<"$why")"
    exit 0
fi
"$bin/twine" check --strict "$folder"/*.whl

case $machine in x86_64) own=linux-x64 ;; *) own=linux-arm64 ;; esac
wheel=$folder/${pypi_name//-/_}-$version-py3-none-$(tags $own).whl
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
uvx() {
    (cd "$fresh" && HOME=$fresh UV_CACHE_DIR=$fresh/.cache/uv "$bin/uvx" --offline --no-config \
        --python "$(command -v python3)" --from "$wheel" "$@")
}
began=$(date +%s%N)
answers=$(example_session | uvx proxmox-mcp demo 2>"$fresh/log") || { cat "$fresh/log"; fail "uvx does not run it"; }
check_example "uvx --from ./${wheel##*/} proxmox-mcp" "$answers"
echo "uvx --from ./${wheel##*/} proxmox-mcp: answered after $((($(date +%s%N) - began) / 1000000)) ms; $(wc -c <"$wheel") bytes"
# `uvx NAME` runs the command with the name of the package.
check_example "uvx $pypi_name" "$(example_session | uvx "$pypi_name" demo)"
! uvx "$pypi_name" nonsense >/dev/null 2>&1 || fail "uvx $pypi_name hides the exit code of a wrong command"
! uvx proxmox-mcp nonsense >/dev/null 2>&1 || fail "uvx hides the exit code of a wrong command"
python3 -m venv "$fresh/venv"
"$fresh/venv/bin/pip" install --quiet --no-index "$wheel"
[ "$("$fresh/venv/bin/proxmox-mcp" --version)" = "proxmox-mcp $version" ] || fail "pip does not install it"
"$fresh/venv/bin/pip" uninstall --quiet --yes "$pypi_name"
[ ! -e "$fresh/venv/bin/proxmox-mcp" ] || fail "pip leaves the program behind"
