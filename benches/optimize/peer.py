"""SciPy's optimisers, which ask for the objective on standard output and get it on standard input.

A line "METHOD x1 x2 ..." begins a search; then each "x ..." is answered by "f g1 g2 ...", and "end NFEV f x1 x2 ..." ends it.
Without SciPy the first line is "none".
"""

import sys

try:
    import numpy as np
    import scipy
    from scipy.optimize import minimize
except ImportError:
    print("none", flush=True)
    sys.exit()

OPTIONS = {
    "L-BFGS-B": {"gtol": 1e-10, "ftol": 0, "maxcor": 10, "maxiter": 10000, "maxfun": 100000},
    "BFGS": {"gtol": 1e-10, "maxiter": 10000},
}


def numbers(values):
    return " ".join(repr(float(x)) for x in values)


def objective(x):
    print("x", numbers(x), flush=True)
    answer = [float(word) for word in sys.stdin.readline().split()]
    return answer[0], np.array(answer[1:])


print("scipy", scipy.__version__, flush=True)
for line in sys.stdin:
    method, *start = line.split()
    found = minimize(objective, [float(x) for x in start], jac=True, method=method, options=OPTIONS[method])
    print("end", found.nfev, repr(float(found.fun)), numbers(found.x), flush=True)
