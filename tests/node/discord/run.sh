#!/bin/sh
# run.sh FILE...: installs the fake's pinned packages once (./dev test has done it already), then runs the tests.
set -eu
cd "$(dirname "$0")"
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    echo "skipped: node and npm are not installed, so there is no fake Discord"
    exit 77
fi
if ! [ -d ../../fakes/discord/node_modules/discord.js ]; then
    (cd ../../fakes/discord && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
fi
exec node --test "$@"
