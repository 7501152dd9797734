"""Reads the files that `cargo test --all-features --test cli_modes` leaves in target/tmp/mode_files with cmdstanpy.

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

print(f"cmdstanpy {cmdstanpy.__version__} reads a mode with its path, and draws at it")
