#!/bin/sh
# Runs every example, as its users do, and holds the last line of those that estimate a log evidence to the exact value.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
for example in "$root"/examples/*/run; do
    name=$(basename "$(dirname "$example")")
    printf '== examples/%s/run\n' "$name"
    "$example" | tee "${TMPDIR:-/tmp}/catena-example.$$"
    tail -n 1 "${TMPDIR:-/tmp}/catena-example.$$" | awk -v name="$name" '
        /^log evidence: estimate / {
            gsub(",", "")
            estimate = $4; error = $7; exact = $9
            if (!(error > 0 && error < 1)) { print name ": a standard error of " error >"/dev/stderr"; exit 1 }
            # Four standard errors.
            if (exact != "" && (estimate - exact > 4 * error || exact - estimate > 4 * error)) {
                print name ": " estimate " is not " exact " within 4 of " error >"/dev/stderr"
                exit 1
            }
        }'
    rm -f "${TMPDIR:-/tmp}/catena-example.$$"
done
