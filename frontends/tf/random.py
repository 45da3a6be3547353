"""Random numbers: each op draws from a stream of its own, fixed by its seeds or its name.

With an op seed, the stream depends on the graph's seed and the op's; with only a graph seed, on
that and the op's name, so adding another op shifts nothing; with neither, every session draws
afresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from frontends.tf.building import get_seed, set_random_seed
from frontends.tf.tensor import builder, convert, plain, sizes_of
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dtype import DType, as_dtype, float32
from graphc.ir.graph import Tensor

__all__ = [
    "get_seed", "normal", "random_normal", "random_shuffle", "random_uniform", "set_random_seed",
    "shuffle", "truncated_normal", "uniform",
]  # fmt: skip


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
    return b.random_state(
        seed=(b.home.seed, None if seed is None else int(seed)), path=path, name="state"
    )


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
    wanted = as_dtype(dtype)
    if maxval is None:
        if wanted.is_integer:
            raise ValueError("random_uniform of integers needs maxval")
        maxval = 1
    with drawn(shape, seed, name or "random_uniform") as (b, state, sizes):
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
    count = plain(num_samples)
    rows, classes = x.type.shape or (None, None)
    with drawn([rows, count, classes], seed, name or "multinomial") as (b, state, sizes):
        uniform = b.random_uniform(state, shape=sizes, dtype=x.dtype)
        tiny = 1e-20 if x.dtype.size >= 4 else 1e-4
        gumbel = b.neg(b.log(b.maximum(b.neg(b.log(b.maximum(uniform, tiny))), tiny)))
        noisy = b.add(b.expand_dims(x, axis=1), gumbel)
        return b.argmax(noisy, axis=2, dtype=as_dtype(output_dtype or "int64"))
