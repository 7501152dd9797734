#!/usr/bin/env bash
# Builds the Python wheel and tests it in virtual environments that have nothing of the repository: one with numpy alone, by
# pytest and mypy, one with the packages that Catena works with, and there the Python programs of the README and of docs/ as
# printed. The library is the one that cargo builds here, or that CATENA_LIB names. PYTHON names the interpreter (3.10 or later).
# Usage: tests/run-python-tests.sh [FOLDER]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "${1:-$root/build/python}"
build=$(cd "${1:-$root/build/python}" && pwd)
python=${PYTHON:-python3}
say() { printf '== %s\n' "$*"; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    say "expected Python 3.10 or later, got $("$python" --version): tests of the Python package are skipped"
    exit 0
}

if [ -z "${CATENA_LIB:-}" ]; then
    (cd "$root" && cargo build --release --lib --quiet)
    CATENA_LIB=$(cd "$root" && cd "${CARGO_TARGET_DIR:-target}/release" && pwd)
fi

say "building the wheel"
rm -rf "$build/dist"
CATENA_LIB=$CATENA_LIB "$python" -m pip wheel --quiet --no-deps --wheel-dir "$build/dist" "$root/bindings/python"
wheel=$(ls "$build"/dist/*.whl)
say "$(basename "$wheel")"
case $wheel in *-py3-none-any.whl) echo "expected a wheel for one platform" >&2 && exit 1 ;; esac
# What is tested from here on is the wheel.
unset CATENA_LIB PYTHONPATH

# environment NAME PACKAGE...: a virtual environment with the wheel; what it has from a run before is kept but for that.
environment() {
    local name=$1
    shift
    [ -x "$build/$name/bin/python" ] || "$python" -m venv "$build/$name"
    "$build/$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    "$build/$name/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"
}

rm -rf "$build/tests"
cp -r "$root/bindings/python/tests" "$build/tests"
cd "$build"
# Compiled models of the tests.
mock=$build/mock_model.so
${CC:-cc} -shared -fPIC -std=c11 -D_POSIX_C_SOURCE=200809L "$root/tests/c/bridgestan/mock_model.c" -o "$mock" -lm -lpthread
export CATENA_TEST_BRIDGESTAN=$mock

environment alone numpy "pytest>=7" "mypy>=1.8" "ruff>=0.6"
say "format and lints"
settings=$root/bindings/python/pyproject.toml
alone/bin/ruff format --quiet --no-cache --check --config "$settings" "$root/bindings/python" "$root/benches/python"
alone/bin/ruff check --quiet --no-cache --config "$settings" "$root/bindings/python" "$root/benches/python"
say "$(alone/bin/python --version) with numpy alone"
alone/bin/python - <<'END'
import importlib.metadata

needed = [one for one in importlib.metadata.requires("catena") if "extra ==" not in one]
assert len(needed) == 1 and needed[0].startswith("numpy"), f"expected the package to need numpy alone, got {needed}"
END
alone/bin/python -m pytest -q -p no:cacheprovider tests
say "type hints"
alone/bin/python -m mypy --no-error-summary --cache-dir "$build/mypy" --config-file "$settings" -p catena
alone/bin/python -m mypy --no-error-summary --cache-dir "$build/mypy" tests/typed.py

environment full numpy "pytest>=7" arviz pandas polars pyarrow jax numba "pymc>=5.10" nbclient ipykernel
say "with the packages that it works with"
full/bin/python -m pytest -q -p no:cacheprovider tests/test_others.py

# elsewhere NAME PYTHON PACKAGE...: all tests with another Python, where there is one.
elsewhere() {
    local name=$1 other=$2
    shift 2
    "$other" -c 'import venv' 2>/dev/null || { say "there is no $other: skipped"; return 0; }
    [ -x "$name/bin/python" ] || "$other" -m venv "$name"
    environment "$name" "$@" "pytest>=7"
    say "$("$name/bin/python" --version) with $*"
    "$name/bin/python" -m pytest -q -p no:cacheprovider tests
}
# The oldest of what it needs, with which QInfer still works (also under the Python at hand, where that is not too new for it), and
# the ArviZ that has DataTree, which wants a newer Python than Debian 12 has.
oldest=${PYTHON_OLDEST:-python3.10}
if ! "$oldest" -c 'import venv' 2>/dev/null && "$python" -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then oldest=$python; fi
elsewhere oldest "$oldest" "numpy==1.23.*" "scipy<1.11" qinfer
elsewhere newest "${PYTHON_NEWEST:-python3.13}" numpy pandas "arviz>=1"

say "Python programs as printed"
rm -rf programs
mkdir programs
for page in "$root"/README.md "$root"/docs/*.md; do
    awk -v stem="programs/$(basename "$page" .md)" '
        /^```python$/ { on = 1; n += 1; file = stem "-" n ".py"; next }
        /^```$/ { on = 0; next }
        on { print > file }' "$page"
done
count=0
for program in programs/*.py; do
    # Fragments explain; only whole programs run, and all of the README's are.
    if ! grep -q '^import catena' "$program"; then
        case $program in */README-*) echo "$program is no whole program" >&2 && exit 1 ;; *) continue ;; esac
    fi
    full/bin/python "$program" >"$program.out"
    grep -qE 'ess_bulk|log evidence|standard error|k-hat|log density' "$program.out" || {
        echo "$(basename "$program") printed neither a summary, nor an estimate with its error, nor a mode, nor what its draws are worth:" >&2
        cat "$program.out" >&2
        exit 1
    }
    say "$(basename "$program") ran"
    count=$((count + 1))
done
[ "$count" -ge 2 ] || { echo "expected at least the programs of the README and of docs/python.md, found $count" >&2; exit 1; }
