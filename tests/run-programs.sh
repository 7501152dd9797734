#!/bin/sh
# Runs the programs printed in the header, the README and the pages of docs/, as printed, against an installed package:
# those in C, in C++, or in R, for which the R package must be found through R_LIBS.
# Usage: tests/run-programs.sh PREFIX FOLDER c|cpp|r
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
libdir=$(cd "$(dirname "$(find "$1" -name libcatena.a)")" && pwd)
mkdir -p "$2"
folder=$(cd "$2" && pwd)
PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH
language=$3
case $language in
c | cpp) whole='^int main\(' ;;
r) whole='^library\(catena\)' ;;
*) echo "expected c, cpp or r, got $language" >&2 && exit 1 ;;
esac
say() { printf '== %s\n' "$*"; }

# Those of a run before, which may be printed no more.
rm -f "$folder"/*."$language"
if [ "$language" = c ]; then
    # The program in the comment that opens the header: its lines are indented by three spaces after the star.
    awk '/^ \*   #include <catena.h>/ { on = 1 }
         on && /^ \*\// { exit }
         on { sub(/^ \*(   )?/, ""); print }' "$root/include/catena.h" >"$folder/header.c"
fi
# Fenced blocks of every page: <page>-<number>.c, .cpp or .r
for page in "$root"/README.md "$root"/docs/*.md; do
    awk -v stem="$folder/$(basename "$page" .md)" -v language="$language" '
        $0 == "```" language { on = 1; n += 1; file = stem "-" n "." language; next }
        /^```$/ { on = 0; next }
        on { print > file }' "$page"
done

# Compiles or interprets a program; its output goes to a file, and files that it writes lie beside that.
run_program() {
    case $1 in
    *.r)
        (cd "$folder" && Rscript --vanilla "$1" >"$1.out")
        return
        ;;
    *.cpp) compiler="${CXX:-c++} -std=c++17" ;;
    *) compiler="${CC:-cc} -std=c99 -D_POSIX_C_SOURCE=200809L" ;;
    esac
    # shellcheck disable=SC2046,SC2086
    $compiler -Wall -Wextra -Wpedantic -Werror "$1" $(pkg-config --cflags --libs catena) -lm -o "$1.run"
    (cd "$folder" && LD_LIBRARY_PATH=$libdir "$1.run" >"$1.out")
}

count=0
for program in "$folder"/*."$language"; do
    name=$(basename "$program")
    # Fragments explain; only whole programs run, and all of the README's are.
    if ! grep -qE "$whole" "$program"; then
        case $name in README-*) echo "$name is no whole program" >&2 && exit 1 ;; *) continue ;; esac
    fi
    run_program "$program"
    # Every one of these programs ends with the summary table, or with an estimate and its error.
    grep -qE 'ess_bulk|log evidence|standard error|k-hat|log density' "$program.out" || {
        printf '%s printed neither a summary, nor an estimate with its error, nor a mode, nor what its draws are worth:\n' "$name" >&2
        cat "$program.out" >&2
        exit 1
    }
    say "$name ran"
    count=$((count + 1))
done
[ "$count" -ge 2 ] || { echo "expected at least two programs in the header, the README and docs/, found $count" >&2; exit 1; }
