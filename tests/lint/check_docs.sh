#!/usr/bin/env bash
# check_docs.sh -- what is written down agrees with what is there: every source folder has its line in docs/design.md,
# decision records are numbered once and exist where they are named, links lead somewhere, and no file carries a path
# of somebody's machine or a note about work left undone.
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
wrong=0

complain() {
    echo "$1"
    wrong=1
}

tracked() {
    git ls-files --cached --others --exclude-standard "$@" | while IFS= read -r file; do
        if [ -f "$file" ]; then printf '%s\n' "$file"; fi
    done
}

if ! git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    echo "no git checkout: nothing to compare with"
    exit 0
fi

while IFS= read -r folder; do
    grep -q "^$folder/ " docs/design.md || complain "docs/design.md: no line for $folder/ in the layout"
done < <(tracked '*.c' '*.h' | sed -n 's,/.*,,p' | sort -u)

seen=" "
while IFS= read -r file; do
    name=$(basename "$file" .md)
    number=${name%%-*}
    case $name in
    [0-9][0-9][0-9][0-9]-[a-z]*) ;;
    *) complain "$file: a decision record is called NNNN-what.md" ;;
    esac
    case $seen in *" $number "*) complain "$file: number $number is taken" ;; esac
    seen="$seen$number "
done < <(tracked 'docs/adr/*')

while IFS=: read -r file line record; do
    ls "$record"*.md >/dev/null 2>&1 || complain "$file:$line: names $record, which is not there"
done < <(tracked | grep -v '^tests/lint/' | xargs -r -d '\n' grep -noIHE 'docs/adr/[0-9]{4}' | sort -u)

while IFS=: read -r file line link; do
    target=${link#](}
    target=${target%)}
    target=${target%%#*}
    case $target in '' | http://* | https://* | mailto:*) continue ;; esac
    [ -e "$(dirname "$file")/$target" ] || complain "$file:$line: link to $target, which is not there"
done < <(tracked '*.md' | xargs -r -d '\n' grep -noHE '\]\([^) ]+\)')

# Written in pieces, so that this file does not find itself.
machine='(^|[^A-Za-z0-9_.$}-])/(wor''k|roo''t)/'
undone='\b(TO''DO|FIX''ME|XX''X|HA''CK)\b'
while IFS= read -r hit; do
    complain "$hit  <- a path of somebody's machine"
done < <(tracked | xargs -r -d '\n' grep -nIHE "$machine" | cut -c 1-160)
while IFS= read -r hit; do
    complain "$hit  <- finish it, or say in docs/ what is not there"
done < <(tracked | grep -v '^tests/data/\|package-lock\.json$' | xargs -r -d '\n' grep -nIHE "$undone" | cut -c 1-160)
exit $wrong
