#!/bin/sh
# Compiles and runs the C programs printed in the header, the README and the pages of docs/, as printed, against an
# installed package. Usage: tests/run-programs.sh PREFIX FOLDER
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
libdir=$(dirname "$(find "$1" -name libcatena.a)")
folder=$2
mkdir -p "$folder"
PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH
say() { printf '== %s\n' "$*"; }

# The program in the comment that opens the header: its lines are indented by three spaces after the star.
awk '/^ \*   #include <catena.h>/ { on = 1 }
     on && /^ \*\// { exit }
     on { sub(/^ \*(   )?/, ""); print }' "$root/include/catena.h" >"$folder/header.c"

# Blocks fenced as ```c or ```cpp of every page: <page>-<number>.c or .cpp
for page in "$root"/README.md "$root"/docs/*.md; do
    awk -v stem="$folder/$(basename "$page" .md)" '
        /^```(c|cpp)$/ { on = 1; n += 1; file = stem "-" n "." substr($0, 4); next }
        /^```$/ { on = 0; next }
        on { print > file }' "$page"
done

count=0
for program in "$folder"/*.c "$folder"/*.cpp; do
    [ -e "$program" ] || continue
    # Fragments explain; only whole programs run.
    grep -qE '^int main\(' "$program" || continue
    name=$(basename "$program")
    case $name in
    *.cpp) compiler="${CXX:-c++} -std=c++17" ;;
    *) compiler="${CC:-cc} -std=c99 -D_POSIX_C_SOURCE=200809L" ;;
    esac
    # shellcheck disable=SC2046,SC2086
    $compiler -Wall -Wextra -Wpedantic -Werror "$program" $(pkg-config --cflags --libs catena) -lm -o "$program.run"
    LD_LIBRARY_PATH=$libdir "$program.run" >"$program.out"
    # Every one of these programs ends with the summary table.
    grep -q 'ess_bulk' "$program.out" || {
        printf '%s printed no summary:\n' "$name" >&2
        cat "$program.out" >&2
        exit 1
    }
    say "$name ran"
    count=$((count + 1))
done
[ "$count" -ge 2 ] || { echo "expected at least the programs of the header and the README, found $count" >&2; exit 1; }
