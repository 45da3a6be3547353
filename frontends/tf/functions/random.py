"""Random numbers: each op draws from a stream of its own, fixed by its seeds or its name.

With an op seed, the stream depends on the graph's seed and the op's; with only a graph seed, on
that and the op's name, so adding another op shifts nothing; with neither, every session draws
afresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from frontends.tf.graph.building import get_seed, set_random_seed
from frontends.tf.graph.tensor import builder, convert, plain, sizes_of, whole_number
from graphc.errors import DTypeError, ShapeError
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dtype import DType, as_dtype, float32, int32, int64, uint64
from graphc.ir.graph import Tensor
from graphc.ir.source import here

__all__ = [
    "categorical", "gamma", "get_seed", "multinomial", "normal", "poisson", "random_crop",
    "random_gamma", "random_normal", "random_poisson", "random_shuffle", "random_uniform",
    "set_random_seed", "shuffle", "stateless_categorical", "stateless_multinomial",
    "stateless_normal", "stateless_truncated_normal", "stateless_uniform", "truncated_normal",
    "uniform",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Names of ``tf.random`` that are owned by other modules."""
    from frontends.tf.names.missing import elsewhere, namespace

    return elsewhere("random", name, dir(namespace("random")))


@contextmanager
def drawn(shape: Any, seed: int | None, name: str) -> Iterator[tuple[Builder, Tensor, tuple]]:
    """A builder inside the op's name scope, its random state, and the shape as sizes."""
    listed = shape if isinstance(shape, list | tuple) else [shape]
    b = builder(*[t for t in map(as_tensor, listed) if t is not None])
    with b.home.name_scope(name) as scope:
        sizes = sizes_of(b, shape)
        yield b, random_state(b, seed, scope.rstrip("/")), sizes


def random_state(b: Builder, seed: int | None, path: str) -> Tensor:
    """The state of the random op called ``path``."""
    own = None if seed is None else whole_number(seed, "seed")
    return b.random_state(seed=(b.home.seed, own), path=path, name="state")


def random_uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers spread evenly over [minval, maxval); maxval is 1 for floats, and must be given for
    ints.

    >>> tf.random_uniform([2, 3], -1.0, 1.0)
    """
    with drawn(shape, seed, name or "random_uniform") as (b, state, sizes):
        return _uniform(b, state, sizes, minval, maxval, as_dtype(dtype))


def _uniform(
    b: Builder, state: Tensor, sizes: tuple, minval: Any, maxval: Any, wanted: DType
) -> Tensor:
    if not (wanted.is_floating or wanted in (int32, int64)):
        raise ValueError(
            f"dtype must be float16, bfloat16, float32, float64, int32 or int64, got {wanted}"
        )
    if maxval is None:
        if wanted.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {wanted}")
        maxval = 1
    if wanted.is_integer:
        return b.random_integers(
            state, convert(minval, wanted), convert(maxval, wanted), shape=sizes, dtype=wanted,
            name=b.home.scope,
        )  # fmt: skip
    if _is(minval, 0) and _is(maxval, 1):
        return b.random_uniform(state, shape=sizes, dtype=wanted, name=b.home.scope)
    unit, low = b.random_uniform(state, shape=sizes, dtype=wanted), convert(minval, wanted)
    spread = b.mul(unit, b.sub(convert(maxval, wanted), low))
    return b.add(spread, low, name=b.home.scope)


def random_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Normal numbers of the given mean and standard deviation."""
    with drawn(shape, seed, name or "random_normal") as (b, state, sizes):
        return _moved(b, b.random_normal, state, sizes, as_dtype(dtype), mean, stddev)


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Normal numbers within two standard deviations of the mean."""
    with drawn(shape, seed, name or "truncated_normal") as (b, state, sizes):
        return _moved(b, b.truncated_normal, state, sizes, as_dtype(dtype), mean, stddev)


def _moved(
    b: Builder, draw: Any, state: Tensor, sizes: tuple, dtype: DType, mean: Any, stddev: Any
) -> Tensor:
    """``draw * stddev + mean`` without what changes nothing; the last op has the scope's name."""
    scaled, moved = not _is(stddev, 1), not _is(mean, 0)
    last = {"name": b.home.scope}
    x = draw(state, shape=sizes, dtype=dtype, **({} if scaled or moved else last))
    if scaled:
        x = b.mul(x, convert(stddev, like=x), **({} if moved else last))
    return b.add(x, convert(mean, like=x), **last) if moved else x


def _is(value: Any, number: int) -> bool:
    return isinstance(value, int | float) and value == number


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The rows of ``value`` in a random order."""
    x = convert(value)
    with drawn([], seed, name or "RandomShuffle") as (b, state, _):
        return b.random_shuffle(state, x)


uniform, normal, shuffle = random_uniform, random_normal, random_shuffle


def multinomial(
    logits: Any, num_samples: Any, seed: int | None = None, name: str | None = None,
    output_dtype: Any = None,
) -> Tensor:  # fmt: skip
    """``num_samples`` classes per row, drawn with probabilities softmax(logits).

    logits: [batch, classes] -> int64[batch, num_samples].  Drawn by the Gumbel-max method: the
    largest of ``logits - log(-log(u))`` (Gumbel, 1954).
    """
    x = convert(logits)
    with drawn(_noise_sizes(x, num_samples), seed, name or "multinomial") as (b, state, sizes):
        return _largest_noisy(b, x, state, sizes, output_dtype or int64)


def _noise_sizes(logits: Tensor, num_samples: Any) -> list:
    if logits.type.rank not in (None, 2):
        raise ShapeError(f"logits must be [batch, classes], got {logits.type}", site=here())
    rows, classes = logits.type.shape or (None, None)
    return [rows, plain(num_samples), classes]


def _largest_noisy(b: Builder, x: Tensor, state: Tensor, sizes: tuple, dtype: Any) -> Tensor:
    uniform = b.random_uniform(state, shape=sizes, dtype=x.dtype)
    tiny = 1e-20 if x.dtype.size >= 4 else 1e-4
    gumbel = b.neg(b.log(b.maximum(b.neg(b.log(b.maximum(uniform, tiny))), tiny)))
    noisy = b.add(b.expand_dims(x, axis=1), gumbel)
    return b.argmax(noisy, axis=2, dtype=as_dtype(dtype))


def categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The same as :func:`multinomial`."""
    return multinomial(logits, num_samples, seed, name, dtype)


def random_gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """``shape`` gamma numbers for each pair of shape parameter ``alpha`` and rate ``beta``.

    The result has the shape ``shape + (alpha broadcast with beta)``.  Gradients flow to both.
    """
    wanted = as_dtype(dtype)
    with drawn(shape, seed, name or "random_gamma") as (b, state, sizes):
        a = convert(alpha, wanted)
        rate = None if beta is None else convert(beta, wanted)
        if rate is not None:
            a = b.add(a, b.zeros_like(rate))
        x = b.random_gamma(state, a, shape=sizes)
        if rate is not None:
            x = b.realdiv(x, rate)
        tiny = b.tensor(wanted.numpy.type(_tiny(wanted)), dtype=wanted)
        return b.maximum(x, tiny, name=b.home.scope)


def _tiny(dtype: DType) -> float:
    """The smallest normal number: a gamma number is never 0."""
    import numpy as np

    return float(np.finfo(np.float32 if dtype.name == "bfloat16" else dtype.numpy).tiny)


def random_poisson(
    lam: Any, shape: Any, dtype: Any = float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """``shape`` Poisson numbers for each mean in ``lam``: ``shape + lam.shape``."""
    with drawn(shape, seed, name or "random_poisson") as (b, state, sizes):
        rate = convert(lam)
        if not rate.dtype.is_floating:
            rate = b.cast(rate, dtype=float32)
        return b.random_poisson(state, rate, shape=sizes, dtype=as_dtype(dtype), name=b.home.scope)


gamma, poisson = random_gamma, random_poisson


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """A slice of ``value`` of shape ``size``, at an offset drawn evenly from those that fit.

    >>> tf.random_crop(image, [24, 24, 3])
    """
    from frontends.tf.functions.arrays import shape, slice

    x = convert(value)
    b = builder(x)
    with b.home.name_scope(name or "random_crop"):
        extent = convert(size, int32)
        whole = shape(x)
        limit = b.add(b.sub(whole, extent), 1)
        rank = x.type.rank
        if rank is None:
            raise ValueError("random_crop needs a value of known rank")
        offset = b.floormod(random_uniform([rank], 0, int32.max, int32, seed), limit)
        return slice(x, offset, extent, name=b.home.scope)


# --- numbers that a seed tensor decides ----------------------------------------------------------


@contextmanager
def _stateless(shape: Any, seed: Any, name: str) -> Iterator[tuple[Builder, Tensor, tuple]]:
    """As :func:`drawn`, with the two numbers of ``seed`` as the state: the same seed draws the same
    numbers in every run."""
    key = convert(seed)
    if not key.dtype.is_integer:
        raise DTypeError(f"a seed is two integers, got {key.type}", site=here())
    listed = shape if isinstance(shape, list | tuple) else [shape]
    b = builder(key, *[t for t in map(as_tensor, listed) if t is not None])
    with b.home.name_scope(name):
        yield b, b.cast(key, dtype=uint64), sizes_of(b, shape)


def stateless_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """As :func:`random_uniform`, fixed by ``seed``: two integers, which may be a tensor."""
    with _stateless(shape, seed, name or "stateless_random_uniform") as (b, state, sizes):
        return _uniform(b, state, sizes, minval, maxval, as_dtype(dtype))


def stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """As :func:`random_normal`, fixed by ``seed``: two integers, which may be a tensor."""
    with _stateless(shape, seed, name or "stateless_random_normal") as (b, state, sizes):
        return _moved(b, b.random_normal, state, sizes, as_dtype(dtype), mean, stddev)


def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """As :func:`truncated_normal`, fixed by ``seed``: two integers, which may be a tensor."""
    with _stateless(shape, seed, name or "stateless_truncated_normal") as (b, state, sizes):
        return _moved(b, b.truncated_normal, state, sizes, as_dtype(dtype), mean, stddev)


def stateless_multinomial(
    logits: Any, num_samples: Any, seed: Any, output_dtype: Any = int64, name: str | None = None
) -> Tensor:
    """As :func:`multinomial`, fixed by ``seed``: two integers, which may be a tensor."""
    x = convert(logits)
    noise = _noise_sizes(x, num_samples)
    with _stateless(noise, seed, name or "stateless_multinomial") as (b, state, sizes):
        return _largest_noisy(b, x, state, sizes, output_dtype)


def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = int64, name: str | None = None
) -> Tensor:
    """The same as :func:`stateless_multinomial`."""
    return stateless_multinomial(logits, num_samples, seed, dtype, name)
