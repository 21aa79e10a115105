#!/usr/bin/env bash
# Creates a Wine prefix with what Rust programs need. To be sourced, not run.
# make_prefix FOLDER: sets WINEPREFIX; returns 1 and prints a message if wine is not installed.
# shellcheck shell=bash
make_prefix() {
    local compiler=x86_64-w64-mingw32-gcc
    command -v wine >/dev/null || { echo "wine is not installed"; return 1; }
    command -v $compiler >/dev/null || { echo "$compiler is not installed"; return 1; }
    export WINEPREFIX=$1 WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml=
    unset DISPLAY
    wineboot --init >/dev/null 2>&1
    local system=$WINEPREFIX/drive_c/windows/system32
    [ -d "$system" ] || { echo "wine could not create $WINEPREFIX"; return 1; }
    [ -e "$system/bcryptprimitives.dll" ] \
        || $compiler -shared -O2 -o "$system/bcryptprimitives.dll" "$(dirname "${BASH_SOURCE[0]}")/bcryptprimitives.c" -ladvapi32
}
