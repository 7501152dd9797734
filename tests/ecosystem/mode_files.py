"""Reads the files that `cargo test --all-features --test cli` leaves in target/tmp/mode_files with cmdstanpy.

python mode_files.py FOLDER
"""

import os
import sys
from pathlib import Path

import cmdstanpy
import numpy as np

# The file of draws names that of the mode as it was called.
os.chdir(sys.argv[1])
folder = Path(".")

mode = cmdstanpy.from_csv(str(folder / "optimize.csv"), method="optimize")
assert mode.converged
rows = [line for line in (folder / "optimize.csv").read_text().splitlines() if not line.startswith("#")]
last = dict(zip(rows[0].split(","), map(float, rows[-1].split(","))))
assert mode.optimized_params_dict["lp__"] == last["lp__"]
assert np.array_equal(mode.stan_variable("mu"), [last["mu.1"], last["mu.2"]])
assert mode.optimized_iterations_np.shape == (len(rows) - 1, len(last))
assert mode.stan_variable("m").shape == (2, 3) and mode.stan_variable("m")[1, 2] == last["m.2.3"]

draws = cmdstanpy.from_csv(str(folder / "laplace.csv"), method="laplace")
assert draws.draws().shape == (300, len(last) + 1)
assert draws.stan_variable("m").shape == (300, 2, 3)
assert draws.mode.optimized_params_dict["lp__"] == last["lp__"]
assert np.isfinite(draws.method_variables()["log_p__"]).all() and np.isfinite(draws.method_variables()["log_q__"]).all()



def table(name):
    lines = [line for line in (folder / name).read_text().splitlines() if not line.startswith("#")]
    columns = lines[0].split(",")
    return columns, np.array([[float(x) for x in line.split(",")] for line in lines[1:]])


paths = cmdstanpy.from_csv(str(folder / "pathfinder.csv"), method="pathfinder")
columns, rows = table("pathfinder.csv")
assert rows.shape == (150, len(columns)) and np.array_equal(paths.draws(), rows)
assert columns[:3] == ["lp_approx__", "lp__", "path__"] and set(paths.method_variables()["path__"]) <= {1.0, 2.0}
assert np.array_equal(paths.stan_variable("m")[:, 1, 2], rows[:, columns.index("m.2.3")])
assert paths.is_resampled
inits = paths.create_inits(seed=1, chains=2)
assert len(inits) == 2 and inits[0]["m"].shape == (2, 3)
for path in (1, 2):
    single = cmdstanpy.from_csv(str(folder / f"pathfinder_path_{path}.csv"), method="pathfinder")
    assert single.draws().shape == (200, len(columns))

fit = cmdstanpy.from_csv(str(folder / "variational.csv"), method="variational")
columns, rows = table("variational.csv")
assert rows.shape == (251, len(columns)) and columns[:3] == ["lp__", "log_p__", "log_g__"]
assert np.array_equal(fit.variational_params_np, rows[0])
assert np.array_equal(fit.variational_sample, rows[1:])
assert np.array_equal(fit.stan_variable("mu", mean=True), rows[0, [columns.index("mu.1"), columns.index("mu.2")]])
assert fit.stan_variable("m", mean=False).shape == (250, 2, 3)
assert 0 < fit.eta <= 1

print(f"cmdstanpy {cmdstanpy.__version__} reads a mode with its path, draws at it, and those of paths and fits")
