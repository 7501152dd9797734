"""Catena beside nutpie in the same run, over the same compiled functions of numba.

Time and gradients per effective draw (the smallest bulk ESS of the coordinates, by Catena's diagnostics for both), start-up
time, and memory of 64 chains (on Linux). Each is the median over rounds that alternate.
With the folder of libraries that tests/run-stan-models.sh makes, the eight schools by Stan as well.
Usage: python benches/python/against_nutpie.py [FOLDER]
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

CHAINS, DRAWS, ROUNDS = 4, 1000, 5


def measure_catena(model, seed, **options):
    import catena

    begin = time.perf_counter()
    fit = catena.sample(model, CHAINS, seed=seed, num_samples=DRAWS, progress=False, **options)
    seconds = time.perf_counter() - begin
    gradients = sum(chain.warmup_gradients + chain.sampling_gradients for chain in fit.chains)
    return seconds, gradients, least_ess(fit.draws)


def measure_nutpie(model, seed):
    import nutpie

    begin = time.perf_counter()
    trace = nutpie.sample(model, draws=DRAWS, chains=CHAINS, seed=seed, progress_bar=False)
    seconds = time.perf_counter() - begin
    steps = [group["n_steps"].values.sum() for group in (trace.sample_stats, trace.warmup_sample_stats)]
    draws = [value.values.reshape(CHAINS, DRAWS, -1) for value in trace.posterior.values()]
    return seconds, float(sum(steps)), least_ess(np.concatenate(draws, axis=2))


def least_ess(draws):
    import catena

    return min(catena.ess_bulk(draws[:, :, j]) for j in range(draws.shape[2]))


def models(libraries):
    """By name, makers of the model for Catena and for nutpie."""
    import catena
    from posteriors import POSTERIORS, for_catena, for_nutpie

    for name, (density, n) in POSTERIORS.items():
        yield name, for_catena(density, n), for_nutpie(density, n)
    if libraries:
        from nutpie import _lib
        from nutpie.compile_stan import CompiledStanModel

        library = Path(libraries) / "eight_schools.so"
        data = (Path(__file__).parents[2] / "tests/stan/eight_schools.json").read_text()
        theirs = _lib.StanModel(_lib.StanLibrary(str(library)), {}, {}, {}, None, data, None)
        ours = catena.StanModel(library, data)
        theirs = CompiledStanModel(dims={}, _coords={}, code="", data=None, library=None, model=theirs)
        yield "eight schools in Stan", ours, theirs


def per_effective_draw(libraries):
    # nutpie's metric is a diagonal one from draws and gradients, and its warm-up has 400 iterations.
    short = {"num_warmup": 400}
    ways = {
        "defaults": {},
        "preset=stan": {"preset": "stan"},
        "metric=fisher_diag": {"metric": "fisher_diag", **short},
        "metric=auto, 150 iterations of warm-up, delta=0.7": {"metric": "auto", "num_warmup": 150, "delta": 0.7},
        "metric=auto, together": {"metric": "auto", "warmup": "together", **short},
    }
    for name, ours, theirs in models(libraries):
        found = {way: [] for way in [*ways, "nutpie"]}
        for seed in range(1, ROUNDS + 1):
            for way, options in ways.items():
                found[way].append(measure_catena(ours, seed, **options))
            found["nutpie"].append(measure_nutpie(theirs, seed))
        peer_time, peer_gradients = (np.median([row[k] / row[2] for row in found["nutpie"]]) for k in (0, 1))
        print(f"{name}: nutpie takes {peer_time * 1e6:.3g} µs and {peer_gradients:.3g} gradients per effective draw")
        for way in ways:
            ratios = [
                np.median([row[k] / row[2] for row in found[way]]) / peer for k, peer in ((0, peer_time), (1, peer_gradients))
            ]
            print(f"  Catena, {way}: {ratios[0]:.2f} of the time, {ratios[1]:.2f} of the gradients")


# Programs of their own: what is measured is the whole process.
STARTUP = {
    "catena": """
import numpy as np, catena
model = catena.FunctionModel(lambda x: (-0.5 * float(x @ x), -x), 2)
catena.sample(model, 1, seed=1, num_warmup=1, num_samples=1, progress=False)
""",
    "nutpie": """
import numpy as np
from nutpie.compiled_pyfunc import from_pyfunc
import nutpie
function = lambda x: (-0.5 * float(x @ x), -x)
model = from_pyfunc(2, lambda: function, lambda *seeds: lambda x: {"x": x}, [np.dtype("float64")], [(2,)], ["x"])
nutpie.sample(model, tune=1, draws=1, chains=1, cores=1, seed=1, progress_bar=False)
""",
}
MEMORY = """
import sys
sys.path.insert(0, {folder!r})
from posteriors import POSTERIORS, for_catena, for_nutpie
import catena, nutpie
density, n = POSTERIORS["100 normals"]
model = for_{which}(density, n)
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
# The peak so far, of importing and compiling, is forgotten.
open("/proc/self/clear_refs", "w").write("5")
before = peak()
if {which!r} == "catena":
    kept = catena.sample(model, 64, seed=1, num_samples=1000, progress=False)
else:
    kept = nutpie.sample(model, draws=1000, chains=64, seed=1, progress_bar=False)
print(peak() - before)
"""


def start_up():
    times = {name: [] for name in STARTUP}
    for _ in range(ROUNDS):
        for name, program in STARTUP.items():
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
            times[name].append(time.perf_counter() - begin)
    ours, theirs = (np.median(times[name]) for name in ("catena", "nutpie"))
    print(f"start-up, a first draw of a Python function: Catena {ours:.2f} s, {ours / theirs:.2f} of nutpie's")


def memory():
    grown = {}
    for which in ("catena", "nutpie"):
        program = MEMORY.format(folder=str(Path(__file__).parent), which=which)
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, capture_output=True, text=True)
        grown[which] = int(done.stdout.split()[-1])
    draws = 64 * 1000 * 100 * 8 / 1024
    print(
        f"memory of 64 chains x 1000 draws x 100 coordinates (the draws themselves are {draws / 1024:.0f} MiB): Catena "
        f"{grown['catena'] / 1024:.0f} MiB, {grown['catena'] / grown['nutpie']:.2f} of nutpie's"
    )


if __name__ == "__main__":
    per_effective_draw(sys.argv[1] if len(sys.argv) > 1 else None)
    start_up()
    memory()
