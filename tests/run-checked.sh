#!/usr/bin/env bash
# C programs that give every function wrong arguments, sizes without memory and failing callbacks, against the library that the
# Rust tests have built, where a number that wraps is a panic. Usage: tests/run-checked.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/checked}
mkdir -p "$build"
built=$(cd "${CARGO_TARGET_DIR:-target}/debug/deps" && pwd)
ln -sf "$built/libcatena.so" "$build/libcatena.so"
ln -sf "$built/libcatena.so" "$build/libcatena.so.0" # its SONAME
build=$(cd "$build" && pwd)
python3 tests/c/every_argument.py include/catena.h "$build/test_every_argument.c"
for program in test_every_argument test_sizes test_faults test_reentry; do
    source=tests/c/$program.c
    [ -e "$source" ] || source=$build/$program.c
    ${CC:-cc} -std=c99 -O1 -Iinclude -Itests/c "$source" -o "$build/$program" -L"$build" -lcatena -Wl,-rpath,"$build" -lpthread -lm
    (cd "$build" && "./$program" >"$program.log" 2>&1) || { cat "$build/$program.log" >&2; exit 1; }
    echo "$program: nothing wraps"
done
