#!/usr/bin/env bash
# Compares the C ABI with tests/abi/reference.xml by libabigail. CATENA_BLESS=1 renews the reference.
#
# What is compared is a shared object that the C compiler makes from include/catena.h: a stub for every function and a
# variable of every public type, with full debug info. (Rust's own debug info would drag every private type behind the
# opaque handles into the reference; too little debug info makes libabigail pass silently.) The check therefore proves
# itself each time: changes planted in a copy of the header must all be found, and be told apart from additions.
#
# Types are compared as the compiler sees them on this platform: a size_t that becomes a uint64_t is no change here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
header=$here/../../include/catena.h
reference=$here/reference.xml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
read -ra cc <<<"${CC:-cc}"

fail() {
    echo "abi: $*" >&2
    exit 1
}
for tool in abidw abidiff; do
    command -v "$tool" >/dev/null || fail "missing: $tool; on Debian: apt-get install abigail-tools"
done
command -v "${cc[0]}" >/dev/null || fail "missing: a C compiler, ${cc[0]}; on Debian: apt-get install gcc"

code() { sed '/^\/\*/,/\*\//d; s,//.*,,' "$1"; } # A header without its comments.
functions() { code "$1" | grep -oE '\bcatena_[a-z0-9_]+\(' | tr -d '(' | sort -u; }
# Public structs and enums, by their tags; opaque ones have no body and are met as pointers only.
structs() { code "$1" | grep -oE '^typedef struct catena_[a-z0-9_]+ \{' | awk '{print $3}'; }
enums() { code "$1" | grep -oE '^enum catena_[a-z0-9_]+' | awk '{print $2}'; }
enumerators() { code "$1" | grep -oE '^ +CATENA_[A-Z0-9_]+' | tr -d ' '; }

# describe HEADER OUT.xml: the ABI that a header declares.
describe() {
    local dir=$work/describe name
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
    (cd "$dir" && "${cc[@]}" -std=gnu11 -g -gdwarf-4 -fPIC -shared -fno-eliminate-unused-debug-types -w abi.c -o abi.so)
    abidw --no-show-locs --no-corpus-path --no-comp-dir-path --no-architecture --out-file "$2" "$dir/abi.so"
}

# additions_only: whether the report of abidiff on stdin has nothing but additions that leave built programs alone. A
# line that is not known to be harmless counts as a break. A member is an addition when it lies past the old end of its
# table: one that fills the padding there does not change the size, so struct_size could not tell who has it.
additions_only() {
    awk '
        /^$/ || /^(Functions|Variables) changes summary: 0 Removed, / { next }
        /^[0-9]+ functions? with some indirect sub-type changes?:$/ || /^[0-9]+ (Changed|Added) (variable|function)s?:$/ { next }
        /^  \[A\] / { found = 1; next }
        /^  \[C\] .* (has some indirect sub-type changes|was changed):$/ { next }
        /^ +(parameter [0-9]+ of type .* has sub-type changes|in pointed to type .*|in unqualified underlying type .*):$/ { next }
        /^ +(unqualified underlying )?type .* changed, as reported earlier$/ { next }
        /^ +type of variable changed:$/ || /^ +size of symbol changed from [0-9]+ to [0-9]+$/ { next }
        /^ +[0-9]+ (enumerator|data member) insertions?:$/ { next }
        /^ +type size hasn.t changed$/ { end = -1; next }
        /^ +type size changed from [0-9]+ to [0-9]+ \(in bits\)$/ { end = $5; if ($7 + 0 < $5 + 0) bad = 1; next }
        /^ +.*::CATENA_[A-Z0-9_]+. value .-?[0-9]+.$/ { found = 1; next }
        /, at offset [0-9]+ \(in bits\)$/ { if (end < 0 || $(NF - 2) + 0 < end + 0) bad = 1; found = 1; next }
        { bad = 1 }
        END { exit !(found && !bad) }'
}

# compare OLD.xml NEW.xml: sets `verdict` to same, addition or break; the report is in $work/report. Without --harmless
# abidiff hides what a stale reference must not lack: new constants, renamed members, a const dropped.
compare() {
    local status=0
    abidiff --harmless "$1" "$2" >"$work/report" 2>"$work/complaints" || status=$?
    # Bits of the status: 1 error, 2 usage, 4 change, 8 incompatible change.
    if ((status & ~12)) || [ -s "$work/complaints" ]; then
        cat "$work/complaints" "$work/report" >&2
        fail "abidiff failed with status $status"
    fi
    if ((status == 0)); then
        verdict="same"
    elif ((status == 4)) && additions_only <"$work/report"; then
        verdict="addition"
    else
        verdict="break"
    fi
}

describe "$header" "$work/now.xml"

# Nothing of this machine is in the file, and everything of the header is.
if grep -qF -e "$work" -e "='/" "$work/now.xml"; then
    fail "the description names a folder of this machine"
fi
described() { # described NAME PATTERN
    grep -qE "$2" "$work/now.xml" || fail "$1 is not described"
    passed=$((passed + 1))
}
for name in $(functions "$header"); do described "$name" "<function-decl name='$name' "; done
for name in $(structs "$header"); do described "$name" "<class-decl name='$name' size-in-bits='[0-9]+' .*[^/]>$"; done
for name in $(enums "$header"); do described "$name" "<enum-decl name='$name' "; done
for name in $(enumerators "$header"); do described "$name" "<enumerator name='$name' "; done
bodies=$(code "$header" | grep -cE '^\}.*;$')
[ "$bodies" = "$({ structs "$header"; enums "$header"; } | wc -l)" ] ||
    fail "the header has $bodies types with a body, but not so many are recognised as structs and enums"
in_header=$(functions "$header" | wc -l)
in_xml=$(grep -cE "<function-decl name='catena_" "$work/now.xml")
[ "$in_header" = "$in_xml" ] || fail "the header declares $in_header functions, the description has $in_xml"
passed=$((passed + 2))

# planted VERDICT WHAT SED-EXPRESSION: the expression must alter the header, and the comparison must say so.
planted() {
    sed -E "$3" "$header" >"$work/planted.h"
    if cmp -s "$header" "$work/planted.h"; then
        fail "planted: $2: the expression changes nothing"
    fi
    describe "$work/planted.h" "$work/planted.xml"
    compare "$work/now.xml" "$work/planted.xml"
    if [ "$verdict" != "$1" ]; then
        cat "$work/report" >&2
        fail "planted: $2: should be found as '$1', is '$verdict'"
    fi
    if [ "$1" = same ]; then echo "planted: $2: no change"; else echo "planted: $2: found"; fi
    passed=$((passed + 1))
}
planted same "a comment" 's,^// Frees a writer,// Releases a writer,'
planted break "the value of a constant" 's/CATENA_WRITER = 4,/CATENA_WRITER = 40,/'
planted break "the name of a constant" 's/CATENA_WRITER = 4,/CATENA_WRITERS = 4,/'
planted break "a constant removed" '/CATENA_INTERNAL = 9,/d'
planted break "a member in the middle of a table" 's/^(  size_t dimension;)$/\1\n  size_t intruder;/'
planted break "a member in the padding at the end of a table" 's/^(  int32_t threading;)$/\1\n  int32_t intruder;/'
planted break "a member removed" '/^  int \(\*finish\)\(void \*user\);$/d'
planted break "the name of a member" 's/^  size_t output_count;/  size_t outputs_count;/'
planted break "the type of a member" 's/^  size_t inv_metric_size;$/  uint32_t inv_metric_size;/'
planted break "the type of a parameter" 's/^(size_t catena_result_iterations\(const struct catena_result \*result, )size_t chain/\1uint32_t chain/'
planted break "const of a parameter" 's/^(size_t catena_result_iterations\()const /\1/'
planted break "what a function returns" 's/^uint64_t catena_result_divergences\(/uint32_t catena_result_divergences(/'
planted break "a function removed" '/^void catena_model_free\(/d'
planted break "a function's name" 's/catena_error_chain\(/catena_error_chains(/'
planted break "the signature of a callback" 's/int \(\*row\)\(void \*user, size_t count, /int (*row)(void *user, uint32_t count, /'
planted break "const in a callback" 's/(int \(\*row\)\(void \*user, size_t count, )const /\1/'
planted break "the signature of a function type" 's/^(typedef int \(\*catena_piece\)\(void \*data, void \*worker, )size_t begin/\1uint32_t begin/'
function='s/^(void catena_model_free\(.*)$/\1\nvoid catena_addition(void);/'
constant='s/^(  CATENA_COMMUNICATOR = 13,)$/\1\n  CATENA_ADDITION = 14,/'
member='s/^(\} catena_io;)$/  size_t addition;\n\1/'
planted addition "a new function" "$function"
planted addition "a new constant" "$constant"
planted addition "a new member at the end of a table" "$member"
planted addition "all three" "$function;$constant;$member"
planted break "additions and the value of a constant" "$function;$constant;$member;s/CATENA_WRITER = 4,/CATENA_WRITER = 40,/"

if [ -n "${CATENA_BLESS:-}" ]; then
    cp "$work/now.xml" "$reference"
    echo "abi: reference renewed"
fi
[ -f "$reference" ] || fail "no reference: make one with CATENA_BLESS=1 tests/abi/check.sh"
compare "$reference" "$work/now.xml"
case $verdict in
same) passed=$((passed + 1)) ;;
addition)
    cat "$work/report"
    fail "compatible addition: refresh the reference with CATENA_BLESS=1 tests/abi/check.sh"
    ;;
*)
    cat "$work/report"
    fail "the header differs from the reference in more than functions, constants and members added at the end of tables." \
        "Programs that are built already may break; if that is meant, it needs a new major number of the ABI. After" \
        "thought, renew the reference with CATENA_BLESS=1 tests/abi/check.sh"
    ;;
esac
echo "abi: $passed checks passed, 0 failed"
