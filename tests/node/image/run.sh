#!/bin/sh
# run.sh BUILD_FOLDER: packs the program of that folder, makes the slim root file system, and runs the gateway in it as the pod would.
set -eu
build=${1:?usage: run.sh BUILD_FOLDER}
cd "$(dirname "$0")"
if [ "$(id -u)" != 0 ]; then echo "skipped: only root can make a root file system"; exit 77; fi
for command in node npm debootstrap cpack dpkg-shlibdeps unshare chroot; do
    if ! command -v "$command" >/dev/null 2>&1; then echo "skipped: there is no $command"; exit 77; fi
done
if ! unshare --mount true 2>/dev/null; then echo "skipped: no mount namespace can be made here"; exit 77; fi
if ! [ -d ../../fakes/discord/node_modules/ws ]; then
    (cd ../../fakes/discord && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
fi
work=$build/image
mkdir -p "$work"
cpack --config "$build/CPackConfig.cmake" -B "$work" >"$work/cpack.log" 2>&1 || { cat "$work/cpack.log"; exit 1; }
../../../scripts/prove-image.sh "$work/root" "$(ls "$work"/openclaw_*.deb)"
GW_ROOT=$work/root node --test image.test.mjs
rm -rf --one-file-system "$work"
