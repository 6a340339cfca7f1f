#!/bin/sh
# run.sh: the gateway on a fake Telegram, which needs node and no packages.
set -eu
cd "$(dirname "$0")"
if ! command -v node >/dev/null 2>&1; then
    echo "skipped: node is not installed, so there is no fake Telegram"
    exit 77
fi
exec node --test telegram.test.mjs
