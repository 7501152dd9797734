#!/bin/sh
# Installs Catena by CMake into a folder and runs the C and C++ programs against that package: shared, static, through
# pkg-config, and from the folder after it was moved. Usage: tests/run-c-tests.sh [BUILD_FOLDER]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build}
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

for target in Catena::catena Catena::static; do
    name=tests-$(echo "$target" | sed 's/.*:://')
    say "programs with $target"
    cmake -S "$root/tests" -B "$build/$name" -DCATENA_TARGET="$target" -DCMAKE_PREFIX_PATH="$build/prefix" \
        >>"$build/cmake.log"
    cmake --build "$build/$name" >>"$build/cmake.log"
    # The statistical tests are the same programs with either library; once is enough.
    if [ "$target" = Catena::static ]; then skip='-E test_posteriors|test_sbc'; else skip=; fi
    # shellcheck disable=SC2086
    ctest --test-dir "$build/$name" --output-on-failure $skip
done

say "programs as printed"
"$root/tests/run-programs.sh" "$build/prefix" "$build/programs"

say "C and C++ by clang"
cmake -S "$root/tests" -B "$build/tests-clang" -DCATENA_TARGET=Catena::catena -DCMAKE_PREFIX_PATH="$build/prefix" \
    -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ >>"$build/cmake.log"
cmake --build "$build/tests-clang" >>"$build/cmake.log"
ctest --test-dir "$build/tests-clang" --output-on-failure -R '^cpp_|test_sample|test_arguments'

say "C and C++ with address and undefined-behaviour sanitizers"
checks='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g'
cmake -S "$root/tests" -B "$build/tests-sanitizers" -DCATENA_TARGET=Catena::catena -DCMAKE_PREFIX_PATH="$build/prefix" \
    -DCMAKE_C_FLAGS="$checks" -DCMAKE_CXX_FLAGS="$checks" >>"$build/cmake.log"
cmake --build "$build/tests-sanitizers" >>"$build/cmake.log"
ctest --test-dir "$build/tests-sanitizers" --output-on-failure -E 'test_posteriors|test_sbc'

say "a C program under valgrind"
# Memory that threads of the pool hold at the end is not lost, only not looked for.
valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite --error-exitcode=9 \
    "$build/tests-catena/c/test_sample" >"$build/valgrind.log" 2>&1 || { cat "$build/valgrind.log" >&2; exit 1; }
