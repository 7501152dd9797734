"""A program that mypy is to pass: what a user writes has the types that the user expects."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import catena


def function(x: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
    return -0.5 * float(x @ x), -x


model = catena.FunctionModel(function, 2)
fit: catena.Fit = catena.sample(model, 2, seed=1, delta=0.9)
mean: float = float(fit["x.1"].mean())
run: catena.Run = catena.start(model)
done: bool = run.poll(0.1)
table: catena.Summary = fit.summary(["x.1"])


async def main() -> catena.Fit:
    return await run
