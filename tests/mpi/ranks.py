"""Chains, a population and particle filters of the Python package over the ranks of mpi4py, or with the argument `plain` by
themselves: each rank prints a hash of all numbers, those of one process."""

import hashlib
import sys

import catena
import numpy as np
from mpi4py import MPI

ranks = {} if sys.argv[1] == "plain" else {"communicator": MPI.COMM_WORLD}
found = []


def log_density(x):
    return -0.5 * np.sum(x**2), -x


fit = catena.sample(catena.FunctionModel(log_density, 2), chains=3, num_warmup=100, num_samples=50, seed=4, **ranks)
found.append(fit.draws)


def moved(**more):
    population = catena.Population(lambda rng: rng.normal(), num_particles=20, seed=5, **more, **ranks)
    for y in (0.3, -1.0, 0.7):
        population.apply(lambda rng, trace, y: (trace, -0.5 * (trace - y) ** 2), y)
        population.resample(ess_below=0.7)
    return population


# One set, of which each process has a part.
population = moved(spread="traces")
found.append(population.collapse(lambda trace: round(trace, 1)).report(lambda trace: trace))
found.append(np.frombuffer(population.save(), dtype=np.uint8))

population = moved(num_sets=3)
population.grow(1)
found.append(population.report(lambda trace: trace))
found.append(population.log_evidence().estimate)
try:
    population.report(lambda trace: 1 / 0)
except catena.CatenaError as error:
    # In the first set, which is rank 0's.
    assert "set 1" in str(error) or ranks, error
saved = population.save()
found.append(np.frombuffer(saved, dtype=np.uint8))

filtered = catena.particle_filter(
    lambda rng, n: rng.normal(size=n),
    lambda rng, x, t: 0.9 * x + rng.normal(size=x.shape),
    lambda x, t: -0.5 * (x - t) ** 2,
    num_times=5,
    num_sets=3,
    num_particles=100,
    seed=6,
    **ranks,
)
found.append(filtered.log_evidences)
digest = hashlib.sha256()
for numbers in found:
    digest.update(np.ascontiguousarray(np.asarray(numbers, dtype=float)).tobytes())
print(digest.hexdigest()[:16])
