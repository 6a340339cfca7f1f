#!/bin/sh
# Installs the pinned packages once (./dev test has done it already), then runs the test with Debian's chromium.
set -eu
cd "$(dirname "$0")"
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    echo "skipped: node and npm are not installed, so there is nothing to drive a browser with"
    exit 77
fi
if ! command -v chromium >/dev/null 2>&1; then
    echo "skipped: chromium is not installed"
    exit 77
fi
if ! [ -d node_modules/playwright-core ]; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    touch node_modules/.installed
fi
exec node --test ui.test.mjs
