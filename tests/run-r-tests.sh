#!/bin/sh
# Installs Catena by CMake and the R package against it. The part `package` runs R CMD check (tests, examples and vignette
# among it) and the R programs of the README and docs/; `valgrind` runs R under valgrind.
# Usage: tests/run-r-tests.sh [BUILD_FOLDER [PART...]], without parts: both
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- package valgrind
parts=" $* "
for part; do
    case $part in
    package | valgrind) ;;
    *) echo "expected the parts package and valgrind, got $part" >&2 && exit 2 ;;
    esac
done
on() { case $parts in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
mkdir -p "$build/r/library"
build=$(cd "$build" && pwd)
say() { printf '== %s\n' "$*"; }

say "building and installing"
cmake -S "$root" -B "$build/package" -Wno-dev >"$build/cmake.log"
cmake --build "$build/package"
cmake --install "$build/package" --prefix "$build/prefix" >>"$build/cmake.log"

# A library with BridgeStan's C ABI for the package's tests.
mock=$build/r/mock_model.so
${CC:-cc} -shared -fPIC -std=c11 -D_POSIX_C_SOURCE=200809L "$root/tests/c/bridgestan/mock_model.c" -o "$mock" -lm -lpthread

say "building the R package"
cd "$build/r"
rm -rf catena_*.tar.gz catena.Rcheck
CATENA_HOME=$build/prefix
export CATENA_HOME
R CMD build "$root/bindings/R" >build.log 2>&1 || { cat build.log >&2; exit 1; }
if on package; then
    # NOT_CRAN runs all tests; packages that are suggested but missing skip theirs.
    # Widths of lines as CRAN wants them, which is among the checks that ask its servers.
    NOT_CRAN=true CATENA_TEST_BRIDGESTAN=$mock _R_CHECK_FORCE_SUGGESTS_=false _R_CHECK_TESTS_NLINES_=0 \
        _R_CHECK_RD_LINE_WIDTHS_=true \
        R CMD check --no-manual catena_*.tar.gz >check.log 2>&1 || { cat check.log >&2; exit 1; }
    grep '^Status' check.log
    if grep -qE '^Status:.*WARNING|Rd line widths.*NOTE' check.log; then
        cat check.log >&2
        exit 1
    fi
    grep -hE '^\[ FAIL' catena.Rcheck/tests/testthat.Rout | tail -n 1
fi
R CMD INSTALL --library="$build/r/library" catena_*.tar.gz >install.log 2>&1 || { cat install.log >&2; exit 1; }
if on package; then
    say "programs as printed"
    R_LIBS=$build/r/library "$root/tests/run-programs.sh" "$build/prefix" "$build/r/programs" r
fi
adapter=$(find "$build/prefix" -name libcatena-mpi.so | head -n 1)
if on package && [ -n "$adapter" ]; then
    say "R over the ranks of MPI"
    program=$root/tests/mpi/ranks.R
    expected=$(R_LIBS=$build/r/library Rscript "$program" plain)
    # Each rank into a file of its own: mpirun mixes their lines.
    # shellcheck disable=SC2016
    R_LIBS=$build/r/library LD_LIBRARY_PATH=$(dirname "$adapter") OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
        OMPI_MCA_rmaps_base_oversubscribe=1 timeout 120 mpirun -np 2 \
        sh -c 'exec "$@" >"$0.$OMPI_COMM_WORLD_RANK"' "$build/r/rank" Rscript "$program"
    for rank in 0 1; do
        got=$(cat "$build/r/rank.$rank")
        [ "$got" = "$expected" ] || { printf 'rank %s: expected %s, got %s\n' "$rank" "$expected" "$got" >&2; exit 1; }
    done
    echo "$expected"
fi
if on valgrind; then
    say "R under valgrind"
    R_LIBS=$build/r/library R --vanilla --quiet \
        -d "valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite --error-exitcode=9" \
        -f "$root/tests/r/valgrind.R" >valgrind.log 2>&1 || { cat valgrind.log >&2; exit 1; }
fi
