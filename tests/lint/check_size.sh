#!/usr/bin/env bash
# check_size.sh -- a file is read in a sitting (600 lines at most: an error), a function on a screen (60 lines: a warning).
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1

# A body starts with '{' and ends with '}' in the first column (clang-format sees to that).
find base msgs bus store providers channels tools skills actors cli tests bench \
    \( -name node_modules -o -name data -o -name out \) -prune -o -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.sh' \) -print 2>/dev/null |
    sort | tr '\n' '\0' | xargs -0 -r awk '
    function told() {
        if (lines > 600) {
            print file ": " lines " lines, at most 600: split it by what the parts are about"
            wrong = 1
        }
    }
    FNR == 1 { told(); file = FILENAME; start = 0 }
    { lines = FNR }
    file !~ /\.c$/ { next }
    /^\{/ { start = FNR }
    /^\}/ {
        if (start && FNR - start - 1 > 60) print file ":" start ": warning: a function of " FNR - start - 1 " lines"
        start = 0
    }
    END { told(); exit wrong }' || exit 1
