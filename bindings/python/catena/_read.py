"""Files of draws, read back."""

from __future__ import annotations

import ctypes
import glob
import math
import os
import warnings
from collections.abc import Sequence

import numpy as np

from . import _abi
from ._arguments import items
from ._arrays import Floats
from ._errors import CatenaWarning, call
from ._fit import Chain, Fit
from ._resources import Resources
from ._smc import OWN_COLUMNS, Particles, ParticleSet, Stage

_STAGE = ("way", "ess", "ancestors", "log_evidence", "acceptance", "stepsize")


def read(files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> Fit | Particles:
    """Reads files of draws: Stan CSV of Catena's or CmdStan's, or Arrow of Catena's, one per chain or set of particles.

    Parameters
    ----------
    files : str, path or list of them
        The files; a name with ``*``, ``?`` or ``[`` stands for all files that match it, in the order of the numbers in their
        names.

    Returns
    -------
    Fit or Particles
        Of chains a fit with `summary`, `report`, `to_arviz`, `to_pandas`, `to_polars` and ``fit["theta"]``, without warm-up; its
        chains are numbered from 1, and cannot be gone on with. Of sets of particles what `sample_smc` returns.

    Raises
    ------
    CatenaError
        A file is no file of draws, or not one of the same run's: the words name file, line, and what was expected.
    FileNotFoundError
        There is no file of this name.
    """
    given = [files] if isinstance(files, (str, os.PathLike)) else items("files", "names of files", files)
    paths = [path for one in given for path in _found(os.fspath(one))]
    if not paths:
        raise ValueError("argument 'files': expected at least one file, got none")
    with Resources() as resources:
        names = (ctypes.c_char_p * len(paths))(*map(os.fsencode, paths))
        handle = resources.make("files_read", ctypes.addressof(names), len(paths), None, free="files_free")
        return _read(handle, paths)


def _found(path: str) -> list[str]:
    if any(sign in path for sign in "*?[") and not os.path.exists(path):
        found = sorted(glob.glob(path), key=_by_number)
    else:
        found = [path] if os.path.exists(path) else []
    if not found:
        raise FileNotFoundError(f"argument 'files': there is no file '{path}'")
    return found


def _by_number(name: str) -> list[tuple[int, str]]:
    parts: list[tuple[int, str]] = []
    number = ""
    for sign in name + "\0":
        if sign.isdigit():
            number += sign
            continue
        if number:
            parts.append((int(number), ""))
            number = ""
        parts.append((-1, sign))
    return parts


def _read(handle: int, paths: list[str]) -> Fit | Particles:
    lib = _abi.lib
    chains, draws, width = lib.files_num_chains(handle), lib.files_num_draws(handle), lib.files_num_columns(handle)
    columns = [lib.files_column(handle, i).decode() for i in range(width)]
    at = ctypes.cast(lib.files_values(handle), ctypes.POINTER(ctypes.c_double))
    values = np.ctypeslib.as_array(at, (chains, draws, width)).copy()
    for i, path in enumerate(paths):
        line = lib.files_cut_off(handle, i)
        if line:
            words = f"'{path}' was cut off at line (of an Arrow file: row) {line}, which was left out"
            warnings.warn(words, CatenaWarning, stacklevel=3)
    settings = _settings(handle)
    if "log_weight__" in columns:
        return _sets(handle, values, columns, settings)
    own = next((i for i, name in enumerate(columns) if not name.endswith("__")), width)
    diverged, depths = (_column(values, columns, name) for name in ("divergent__", "treedepth__"))
    depth = _whole(settings, "max_depth")
    lengths = [lib.files_length(handle, i) for i in range(chains)]
    ended = []
    for i in range(chains):
        seconds = [lib.files_seconds(handle, i, part) for part in (0, 1)]
        ended.append(
            Chain(
                i + 1,
                "ok",
                "all_iterations",
                None,
                lengths[i],
                lengths[i],
                0,
                lib.files_stepsize(handle, i),
                _metric(handle, i),
                0,
                0,
                0 if diverged is None else int(np.count_nonzero(diverged[i])),
                0 if depths is None or not depth else int(np.count_nonzero(depths[i] >= depth)),
                *seconds,
            )
        )
    if len(set(lengths)) > 1:
        warnings.warn(
            f"the files have {', '.join(map(str, lengths))} draws: each was cut to the first {draws}", CatenaWarning, stacklevel=3
        )
    return Fit(values, columns, own, ended, [None] * chains, "files", _whole(settings, "seed"), settings, depth)


def _column(values: Floats, columns: list[str], name: str) -> Floats | None:
    return values[:, :, columns.index(name)] if name in columns else None


def _settings(handle: int) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while (name := _abi.lib.files_setting(handle, at, 0)) is not None:
        # The first of a name, where several groups have one.
        found.setdefault(name.decode(), _abi.lib.files_setting(handle, at, 1).decode())
        at += 1
    return found


def _whole(settings: dict[str, str], name: str) -> int:
    text = settings.get(name, "")
    return int(text) if text.isdigit() else 0


def _metric(handle: int, chain: int) -> Floats:
    metric, rows = np.empty(_abi.lib.files_inv_metric_size(handle, chain)), ctypes.c_size_t()
    if metric.size:
        call("files_inv_metric", handle, chain, metric.ctypes.data, metric.size, _abi.address(rows))
    return metric.reshape(rows.value, -1) if rows.value > 1 and metric.size == rows.value**2 else metric


def _sets(handle: int, values: Floats, columns: list[str], settings: dict[str, str]) -> Particles:
    lib = _abi.lib
    id_at = columns.index("set__") if "set__" in columns else None
    log_weights = values[:, :, columns.index("log_weight__")]
    sets = []
    # The mean of exp(log weight) over the particles of a set is its evidence.
    largest = log_weights.max(axis=1)
    evidences = largest + np.log(np.exp(log_weights - largest[:, None]).mean(axis=1))
    for i in range(len(values)):
        stages = []
        for s in range(lib.files_num_stages(handle, i)):
            stages.append(Stage(**{name: lib.files_stage(handle, i, s, k) for k, name in enumerate(_STAGE)}))
        number = int(values[i, 0, id_at]) if id_at is not None else i + 1
        evidence = float(evidences[i])
        sets.append(ParticleSet(number, "finished", None, evidence, math.nan, values.shape[1], 0, math.nan, stages))
    top = evidences.max()
    shares = np.exp(evidences - top)
    mean, count = shares.mean(), len(shares)
    # The delta method: the standard error of the mean over the mean.
    error = float(np.sqrt(((shares / mean - 1) ** 2).sum() / (count - 1) / count)) if count > 1 else math.nan
    if columns[: len(OWN_COLUMNS)] != list(OWN_COLUMNS):
        raise ValueError(
            f"argument 'files': expected columns that begin with {', '.join(OWN_COLUMNS)}, got {', '.join(columns[:4])}"
        )
    return Particles(float(top + np.log(mean)), error, values, columns, sets, _whole(settings, "seed"))
