#!/bin/sh
# Installs the pinned json5 package once, then compares. Usage: run.sh <path of json5_dump> [seed] [mutations]
set -eu
dump=$(realpath "$1")
shift
cd "$(dirname "$0")"
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    echo "skipped: node and npm are not installed, so there is no json5 package to compare with"
    exit 77
fi
if ! [ -d node_modules/json5 ]; then # ./dev test has done it already
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    touch node_modules/.installed
fi
exec node --disable-warning=ExperimentalWarning compare.mjs "$dump" "$@"
