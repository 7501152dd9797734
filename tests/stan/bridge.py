#!/usr/bin/env python3
"""What the library of a Stan program has beside what Catena calls, for others that load BridgeStan 2.7 (nutpie): positions from
values, Hessians. Usage: tests/stan/bridge.py FOLDER"""

import ctypes
import pathlib
import sys

library = ctypes.CDLL(str(pathlib.Path(sys.argv[1]).resolve() / "eight_schools.so"))
data = (pathlib.Path(__file__).parent / "eight_schools.json").read_bytes()
version = tuple(ctypes.c_int.in_dll(library, f"bs_{part}_version").value for part in ("major", "minor"))
assert version == (2, 7), version
library.bs_model_construct.restype = ctypes.c_void_p
model = ctypes.c_void_p(library.bs_model_construct(data, 1, None))
n = library.bs_param_unc_num(model)
error = ctypes.c_char_p()


def numbers(count, values=()):
    return (ctypes.c_double * count)(*values)


def call(name, *arguments):
    assert getattr(library, name)(model, *arguments, ctypes.byref(error)) == 0, (name, error.value)


def gradient(x):
    value, found = ctypes.c_double(), numbers(n)
    call("bs_log_density_gradient", True, True, numbers(n, x), ctypes.byref(value), found)
    return value.value, list(found)


position = [0.3 * (-1) ** i + 0.1 * i for i in range(n)]
values, back = numbers(library.bs_param_num(model, False, False)), numbers(n)
call("bs_param_constrain", False, False, numbers(n, position), values, None)
call("bs_param_unconstrain", values, back)
assert all(abs(a - b) < 1e-12 for a, b in zip(position, back)), list(back)

direction = [1.0 - 0.2 * i for i in range(n)]
value, slope, hessian, product = ctypes.c_double(), numbers(n), numbers(n * n), numbers(n)
call("bs_log_density_hessian", True, True, numbers(n, position), ctypes.byref(value), slope, hessian)
assert (value.value, list(slope)) == gradient(position)
call(
    "bs_log_density_hessian_vector_product", True, True, numbers(n, position), numbers(n, direction), ctypes.byref(value), product
)
assert value.value == gradient(position)[0]
step = 1e-4
ahead, behind = (gradient([x + sign * step * d for x, d in zip(position, direction)])[1] for sign in (1, -1))
for i in range(n):
    expected = (ahead[i] - behind[i]) / (2 * step)
    by_hessian = sum(hessian[i * n + j] * direction[j] for j in range(n))
    assert abs(by_hessian - expected) < 1e-5 and abs(product[i] - expected) < 1e-5, (i, by_hessian, product[i], expected)
    assert all(hessian[i * n + j] == hessian[j * n + i] for j in range(n))
library.bs_model_destruct(model)
print(f"BridgeStan {version[0]}.{version[1]}: positions and Hessians of {n} coordinates are right")
