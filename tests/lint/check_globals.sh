#!/usr/bin/env bash
# check_globals.sh BUILD_FOLDER -- no library of ours has a variable that outlives a call and can be written, except
# bus/, base/log, base/config_shared and actors/gateway_poll. Constant tables, also those with pointers, are in other sections and pass.
set -u
build=$1
wrong=0
for library in "$build"/*/libgw_*.a; do
    [ -f "$library" ] || continue
    case $library in */libgw_bus.a) continue ;; esac
    hits=$(objdump -t "$library" | awk '
        /^[^ ]+\.o: / { object = $1 }
        / O \.(data|bss|tbss|tdata)[ \t]/ && object !~ /^(log|config_shared|gateway_poll)\.c\.o/ { print "  " object " " $NF }')
    if [ -n "$hits" ]; then
        echo "${library##*/} keeps state outside its objects:"
        echo "$hits"
        wrong=1
    fi
done
exit $wrong
