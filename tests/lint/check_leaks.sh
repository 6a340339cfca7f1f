#!/bin/sh
# check_leaks.sh FOLDER -- fails when a sanitizer left a report in FOLDER, and shows the first ones.
# Criterion exits 0 when a test's process leaks, so exit codes alone prove nothing under ASan.
#
# One thing is let pass: memory that libcriterion itself allocated and kept. LSan's own suppressions cannot say this: they
# match any frame, and libcriterion is below every test, so `leak:libcriterion` would hide all leaks of ours.
folder=$1
[ -d "$folder" ] || exit 0

# harmless REPORT: whether it tells of leaks only, and each was allocated (frame 1, above malloc) by libcriterion
harmless() {
    awk '
        /^(Direct|Indirect) leak of/ { leaks++; next }
        /^ *#1 / { if ($0 ~ /libcriterion\.so/) theirs++ }
        /ERROR: AddressSanitizer|runtime error:|WARNING: ThreadSanitizer|AddressSanitizer:DEADLYSIGNAL/ { other++ }
        END { exit !(leaks > 0 && leaks == theirs && !other) }' "$1"
}

count=0
for report in "$folder"/*; do
    [ -f "$report" ] || continue
    if harmless "$report"; then continue; fi
    count=$((count + 1))
    if [ "$count" -le 3 ]; then
        echo "== $report"
        head -n 40 "$report"
    fi
done
if [ "$count" -gt 0 ]; then
    echo "$count sanitizer report(s) in $folder"
    exit 1
fi
