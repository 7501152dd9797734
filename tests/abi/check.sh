#!/usr/bin/env bash
# Compares the C ABI with tests/abi/reference.xml by libabigail. CATENA_BLESS=1 renews the reference.
#
# What is compared is a shared object that the C compiler makes from include/catena.h: a stub for every function and a
# variable of every public type, with full debug info. (Rust's own debug info would drag every private type behind the
# opaque handles into the reference; too little debug info makes libabigail pass silently.) The check therefore proves
# itself each time: changes planted in a copy of the header must all be found.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
header=$here/../../include/catena.h
reference=$here/reference.xml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0

command -v abidw >/dev/null || { echo "missing: abidw and abidiff (Debian: abigail-tools)" >&2; exit 1; }

functions() { grep -oE '\bcatena_[a-z0-9_]+\(' "$1" | tr -d '(' | sort -u; }
# Public structs and enums, by their tags; opaque ones have no body and are met as pointers only.
structs() { grep -oE '^typedef struct catena_[a-z_]+ \{' "$1" | awk '{print $3}'; }
enums() { grep -oE '^enum catena_[a-z_]+$' "$1" | awk '{print $2}'; }

# describe HEADER OUT.xml: the ABI that a header declares.
describe() {
    local dir=$work/describe
    rm -rf "$dir"
    mkdir "$dir"
    cp "$1" "$dir/catena.h"
    {
        echo '#include "catena.h"'
        for name in $(structs "$1"); do echo "struct $name abi_$name;"; done
        for name in $(enums "$1"); do echo "enum $name abi_$name;"; done
        # A prototype's text up to its semicolon becomes a definition.
        awk '/^#ifdef __cplusplus/ { on = 0 } /^extern "C"/ { on = 1; next } /^#endif.*__cplusplus/ { next }
             on && !/^\/\// { print }' "$1" |
            tr '\n' ' ' | sed 's/;/;\n/g' | awk '/catena_[a-z0-9_]+\(/ { sub(/;$/, " { __builtin_trap(); }"); print }'
    } >"$dir/abi.c"
    # In C++'s and C23's spelling enums have a fixed type; the tag form is what every C compiler sees.
    (cd "$dir" && ${CC:-cc} -std=gnu11 -g -gdwarf-4 -fPIC -shared -fno-eliminate-unused-debug-types -w abi.c -o abi.so)
    abidw --no-show-locs --no-corpus-path --no-comp-dir-path --out-file "$2" "$dir/abi.so"
}

describe "$header" "$work/now.xml"

# Nothing of this machine is in the file, and every function is.
if grep -q "$work" "$work/now.xml"; then
    echo "abi: the description names a folder of this machine" >&2
    exit 1
fi
for name in $(functions "$header"); do
    grep -q "function-decl name='$name'" "$work/now.xml" || { echo "abi: $name is not described" >&2; exit 1; }
    passed=$((passed + 1))
done
for name in $(structs "$header"); do
    grep -q "class-decl name='$name'.*size-in-bits" "$work/now.xml" || { echo "abi: $name is not described" >&2; exit 1; }
    passed=$((passed + 1))
done

if [ -n "${CATENA_BLESS:-}" ]; then
    cp "$work/now.xml" "$reference"
    echo "abi: reference renewed, $passed functions and tables"
    exit 0
fi

if ! abidiff "$reference" "$work/now.xml" >"$work/diff"; then
    cat "$work/diff"
    echo "abi: the header differs from the reference. An addition (a function, a constant, a member at the end of a" >&2
    echo "table with struct_size) is compatible: renew the reference with CATENA_BLESS=1. Anything else breaks programs" >&2
    echo "that are built already, and needs a new major number of the ABI." >&2
    exit 1
fi
passed=$((passed + 1))

# planted WHAT SED-EXPRESSION: the change must alter the header and be found.
planted() {
    sed -E "$2" "$header" >"$work/planted.h"
    if cmp -s "$header" "$work/planted.h"; then
        echo "abi: planted: $1: the expression changes nothing" >&2
        exit 1
    fi
    describe "$work/planted.h" "$work/planted.xml"
    if abidiff "$reference" "$work/planted.xml" >/dev/null; then
        echo "abi: planted: $1: not found" >&2
        exit 1
    fi
    echo "planted: $1: found"
    passed=$((passed + 1))
}
planted "the value of a constant" 's/CATENA_WRITER = 4,/CATENA_WRITER = 40,/'
planted "a member in the middle of a table" 's/^(  size_t dimension;)$/\1\n  size_t intruder;/'
planted "a member removed" '/^  int \(\*finish\)\(void \*user\);$/d'
planted "the type of a member" 's/^  size_t inv_metric_size;$/  uint32_t inv_metric_size;/'
planted "the type of a parameter" 's/^(size_t catena_result_iterations\(const struct catena_result \*result, )size_t chain/\1uint32_t chain/'
planted "what a function returns" 's/^uint64_t catena_result_divergences\(/uint32_t catena_result_divergences(/'
planted "a function removed" '/^void catena_model_free\(/d'
planted "a function's name" 's/catena_error_chain\(/catena_error_chains(/'
planted "the signature of a callback" 's/int \(\*row\)\(void \*user, size_t count, /int (*row)(void *user, uint32_t count, /'
echo "abi: $passed checks passed, 0 failed"
