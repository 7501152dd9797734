#!/bin/sh
# Runs every example, as its users do, and holds the last line of those that estimate a log evidence or a mean to the exact value.
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
        }
        # NAME: mean M, standard deviation S or standard error E, then the truth and what quadrature or a grid gives.
        /^[a-z_]+: mean / {
            gsub(",", "")
            for (i = 2; i < NF; ++i) {
                if ($i == "mean") mean = $(i + 1)
                if ($i == "deviation") deviation = $(i + 1)
                if ($i == "error") error = $(i + 1)
                if ($i == "truth") truth = $(i + 1)
                if ($i == "quadrature" || $i == "grid") exact = $(i + 1)
            }
            # Four standard errors or deviations; smoothing when resampling may move a mean by a part of its deviation.
            bound = exact == "" ? 4 * deviation : error != "" ? 4 * error + 1e-5 : 0.25 * deviation
            off = mean - (exact == "" ? truth : exact)
            if (!(bound > 0 && bound < 1) || off > bound || -off > bound) {
                print name ": " mean " is not within " bound " of what is expected" >"/dev/stderr"
                exit 1
            }
        }'
    rm -f "${TMPDIR:-/tmp}/catena-example.$$"
done
