#!/usr/bin/env python3
"""Catena beside Stan's own multi-chain service, on real Stan programs.

Usage: benches/stan/run.py FOLDER, the folder that tests/run-stan-models.sh made (it has httpstan's wheel and the libraries).
Prints

* for five posteriors, 4 chains of 1000 + 5000 iterations on two threads: the largest difference of means in combined Monte
  Carlo standard errors, effective draws (bulk, geometric mean over the outputs) per gradient and per second, and Catena's
  ratios to Stan's. Stan runs as shipped and "cured", with glibc told not to give freed memory back at once.
* the same program with every gradient computed twice: the difference is what the gradients cost in place, and what is left
  of a run is everything else (sampler, outputs, writing), as a share of the gradients; and, with the outputs computed twice,
  what of that is the model's own time for them.
* a correlated normal with d = 100, whose matrices make glibc trim its heap: minor faults and system time.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAMS = ["eight_schools", "linear_regression", "kidscore", "garch11", "ar_k"]
THREADS, CHAINS, WARMUP, DRAWS, ROUNDS = 2, 4, 1000, 5000, 3
# glibc's environment variable, and no trimming below 1 GiB.
CURE = {"MALLOC_TRIM_THRESHOLD_": str(1 << 30)}
FLAGS = [
    "-std=c++17", "-O2", "-w", "-DSTAN_THREADS", "-DBOOST_DISABLE_ASSERTS", "-DBOOST_PHOENIX_NO_VARIADIC_EXPRESSION", "-D_REENTRANT"
]  # fmt: skip


def build(folder):
    """One program per Stan program, which all define the same symbol."""
    wheel = folder / "wheel/httpstan"
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    subprocess.run([ROOT / "tests/stan/build.sh", folder / "wheel", folder, HERE / "corr_normal.stan"], check=True)
    cxx, common = os.environ.get("CXX", "c++"), folder / "bench.o"
    include = ["-I", wheel / "include", "-I", ROOT / "include"]
    subprocess.run([cxx, *FLAGS, *include, "-c", HERE / "main.cpp", "-o", common], check=True)
    libraries = ["-ltbb", "-lsundials_cvodes", "-lsundials_idas", "-lsundials_kinsol", "-lsundials_nvecserial"]
    for name in [*PROGRAMS, "corr_normal"]:
        out, library = folder / f"bench-{name}", folder / f"{name}.so"
        paths = [f"-Wl,-rpath,{wheel / 'lib'}", f"-Wl,-rpath,{folder}", "-L", wheel / "lib"]
        catena = [ROOT / "target/release/libcatena.a", "-lpthread", "-ldl", "-lm"]
        subprocess.run([cxx, common, library, *catena, *paths, *libraries, "-o", out], check=True)


def run(folder, name, data, mode, threads=THREADS, draws=DRAWS, cured=False):
    arguments = [folder / f"bench-{name}", mode, folder / f"{name}.so", data, threads, CHAINS, WARMUP, draws]
    environment = os.environ | (CURE if cured else {})
    rounds = [
        json.loads(subprocess.run([*map(str, arguments)], env=environment, check=True, capture_output=True, text=True).stdout)
        for _ in range(ROUNDS)
    ]
    return min(rounds, key=lambda r: r["processor"])


def effective(result):
    return math.exp(sum(math.log(ess) for _, _, ess in result["outputs"].values()) / len(result["outputs"]))


def difference(a, b):
    """The largest one between means, in combined standard errors."""
    pairs = ((a["outputs"][name], b["outputs"][name]) for name in a["outputs"])
    return max(abs(x[0] - y[0]) / math.hypot(x[1], y[1]) for x, y in pairs)


def main():
    folder = Path(sys.argv[1]).resolve()
    build(folder)
    head = ["program", "means", "ess/grad", "stan", "ratio", "ess/s", "stan", "ratio", "cured", "ratio"]
    head += ["beyond gradients", "of it outputs"]
    print(("{:18}" + " {:>9}" * 9 + " {:>16}" * 2).format(*head))
    for name in PROGRAMS:
        data = ROOT / f"tests/stan/{name}.json"
        ours, stan = run(folder, name, data, "catena"), run(folder, name, data, "stan")
        cured = run(folder, name, data, "stan", cured=True)
        per_gradient = [effective(r) / r["gradients"] for r in (ours, stan)]
        per_second = [effective(r) / r["seconds"] for r in (ours, stan, cured)]
        modes = ("catena", "twice", "outputs")
        once, twice, outputs = (run(folder, name, data, mode, threads=1)["processor"] for mode in modes)
        print(
            f"{name:18} {difference(ours, stan):9.2f}"
            f" {per_gradient[0]:9.4f} {per_gradient[1]:9.4f} {per_gradient[0] / per_gradient[1]:9.2f}"
            f" {per_second[0]:9.0f} {per_second[1]:9.0f} {per_second[0] / per_second[1]:9.2f}"
            f" {per_second[2]:9.0f} {per_second[0] / per_second[2]:9.2f} {(2 * once - twice) / (twice - once):16.1%}"
            f" {(outputs - once) / (twice - once):16.1%}",
            flush=True,
        )
    print("\ncorr_normal, d = 100: minor faults, system time (s), processor time (s)")
    data = HERE / "corr_normal.json"
    for label, mode, cured in [("catena", "catena", False), ("stan", "stan", False), ("stan, cured", "stan", True)]:
        r = run(folder, "corr_normal", data, mode, draws=1000, cured=cured)
        print(f"{label:12} {r['faults']:9} {r['system']:8.2f} {r['processor']:8.2f}", flush=True)


main()
