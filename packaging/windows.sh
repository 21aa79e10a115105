#!/usr/bin/env bash
# Builds the Windows binary, packs it as a zip with the licences, documentation and example configuration, and tests it
# with wine if wine is installed.
# usage: packaging/windows.sh
. "$(dirname "$0")/common.sh"
target=x86_64-pc-windows-gnu
if ! command -v x86_64-w64-mingw32-gcc >/dev/null && ! install_packages gcc-mingw-w64-x86-64; then
    skip "Windows: there is no C compiler for it; install gcc-mingw-w64-x86-64"
    exit 0
fi
program=$(build_for x86_64-windows $target)
binary=$(binary_for win32-x64)
install -D -m 755 "$program" "$binary"
has_no_path "$binary"
# Only libraries that every Windows has.
libraries=$(x86_64-w64-mingw32-objdump -p "$binary" | sed -n 's/^.*DLL Name: //p' | tr '[:upper:]' '[:lower:]' | LC_ALL=C sort -u | tr '\n' ' ')
for library in $libraries; do
    case $library in
        advapi32.dll | api-ms-win-* | bcrypt.dll | bcryptprimitives.dll | crypt32.dll | kernel32.dll | msvcrt.dll | ntdll.dll \
            | userenv.dll | ws2_32.dll | secur32.dll | shell32.dll | user32.dll | ole32.dll) ;;
        *) fail "the program needs $library" ;;
    esac
done
echo "x86_64: $(wc -c <"$binary") bytes; libraries: $libraries"

if ! command -v wine >/dev/null && ! install_packages wine wine64; then
    skip "Windows: the program was built but not run (wine is not installed)"
else
    tests/wine/try.sh "$binary" "$tools/python/bin/python"
fi

name=proxmox-mcp-$version-x86_64-windows
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
install -D -m 755 "$binary" "$folder/$name/proxmox-mcp.exe"
add_papers "$folder/$name"
python3 packaging/zip.py "$folder" "$out/$name.zip"
