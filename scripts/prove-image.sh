#!/usr/bin/env bash
# Tries the stages of the Dockerfile without a container engine: their scripts run in a debootstrapped Debian 12. Needs root, debootstrap and
# Debian's mirror. usage: scripts/prove-image.sh ROOT [PACKAGE]
#   ROOT      folder for the root file system of the slim image; made anew
#   PACKAGE   openclaw's .deb; without one the build stage makes it, in a root of its own (ROOT.build), from the committed tree
set -euo pipefail
root=$(readlink -f "${1:?usage: scripts/prove-image.sh ROOT [PACKAGE]}")
package=${2:-}
cd "$(dirname "$(readlink -f "$0")")/.."
[ "$(id -u)" = 0 ] || { echo "prove-image: only root can make a root file system" >&2; exit 1; }
mirror=$(sed -n 's/^deb \(http[^ ]*\).*/\1/p; s/^URIs: *\(http[^ ]*\).*/\1/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 1p || true)

certificates=${NODE_EXTRA_CA_CERTS:-}

say() {
    printf '== %s\n' "$*" >&2
}

# make FOLDER: Debian 12 with what `FROM debian:12` has: no services are started, and DNS works
make() {
    rm -rf --one-file-system "$1"
    debootstrap --variant=minbase bookworm "$1" "${mirror:-http://deb.debian.org/debian}" >"$1.log" 2>&1 || { tail -5 "$1.log" >&2; exit 1; }
    rm -f "$1.log"
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
    chmod +x "$1/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf "$1/etc/resolv.conf" 2>/dev/null || true
    # what this machine trusts, the root may trust: networks with a proxy of their own
    if [ -n "$certificates" ]; then install -D -m 0644 "$certificates" "$1/usr/local/share/ca-certificates/local.crt"; fi
    cp /etc/apt/apt.conf.d/*proxy* "$1/etc/apt/apt.conf.d/" 2>/dev/null || true
}

# inside FOLDER COMMAND...: with /proc and /dev, in a mount namespace that ends with it
inside() {
    local folder=$1
    shift
    # shellcheck disable=SC2016 # the inner shell expands them
    unshare --mount sh -euc 'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 ${NODE_EXTRA_CA_CERTS:+NODE_EXTRA_CA_CERTS=/usr/local/share/ca-certificates/local.crt} "$@"' "$folder" "$@"
}

if [ -z "$package" ]; then
    say "build stage, in $root.build"
    make "$root.build"
    mkdir -p "$root.build/src"
    git archive HEAD | tar -x -C "$root.build/src"
    cp ~/.npmrc "$root.build/root/.npmrc" 2>/dev/null || true
    inside "$root.build" /src/scripts/image/build /out
    package=$root.build/out/openclaw.deb
fi

say "slim stage, in $root"
make "$root"
cp "$package" "$root/tmp/openclaw.deb"
cp scripts/image/slim "$root/tmp/slim"
inside "$root" /tmp/slim /tmp/openclaw.deb
rm -f "$root/tmp/openclaw.deb" "$root/tmp/slim"

say "library closure"
inside "$root" ldd /usr/bin/openclaw | tee "$root.ldd" | grep "not found" && { echo "prove-image: libraries are missing" >&2; exit 1; }
for library in libcurl.so.4 libxml2.so.2 libseccomp.so.2; do
    inside "$root" sh -c "ls /usr/lib/*/$library >/dev/null" || { echo "prove-image: $library is missing" >&2; exit 1; }
done
say "$(grep -c '=>' "$root.ldd") libraries, all there; package $(stat -c %s "$package") bytes; root file system $(du -sxm --exclude=proc --exclude=dev "$root" | cut -f1) MiB"
rm -f "$root.ldd"
