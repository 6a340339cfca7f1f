#!/bin/sh
# run.sh FILE...: runs the tests; they need Node alone.
set -eu
cd "$(dirname "$0")"
if ! command -v node >/dev/null 2>&1; then
    echo "skipped: node is not installed"
    exit 77
fi
exec node --test "$@"
