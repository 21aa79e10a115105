#!/usr/bin/env bash
# Feeds mutated input to every reader of what strangers write, and prints how many inputs each was given.
# usage: scripts/fuzz.sh [SECONDS [TARGET...]]   (default: 10 seconds, shared by all targets)
#        scripts/fuzz.sh --replay TARGET FILE    (an input that was kept when it failed)
# FUZZ_SEED=N is another run; the same N is the same inputs, as far as the time allows.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo test --profile fuzz --locked --quiet --test fuzz -- "$@"
