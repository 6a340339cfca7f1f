#!/usr/bin/env bash
# selftest.sh -- each lint complains about what it is there for: faults are planted in a small tree of their own.
set -u
here=$(dirname "$(readlink -f "$0")")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
wrong=0

# plant PATH TEXT: write a file into the tree
plant() {
    mkdir -p "$tree/$(dirname "$1")"
    printf '%b' "$2" >"$tree/$1"
}

# expect LINT CODE TEXT [ARGUMENT]: the lint's exit code, and a text that its output has
expect() {
    local lint=$1 code=$2 text=$3 out got
    shift 3
    out=$("$tree/tests/lint/check_$lint.sh" "$@" 2>&1)
    got=$?
    if [ "$got" != "$code" ] || ! grep -qF -- "$text" <<<"$out"; then
        printf 'check_%s: exit %s, expected %s and "%s"; it said:\n%s\n' "$lint" "$got" "$code" "$text" "$out"
        wrong=1
    fi
}

fresh() {
    rm -rf "${tree:?}"/* "$tree/.git"
    mkdir -p "$tree/tests/lint" "$tree/docs/adr"
    cp "$here"/check_*.sh "$tree/tests/lint/"
    plant base/a.c '#include <stdio.h>\n#include "base/a.h"\n'
    plant base/a.h ''
    plant store/b.c '#include <sqlite3.h>\n#include "base/a.h"\nconst char *q = "SELECT 1";\n'
    plant docs/design.md 'base/  strings\nstore/  rows\ntests/  proofs\n'
    git -C "$tree" init -q
}

fresh
expect layers 0 ''
expect docs 0 ''
expect size 0 ''

plant base/c.c '#include "store/b.h"\n'
expect layers 1 'base/c.c:1: base/ may not include store/'
plant base/c.c '#include "a.h"\n'
expect layers 1 'base/c.c:1: "a.h" needs its folder'
for library in zmq.h msgpack.h sqlite3.h pthread.h stdatomic.h curl/curl.h sys/socket.h; do
    plant base/c.c "#include <$library>\n"
    expect layers 1 'base/c.c:1:'
done
plant base/c.c 'const char *q = "SELECT 1";\n'
expect layers 1 'SQL belongs to store/'

fresh
plant extra/a.c ''
expect docs 1 'no line for extra/'
fresh
plant docs/adr/0001-a.md '' && plant docs/adr/0001-b.md ''
expect docs 1 'number 0001 is taken'
fresh
plant docs/adr/one.md ''
expect docs 1 'is called NNNN-what.md'
fresh
plant base/c.c "/* docs/adr/""0009 */\n"
expect docs 1 'which is not there'
fresh
plant README.md '[a](docs/none.md)\n'
expect docs 1 'link to docs/none.md'
fresh
plant base/c.c "// TO""DO\n"
expect docs 1 'finish it'
plant base/c.c "// /wo""rk/x\n"
expect docs 1 "somebody's machine"

fresh
plant base/c.c "$(printf 'x\\n%.0s' {1..600})"
expect size 0 ''
plant base/c.c "$(printf 'x\\n%.0s' {1..601})"
expect size 1 '601 lines'
plant base/c.c "{\n$(printf 'x\\n%.0s' {1..61})}\n"
expect size 0 'warning: a function of 61 lines'

plant reports/report.1 'leak of 8 bytes\n'
expect leaks 1 'leak of 8 bytes' "$tree/reports"
kept='Direct leak of 48 byte(s) in 1 object(s) allocated from:\n    #0 0x1 in calloc\n    #1 0x2 (/lib/libcriterion.so.3+0x1a332)\n'
ours='Direct leak of 8 byte(s) in 1 object(s) allocated from:\n    #0 0x1 in malloc\n    #1 0x2 in f a.c:1\n    #2 0x3 (/lib/libcriterion.so.3+0x1)\n'
plant reports/report.1 "$kept"
expect leaks 0 '' "$tree/reports"
plant reports/report.1 "$kept$ours"
expect leaks 1 'a.c:1' "$tree/reports"
plant reports/report.1 "${kept}ERROR: AddressSanitizer: heap-use-after-free\n"
expect leaks 1 'use-after-free' "$tree/reports"
rm "$tree/reports/report.1"
expect leaks 0 '' "$tree/reports"
expect leaks 0 '' "$tree/none"
exit $wrong
