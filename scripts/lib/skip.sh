# Sourced by whatever may have to leave a check out.
# shellcheck shell=bash

# skip REASON COMMAND: what was not looked at and what would; scripts/test repeats and counts it at its end.
skip() {
    echo "SKIPPED: $1; run: $2" | tee -a "${PICAM_SKIPS:-/dev/null}"
}
