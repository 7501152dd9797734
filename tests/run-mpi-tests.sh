#!/bin/sh
# Chains over MPI: equal bits for 1, 2, 3 and 4 ranks, from C, the command line and mpi4py; ranks that fail, hang or are killed.
# Usage: tests/run-mpi-tests.sh BUILD_FOLDER [PREFIX], where PREFIX has an installed Catena; without: one is built and installed
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
build=$(cd "$1" && pwd)
say() { printf '== %s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2 && exit 1; }

prefix=${2:-$build/prefix}
if [ $# -lt 2 ]; then
    say "building and installing"
    cmake -S "$root" -B "$build/package" -DCATENA_MPI=ON ${CARGO_TARGET_DIR:+-DCATENA_CARGO_TARGET="$CARGO_TARGET_DIR"} >"$build/cmake.log"
    cmake --build "$build/package"
    cmake --install "$build/package" --prefix "$prefix" >>"$build/cmake.log"
fi
libdir=$(dirname "$(find "$prefix" -name libcatena-mpi.so)")
export LD_LIBRARY_PATH="$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export PKG_CONFIG_PATH="$libdir/pkgconfig"
# As root in a container, and more ranks than cores.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
on() { # on RANKS COMMAND...: under mpirun, which must not wait for ever
    ranks=$1
    shift
    timeout 300 mpirun -np "$ranks" "$@"
}

say "programs, by mpicc and pkg-config"
for program in chains operations learner population; do
    # shellcheck disable=SC2046
    mpicc -std=c11 -O2 -Wall -Wextra -Werror "$root/tests/mpi/$program.c" $(pkg-config --cflags --libs catena-mpi) -lm -o "$build/$program"
done
cc -std=c11 "$root/tests/mpi/offsets.c" -I"$prefix/include" -o "$build/offsets"

say "operations"
for ranks in 1 2 3 4; do
    [ "$(on $ranks "$build/operations")" = "all operations" ] || fail "operations on $ranks ranks"
done
# In several pieces: a quarter of 2^28 bytes and more from a rank.
on 2 "$build/operations" 150000000 >/dev/null

say "the same bits on any number of ranks"
for what in alone together enough; do
    expected=$(on 1 "$build/chains" plain 60 $what)
    for ranks in 1 2 3 4; do
        got=$(on $ranks "$build/chains" $what)
        [ "$got" = "$expected" ] || fail "$what on $ranks ranks: expected $expected, got $got"
    done
    echo "$what: $expected"
done

say "sequential learning, its likelihoods over the ranks"
expected=$(on 1 "$build/learner" plain)
for ranks in 1 2 3 4; do
    got=$(on $ranks "$build/learner" mpi)
    [ "$got" = "$expected" ] || fail "learning on $ranks ranks: expected $expected, got $got"
done
echo "learning: $expected"

say "a population of opaque traces, by sets and in parts, and particle filters"
expected=$(on 1 "$build/population" plain)
for ranks in 1 2 3 4; do
    got=$(on $ranks "$build/population" mpi)
    [ "$got" = "$expected" ] || fail "populations on $ranks ranks: expected $expected, got $got"
done
got=$(on 3 "$build/population" traces)
[ "$got" = "$expected" ] || fail "populations in parts on 3 ranks: expected $expected, got $got"
echo "populations: $expected"
if on 3 "$build/population" fail >"$build/fail.log" 2>/dev/null; then fail "a failed trace, and yet mpirun returns 0"; fi
[ "$(grep -c '^rank [012]: status 3: set 2, trace 7: on rank 1: .*no more' "$build/fail.log")" = 3 ] ||
    { cat "$build/fail.log"; fail "expected the words of three ranks"; }

say "one set of particles, spread"
expected=$(on 1 "$build/chains" plain 60 particles)
for ranks in 1 2 3 4; do
    got=$(on $ranks "$build/chains" particles)
    [ "$got" = "$expected" ] || fail "particles on $ranks ranks: expected $expected, got $got"
done
echo "particles: $expected"

say "a chain that fails is named on all ranks"
if on 3 "$build/chains" fail >"$build/fail.log" 2>/dev/null; then fail "a failed chain, and yet mpirun returns 0"; fi
[ "$(grep -c '^rank [012]: status 8: .*chain 3: the model stopped the run; the model says: no more' "$build/fail.log")" = 3 ] ||
    { cat "$build/fail.log"; fail "expected the words of three ranks"; }

say "an argument that one rank refuses is told on all"
if on 3 "$build/chains" refuse >"$build/refuse.log" 2>/dev/null; then fail "a refused argument, and yet mpirun returns 0"; fi
[ "$(grep -c "^rank [02]: status 1: argument 'model': on rank 1: expected" "$build/refuse.log")" = 2 ] ||
    { cat "$build/refuse.log"; fail "expected the words of rank 1 on both others"; }

kills() { # kills LOG WHAT COMMAND...: until both other ranks have said that rank 1 did not answer
    log=$1
    what=$2
    shift 2
    : >"$log" # To be read at once.
    timeout 60 mpirun --enable-recovery -np 3 "$@" >"$log" 2>&1 &
    job=$!
    seconds=0
    while [ "$(grep -c '^rank [02]: .*rank 1 did not answer within 1.5 s' "$log")" -lt 2 ]; do
        sleep 1
        seconds=$((seconds + 1))
        [ $seconds -lt 30 ] || { cat "$log"; fail "$what: no words of both other ranks"; }
    done
    kill "$job" 2>/dev/null || true
    wait "$job" 2>/dev/null || true
}

say "a rank that hangs or is killed is named within the time-out"
# mpirun may return 0 with --enable-recovery, so that only words tell.
moments=${CATENA_KILLS:-2}
for mode in hang die; do
    moment=0
    while [ $moment -lt "$moments" ]; do
        moment=$((moment + 1))
        calls=$((moment * moment * 137 % 3001 + 1))
        # Every other one with chains that meet.
        what=$([ $((moment % 2)) = 0 ] && echo together || echo alone)
        kills "$build/$mode.log" "$mode after $calls evaluations, $what" "$build/chains" $mode 1.5 $calls $what
    done
done

say "a rank that is killed while it learns is named within the time-out"
kills "$build/learner.log" "learning" "$build/learner" die

say "a rank that is killed amid an operation on its traces is named within the time-out"
kills "$build/population.log" "an operation" "$build/population" die

say "the command line"
model=$build/model.so
cc -std=c11 -O2 -fPIC -shared -I"$prefix/include" "$root/tests/c/exported/model.c" -o "$model"
echo '{"mean": 1.5}' >"$build/data.json"
catena=${CATENA:-}
if [ -z "$catena" ]; then
    # The Rust tests' own, which comes with any of them: what is looked at are files, not times.
    (cd "$root" && CARGO_TARGET_DIR=target cargo test --quiet --all-features --no-run --test cli)
    catena=$root/target/debug/catena
fi
draws() { # draws FOLDER: all files without what differs from run to run
    cat "$1"/draws_*.csv | grep -vE 'start_datetime|Elapsed|seconds|output.*file|file = '
}
arguments="sample num_chains=4 num_samples=200 num_warmup=200 data file=$build/data.json random seed=7 output refresh=0"
if [ -f "$model" ]; then
    mkdir -p "$build/one"
    # shellcheck disable=SC2086
    "$catena" "$model" $arguments output file="$build/one/draws.csv" >"$build/one/summary"
    for ranks in 1 2 3; do
        mkdir -p "$build/np$ranks"
        # shellcheck disable=SC2086
        on $ranks "$catena" "$model" $arguments output file="$build/np$ranks/draws.csv" communicator=mpi >"$build/np$ranks/summary"
        [ "$(draws "$build/one")" = "$(draws "$build/np$ranks")" ] || fail "files of $ranks ranks are others than those of one process"
        cmp "$build/one/summary" "$build/np$ranks/summary"
    done
    # One rank that cannot begin ends all, at once.
    if on 2 sh -c '"$0" "$@" output file="/nowhere$OMPI_COMM_WORLD_RANK/x.csv" communicator=mpi' "$catena" "$model" $arguments >/dev/null 2>"$build/refused.log"; then
        fail "files that cannot be made, and yet mpirun returns 0"
    fi
    grep -q 'error: rank [01]: ' "$build/refused.log" || { cat "$build/refused.log"; fail "no words"; }
fi

say "two runs that know nothing of each other never write to one file"
mkdir -p "$build/twice"
rm -f "$build"/twice/*
# shellcheck disable=SC2086
on 2 sh -c '"$0" "$@" >"'"$build"'/twice/log$OMPI_COMM_WORLD_RANK" 2>&1; echo $? >"'"$build"'/twice/status$OMPI_COMM_WORLD_RANK"' \
    "$catena" "$model" sample num_chains=1 num_samples=200000 data file="$build/data.json" random seed=7 output refresh=0 file="$build/twice/draws.csv"
[ "$(cat "$build"/twice/status? | sort -n | head -n 1)" = 0 ] || { cat "$build"/twice/log?; fail "neither run had the file"; }
[ "$(cat "$build"/twice/status? | sort -n | tail -n 1)" != 0 ] || fail "both runs had one file"
grep -q 'another writer' "$build"/twice/log? || { cat "$build"/twice/log?; fail "no words of the other writer"; }
awk -F, '!/^#/ && NF != 11 { exit 1 } !/^#/ { rows++ } END { exit rows != 200001 }' "$build/twice/draws.csv" || fail "the file is not whole"

say "Ctrl-C"
mkdir -p "$build/stopped"
rm -f "$build/stopped"/*
# shellcheck disable=SC2086
timeout 120 mpirun -np 2 "$catena" "$model" sample num_chains=4 num_samples=100000000 data file="$build/data.json" output refresh=0 \
    file="$build/stopped/draws.csv" communicator=mpi >"$build/stopped/log" 2>&1 &
job=$!
seconds=0
until [ "$(cat "$build"/stopped/draws_*.csv 2>/dev/null | grep -c '^[-0-9]')" -gt 1000 ]; do
    sleep 1
    seconds=$((seconds + 1))
    [ $seconds -lt 60 ] || fail "no draws"
done
kill -INT "$(pgrep -P "$job" mpirun)"
if wait "$job"; then fail "Ctrl-C, and yet mpirun returns 0"; fi
for chain in 1 2 3 4; do
    file=$build/stopped/draws_$chain.csv
    awk -F, '!/^#/ && NF != 11 { exit 1 }' "$file" || fail "$file has a row that is not whole"
    tail -n 5 "$file" | grep -q 'Elapsed Time' || { cat "$build/stopped/log"; fail "chain $chain has not ended cleanly"; }
done

say "mpi4py"
python=${CATENA_MPI4PY:-$build/python/bin/python}
if [ ! -x "$python" ]; then
    python3 -m venv "$build/python"
    "$build/python/bin/pip" --quiet install mpi4py numpy
fi
# shellcheck disable=SC2046
expected=$(on 1 "$python" "$root/tests/mpi/from_mpi4py.py" "$libdir/libcatena.so" $("$build/offsets"))
for ranks in 2 3; do
    # shellcheck disable=SC2046
    got=$(on $ranks "$python" "$root/tests/mpi/from_mpi4py.py" "$libdir/libcatena.so" $("$build/offsets"))
    [ "$got" = "$expected" ] || fail "mpi4py on $ranks ranks: expected $expected, got $got"
done
say "the Python package"
package() { # package RANKS ARGUMENT: its words, one line where all ranks say the same, each into a file of its own: mpirun mixes lines
    rm -f "$build"/python.rank.*
    # shellcheck disable=SC2016
    on "$1" env CATENA_LIB="$libdir/libcatena.so" PYTHONPATH="$root/bindings/python" PYTHONDONTWRITEBYTECODE=1 \
        sh -c 'exec "$@" >"$0.$OMPI_COMM_WORLD_RANK"' "$build/python.rank" "$python" "$root/tests/mpi/ranks.py" "$2"
    [ "$(find "$build" -name 'python.rank.*' | wc -l)" = "$1" ] || fail "not all of $1 ranks have said something"
    cat "$build"/python.rank.* | sort -u
}
expected=$(package 1 plain)
for ranks in 2 3; do
    got=$(package $ranks mpi)
    [ "$got" = "$expected" ] || fail "the Python package on $ranks ranks: expected $expected, got $got"
done
say "MPI: all passed"
