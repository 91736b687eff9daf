#!/bin/sh
# Fuzz targets: replays the seeds of each, or with --seconds N lets libFuzzer
# search that long in each (a build with --enable-fuzzing).
#
# The replay exists for a silent failure: a target whose seeds were moved or
# never written would go on being built and test nothing. So no target, no
# seed and nothing fed are failures. TAP, one case per target.
set -eu

srcdir=${CLERK_SRCDIR:-.}
builddir=${CLERK_BUILDDIR:-.}
targets=${CLERK_FUZZ_TARGETS:-}
seconds=
if [ "${1:-}" = --seconds ]; then
    seconds=$2
fi

if [ -z "$targets" ]; then
    echo "1..1"
    echo "not ok 1 - fuzz: Makefile.am lists no fuzz target"
    exit 1
fi

# What a fuzz target was given, in files.
count_seeds() {
    find "$srcdir/test/fuzz/seeds/$1" -type f ! -name '.*' 2>/dev/null | wc -l
}

replay() {
    number=0
    failed=0
    # shellcheck disable=SC2086
    set -- $targets
    echo "1..$#"
    for target in "$@"; do
        number=$((number + 1))
        name=${target##*/fuzz_}
        seeds=$srcdir/test/fuzz/seeds/$name
        count=$(count_seeds "$name")
        said=ok
        if [ "$count" -eq 0 ]; then
            echo "# $seeds: holds no seed; put an input there that succeeds"
            said="not ok"
        else
            # shellcheck disable=SC2086
            ${CLERK_RUN_UNDER:-} "$builddir/$target" "$seeds"/* \
                >"$log" 2>&1 || said="not ok"
            sed 's/^/# /' "$log"
        fi
        [ "$said" = ok ] || failed=1
        echo "$said $number - fuzz_$name replays $count seeds"
    done
    return "$failed"
}

search() {
    for target in $targets; do
        name=${target##*/fuzz_}
        found=$builddir/test/fuzz/found/$name
        corpus=$builddir/test/fuzz/corpus/$name
        mkdir -p "$found" "$corpus"
        echo "== fuzz_$name, $seconds s; a finding goes to $found"
        set -- -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
            -artifact_prefix="$found/"
        if [ -f "$srcdir/test/fuzz/$name.dict" ]; then
            set -- "$@" -dict="$srcdir/test/fuzz/$name.dict"
        fi
        "$builddir/$target" "$@" "$corpus" "$srcdir/test/fuzz/seeds/$name"
    done
}

if [ -n "$seconds" ]; then
    search
else
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    replay
fi
