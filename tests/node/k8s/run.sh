#!/bin/sh
# Installs the pinned schemas once (./dev test has done it already), then renders and checks k8s/.
set -eu
cd "$(dirname "$0")"
for command in node npm kubectl; do
    if ! command -v "$command" >/dev/null 2>&1; then
        echo "skipped: there is no $command, so the manifests are not checked"
        exit 77
    fi
done
if ! [ -d node_modules/kubernetes-models ]; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    touch node_modules/.installed
fi
exec node --test k8s.test.mjs metrics.test.mjs
