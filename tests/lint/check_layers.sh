#!/usr/bin/env bash
# check_layers.sh -- who may include whom (the table of docs/design.md), and which folder alone may touch a library.
# tests/ and bench/ may include everything.
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1

# folder: the folders it may include besides itself
declare -A may=(
    [base]=""
    [msgs]="base"
    [bus]="msgs base"
    [store]="base"
    [providers]="base"
    [channels]="base"
    [tools]="base"
    [skills]="base"
    [actors]="bus msgs store providers channels tools skills base"
    [cli]="actors bus msgs store base"
)
wrong=0

complain() {
    echo "$1"
    wrong=1
}

# files FOLDER...: the C sources there
files() {
    local folder
    for folder in "$@"; do
        if [ -d "$folder" ]; then find "$folder" -name '*.[ch]' -o -name '*.def' | sort; fi
    done
}

# Every include in quotes names its folder, and the folder is allowed.
check_table() {
    local folder hit
    # shellcheck disable=SC2016 # $2 is for awk
    for folder in "${!may[@]}"; do
        while IFS= read -r hit; do
            complain "$hit"
        done < <(files "$folder" | tr '\n' '\0' | xargs -0 -r awk -v folder="$folder" -v allowed=" $folder ${may[$folder]} " -F '"' '
            !/^ *# *include *"/ { next }
            { where = FILENAME ":" FNR ": " }
            $2 !~ /\// { print where "\"" $2 "\" needs its folder, as in \"" folder "/" $2 "\""; next }
            {
                target = $2
                sub(/\/.*/, "", target)
                if (!index(allowed, " " target " ")) print where folder "/ may not include " target "/ (\"" $2 "\")"
            }')
    done
}

# only PATTERN WHERE REASON: the pattern (of grep -E) appears in no file but those whose path matches WHERE (of grep -E).
only() {
    local pattern=$1 where=$2 reason=$3 hit
    while IFS= read -r hit; do
        complain "$hit  <- $reason"
    done < <(files "${!may[@]}" | grep -Ev "$where" | xargs -r grep -nHE "$pattern")
}

include() {
    printf '^ *# *include *<(%s)>' "$1"
}

check_table
only "$(include 'zmq\.h')" '^bus/' 'only bus/ knows libzmq'
only "$(include 'msgpack(\.h|/.*)')" '^msgs/' 'only msgs/ knows msgpack'
only "$(include 'sqlite3\.h')" '^store/' 'only store/ knows SQLite'
only "$(include 'pthread\.h|threads\.h|stdatomic\.h')" '^(bus/|base/(log|config[a-z_]*)\.[ch]$)' 'threads meet in bus/, base/log and base/config only'
only "$(include 'curl/curl\.h|libwebsockets\.h')" '^(actors|bus|cli)/' 'translators open no connection; the actor that hosts them does'
only "$(include 'sys/socket\.h|netdb\.h|poll\.h|sys/epoll\.h')" '^(actors|bus|cli)/' 'translators open no socket'
only '"(SELECT |INSERT |UPDATE [a-z_]+ SET|DELETE FROM|CREATE (TABLE|INDEX)|PRAGMA |BEGIN( IMMEDIATE)?"|COMMIT")' '^store/' 'SQL belongs to store/'
exit $wrong
