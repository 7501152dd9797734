#!/bin/sh
# Compiles Stan programs into libraries with BridgeStan's C ABI, with the stanc, headers and libraries of an unpacked
# httpstan wheel (`pip download httpstan --no-deps`, then unzip). Set THREADS=0 for libraries without threads. Without a
# program it makes what all share: Stan's headers, parsed once, are half of what a program takes, and worth it for four or more.
# Usage: tests/stan/build.sh WHEEL_FOLDER OUT_FOLDER [PROGRAM.stan...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
wheel=$(cd "$1/httpstan" && pwd)
out=$2
shift 2
mkdir -p "$out"
chmod +x "$wheel/stanc"
flags="-std=c++17 -O2 -fPIC -w -I$wheel/include -DBOOST_DISABLE_ASSERTS -DBOOST_PHOENIX_NO_VARIADIC_EXPRESSION -D_REENTRANT"
if [ "${THREADS:-1}" = 1 ]; then flags="$flags -DSTAN_THREADS"; fi
header=$out/stan-${THREADS:-1}.hpp
if [ $# -eq 0 ]; then
    echo '#include <stan/model/model_header.hpp>' >"$header"
    # shellcheck disable=SC2086
    ${CXX:-c++} $flags -x c++-header "$header" -o "$header.gch"
fi
# The compiler takes the parsed one, which lies beside it.
if [ -e "$header.gch" ]; then flags="$flags -include $header"; fi
source=$here/../../src/bin/catena/compile/bridge.cpp
bridge=$out/bridge-${THREADS:-1}.o
if [ ! -e "$bridge" ] || [ "$source" -nt "$bridge" ]; then
    # shellcheck disable=SC2086
    ${CXX:-c++} $flags -c "$source" -o "$bridge"
fi
for program in "$@"; do
    name=$(basename "$program" .stan)
    "$wheel/stanc" --o="$out/$name.cpp" "$program"
    # shellcheck disable=SC2086
    ${CXX:-c++} $flags -c "$out/$name.cpp" -o "$out/$name.o"
    ${CXX:-c++} -shared "$bridge" "$out/$name.o" -o "$out/$name.so" -L"$wheel/lib" -Wl,-rpath,"$wheel/lib" \
        -lsundials_cvodes -lsundials_idas -lsundials_kinsol -lsundials_nvecserial -ltbb
done
