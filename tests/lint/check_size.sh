#!/usr/bin/env bash
# check_size.sh -- a file is read in a sitting (600 lines at most: an error), a function on a screen (60 lines: a warning).
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
wrong=0

while IFS= read -r file; do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 600 ]; then
        echo "$file: $lines lines, at most 600: split it by what the parts are about"
        wrong=1
    fi
    # A body starts with '{' and ends with '}' in the first column (clang-format sees to that).
    case $file in
    *.c) awk '/^\{/ { start = FNR } /^\}/ { if (start && FNR - start - 1 > 60) print FILENAME ":" start ": warning: a function of " FNR - start - 1 " lines"; start = 0 }' "$file" ;;
    esac
done < <(find base msgs bus store providers channels tools skills actors cli tests bench \
    \( -name node_modules -o -name data -o -name out \) -prune -o -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.sh' \) -print 2>/dev/null | sort)
exit $wrong
