"""Estimates with their errors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """A log evidence, or another mean over all sets, with its standard error across them.

    Attributes
    ----------
    estimate : float
        The number.
    standard_error : float
        NaN of one set.
    """

    estimate: float
    standard_error: float

    def __str__(self) -> str:
        return f"estimate {self.estimate:.6g}, standard error {self.standard_error:.2g}"
