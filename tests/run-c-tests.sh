#!/bin/sh
# Installs Catena by CMake into a folder and runs the C and C++ programs against that package: shared, static, through
# pkg-config, and from the folder after it was moved.
# Usage: tests/run-c-tests.sh [BUILD_FOLDER [PART...]], parts c, cpp and sanitizers (also valgrind); without parts: all
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- c cpp sanitizers
for part; do
    case $part in
    c | cpp | sanitizers) ;;
    *) echo "expected the parts c, cpp and sanitizers, got $part" >&2 && exit 2 ;;
    esac
done
mkdir -p "$build"
build=$(cd "$build" && pwd)
say() { printf '== %s\n' "$*"; }

say "building and installing"
cmake -S "$root" -B "$build/package" >"$build/cmake.log"
cmake --build "$build/package"
rm -rf "$build/first" "$build/prefix"
cmake --install "$build/package" --prefix "$build/first" >>"$build/cmake.log"
# The package must not depend on where it was installed.
mv "$build/first" "$build/prefix"
libdir=$(dirname "$(find "$build/prefix" -name libcatena.a)")

# make_programs NAME PARTS [ARGUMENT...]: the programs of the parts of tests/, made in a folder of that name.
make_programs() {
    folder=$build/tests-$1
    parts=$2
    shift 2
    cmake -S "$root/tests" -B "$folder" -DCATENA_PARTS="$parts" -DCMAKE_PREFIX_PATH="$build/prefix" "$@" >>"$build/cmake.log"
    cmake --build "$folder" --parallel "$(getconf _NPROCESSORS_ONLN)" >>"$build/cmake.log"
}
by_clang() { make_programs "$1-clang" "$1" -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++; }

# C or C++ programs with the shared and the static library.
with_both_libraries() {
    for target in Catena::catena Catena::static; do
        name=$1-${target#Catena::}
        say "$1 programs with $target"
        make_programs "$name" "$1" -DCATENA_TARGET="$target"
        # The statistical tests are the same programs with either library; once is enough.
        if [ "$target" = Catena::static ]; then skip='-E test_posteriors|test_sbc'; else skip=; fi
        # shellcheck disable=SC2086
        ctest --test-dir "$build/tests-$name" --output-on-failure $skip
    done
}

symbols() {
    say "exported symbols and SONAME"
    foreign=$(nm -D --defined-only "$libdir/libcatena.so" | awk '{print $3}' | grep -v '^catena_' || true)
    if [ -n "$foreign" ]; then
        printf 'exported beside catena_*:\n%s\n' "$foreign" >&2
        exit 1
    fi
    # Every function of the header is there, and nothing else is.
    grep -oE '\bcatena_[a-z0-9_]+\(' "$root/include/catena.h" | tr -d '(' | sort -u >"$build/declared"
    nm -D --defined-only "$libdir/libcatena.so" | awk '{print $3}' | sort -u >"$build/defined"
    missing=$(comm -3 "$build/declared" "$build/defined" | tr -d '\t')
    if [ -n "$missing" ]; then
        printf 'declared or exported only:\n%s\n' "$missing" >&2
        exit 1
    fi
    objdump -p "$libdir/libcatena.so" | grep -q 'SONAME *libcatena.so.0$'
}

by_pkg_config() {
    say "pkg-config, shared and static"
    cat >"$build/pc.c" <<'EOF'
#include <catena.h>
#include <stdio.h>
int main(void) { return puts(catena_version_string()) < 0 || catena_abi_version() != 0; }
EOF
    PKG_CONFIG_PATH=$libdir/pkgconfig
    export PKG_CONFIG_PATH
    # shellcheck disable=SC2046
    ${CC:-cc} "$build/pc.c" $(pkg-config --cflags --libs catena) -o "$build/pc-shared"
    LD_LIBRARY_PATH=$libdir "$build/pc-shared"
    # shellcheck disable=SC2046
    ${CC:-cc} "$build/pc.c" $(pkg-config --cflags catena) "$libdir/libcatena.a" \
        $(pkg-config --static --libs-only-l catena | sed 's/-lcatena//') -o "$build/pc-static"
    "$build/pc-static"
}

# A project that takes this one in has the targets that find_package gives.
by_add_subdirectory() {
    say "add_subdirectory"
    mkdir -p "$build/subproject"
    cat >"$build/subproject/CMakeLists.txt" <<EOF
cmake_minimum_required(VERSION 3.16)
project(outer LANGUAGES C)
add_subdirectory("$root" catena)
foreach(kind catena static)
  add_executable(by_\${kind} "$build/pc.c")
  target_link_libraries(by_\${kind} PRIVATE Catena::\${kind})
endforeach()
EOF
    cmake -S "$build/subproject" -B "$build/subproject/build" -DCATENA_CARGO_TARGET="$build/package/cargo" >>"$build/cmake.log"
    cmake --build "$build/subproject/build" >>"$build/cmake.log"
    for kind in catena static; do "$build/subproject/build/by_$kind"; done
}

run_c() {
    symbols
    by_pkg_config
    by_add_subdirectory
    with_both_libraries c
    say "C programs as printed"
    "$root/tests/run-programs.sh" "$build/prefix" "$build/programs" c
    say "C by clang"
    by_clang c
    ctest --test-dir "$build/tests-c-clang" --output-on-failure -R 'test_sample|test_arguments'
}

run_cpp() {
    with_both_libraries cpp
    say "C++ programs as printed"
    "$root/tests/run-programs.sh" "$build/prefix" "$build/programs" cpp
    say "C++ by clang"
    by_clang cpp
    ctest --test-dir "$build/tests-cpp-clang" --output-on-failure
}

run_sanitizers() {
    say "C and C++ with address and undefined-behaviour sanitizers"
    checks='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g'
    make_programs sanitizers 'c;cpp' -DCMAKE_C_FLAGS="$checks" -DCMAKE_CXX_FLAGS="$checks"
    # OpenCL's compilers leak. Sizes that no machine has are refused by ours, which asks the allocator.
    ASAN_OPTIONS=allocator_may_return_null=1 ctest --test-dir "$build/tests-sanitizers" --output-on-failure -E 'test_posteriors|test_sbc|test_devices'

    say "a C program under valgrind"
    make_programs c-catena c -DCATENA_TARGET=Catena::catena
    # Memory that threads of the pool hold at the end is not lost, only not looked for.
    valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite --error-exitcode=9 \
        "$build/tests-c-catena/c/test_sample" >"$build/valgrind.log" 2>&1 || { cat "$build/valgrind.log" >&2; exit 1; }
}

for part; do "run_$part"; done
