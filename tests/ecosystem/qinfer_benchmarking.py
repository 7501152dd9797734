"""Interleaved randomised benchmarking by QInfer beside examples/randomised_benchmarking: the same counts, the same prior, the
same resampling; means agree within five standard errors of their difference.

Usage: qinfer_benchmarking.py PROGRAM, the example, compiled. Without QInfer says so and does nothing.
"""

import math
import re
import subprocess
import sys
import warnings

warnings.filterwarnings("ignore")

try:
    import numpy as np
    import qinfer as qi
except ImportError as missing:
    print(f"{missing}: the comparison with QInfer is skipped")
    sys.exit(0)

SHOTS, LENGTHS, STRIDE, RUNS, PARTICLES = 100, 30, 10, 8, 10_000
TRUTH = {"p_gate": 0.995, "p_ref": 0.99, "A": 0.45, "B": 0.5}
CENTRE, WIDTH = [0.98, 0.98, 0.45, 0.5], [0.02, 0.02, 0.05, 0.05]
MASK = (1 << 64) - 1


def uniforms():
    """SplitMix64, as in the example."""
    state = 2026
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield ((z ^ (z >> 31)) >> 11) / 2**53


def data(model):
    draw, outcomes, experiments = uniforms(), [], []
    for i in range(2 * LENGTHS):
        length, interleaved = STRIDE * (i // 2 + 1), i % 2
        p = TRUTH["p_gate"] * TRUTH["p_ref"] if interleaved else TRUTH["p_ref"]
        survival = TRUTH["A"] * p**length + TRUTH["B"]
        outcomes.append(sum(next(draw) < survival for _ in range(SHOTS)))
        experiments.append(np.array([(length, not interleaved, SHOTS)], dtype=model.expparams_dtype))
    return outcomes, experiments


def learnt(seed):
    np.random.seed(seed)
    model = qi.BinomialModel(qi.RandomizedBenchmarkingModel(interleaved=True))
    normal = qi.MultivariateNormalDistribution(np.array(CENTRE), np.diag(np.square(WIDTH)))
    updater = qi.SMCUpdater(model, PARTICLES, qi.PostselectedDistribution(normal, model))
    outcomes, experiments = data(model)
    for k, (outcome, experiment) in enumerate(zip(outcomes, experiments)):
        updater.update(outcome, experiment, check_for_resample=k % 5 == 4)
    return updater.est_mean(), np.sqrt(np.diag(updater.est_covariance_mtx()))


printed = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
number = r"(\d+\.\d+)"
pattern = rf"^(\w+): mean {number}, standard deviation {number}, standard error {number}"
ours = {name: tuple(map(float, rest)) for name, *rest in re.findall(pattern, printed, re.M)}
runs = [learnt(seed) for seed in range(RUNS)]
means, deviations = np.array([run[0] for run in runs]), np.array([run[1] for run in runs])
for j, name in enumerate(TRUTH):
    mean, deviation, error = ours[name]
    theirs, their_error = means[:, j].mean(), means[:, j].std(ddof=1) / math.sqrt(RUNS)
    ratio = deviation / deviations[:, j].mean()
    both = math.hypot(error, their_error) + 1e-5
    print(f"{name}: {mean:.5f} +- {error:.5f}, QInfer {theirs:.5f} +- {their_error:.5f}; widths' ratio {ratio:.3f}")
    if abs(mean - theirs) > 5 * both or not 0.85 < ratio < 1.15:
        sys.exit(f"{name}: Catena and QInfer disagree")
