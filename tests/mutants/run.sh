#!/usr/bin/env bash
# Breaks the crate on purpose and asks the tests whether they notice. A survivor is a hole in the tests.
#
# Each folder beside this script is one build: a copy of the tree with every mutant of the folder in it. Mutants of one
# folder do not meet: each is killed by a test of its own, and the cells in `control` must still pass, so that a test that
# always fails kills nothing. Needs bash and cargo; two builds, about five minutes on two cores.
#
#   tests/mutants/run.sh [folder]...
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
work=${TMPDIR:-/tmp}/stackmill-mutants
survivors=0

# The part of a mutant's file between two marks.
part() { sed -n "/^--- $2\$/,/^--- /p" "$1" | sed '/^--- /d'; }
field() { sed -n "s/^$2: //p" "$1"; }

copy_tree() {
    rm -rf "$work"
    mkdir -p "$work"
    tar -C "$root" --exclude=./target --exclude=./.git -cf - . | tar -C "$work" -xf -
    # Cargo tells packages apart by name and version, not by folder: a broken 0.1.0 would pass for the real one later.
    sed -i 's/^version = .*/version = "0.0.0-mutant"/' "$work/Cargo.toml"
    # Older times than the last mutant's would hide that a file is back to what it was.
    find "$work/src" "$work/tests" -name '*.rs' -exec touch {} +
}

apply() {
    local file="$work/$(field "$1" file)" search replace text rest
    search=$(part "$1" search)
    replace=$(part "$1" replace)
    text=$(<"$file")
    rest=${text#*"$search"}
    if [[ $rest == "$text" || ${rest#*"$search"} != "$rest" ]]; then
        echo "$(basename "$1"): its text is not found exactly once in $(field "$1" file); bring the mutant up to date" >&2
        exit 2
    fi
    printf '%s\n' "${text%%"$search"*}$replace$rest" >"$file"
}

# Runs one test of the broken tree: 0 where it passes, 1 where it fails; anything else is no answer.
ask() {
    local suite=${1%% *} what=${1#* } output
    if [[ $suite == *conformance ]]; then
        output=$(cd "$work" && STACKMILL_CELL=$what timeout 300 cargo test --quiet --test "$suite" 2>&1) && return 0
    else
        output=$(cd "$work" && timeout 300 cargo test --quiet --test "$suite" "$what" 2>&1) &&
            grep -q '^running [1-9]' <<<"$output" && return 0
    fi
    if grep -q '^no such cell\|^running 0' <<<"$output" || ! grep -q '^test result: FAILED' <<<"$output"; then
        echo "$1: no test ran" >&2
        echo "$output" >&2
        exit 2
    fi
    return 1
}

for folder in "${@:-families engine}"; do
    for name in $folder; do
        copy_tree
        for mutant in "$here/$name"/*.txt; do apply "$mutant"; done
        (cd "$work" && cargo test --quiet --no-run --test conformance --test laws) || exit 2
        while read -r control; do
            ask "$control" || { echo "control $control fails among the mutants of $name" >&2; exit 2; }
            printf '%-32s %-9s %s\n' control passes "$control"
        done <"$here/$name/control"
        for mutant in "$here/$name"/*.txt; do
            verdict=killed
            if ask "$(field "$mutant" kill)"; then
                verdict=SURVIVED
                survivors=$((survivors + 1))
            fi
            printf '%-32s %-9s %s\n' "$(basename "$mutant" .txt)" "$verdict" "$(field "$mutant" kill)"
        done
    done
done
rm -rf "$work"
echo "$survivors survived"
[[ $survivors -eq 0 ]]
