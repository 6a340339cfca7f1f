#!/bin/sh
# selftest_leaks.sh PROGRAM -- a leak in a passing Criterion test is found by check_leaks.sh.
here=$(dirname "$(readlink -f "$0")")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ASAN_OPTIONS="log_path=$folder/report:detect_leaks=1" LSAN_OPTIONS=exitcode=0 "$1" >/dev/null 2>&1 || {
    echo "the leaking test did not pass"
    exit 1
}
if "$here/check_leaks.sh" "$folder" >/dev/null; then
    echo "a leak went unseen"
    exit 1
fi
