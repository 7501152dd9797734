#!/usr/bin/env bash
# Reads the files that the Rust tests left in target/tmp with the programs that users read them with, and drives batches
# with a JAX function.
# Usage: tests/ecosystem/run.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=${1:-build/ecosystem}/venv
if [ ! -x "$venv/bin/python" ]; then
    if ! python3 -m venv "$venv"; then
        rm -rf "$venv"
        echo "python3 cannot make environments (Debian: python3-venv): skipped"
        exit 0
    fi
fi
if ! "$venv/bin/python" -m pip install --quiet --requirement tests/ecosystem/requirements.txt; then
    echo "pip could not install tests/ecosystem/requirements.txt: skipped"
    exit 0
fi
"$venv/bin/python" tests/ecosystem/arrow_files.py target/tmp
"$venv/bin/python" tests/ecosystem/csv_files.py target/tmp/csv_files
"$venv/bin/python" tests/ecosystem/mode_files.py target/tmp/mode_files
if command -v Rscript >/dev/null && Rscript -e 'quit(status = !requireNamespace("cmdstanr", quietly = TRUE))'; then
    Rscript tests/ecosystem/csv_files.R target/tmp/csv_files
else
    echo "R's cmdstanr is not installed: it does not read the files"
fi
# The library of the Rust tests: built without them it has other features of its dependencies, and all is compiled again.
cargo test --quiet --all-features --no-run --test arrow
library=target/debug/deps/libcatena
"$venv/bin/python" tests/ecosystem/jax_batch.py "$library.so"

# QInfer wants packages of its own age; where they cannot be had, it is left out.
peer=${1:-build/ecosystem}/qinfer
program=${1:-build/ecosystem}/randomised_benchmarking
"${CC:-cc}" -std=c99 -O2 -Iinclude examples/randomised_benchmarking/main.c "$library.a" -lm -lpthread -ldl -o "$program"
if [ ! -x "$peer/bin/python" ]; then python3 -m venv "$peer"; fi
"$peer/bin/python" -m pip install --quiet numpy==1.23.5 scipy==1.13.1 'matplotlib<3.8' qinfer ||
    echo "pip could not install QInfer"
"$peer/bin/python" tests/ecosystem/qinfer_benchmarking.py "$(realpath "$program")"
