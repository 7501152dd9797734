"""Laws that the models of an updater are drawn from at first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import _abi
from ._arguments import instance, items
from ._arrays import as_array, numbers, row
from ._resources import Resources


class Prior:
    """A law over parameters: made by `uniform`, `normal`, `draws` or `product`.

    Attributes
    ----------
    dimension : int
        Number of parameters.
    """

    def __init__(self, dimension: int, open: Callable[[Resources], int]) -> None:
        self.dimension, self._open = dimension, open
        # What is wrong is said here, and not where the prior is used.
        with Resources() as resources:
            open(resources)

    @staticmethod
    def uniform(low: Any, high: Any) -> Prior:
        """Independent uniforms.

        Parameters
        ----------
        low, high : array of shape (dimension,)
            Their ends.

        Returns
        -------
        Prior
            The law.

        Raises
        ------
        ValueError
            The two have different shapes.
        CatenaError
            An end is not finite, or `low` is above `high`.
        """
        least = row("low", low)
        most = row("high", high, least.size)
        return Prior(
            least.size, lambda r: r.make("prior_uniform_new", least.size, least.ctypes.data, most.ctypes.data, free="prior_free")
        )

    @staticmethod
    def normal(mean: Any, covariance: Any) -> Prior:
        """A normal law.

        Parameters
        ----------
        mean : array of shape (dimension,)
            Its mean.
        covariance : array of shape (dimension, dimension) or (dimension,)
            Its covariance, which may be singular; or variances.

        Returns
        -------
        Prior
            The law.

        Raises
        ------
        ValueError
            An array has another shape.
        CatenaError
            `covariance` is none.
        """
        centre = row("mean", mean)
        d = centre.size
        given = as_array("covariance", covariance)
        spread = np.diag(np.atleast_1d(given)) if given.ndim < 2 else given
        matrix = numbers("covariance", spread, (d, d))
        return Prior(d, lambda r: r.make("prior_normal_new", d, centre.ctypes.data, matrix.ctypes.data, free="prior_free"))

    @staticmethod
    def draws(values: Any) -> Prior:
        """One of many rows at random.

        Parameters
        ----------
        values : array of shape (draws, dimension)
            The rows.

        Returns
        -------
        Prior
            The law.

        Raises
        ------
        ValueError
            `values` is no matrix.
        CatenaError
            A number is not finite, or there is no row.
        """
        rows = numbers("values", values, (None, None), "F")
        return Prior(rows.shape[1], lambda r: r.make("prior_draws_new", *rows.shape, rows.ctypes.data, free="prior_free"))

    @staticmethod
    def product(parts: Sequence[Prior]) -> Prior:
        """Independent parts, their parameters one after the other.

        Parameters
        ----------
        parts : list of Prior
            The parts.

        Returns
        -------
        Prior
            The law.

        Raises
        ------
        CatenaError
            There is no part.
        """
        parts = [instance("parts", part, Prior) for part in items("parts", "a list of catena.Prior", parts)]

        def open(resources: Resources) -> int:
            handles = resources.root(_abi.addresses([part.open(resources) for part in parts]))
            return resources.make("prior_product_new", len(parts), _abi.address(handles), free="prior_free")

        return Prior(sum(part.dimension for part in parts), open)

    def open(self, resources: Resources) -> int:
        """The library's prior; for this package."""
        return self._open(resources)
