#!/usr/bin/env bash
# Packs the npm packages: `proxmox-mcp`, and one with the binary for each platform that was built. Installs and runs
# them with npx, from a registry on this machine.
# usage: [REPOSITORY=URL] packaging/npm.sh
. "$(dirname "$0")/common.sh"
command -v npm >/dev/null || { skip "npm packages: npm is not installed"; exit 0; }
this_binary >/dev/null
folder=$out/npm
rm -rf "$folder"
mkdir -p "$folder"

pack() { # FOLDER
    find "$1" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
    (cd "$1" && npm pack --silent --ignore-scripts --pack-destination "$folder" >/dev/null)
    rm -rf "$1"
}
pack_platform() { # PLATFORM BINARY
    local root
    root=$(mktemp -d)
    install -D -m 755 "$2" "$root/bin/$(basename "$2")"
    cp LICENSE packaging/THIRD-PARTY-NOTICES.txt "$root/"
    filled packaging/npm/platform.json "PLATFORM=$1" "OS=${1%-*}" "CPU=${1#*-}" >"$root/package.json"
    pack "$root"
}
for platform in $(platforms); do pack_platform "$platform" "$(binary_for "$platform")"; done
root=$(mktemp -d)
install -D -m 755 packaging/npm/launch.js "$root/bin/proxmox-mcp.js"
cp LICENSE README.md "$root/"
filled packaging/npm/package.json >"$root/package.json"
pack "$root"
for file in "$folder"/*.tgz; do echo "$file ($(wc -c <"$file") bytes)"; done

# The packages must not run anything when they are installed.
for file in "$folder"/*.tgz; do
    ! tar -xzOf "$file" package/package.json | grep -q '"scripts"' || fail "$file runs scripts when it is installed"
done

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
mkdir "$fresh/home" "$fresh/work"
# Runs a command in a fresh folder with a fresh cache; only the registry on this machine is used.
fetch() {
    (cd "$fresh/work" && HOME=$fresh/home npm_config_cache=$fresh/cache npm_config_update_notifier=false \
        node "$OLDPWD/packaging/npm/registry.mjs" "$folder" "$@")
}
try() { # WHAT COMMAND…
    local what=$1 began answers
    shift
    rm -rf "$fresh/cache"
    began=$(date +%s%N)
    answers=$(example_session | fetch "$@" demo 2>"$fresh/log") || { cat "$fresh/log"; fail "$what does not run"; }
    check_example "$what" "$answers"
    echo "$what: answered after $((($(date +%s%N) - began) / 1000000)) ms; $(grep fetched "$fresh/log")"
}
try "npx -y proxmox-mcp" npx -y proxmox-mcp
cp "$folder/proxmox-mcp-$version.tgz" "$fresh/work/"
try "npx -y ./proxmox-mcp-$version.tgz" npx -y "./proxmox-mcp-$version.tgz"
# From the files alone, because nothing is published yet: the registry has none of the packages.
case $machine in x86_64) own=linux-x64 ;; *) own=linux-arm64 ;; esac
mkdir "$fresh/empty" "$fresh/files"
cp "$folder/proxmox-mcp-$version.tgz" "$folder/proxmox-mcp-$own-$version.tgz" "$fresh/files/"
from_files() {
    (cd "$fresh/files" && HOME=$fresh/home npm_config_cache=$fresh/cache2 npm_config_update_notifier=false \
        node "$OLDPWD/packaging/npm/registry.mjs" "$fresh/empty" "$@")
}
from_files npm install --silent "./proxmox-mcp-$own-$version.tgz" "./proxmox-mcp-$version.tgz" 2>"$fresh/log" \
    || { cat "$fresh/log"; fail "npm install fails with the files"; }
check_example "npm install from files" "$(example_session | from_files npx proxmox-mcp demo 2>/dev/null)"
echo "npm install ./proxmox-mcp-$own-$version.tgz ./proxmox-mcp-$version.tgz; npx proxmox-mcp: answered"
! fetch npx -y proxmox-mcp nonsense >/dev/null 2>&1 || fail "npx hides the exit code of a wrong command"
# A client stops a server with a signal to the process that it started.
fetch npm install --silent --no-save proxmox-mcp 2>/dev/null
mkfifo "$fresh/input"
(cd "$fresh/work" && exec node node_modules/proxmox-mcp/bin/proxmox-mcp.js demo <"$fresh/input" >"$fresh/output") &
server=$!
exec 3>"$fresh/input"
example_session >&3
until [ "$(wc -l <"$fresh/output")" -eq 2 ]; do kill -0 "$server" || fail "the server ends by itself"; sleep 0.1; done
kill -TERM "$server"
status=0
wait "$server" || status=$?
[ "$status" -eq 143 ] || fail "after SIGTERM the launcher ends with $status"
exec 3>&-
# If the package for this platform is missing, the launcher reports it.
rm -r "$fresh/work/node_modules/proxmox-mcp-$own"
said=$(node "$fresh/work/node_modules/proxmox-mcp/bin/proxmox-mcp.js" --version 2>&1) && fail "the launcher runs something else"
grep -q "proxmox-mcp-$own, which holds the program, is not installed" <<<"$said" || fail "the launcher says: $said"
