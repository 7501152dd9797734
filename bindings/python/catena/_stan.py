"""Stan programs, by libraries that BridgeStan compiles."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from . import _abi
from ._errors import Failure, call
from ._model import Model
from ._resources import Resources


class StanModel(Model):
    """A Stan program. It runs on the pool's threads, without the GIL.

    Parameters
    ----------
    program : path
        A shared library that BridgeStan made (with STAN_THREADS, or only one thread enters it at a time); or a ``.stan``
        file, which the package ``bridgestan`` or the command ``catena compile`` compiles where one of them and a C++
        compiler are installed (the command writes a library beside the program, and again when that has changed).
    data : dict, path or str, optional
        Data by name, as numbers and arrays; or the path of a file that ends in ``.json``, or a JSON text.
    seed : int
        For random numbers in the transformed data block.

    Raises
    ------
    FileNotFoundError
        There is no such program.
    ImportError, RuntimeError
        It cannot be compiled.
    CatenaError
        The library is none of BridgeStan's, or the data are not what the program wants.

    Notes
    -----
    Initial values are dicts of parameters on the constrained scale.
    """

    def __init__(
        self, program: str | os.PathLike[str], data: Mapping[str, Any] | str | os.PathLike[str] | None = None, *, seed: int = 0
    ) -> None:
        path = Path(program)
        if not path.is_file():
            raise FileNotFoundError(
                f"argument 'program': expected a library of BridgeStan or a .stan file, and there is no file {path}"
            )
        self._library = _compiled(path) if path.suffix == ".stan" else path
        self._data = None if data is None else _json(data).encode()
        self._seed = seed
        # Library and data are looked at here, so that an error comes from here.
        self._kept = Resources()
        self._handle = self.open(self._kept, Failure())
        self.dimension = int(_abi.lib.model_dimension(self._handle))

    def open(self, resources: Resources, failure: Failure, width: int = 1) -> int:
        if "_handle" in self.__dict__:
            resources.root(self)
            return self._handle
        density = _abi.table("catena_density")
        call("density_from_bridgestan", os.fsencode(self._library.resolve()), self._data, self._seed, ctypes.addressof(density))
        try:
            return resources.make("model_new", ctypes.addressof(density), free="model_free")
        except BaseException:
            density.release(density.user)
            raise


def _json(data: Mapping[str, Any] | str | os.PathLike[str]) -> str:
    if isinstance(data, Mapping):
        return json.dumps({name: _plain(name, value) for name, value in data.items()})
    return os.fspath(data)


def _plain(name: str, value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "buif":
        raise TypeError(f"argument 'data': expected '{name}' to be a number or an array of numbers, got {value!r}")
    return array.astype(int).tolist() if array.dtype.kind == "b" else array.tolist()


def _compiled(path: Path) -> Path:
    """The library of a Stan program: by the package bridgestan where it is, else by the command ``catena compile``."""
    try:
        import bridgestan
    except ImportError:
        return _compiled_by_command(path)
    return Path(bridgestan.compile_model(path, make_args=["STAN_THREADS=True"]))


def _compiled_by_command(path: Path) -> Path:
    command = shutil.which("catena")
    if command is None:
        raise ImportError(
            f"compiling {path} needs the package bridgestan (pip install bridgestan) or the command catena, and a C++ compiler"
        )
    library = path.with_suffix(".so")
    if library.exists() and library.stat().st_mtime >= path.stat().st_mtime:
        return library
    done = subprocess.run([command, "compile", str(path), f"output={library}"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"{command} compile {path} failed with status {done.returncode}")
    return library
