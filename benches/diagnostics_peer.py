"""Seconds that ArviZ's summary takes per column: diagnostics_peer.py FILE CHAINS DRAWS COLUMNS, where FILE has the doubles,
chain after chain, draw after draw. See diagnostics.rs."""
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import arviz
import numpy

file, chains, draws, columns = sys.argv[1], *map(int, sys.argv[2:])
values = numpy.fromfile(file).reshape(chains, draws, columns)
data = {f"x{k}": numpy.ascontiguousarray(values[:, :, k]) for k in range(columns)}
try:
    data = arviz.from_dict(posterior=data)
except TypeError:  # ArviZ 1
    data = arviz.from_dict({"posterior": data})
first = {"var_names": ["x0"]}
arviz.summary(data, **first)  # what is compiled or imported at the first call
start = time.perf_counter()
arviz.summary(data)
print((time.perf_counter() - start) / columns)
