#!/bin/sh
# Installs the pinned openai package once (./dev test has done it already), then runs the test.
set -eu
cd "$(dirname "$0")"
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    echo "skipped: node and npm are not installed, so there is no openai package to try"
    exit 77
fi
if ! [ -d node_modules/openai ]; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    touch node_modules/.installed
fi
exec node --test openai.test.mjs
