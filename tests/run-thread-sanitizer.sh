#!/usr/bin/env bash
# Rust tests and C programs under the thread sanitizer with everything instrumented: the standard library too, because
# otherwise the sanitizer does not see its locks and reports races that are none. Needs a nightly compiler, the standard
# library's source of the same version (the component rust-src, or Debian's package where its version fits) and clang;
# what is missing is said and all is skipped. Usage: tests/run-thread-sanitizer.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "${1:-build/tsan}"
build=$(cd "${1:-build/tsan}" && pwd)
target=$(rustc -vV | sed -n 's/^host: //p')
skip() { echo "thread sanitizer: $*: skipped"; exit 0; }

cargo +nightly --version >/dev/null 2>&1 || skip "no nightly compiler"
command -v clang >/dev/null || skip "no clang"
system=$(rustc +nightly --print sysroot)
source=$system/lib/rustlib/src/rust
if [ ! -e "$source/library/std" ]; then
    # The private lists below leave the machine's own configuration alone.
    version=$(rustc +nightly --version | sed 's/^rustc \([0-9]*\.[0-9]*\)\..*/\1/')
    entry=/etc/apt/sources.list.d/debian.sources
    [ -e "$entry" ] || skip "no source of the standard library, and no Debian to get it from"
    mkdir -p "$build/apt/lists/partial" "$build/apt/cache/archives/partial"
    sed -n '1,/^$/p' "$entry" | sed 's/^Suites:.*/Suites: sid/' >"$build/apt/sid.sources"
    apt() {
        apt-get -qq -o Dir::Etc::sourcelist="$build/apt/sid.sources" -o Dir::Etc::sourceparts=/dev/null \
            -o Dir::State::lists="$build/apt/lists" -o Dir::Cache="$build/apt/cache" "$@"
    }
    (cd "$build" && apt update && apt download rust-src) || skip "Debian's rust-src could not be fetched"
    case $(basename "$build"/rust-src_*.deb) in
    rust-src_"$version".*) ;;
    *) skip "Debian's $(basename "$build"/rust-src_*.deb) does not fit nightly $version" ;;
    esac
    dpkg -x "$build"/rust-src_*.deb "$build/rust-src"
    mkdir -p "$system/lib/rustlib/src"
    ln -sfn "$(echo "$build"/rust-src/usr/src/rustc-*)" "$source"
    trap 'rm -f "$source"' EXIT
fi

export RUSTFLAGS=-Zsanitizer=thread CARGO_TARGET_DIR=$build/target
export TSAN_OPTIONS="suppressions=$PWD/tests/thread-sanitizer.supp"
# One at a time: some tests count threads and time of their own.
cargo +nightly test -Zbuild-std --target "$target" --test runs -- --test-threads=1

unset RUSTFLAGS
# The tests' own: built alone it has other features of its dependencies, and all is compiled again.
library=$build/target/$target/debug/deps/libcatena.a
runtime=$(find "$system/lib/rustlib/$target/lib" -name '*_rt.tsan.a' | head -n 1)
compile() {
    clang -std=c99 -O1 -g -fsanitize=thread -Iinclude -Itests/c -c "tests/c/$1.c" -o "$build/$1.o"
    # The runtime of the Rust compiler, not clang's, which is another version.
    clang "$build/$1.o" "$library" -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive -rdynamic \
        -lpthread -ldl -lrt -lm -lresolv -o "$build/$1"
}
for program in test_sample test_run test_failures test_reduce test_checkpoint test_services test_files; do
    compile "$program"
    (cd "$build" && "./$program" >"$program.log" 2>&1) || { cat "$build/$program.log" >&2; exit 1; }
    echo "$program: no race"
done
compile planted_race
if "$build/planted_race" >"$build/planted_race.log" 2>&1 || ! grep -q 'data race' "$build/planted_race.log"; then
    echo "the planted race was not found" >&2
    exit 1
fi
echo "the planted race was found"
