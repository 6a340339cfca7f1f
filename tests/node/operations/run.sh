#!/bin/sh
# run.sh FILE...: runs the tests; the fake Discord has the packages that they need.
set -eu
cd "$(dirname "$0")"
if ! command -v node >/dev/null 2>&1; then
    echo "skipped: node is not installed"
    exit 77
fi
if ! [ -d ../../fakes/discord/node_modules/ws ]; then
    (cd ../../fakes/discord && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
fi
exec node --test "$@"
