#!/usr/bin/env bash
# Makes a folder in which wine keeps its Windows, with what programs of Rust need there. To be sourced, not run.
# make_prefix FOLDER: sets WINEPREFIX; ends with 1 and a sentence where there is no wine.
# shellcheck shell=bash
make_prefix() {
    local compiler=x86_64-w64-mingw32-gcc
    command -v wine >/dev/null || { echo "wine is not installed"; return 1; }
    command -v $compiler >/dev/null || { echo "$compiler is not installed"; return 1; }
    export WINEPREFIX=$1 WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml=
    unset DISPLAY
    wineboot --init >/dev/null 2>&1
    local system=$WINEPREFIX/drive_c/windows/system32
    [ -d "$system" ] || { echo "wine could not make $WINEPREFIX"; return 1; }
    [ -e "$system/bcryptprimitives.dll" ] \
        || $compiler -shared -O2 -o "$system/bcryptprimitives.dll" "$(dirname "${BASH_SOURCE[0]}")/bcryptprimitives.c" -ladvapi32
}
