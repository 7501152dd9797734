#!/bin/sh
# Runs each target of fuzz/ under libFuzzer on stable Rust, from its corpus, for some seconds (5; hours find more).
# Usage: tests/run-fuzz.sh [BUILD_FOLDER [SECONDS [TARGET...]]]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build/fuzz}
seconds=${2:-5}
if [ $# -gt 2 ]; then shift 2; else set -- $(ls "$root/fuzz/corpus"); fi
mkdir -p "$build"
build=$(cd "$build" && pwd)

# What `cargo fuzz build -s none` sets: counters at branches, and what is compared with what.
coverage="-sanitizer-coverage-level=4 -sanitizer-coverage-inline-8bit-counters -sanitizer-coverage-pc-table \
-sanitizer-coverage-trace-compares -simplifycfg-branch-fold-threshold=0"
flags="--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1"
for flag in $coverage; do flags="$flags -Cllvm-args=$flag"; done
# With a target named, what runs while the library is compiled is not instrumented.
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS=$flags cargo build --quiet --release --manifest-path "$root/fuzz/Cargo.toml" --target "$host" --target-dir "$build/target"

for target; do
    mkdir -p "$build/found/$target"
    log=$build/$target.log
    # New inputs go to the first folder; artifacts are those that fell.
    if ! "$build/target/$host/release/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -max_len=8192 \
        -artifact_prefix="$build/found/$target-" "$build/found/$target" "$root/fuzz/corpus/$target" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        echo "$target fell: the input is $build/found/$target-…" >&2
        exit 1
    fi
    printf '%s: %s\n' "$target" "$(tail -n 1 "$log")"
done
