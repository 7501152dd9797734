"""Models that the tests share."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import catena

SOURCE = """
#include <catena.h>
/* Normals of standard deviations 1 and 10. */
int evaluate(void *user, void *worker, catena_task *task, const double *x, double *log_density, double *gradient) {
  (void)user, (void)worker, (void)task;
  *log_density = -0.5 * (x[0] * x[0] + x[1] * x[1] / 100);
  gradient[0] = -x[0];
  gradient[1] = -x[1] / 100;
  return 0;
}
"""


def normals(x):
    """Two normals with standard deviations 1 and 2."""
    return -0.5 * (x[0] * x[0] + x[1] * x[1] / 4), np.array([-x[0], -x[1] / 4])


@pytest.fixture
def model():
    return catena.FunctionModel(normals, 2, names=["a", "b"])


@pytest.fixture(scope="session")
def compiled_library(tmp_path_factory):
    """A library with a compiled model."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "normals.c").write_text(SOURCE)
    library = folder / "normals.so"
    subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", f"-I{catena.include_dir()}", "-o", str(library), str(folder / "normals.c")],
        check=True,
    )
    return str(library)


@pytest.fixture(scope="session")
def compiled(compiled_library):
    """A compiled function of ctypes."""
    return ctypes.CDLL(compiled_library).evaluate


@pytest.fixture
def stan_library():
    """A library with BridgeStan's C ABI."""
    path = os.environ.get("CATENA_TEST_BRIDGESTAN")
    if not path:
        pytest.skip("CATENA_TEST_BRIDGESTAN names no library")
    return Path(path)
