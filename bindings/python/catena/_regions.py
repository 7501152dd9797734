"""Credible regions of what an updater holds."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from . import _abi
from ._arguments import real
from ._arrays import Floats
from ._learned import Learned


class Regions(Learned):
    """The part of an `Updater` that finds credible regions."""

    def densest(self, set: int, level: float = 0.95) -> Any:
        """Which models of a set are those of highest density that together have at least a certain weight.

        Parameters
        ----------
        set : int
            Id of the set.
        level : float
            That weight, between 0 and 1.

        Returns
        -------
        ndarray of bool of shape (models,)
            Which.

        Raises
        ------
        ValueError
            There is no such set, or `level` is none.
        """
        inside = np.empty(self._size(set), dtype=np.uint8)
        self._read("densest", self._set(set), real("level", level), inside.ctypes.data, inside.size)
        return inside.astype(bool)

    def hull_contains(self, set: int, points: Any, level: float = 0.95) -> Any:
        """Which points lie in the convex hull of the models that `densest` finds.

        Parameters
        ----------
        set : int
            Id of the set.
        points : array of shape (points, parameters)
            The points.
        level : float
            As in `densest`.

        Returns
        -------
        ndarray of bool of shape (points,)
            Which.

        Raises
        ------
        ValueError
            `points` has another width, there is no such set, or `level` is none.
        """
        rows = self._models("points", points)
        inside = np.empty(len(rows), dtype=np.uint8)
        self._read("hull_contains", self._set(set), real("level", level), len(rows), rows.ctypes.data, inside.ctypes.data)
        return inside.astype(bool)

    def hull(self, set: int, level: float = 0.95) -> Floats:
        """The corners of the convex hull of the models that `densest` finds.

        Parameters
        ----------
        set : int
            Id of the set.
        level : float
            As in `densest`.

        Returns
        -------
        ndarray of shape (corners, parameters)
            Of two parameters counter-clockwise, of one its ends, of more none.

        Raises
        ------
        ValueError
            There is no such set, or `level` is none.
        """
        d, count = len(self.likelihood_of.parameters), ctypes.c_size_t()
        self._read("hull", self._set(set), real("level", level), None, 0, _abi.address(count))
        corners = np.empty((count.value, d))
        self._read("hull", self._set(set), real("level", level), corners.ctypes.data, count.value, _abi.address(count))
        return corners

    def ellipsoid(self, set: int, level: float = 0.95, tolerance: float = 1e-3) -> tuple[Floats, Floats]:
        """The ellipsoid of least volume around the models that `densest` finds: ``(x - centre) @ shape @ (x - centre) <= 1``.

        Parameters
        ----------
        set : int
            Id of the set.
        level : float
            As in `densest`.
        tolerance : float
            By which share its volume may be larger.

        Returns
        -------
        centre : ndarray of shape (parameters,)
            Its centre.
        shape : ndarray of shape (parameters, parameters)
            Its matrix.

        Raises
        ------
        ValueError
            There is no such set, or all of the models lie in a plane.
        """
        d = len(self.likelihood_of.parameters)
        centre, shape = np.empty(d), np.empty((d, d))
        self._read(
            "ellipsoid", self._set(set), real("level", level), real("tolerance", tolerance), centre.ctypes.data, shape.ctypes.data
        )
        return centre, shape
