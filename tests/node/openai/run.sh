#!/bin/sh
# Runs openai.test.mjs with its packages in a folder of the build; nothing is written beside the sources.
# usage: run.sh FOLDER
set -eu
here=$(dirname "$0")
mkdir -p "$1"
if ! cmp -s "$here/package-lock.json" "$1/package-lock.json" || ! [ -d "$1/node_modules/openai" ]; then
    cp "$here/package.json" "$1/"
    rm -f "$1/package-lock.json"
    mkdir -p "$1/install"
    cp "$here/package.json" "$here/package-lock.json" "$1/install/"
    (cd "$1/install" && npm ci --ignore-scripts --no-audit --no-fund) || {
        echo "run.sh: npm ci failed; the openai client test needs the npm registry once" >&2
        exit 1
    }
    rm -rf "$1/node_modules"
    mv "$1/install/node_modules" "$1/"
    cp "$here/package-lock.json" "$1/"
fi
cp "$here/openai.test.mjs" "$1/"
cd "$1"
exec node --test openai.test.mjs
