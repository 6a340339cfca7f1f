#!/usr/bin/env bash
# Builds the image on the node that runs it (imagePullPolicy: Never). usage: scripts/build-openclaw.sh [TAG] [--slim]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
tag=latest target=openclaw
for word in "$@"; do
    case $word in
    --slim) target=slim ;;
    -*) echo "usage: scripts/build-openclaw.sh [TAG] [--slim]" >&2; exit 2 ;;
    *) tag=$word ;;
    esac
done
for engine in docker nerdctl podman; do
    if command -v "$engine" >/dev/null; then break; fi
done
command -v "$engine" >/dev/null || { echo "build-openclaw: there is no docker, nerdctl or podman here" >&2; exit 1; }
"$engine" build --target "$target" --tag "openclaw:$tag" .
echo "openclaw:$tag is built. Kubernetes takes it with: kubectl -n openclaw rollout restart deployment/openclaw"
echo "k3s has its own store of images: $engine save openclaw:$tag | sudo k3s ctr images import -"
