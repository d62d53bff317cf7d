# The log's copy, of a journal that tells 700 bytes a call.
# shellcheck shell=bash disable=SC2154

# shellcheck source=scripts/lib/board/device.sh
. scripts/lib/board/device.sh

answer journalctl <<'JOURNAL'
#!/bin/sh
dd if=/dev/zero bs=700 count=1 2>/dev/null | tr '\0' x
JOURNAL
for _ in $(seq 40); do
    on_device RUNTIME_DIRECTORY="$scratch/run" PICAM_LOG_LIMIT=2000 save-journal "$scratch/log" || fail "save-journal fails"
done
rm -f "$scratch/asked"
[ "$(find "$scratch/log" -type f | wc -l)" = 8 ] || fail "save-journal does not keep exactly 8 files"
[ "$(find "$scratch/log" -type f -size +3000c | wc -l)" = 0 ] || fail "save-journal lets a file outgrow its limit by more than a portion"
grep -q '^-- start [0-9a-f-]\{36\}, [0-9.]* s after it' "$scratch/log/picam.log" || fail "save-journal does not say when"
