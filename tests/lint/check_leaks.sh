#!/bin/sh
# check_leaks.sh FOLDER -- fails when a sanitizer left a report in FOLDER, and shows the first ones.
# Criterion exits 0 when a test's process leaks, so exit codes alone prove nothing under ASan.
folder=$1
[ -d "$folder" ] || exit 0
count=0
for report in "$folder"/*; do
    [ -f "$report" ] || continue
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
