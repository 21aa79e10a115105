#!/usr/bin/env bash
# Feeds mutated input to every parser of untrusted data, and prints how many inputs each was given.
# usage: scripts/fuzz.sh [SECONDS [TARGET...]]   (default: 10 seconds, divided among all targets)
#        scripts/fuzz.sh --replay TARGET FILE    (an input that was saved when it failed)
# FUZZ_SEED=N gives a different run; the same N gives the same inputs, as far as the time allows.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo test --profile fuzz --locked --quiet --test fuzz -- "$@"
