#!/usr/bin/env bash
# Tests of the Julia package, and the Julia programs of the README and of docs/, as printed, against the library of this
# tree (or CATENA_LIB). Where there is no Julia, root on a Debian-like machine gets the one of Debian 11, whose suite is
# read beside the machine's own, without a trace in apt's configuration; elsewhere, and where that suite is gone, the tests
# are skipped, and it says so.
# Usage: tests/run-julia-tests.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "${1:-build/julia}"
build=$(cd "${1:-build/julia}" && pwd)
say() { printf '== %s\n' "$*"; }
skip() { say "$*: tests of the Julia package are skipped"; exit 0; }

# apt-get with the machine's sources and Debian 11's, in folders of its own.
suite=bullseye
old_apt() {
    local etc=$build/apt
    apt-get -qq -o Dir::Etc::sourceparts="$etc/sources" -o Dir::Etc::preferencesparts="$etc/preferences" \
        -o Dir::State::lists="$etc/lists" "$@"
}
read_suite() {
    local etc=$build/apt entry=/etc/apt/sources.list.d/debian.sources
    [ ! -e "$etc/ready" ] || return 0
    command -v apt-get >/dev/null || return 1
    rm -rf "$etc"
    mkdir -p "$etc/sources" "$etc/preferences" "$etc/lists/partial"
    if [ -e "$entry" ]; then
        cp "$entry" "$etc/sources"
        # The first paragraph is the archive's; the others are for updates.
        awk -v RS= 'NR == 1' "$entry" |
            sed -E "s/^Suites:.*/Suites: $suite/; s/^Components:.*/Components: main/" >"$etc/sources/$suite.sources"
    elif [ -e /etc/apt/sources.list ]; then
        sed -nE "/^deb /{s/^(deb( \[[^]]*\])? +[^ ]+) .*/\1 $suite main/p;q}" /etc/apt/sources.list >"$etc/sources/$suite.list"
    else
        return 1
    fi
    # Low, so that nothing else is taken from there.
    printf 'Package: *\nPin: release n=%s\nPin-Priority: 50\n' "$suite" >"$etc/preferences/$suite"
    old_apt -o APT::Update::Error-Mode=any update && touch "$etc/ready"
}

if ! command -v julia >/dev/null; then
    [ "$(id -u)" = 0 ] || skip "no julia, and not root"
    say "installing Debian 11's Julia"
    read_suite || skip "no julia, and Debian's suite $suite cannot be read"
    DEBIAN_FRONTEND=noninteractive old_apt install -y --no-install-recommends julia >/dev/null ||
        skip "no julia, and Debian's suite $suite does not give it"
fi

# The parentheses keep the shell from telling of a crash.
throws_well() { (julia -e 'try error() catch end'; exit $?) >/dev/null 2>&1; }

# Debian 11's Julia crashes at every exception with the libunwind of Debian 12.
if ! throws_well; then
    if [ ! -e "$build/unwind" ]; then
        say "fetching Debian 11's libunwind"
        read_suite || skip "julia crashes at exceptions, and Debian's suite $suite cannot be read"
        (cd "$build" && old_apt download "libunwind8/$suite" && dpkg-deb -x libunwind8_*.deb "$build/unwind") ||
            skip "julia crashes at exceptions, and Debian's suite $suite does not give its libunwind"
    fi
    unwind=$(dirname "$(find "$build/unwind" -name libunwind.so.8)")
    export LD_LIBRARY_PATH="$unwind${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    throws_well || skip "julia crashes at exceptions"
fi

if [ -z "${CATENA_LIB:-}" ]; then
    cargo build --release --quiet
    CATENA_LIB=$(cd "${CARGO_TARGET_DIR:-target}/release" && pwd)
    export CATENA_LIB
fi
# Compiled packages go here; those that the user has are not looked at.
export JULIA_DEPOT_PATH="$build/depot"

for threads in 1 2; do
    say "$(julia --version), $threads thread(s): tests of the package"
    JULIA_NUM_THREADS=$threads julia --project=bindings/julia bindings/julia/test/runtests.jl
done
if command -v mpicc >/dev/null && command -v mpirun >/dev/null; then
    say "Julia over the ranks of MPI"
    mpicc -std=c11 -O2 -fPIC -shared -Iinclude bindings/mpi/catena_mpi.c -o "$build/libcatena-mpi.so"
    program="julia --project=bindings/julia tests/mpi/ranks.jl"
    expected=$($program plain)
    # Each rank into a file of its own: mpirun mixes their lines.
    LD_LIBRARY_PATH="$build${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
        OMPI_MCA_rmaps_base_oversubscribe=1 timeout 120 mpirun -np 2 \
        sh -c 'exec "$@" >"$0.$OMPI_COMM_WORLD_RANK"' "$build/rank" $program
    for rank in 0 1; do
        got=$(cat "$build/rank.$rank")
        [ "$got" = "$expected" ] || { printf 'rank %s: expected %s, got %s\n' "$rank" "$expected" "$got" >&2; exit 1; }
    done
    echo "$expected"
fi
julia -e 'exit(VERSION < v"1.9")' || say "Julia before 1.9: callbacks on the pool's threads are skipped"
say "LogDensityProblems, AbstractMCMC, MCMCChains and RecipesBase: stand-ins only; loading with the real packages is skipped"

say "Julia programs as printed"
rm -rf "$build/programs"
mkdir -p "$build/programs"
for page in README.md docs/*.md; do
    awk -v stem="$build/programs/$(basename "$page" .md)" '
        /^```julia$/ { on = 1; n += 1; file = stem "-" n ".jl"; next }
        /^```$/ { on = 0; next }
        on { print > file }' "$page"
done
count=0
for program in "$build"/programs/*.jl; do
    # Fragments explain; only whole programs run, and all of the README's are.
    if ! grep -q '^using Catena' "$program"; then
        case $program in */README-*) echo "$program is no whole program" >&2 && exit 1 ;; *) continue ;; esac
    fi
    julia --project=bindings/julia "$program" >"$program.out"
    # Every one of these programs prints the summary table, or an estimate with its error.
    grep -qE 'ess_bulk|^log evidence: |standard error|k-hat|log density' "$program.out" || {
        echo "$(basename "$program") printed neither a summary, nor an estimate with its error, nor a mode, nor what its draws are worth:" >&2
        cat "$program.out" >&2
        exit 1
    }
    say "$(basename "$program") ran"
    count=$((count + 1))
done
[ "$count" -ge 2 ] || { echo "expected at least the programs of the README and of docs/julia.md, found $count" >&2; exit 1; }
