"""Models in JAX: a log density alone, with everything else by JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._arrays import Floats, aligned
from ._model import VectorizedModel
from ._names import Names

# A batch is padded to the width of the run or to this part of it, again and again, so that little is compiled.
_NARROWER = 4
# Looks at whether JAX is done, a tenth of a microsecond each, before waiting for it.
_LOOKS = 100


class JaxModel(VectorizedModel):
    """A model given by a log density in JAX.

    Value and gradient come from ``jax.value_and_grad``, ``jax.vmap`` and ``jax.jit``, in 64 bits whatever JAX's own
    setting is; one call evaluates all chains that wait, each at its own place in its own tree.

    Parameters
    ----------
    log_density : callable or None
        ``log_density(x)`` of an array of shape (dimension,), as JAX can trace it; None: the sum of the two below.
    dimension : int
        Number of coordinates.
    log_prior, log_likelihood : callable, optional
        Its parts, for `sample_smc`, which wants `sample_prior` as well.
    names : list of str or mapping of names to shapes, optional
        As in `FunctionModel`.
    **others
        `constrain`, `outputs`, `initialize`, `parameter_outputs`, `transformed_outputs` and `sample_prior`, as in
        `FunctionModel`; the functions are Python's.

    Raises
    ------
    TypeError
        `log_prior` or `log_likelihood` is given without the other, or there is no function.
    """

    by_hand = False

    def __init__(
        self,
        log_density: Callable[..., Any] | None,
        dimension: int,
        *,
        log_prior: Callable[..., Any] | None = None,
        log_likelihood: Callable[..., Any] | None = None,
        names: Names | None = None,
        **others: Any,
    ) -> None:
        if (log_prior is None) != (log_likelihood is None):
            raise TypeError("arguments 'log_prior' and 'log_likelihood': expected both or neither")
        if log_density is None:
            if log_prior is None or log_likelihood is None:
                raise TypeError("argument 'log_density': expected a function, or 'log_prior' and 'log_likelihood'")
            prior, likelihood = log_prior, log_likelihood

            def log_density(x: Any) -> Any:
                return prior(x) + likelihood(x)

        self._evaluate = _batched(log_density)
        if log_prior is not None and log_likelihood is not None:
            of_prior, of_likelihood = _batched(log_prior), _batched(log_likelihood)

            def parts(x: Floats) -> tuple[Any, Any, Any, Any]:
                (a, da), (b, db) = _apart(of_prior, x), _apart(of_likelihood, x)
                return a, b, da, db

            others["log_density_parts"] = parts
        super().__init__(lambda x: _apart(self._evaluate, x), dimension, names=names, **others)

    def in_place(self, width: int) -> Callable[[Floats, Floats, Floats], None]:
        evaluate = self._evaluate
        # Arrays of this run, whose calls come one after the other, by their sizes. JAX may read them when a call that was
        # interrupted is long over, so that they are not the library's own.
        arrays = dict[int, tuple[Floats, Any]]()
        # The first so many rows of these, and what JAX is called with.
        places = dict[int, tuple[Floats, Any]]()

        def place(x: Floats) -> tuple[Floats, Any]:
            n = len(x)
            size = _size(n, width)
            if size not in arrays:
                arrays[size] = _seen_by_jax(np.repeat(x[:1], size, axis=0))
            array, seen = arrays[size]
            places[n] = made = array[:n], seen
            return made

        def into(x: Floats, values: Floats, gradients: Floats) -> None:
            n = len(x)
            first, seen = places.get(n) or place(x)
            # Behind them stand positions of earlier calls.
            first[...] = x
            found = _numbers(evaluate(seen))
            values[...] = found[:n, 0]
            gradients[...] = found[:n, 1:]

        return into


def _batched(function: Callable[..., Any]) -> Callable[..., Any]:
    """The values of many positions, compiled, each with its gradient behind it: JAX takes about a microsecond to hand out an
    array, so that there is one."""
    if not callable(function):
        raise TypeError(f"expected a function that JAX can trace, got {function!r}")
    import jax
    import jax.numpy as jnp

    def both(x: Any) -> Any:
        values, gradients = jax.vmap(jax.value_and_grad(function))(x)
        return jnp.concatenate([values[:, None], gradients], axis=1)

    compiled = jax.jit(both)
    enabled = in_64_bits()

    def evaluate(x: Any) -> Any:
        if jax.config.jax_enable_x64:
            return compiled(x)
        with enabled(True):
            return compiled(x)

    return evaluate


def in_64_bits() -> Any:
    """JAX's context of 64 bits, which has moved between versions."""
    import jax

    context: Any = getattr(jax, "enable_x64", None)
    if context is None:
        from jax.experimental import enable_x64

        context = enable_x64
    return context


def _seen_by_jax(values: Floats) -> tuple[Floats, Any]:
    """A copy of `values`, and what JAX is to be called with to read what stands there then.

    That is an array of JAX's over the same memory where JAX computes in the processor's, for JAX takes a microsecond to make
    one for each call. Nobody else has it, and each call is over before the memory is written again.
    """
    import jax

    array = aligned(values.shape)
    array[...] = values
    with in_64_bits()(True):
        seen = jax.device_put(array)
    try:
        is_shared = seen.unsafe_buffer_pointer() == array.ctypes.data
    except (AttributeError, NotImplementedError, RuntimeError, ValueError):
        # Arrays on several devices have no address.
        is_shared = False
    return array, seen if is_shared else array


def _size(n: int, width: int) -> int:
    """What a batch of `n` is padded to, one of few sizes."""
    size = max(width, n)
    while size // _NARROWER >= n:
        size //= _NARROWER
    return size


def _numbers(found: Any) -> Floats:
    """An array of JAX's as one of numpy's. Where JAX computes on a thread of its own, small functions are over before this thread
    would have gone to sleep and been woken, which takes longer than they do."""
    for _ in range(_LOOKS):
        if found.is_ready():
            break
    return np.asarray(found)


def _apart(evaluate: Callable[..., Any], x: Floats) -> tuple[Floats, Floats]:
    found = _numbers(evaluate(x))
    return found[:, 0], found[:, 1:]
