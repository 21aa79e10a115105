#!/usr/bin/env bash
# Runs every check: formatting, clippy, tests, docs, a piped session with the built binary, fuzz targets, a short
# soak test, the official SDK clients, five frameworks, the views in a browser, the screens of QEMU and x11vnc, and an independent
# simulation of the Proxmox API.
# usage: ./test_server.sh [--live]
#   --live  runs only the read-only part of the session, against the configured Proxmox VE
# What a step needs besides Rust is installed below target/tools or, as root on Debian, with apt. Otherwise the step is
# skipped, with the reason; with CI set, a skipped step counts as failed.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

live=no
case ${1:-} in
    "") ;;
    --live) live=yes ;;
    -h | --help) sed -n '2,8s/^# //p' "$0"; exit 0 ;;
    *) echo "test_server.sh: unknown option $1; see ./test_server.sh --help" >&2; exit 2 ;;
esac

passed=0 failed=0 skipped=0
tools=$PWD/target/tools
mkdir -p "$tools"

step() {
    local name=$1 began=$SECONDS
    shift
    echo "== $name"
    if "$@"; then
        passed=$((passed + 1))
        echo "-- $name: $((SECONDS - began)) s"
    else
        failed=$((failed + 1))
        echo "FAILED: $name, after $((SECONDS - began)) s"
    fi
}

skip() {
    if [ -n "${CI:-}" ]; then
        failed=$((failed + 1))
        echo "FAILED: $1: $2 (nothing may be skipped with CI set)"
    else
        skipped=$((skipped + 1))
        echo "SKIPPED: $1: $2"
    fi
}

summary() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}

# The lines of a session; read-only unless the argument is "changes".
session() {
    echo '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test_server.sh","version":"1"}}}'
    echo '{"jsonrpc":"2.0","method":"notifications/initialized"}'
    echo '{"jsonrpc":"2.0","id":2,"method":"ping"}'
    echo '{"jsonrpc":"2.0","id":3,"method":"tools/list"}'
    local id=4 name
    for name in test_connection get_version list_nodes list_vms list_containers list_storage; do
        echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"method\":\"tools/call\",\"params\":{\"name\":\"proxmox_$name\"}}"
        id=$((id + 1))
    done
    if [ "${1:-}" = changes ]; then
        echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"method\":\"tools/call\",\"params\":{\"name\":\"proxmox_start_vm\",\"arguments\":{\"vmid\":101}}}"
        echo "{\"jsonrpc\":\"2.0\",\"id\":$((id + 1)),\"method\":\"tools/call\",\"params\":{\"name\":\"proxmox_get_vm_info\",\"arguments\":{\"vmid\":101}}}"
        echo "{\"jsonrpc\":\"2.0\",\"id\":$((id + 2)),\"method\":\"tools/call\",\"params\":{\"name\":\"proxmox_stop_vm\",\"arguments\":{\"vmid\":101}}}"
    fi
}

# check_session WHAT COUNT COMMAND…: every request gets a result, nothing else is written to stdout, and the exit code is 0.
check_session() {
    local what=$1 count=$2 output status
    shift 2
    output=$(session "$what" | "$@")
    status=$?
    printf '%s\n' "$output" | cut -c 1-300
    [ $status -eq 0 ] || { echo "the exit code is $status, not 0"; return 1; }
    [ "$(printf '%s\n' "$output" | grep -c '^{"jsonrpc":"2.0","id":.*"result":.*}$')" -eq "$count" ] \
        || { echo "some of the $count requests have no result"; return 1; }
    [ "$(printf '%s\n' "$output" | wc -l)" -eq "$count" ] || { echo "the output has lines that are not answers"; return 1; }
    ! printf '%s\n' "$output" | grep '"isError":true' || { echo "a tool failed"; return 1; }
}

if [ $live = yes ]; then
    binary=./proxmox-mcp
    [ -x "$binary" ] || { echo "test_server.sh: run ./setup.sh first"; exit 1; }
    step "read-only session against the configured Proxmox" check_session reads 9 "$binary"
    summary
    exit
fi

# Those for other systems too, whose licences a test compares.
step "crates" cargo fetch --locked --quiet
# The release is linked with one thread for minutes, so it is built beside the checks that need no release.
scripts/build.sh >"$tools/release.txt" 2>&1 &
release=$!
step "formatting" cargo fmt --all --check
# `--all-targets` leaves out the targets that a plain `cargo test` leaves out.
clippy() {
    cargo clippy --workspace --all-targets --locked -- -D warnings \
        && cargo clippy --test fuzz --test soak --test ssh --test screen --locked -- -D warnings
}
step "clippy" clippy
step "tests" cargo test --workspace --locked
step "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

binary=
build() {
    wait "$release" && binary=$(tail -n 1 "$tools/release.txt") && [ -x "$binary" ] || { tail -n 20 "$tools/release.txt"; return 1; }
}
step "release build" build
# Runs it like a new user; the binary is already built.
set_up() {
    local folder=$tools/setup
    rm -rf "$folder" && mkdir -p "$folder" && ./setup.sh --prefix "$folder" >"$tools/setup.txt" 2>&1 \
        && [ "$(stat -c %a "$folder/config.json" 2>/dev/null || echo 600)" = 600 ] \
        && grep -q '"result":{"content"' "$tools/setup.txt" || { tail -n 20 "$tools/setup.txt"; return 1; }
}
step "setup.sh" set_up
step "piped session" check_session changes 12 "$binary" demo
if [ "$(uname -s)" != Linux ]; then
    skip "static binary" "static programs exist on Linux only"
elif [ "$(id -u)" -ne 0 ] && ! unshare -r true 2>/dev/null; then
    skip "static binary" "chroot needs root or user namespaces"
else
    step "static binary" scripts/check_static.sh "$binary"
fi

# install PACKAGE…: with apt, which needs root.
install() {
    command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ] || return 1
    { apt-get install -y --no-install-recommends "$@" \
        || { apt-get update && apt-get install -y --no-install-recommends "$@"; }; } >/dev/null 2>&1
}

# The picture in README shows what the commands print now.
if command -v python3 >/dev/null || install python3; then
    step "terminal recording" scripts/record.py --check "$binary"
else
    skip "terminal recording" "python3 is not installed, and only root can install it (apt install python3)"
fi

# Mutated input for every parser, and a long session with failing nodes; scripts/fuzz.sh and tests/soak can run longer.
step "fuzz targets" scripts/fuzz.sh "$([ -n "${CI:-}" ] && echo 60 || echo 10)"
soak() { cargo test --profile fuzz --locked --quiet --test soak -- 5000 "$binary"; }
step "soak" soak

# An SSH server: the system's, or Debian's package. As root it is installed, because it needs its own user; otherwise
# it is only unpacked.
get_sshd() {
    sshd=$(command -v sshd || ls /usr/sbin/sshd "$tools/sshd/usr/sbin/sshd" 2>/dev/null | head -n 1)
    [ -n "$sshd" ] && return
    command -v apt-get >/dev/null || { echo "there is no sshd, and no apt-get to install one"; return 1; }
    if [ "$(id -u)" -eq 0 ]; then
        install openssh-server
        sshd=/usr/sbin/sshd
    else
        mkdir -p "$tools/sshd" && (cd "$tools/sshd" && apt-get download openssh-server libwrap0 \
            && for package in *.deb; do dpkg -x "$package" .; done) >/dev/null 2>&1
        sshd=$tools/sshd/usr/sbin/sshd
        LD_LIBRARY_PATH=$(dirname "$(find "$tools/sshd" -name libwrap.so.0)")
        export LD_LIBRARY_PATH
    fi
    [ -x "$sshd" ] || { echo "no sshd could be installed"; return 1; }
}
container_commands() { SSHD=$sshd cargo test --locked --test ssh; }
if ! get_sshd >"$tools/sshd.txt"; then
    skip "container commands over SSH" "$(cat "$tools/sshd.txt")"
elif ! command -v ssh-keygen >/dev/null; then
    skip "container commands over SSH" "there is no SSH client (ssh, ssh-keygen)"
else
    step "container commands over SSH" container_commands
fi

# The screen of a virtual machine and of a desktop, as QEMU and x11vnc show them.
screen() { cargo test --locked --test screen; }
get_screens() { command -v qemu-system-x86_64 && command -v x11vnc && command -v Xvfb; }
if get_screens >/dev/null || { install qemu-system-x86 x11vnc xvfb && get_screens >/dev/null; }; then
    step "screens of QEMU and x11vnc" screen
else
    skip "screens of QEMU and x11vnc" "they are not installed, and only root can install them (apt install qemu-system-x86 x11vnc xvfb)"
fi

python=$tools/python/bin/python
get_python() {
    python3 -c 'import ensurepip, venv' 2>/dev/null || install python3 python3-venv \
        || { echo "python3 with venv is not installed, and only root can install it (apt install python3-venv)"; return 1; }
    [ -x "$python" ] && "$python" -c 'import mcp, fakepve, cryptography' 2>/dev/null && return
    python3 -m venv "$tools/python" \
        && "$tools/python/bin/pip" install --quiet mcp==2.3.0 fakepve==0.5.0 cryptography
}
# Frameworks that convert our tools to their own, in a separate venv, because they need `mcp` 1.x. mcpadapt asks for Python
# 3.12, but runs on 3.11.
frameworks=$tools/frameworks/bin/python
get_frameworks() {
    [ -x "$frameworks" ] && "$frameworks" -c 'import mcpadapt, smolagents, agents, langchain_mcp_adapters, pydantic_ai, strands' \
        2>/dev/null && return
    get_python && python3 -m venv "$tools/frameworks" \
        && "$tools/frameworks/bin/pip" install --quiet smolagents==1.26.0 openai-agents==0.24.0 langchain-mcp-adapters==0.3.2 \
            'pydantic-ai-slim[mcp]==2.68.0' strands-agents==1.62.0 mcp==1.30.0 jsonref==1.1.0 python-dotenv==1.2.4 \
        && "$tools/frameworks/bin/pip" install --quiet --no-deps --ignore-requires-python mcpadapt==0.1.20
}
node=$tools/npm/node_modules/.bin/node
get_node() {
    command -v npm >/dev/null || install npm \
        || { echo "npm is not installed, and only root can install it (apt install npm)"; return 1; }
    [ -x "$node" ] && [ -d "$tools/npm/node_modules/@modelcontextprotocol/ext-tasks" ] && return
    mkdir -p "$tools/npm" && (
        cd "$tools/npm" && echo '{"private":true}' >package.json && npm install --no-audit --no-fund --loglevel=error \
            "$(grep '^node@' "$OLDPWD/tests/clients/packages.txt")" @modelcontextprotocol/client@2.4.0 @modelcontextprotocol/core@2.4.0 \
            @modelcontextprotocol/sdk@1.32.2 @modelcontextprotocol/inspector@2.12.0 \
            @modelcontextprotocol/ext-tasks@0.2.2
    )
}

clients=../shared/clients
# Each of these clients starts a server with its own sample cluster, in which VM 100 is stopped.
calls=(--tool proxmox_get_version --args '{}' --progress-tool proxmox_start_vm --progress-args '{"vmid":100}')
# VM 102 of fakepve takes longer to start than any client waits, to test cancelled calls.
slow=(--slow-tool proxmox_start_vm --slow-args '{"vmid":102}')
fakepve() { "$python" tests/fakepve/run.py --with "$@"; }
python_modes=(--mode legacy --mode auto --mode 2026-07-28)
python_client() {
    "$python" -W ignore $clients/py_sdk_client.py "${python_modes[@]}" "${calls[@]}" -- "$binary" demo
}
python_cancels() {
    fakepve "$python" -W ignore $clients/py_sdk_client.py "${python_modes[@]}" "${slow[@]}" \
        -- "$binary" --config '{config}'
}
typescript_modes=(--mode legacy --mode auto --mode pin)
typescript_client() {
    MCP_NPM=$tools/npm "$node" $clients/ts_sdk_client.mjs "${typescript_modes[@]}" "${calls[@]}" -- "$binary" demo
}
typescript_cancels() {
    MCP_NPM=$tools/npm fakepve "$node" $clients/ts_sdk_client.mjs "${typescript_modes[@]}" "${slow[@]}" \
        -- "$binary" --config '{config}'
}
# Prompts, resources and completions, each with its own sample cluster.
python_offers() { "$python" -W ignore tests/sdk/offers.py "$binary" demo; }
python_tasks() { "$python" -W ignore tests/sdk/tasks.py "$binary" demo; }
framework_tools() {
    echo '{"toolsets":["all"]}' >"$tools/all.json"
    "$frameworks" tests/sdk/frameworks.py "$binary" --config "$tools/all.json" demo
}
typescript_offers() { MCP_NPM=$tools/npm "$node" tests/sdk/offers.mjs "$binary" demo; }
typescript_tasks() { MCP_NPM=$tools/npm "$node" tests/sdk/tasks.mjs "$binary" demo; }
# The inspector fails only on errors, and prints warnings to stderr; neither is allowed.
inspector() {
    local found status
    found=$("$node" "$tools/npm/node_modules/.bin/mcp-inspector" --cli --strict "$binary" demo --method tools/list \
        2>&1 >"$tools/inspector.json")
    status=$?
    printf '%s' "$found"
    [ $status -eq 0 ] && ! grep -qE '^(Error|Warning):' <<<"$found" && grep -q proxmox_list_vms "$tools/inspector.json"
}
with_clients() {
    if [ -d $clients ]; then step "$@"; else skip "$1" "$clients is not there"; fi
}
if ! why=$(get_python 2>&1); then
    skip "nine tools against fakepve" "$why"
    skip "prompts, resources and completions by the Python SDK client" "$why"
    skip "long work as tasks by the Python SDK client" "$why"
    skip "Python SDK client" "$why"
else
    step "nine tools against fakepve" "$python" tests/fakepve/run.py "$binary"
    step "prompts, resources and completions by the Python SDK client" python_offers
    step "long work as tasks by the Python SDK client" python_tasks
    with_clients "Python SDK client" python_client
    with_clients "Python SDK client, cancelled calls" python_cancels
fi
if ! why=$(get_frameworks 2>&1); then
    skip "tools converted by five frameworks" "$why"
else
    step "tools converted by five frameworks" framework_tools
fi
if ! why=$(get_node 2>&1); then
    skip "prompts, resources and completions by the TypeScript SDK clients" "$why"
    skip "long work as tasks by the TypeScript SDK client" "$why"
    skip "TypeScript SDK clients" "$why"
    skip "inspector --strict" "$why"
else
    step "prompts, resources and completions by the TypeScript SDK clients" typescript_offers
    step "long work as tasks by the TypeScript SDK client" typescript_tasks
    with_clients "TypeScript SDK clients" typescript_client
    if [ -x "$python" ]; then with_clients "TypeScript SDK clients, cancelled calls" typescript_cancels; fi
    step "inspector --strict" inspector
fi

# Clients that people use, with the settings that `init` writes for them. Two of the six: together they are 1.8 GB.
real_clients() {
    mkdir -p "$tools/clients" && (
        cd "$tools/clients" && echo '{"private":true}' >package.json \
            && grep -E '^(node|@google/gemini-cli|@qwen-code/qwen-code)@' "$OLDPWD/tests/clients/packages.txt" \
            | xargs npm install --no-audit --no-fund --loglevel=error
    ) && tests/clients/run.sh "$binary" "$python" "$tools/clients/node_modules" gemini qwen
}
if [ -x "$node" ] && [ -x "$python" ]; then
    step "two real clients" real_clients
else
    skip "two real clients" "they need python3 with venv, and npm"
fi

# The views in a host: the official client and bridge in Chromium. The pictures are for people to inspect.
get_apps() {
    get_node || return 1
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
        || install chromium || { echo "Chromium is not installed, and only root can install it (apt install chromium)"; return 1; }
    mkdir -p "$tools/apps" && cp tests/apps/* "$tools/apps" || return 1
    cmp -s "$tools/apps/package-lock.json" "$tools/apps/node_modules/installed" && return
    (cd "$tools/apps" && npm ci --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/installed)
}
views() { (cd "$tools/apps" && "$node" views.mjs pictures "$binary"); }
if ! why=$(get_apps 2>&1); then
    skip "views in a real host" "$why"
else
    step "views in a real host" views
fi

# Completion in the shells, with their scripts. PowerShell is tested if it is installed.
get_shells() {
    command -v zsh >/dev/null && command -v fish >/dev/null || install zsh fish \
        || { echo "zsh and fish are not installed, and only root can install them (apt install zsh fish)"; return 1; }
    [ -x "$tools/nu/node_modules/.bin/nu" ] && return
    mkdir -p "$tools/nu" && (cd "$tools/nu" && echo '{"private":true}' >package.json \
        && npm install --no-audit --no-fund --loglevel=error nushell@0.115.1)
}
shell_completion() {
    PATH="$PWD/$1:$PATH" SHELLS="bash zsh fish nu" cargo test --locked --quiet --test it setup_shell
}
if ! why=$(get_shells 2>&1); then
    skip "completion in bash, zsh, fish and nushell" "$why"
else
    step "completion in bash, zsh, fish and nushell" shell_completion "$(ls -d target/tools/nu/node_modules/@nushell/*/bin | head -n 1)"
fi

# The packages, each built and tested by its own script, which reports what it skips. With CI set, the program for the other
# processor is built too, without optimization, because it is tested but not published. Those for Windows and macOS take six
# more minutes, so only packaging/release.sh builds and tests them.
packages() { packaging/all.sh "$@" 2>&1 | tee "$tools/packages.txt"; }
machine=$(uname -m | sed 's/^arm64$/aarch64/')
if [ "$(uname -s)" != Linux ]; then
    skip "packages" "they are built on Linux"
elif [ -n "${CI:-}" ]; then
    export OTHERS=dev
    step "packages" packages x86_64-linux aarch64-linux
else
    step "packages" packages "$machine-linux"
    skipped=$((skipped + $(grep -c '^SKIPPED' "$tools/packages.txt")))
    skip "packages for other machines" "they take minutes; packaging/all.sh builds them"
fi

summary
