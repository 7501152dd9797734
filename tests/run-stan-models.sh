#!/usr/bin/env bash
# Compiles real Stan programs with the compiler, headers and libraries of httpstan's wheel (Stan 2.35) and samples them.
# Without the wheel (no pip, no network) this is skipped, and says so.
# Usage: tests/run-stan-models.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "${1:-build/stan}"
out=$(cd "${1:-build/stan}" && pwd)
release=4.13.0

if [ ! -x "$out/wheel/httpstan/stanc" ]; then
    # Nothing of the wheel is tied to a version of Python but the module that is not used here.
    if ! python3 -m pip download --quiet --no-deps --only-binary :all: --python-version 3.11 --dest "$out" \
        "httpstan==$release"; then
        echo "httpstan $release could not be downloaded: tests of real Stan programs are skipped"
        exit 0
    fi
    python3 -m zipfile -e "$out"/httpstan-*.whl "$out/wheel"
    chmod +x "$out/wheel/httpstan/stanc"
fi
programs=()
for program in tests/stan/*.stan; do
    library="$out/$(basename "$program" .stan).so"
    if [ ! -e "$library" ] || [ "$program" -nt "$library" ] || [ src/bin/catena/compile/bridge.cpp -nt "$library" ]; then
        programs+=("$program")
    fi
done
# One is made as users make theirs, with what `catena compile` finds in the wheel.
made_by_command=tests/stan/bernoulli.stan
if [[ " ${programs[*]-} " == *" $made_by_command "* ]]; then
    # The program that comes with the tests: built alone it has other features of its dependencies, and all is compiled again.
    cargo test --quiet --all-features --no-run --test stan_models
    "${CARGO_TARGET_DIR:-target}/debug/catena" compile "$made_by_command" "stan=$out/wheel" "output=$out/bernoulli.so"
    for i in "${!programs[@]}"; do
        if [ "${programs[$i]}" = "$made_by_command" ]; then unset "programs[$i]"; fi
    done
    programs=("${programs[@]}")
fi
if [ ${#programs[@]} -gt 0 ]; then
    # First what all share.
    if [ ${#programs[@]} -ge 4 ]; then
        tests/stan/build.sh "$out/wheel" "$out"
    else
        tests/stan/build.sh "$out/wheel" "$out" "${programs[0]}"
        programs=("${programs[@]:1}")
    fi
    printf '%s\n' "${programs[@]}" | xargs -r -P "$(nproc)" -n 1 tests/stan/build.sh "$out/wheel" "$out"
    rm -f "$out"/stan-*.gch # 800 MB
fi
python3 tests/stan/bridge.py "$out"
CATENA_STAN_MODELS="$out" cargo test --all-features --test stan_models -- --include-ignored
