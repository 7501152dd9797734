"""The five posteriors a second time, plainly: log density on the unconstrained scale with all constants, and outputs.

    python3 tests/data/log_densities.py > tests/c/models/data/log_densities.h

Written from the definition of each model with the textbook densities, sharing nothing with the C models but the data.
"""
import math
import random
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def table(path, name, end="};"):
    """The figures of the C array `name`, whose initialiser ends with `end`, in the file at `path`."""
    body = re.search(rf"{name}(?:\[\w+\])*\s*=\s*\{{(.*?){end}\n", (ROOT / path).read_text(), re.S).group(1)
    return [float(x) for x in re.findall(r"[-+]?[\d.]+(?:e[-+]?\d+)?", body)]


def normal(x, mean, sd):
    return -0.5 * math.log(2 * math.pi) - math.log(sd) - 0.5 * ((x - mean) / sd) ** 2


def cauchy(x, scale):
    return -math.log(math.pi * scale * (1 + (x / scale) ** 2))


def logistic(u):
    return 1 / (1 + math.exp(-u))


def eight_schools_noncentered(x):
    y = table("examples/eight_schools/model.c", r"\.y", "},")
    sigma = table("examples/eight_schools/model.c", r"\.sigma", "},")
    trans, mu, tau = x[:8], x[8], math.exp(x[9])
    theta = [mu + tau * t for t in trans]
    lp = sum(normal(t, 0, 1) for t in trans) + normal(mu, 0, 5) + cauchy(tau, 5) + math.log(tau)
    return lp + sum(map(normal, y, theta, sigma)), trans + [mu, tau] + theta


def blr(x):
    y, flat = (table("tests/c/models/data/sblri.h", n) for n in ("sblri_y", "sblri_x"))
    beta, sigma = x[:5], math.exp(x[5])
    lp = sum(normal(b, 0, 10) for b in beta) + normal(sigma, 0, 10) + math.log(sigma)
    for i, value in enumerate(y):
        lp += normal(value, sum(a * b for a, b in zip(flat[5 * i : 5 * i + 5], beta)), sigma)
    return lp, beta + [sigma]


def kidscore_momhsiq(x):
    score, hs, iq = (table("tests/c/models/data/kidiq.h", "kidiq_" + n) for n in ("score", "mom_hs", "mom_iq"))
    beta, sigma = x[:3], math.exp(x[3])
    lp = cauchy(sigma, 2.5) + math.log(sigma)
    lp += sum(normal(s, beta[0] + beta[1] * h + beta[2] * q, sigma) for s, h, q in zip(score, hs, iq))
    return lp, beta + [sigma]


def garch11(x):
    y = table("tests/c/models/data/garch.h", "garch_y")
    mu, alpha0, alpha1 = x[0], math.exp(x[1]), logistic(x[2])
    share = logistic(x[3])
    beta1 = (1 - alpha1) * share
    s = 0.5  # sigma1 of the data
    lp = normal(y[0], mu, s)
    for before, value in zip(y, y[1:]):
        s = math.sqrt(alpha0 + alpha1 * (before - mu) ** 2 + beta1 * s**2)
        lp += normal(value, mu, s)
    lp += math.log(alpha0 * alpha1 * (1 - alpha1) * (1 - alpha1) * share * (1 - share))
    return lp, [mu, alpha0, alpha1, beta1]


def ark(x):
    y = table("tests/c/models/data/ar.h", "ar_y")
    alpha, beta, sigma = x[0], x[1:6], math.exp(x[6])
    lp = normal(alpha, 0, 10) + sum(normal(b, 0, 10) for b in beta) + cauchy(sigma, 2.5) + math.log(sigma)
    for t in range(5, len(y)):
        lp += normal(y[t], alpha + sum(beta[k] * y[t - 1 - k] for k in range(5)), sigma)
    return lp, [alpha] + beta + [sigma]


# A point in the bulk of each posterior; the other points are that one jittered, and two as initial values are drawn.
MODELS = [
    (eight_schools_noncentered, [0.3, 0.1, -0.1, 0.05, -0.2, -0.05, 0.4, 0.1, 4.4, 0.9]),
    (blr, [0.9995, 1.0002, 1.0004, 1.0012, 1.0016, -0.04]),
    (kidscore_momhsiq, [25.8, 6.0, 0.563, 2.9]),
    (garch11, [5.05, 0.32, 0.28, 0.75]),
    (ark, [0.0, 0.69, 0.44, 0.11, -0.04, -0.3, -1.9]),
]


def main():
    rng = random.Random(1981)
    print("/* Log densities and outputs at some points, by tests/data/log_densities.py; do not edit. */")
    print("#ifndef CATENA_TEST_LOG_DENSITIES_H\n#define CATENA_TEST_LOG_DENSITIES_H\n")
    for model, bulk in MODELS:
        points = [bulk, [v + 0.05 * rng.gauss(0, 1) for v in bulk]]
        points += [[rng.uniform(-2, 2) for _ in bulk] for _ in range(2)]
        rows = [(p, *model(p)) for p in points]
        name = model.__name__
        for what, column in (("positions", 0), ("outputs", 2)):
            print(f"static const double {name}_{what}[{len(rows)}][{len(rows[0][column])}] = {{")
            for row in rows:
                print("    {" + ",\n     ".join(", ".join(repr(v) for v in row[column][i : i + 5])
                                               for i in range(0, len(row[column]), 5)) + "},")
            print("};")
        print(f"static const double {name}_log_densities[{len(rows)}] = {{")
        print("    " + ", ".join(repr(row[1]) for row in rows) + ",\n};\n")
    print("#endif")


main()
