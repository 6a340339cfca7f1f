#!/bin/sh
# selftest.sh PROGRAM TSAN -- the stand-in for Criterion passes what must pass and fails what must fail.
# TSAN is 1 when the program was built with -fsanitize=thread: then the planted race must fail too.
program=$1
tsan=$2
wrong=0

# expect CODE LINE PATTERN: exit code and closing line of the tests that match
expect() {
    out=$("$program" --filter "$3" 2>&1)
    code=$?
    last=$(printf '%s\n' "$out" | tail -n 1)
    if [ "$code" != "$1" ] || [ "$last" != "$2" ]; then
        printf '%s: exit %s "%s", expected %s "%s"\n%s\n' "$3" "$code" "$last" "$1" "$2" "$out"
        wrong=1
    fi
}

# output PATTERN TEXT yes|no: whether the output of the matching tests has the text
output() {
    if "$program" --filter "$1" 2>&1 | grep -q "$2"; then seen=yes; else seen=no; fi
    if [ "$seen" != "$3" ]; then
        echo "$1: '$2' seen: $seen, expected: $3"
        wrong=1
    fi
}

expect 0 "3 passed, 0 failed, 2 skipped" 'good/*'
for name in assertion expectation text crash no_crash hang; do
    expect 1 "0 passed, 1 failed, 0 skipped" "bad/$name"
done
expect 1 "0 passed, 6 failed, 0 skipped" 'bad/*'
expect 2 "0 passed, 0 failed, 0 skipped" 'nothing/*'
output bad/assertion "one is 1" yes
output bad/assertion "torn down" yes
output bad/assertion "went on" no
output bad/expectation "went on" yes
output bad/hang "Alarm" yes
if [ "$tsan" = 1 ]; then expect 1 "0 passed, 1 failed, 0 skipped" race/unlocked; fi
exit $wrong
