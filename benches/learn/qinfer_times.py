"""QInfer's times for what `cargo bench --bench learn` measures: ns per particle, the shortest of several rounds.

Wants: pip install "numpy==1.23.5" "scipy==1.13.1" "matplotlib<3.8" qinfer
"""

import time
import warnings

warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import qinfer as qi  # noqa: E402


def updates(n, threshold, count=20):
    updater = qi.SMCUpdater(
        qi.SimplePrecessionModel(), n, qi.UniformDistribution([0, 1]), resample_thresh=threshold, zero_weight_policy="ignore"
    )
    experiments = [np.array([((9 / 8) ** k,)], dtype=[("t", "float")]) for k in range(count)]
    begun = time.perf_counter()
    for k, experiment in enumerate(experiments):
        updater.update(int(k % 3 == 1), experiment)
    return (time.perf_counter() - begun) / count / n * 1e9, updater


def liu_west(updater, n):
    begun = time.perf_counter()
    updater.resample()
    return (time.perf_counter() - begun) / n * 1e9


print(f"{'particles':>9} {'update':>12} {'with resamp.':>12} {'Liu-West':>12}")
for n in (1000, 10_000, 100_000, 1_000_000):
    rounds = max(5, min(100, 1_000_000 // n))
    plain = min(updates(n, 0.0)[0] for _ in range(rounds))
    resampled, updater = min((updates(n, 0.5) for _ in range(rounds)), key=lambda pair: pair[0])
    step = min(liu_west(updater, n) for _ in range(rounds))
    print(f"{n:>9} {plain:>12.2f} {resampled:>12.2f} {step:>12.2f}")

_, updater = updates(100_000, 0.0, 1)
begun = time.perf_counter()
for k in range(20):
    updater.expected_information_gain(np.array([(0.1 * k,)], dtype=[("t", "float")]))
print(f"information gain of one candidate x 100000 particles: {(time.perf_counter() - begun) / 20 * 1e3:.2f} ms")
