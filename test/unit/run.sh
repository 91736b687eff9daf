#!/bin/sh
# Runs one unit test program and passes its TAP on. It exists for two silent
# failures: a program that ran no case at all, and a case that was skipped,
# both of which TAP calls success.
#
# usage: run.sh PROGRAM; CLERK_RUN_UNDER may name a tool such as valgrind.
set -eu

CMOCKA_MESSAGE_OUTPUT=TAP
export CMOCKA_MESSAGE_OUTPUT

out=$(mktemp)
trap 'rm -f "$out"' EXIT

status=0
# CLERK_RUN_UNDER is a command with its arguments: to be split into words.
# shellcheck disable=SC2086
${CLERK_RUN_UNDER:-} "$@" >"$out" 2>&1 || status=$?
cat "$out"

if ! grep -Eq '^(not )?ok [0-9]' "$out"; then
    echo "Bail out! $1 ran no test case"
    exit 1
fi
if grep -Eiq '^(not )?ok .*# *skip' "$out"; then
    echo "Bail out! $1 skipped a test case: make it run, or remove it"
    exit 1
fi
# A failed case is said already; what is left to say is that the program died,
# or that the tool it ran under found something.
if [ "$status" -lt 64 ] && grep -q '^not ok' "$out"; then
    exit 0
fi
exit "$status"
