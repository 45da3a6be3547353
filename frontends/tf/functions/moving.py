"""Elements in other places: padding, tiling, repeating, rolling, reversing."""

from __future__ import annotations

from typing import Any

import numpy as np

from frontends.tf.functions.math import axes_of
from frontends.tf.graph.tensor import builder, convert, known_rank, plain, sizes_of
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dims import Dim
from graphc.ir.dtype import bool_, int32, int64
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ops.shaping.shape import resolve_axis

_BORDERS = {"REFLECT": 1, "SYMMETRIC": 0}


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None,
    constant_values: Any = 0,
) -> Tensor:  # fmt: skip
    """``tensor`` with ``paddings[k] = [before, after]`` elements added along axis ``k``.

    ``mode``: CONSTANT adds ``constant_values``; REFLECT and SYMMETRIC add the mirror image,
    without and with the element at the border.

    >>> tf.pad([[1, 2, 3]], [[0, 0], [2, 1]], "REFLECT")  # [[3, 2, 1, 2, 3, 2]]
    """
    x = convert(tensor)
    b = builder(x)
    pairs = pairs_of(b, paddings)
    how = mode.upper()
    if how in _BORDERS:
        return b.mirror_pad(x, paddings=pairs, border=_BORDERS[how], name=name or "MirrorPad")
    if how != "CONSTANT":
        raise AttributeValueError(
            f"mode must be CONSTANT, REFLECT or SYMMETRIC, got {mode!r}", subject="pad",
            site=here(),
        )  # fmt: skip
    value = as_tensor(constant_values)
    if value is None:
        return b.pad(x, paddings=pairs, value=_number(constant_values, x), name=name)
    with b.home.name_scope(name or "PadV2") as scope:
        inside = b.broadcast_to(b.tensor(True, dtype=bool_), shape=x.type.dims)
        kept = b.pad(inside, paddings=pairs, value=False)
        return b.where(kept, b.pad(x, paddings=pairs), convert(value, x.dtype), name=scope)


def _number(value: Any, x: Tensor) -> Any:
    number = np.asarray(value).item()
    if x.dtype.is_string:
        return b"" if number == 0 else number
    return bool(number) if x.dtype.is_bool else number


def pairs_of(b: Builder, pairs: Any) -> tuple[tuple[Dim, Dim], ...]:
    """Pairs of sizes, one per axis: a list of pairs, an array, or a tensor [n, 2]."""
    tensor = as_tensor(pairs)
    if tensor is not None and tensor.node.op.name == "const":
        pairs, tensor = tensor.node.op.value.array, None
    if tensor is not None and tensor.node.op.name == "pack" and tensor.node.op.axis == 0:
        pairs, tensor = list(tensor.node.operands), None
    if tensor is None:
        listed = pairs.tolist() if isinstance(pairs, np.ndarray) else plain(pairs)
        found = [sizes_of(b, pair) for pair in listed]
    else:
        rows = (tensor.type.shape or (None,))[0]
        if tensor.type.rank != 2 or not isinstance(rows, int):
            raise ShapeError(
                f"pairs of sizes are of shape [n, 2] with n known, got {tensor.type}", site=here()
            )
        flat = sizes_of(b, b.reshape(tensor, shape=(2 * rows,)))
        found = [(flat[2 * k], flat[2 * k + 1]) for k in range(rows)]
    if any(len(pair) != 2 for pair in found):
        raise ShapeError(f"pairs of sizes are [before, after], got {found}", site=here())
    return tuple((pair[0], pair[1]) for pair in found)


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """``input`` repeated ``multiples[k]`` times along axis ``k``."""
    x = convert(input)
    b = builder(x)
    return b.tile(x, multiples=sizes_of(b, multiples), name=name)


def repeat(input: Any, repeats: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Each slice along ``axis`` ``repeats`` times in a row; without ``axis``, of the flat tensor.

    ``repeats``: one number, or one per slice.

    >>> tf.repeat([1, 2], [2, 3])            # [1, 1, 2, 2, 2]
    """
    x = convert(input)
    b = builder(x)
    chosen = axes_of(axis)
    with b.home.name_scope(name or "Repeat"):
        if chosen is None:
            x = b.reshape(x, shape=(-1,))
        along = resolve_axis(chosen if isinstance(chosen, int) else 0, known_rank(x, "repeat"))
        counts = convert(repeats, like=None)
        if counts.type.rank == 0 or counts.type.shape == (1,):
            times = b.dim_argument(b.reshape(counts, shape=()))
            wide = b.expand_dims(x, axis=along + 1)
            shape = x.type.dims
            spread = (*shape[: along + 1], times, *shape[along + 1 :])
            joined = (*shape[:along], shape[along] * times, *shape[along + 1 :])
            return b.reshape(b.broadcast_to(wide, shape=spread), shape=joined)
        ends = b.cumsum(b.cast(counts, dtype=int64), axis=0)
        total = b.dim_argument(b.reduce_sum(b.cast(counts, dtype=int64), axis=None))
        place = b.axis_position(shape=(total, 1), axis=0, dtype=int64)
        past = b.cast(b.greater_equal(place, b.expand_dims(ends, axis=0)), dtype=int32)
        return b.gather(x, b.reduce_sum(past, axis=(1,)), axis=along)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """``tensor`` with the elements along ``axis`` (a list of axes) in the opposite order.

    TF 0.x said for every axis whether to reverse it, ``[True, False]``; that is taken as well.
    """
    x = convert(tensor)
    if isinstance(axis, list | tuple) and axis and all(isinstance(said, bool) for said in axis):
        axis = [k for k, said in enumerate(axis) if said]
    axes = axes_of(axis)
    along = (axes,) if isinstance(axes, int) else axes
    return builder(x).reverse(x, axis=along, name=name or "ReverseV2")


def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: int | None = None, batch_axis: int | None = None,
    name: str | None = None, seq_dim: int | None = None, batch_dim: int | None = None,
) -> Tensor:  # fmt: skip
    """The first ``seq_lengths[b]`` elements along ``seq_axis`` in the opposite order, for each b
    of ``batch_axis`` (default 0); the others stay.
    """
    from frontends.tf.functions.math import _one_of

    x, lengths = convert(input), convert(seq_lengths)
    along = axes_of(_one_of(seq_axis, seq_dim, "seq_axis", "seq_dim"))
    batch = axes_of(_one_of(batch_axis, batch_dim, "batch_axis", "batch_dim"))
    if along is None:
        raise ValueError("reverse_sequence needs seq_axis")
    return builder(x, lengths).reverse_sequence(
        x, lengths, seq_axis=along, batch_axis=0 if batch is None else batch, name=name
    )


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """``y[i] = input[i - shift]`` along ``axis``; what leaves at one end enters at the other.

    Lists of shifts and axes act one after the other.

    >>> tf.roll([0, 1, 2, 3, 4], 2, 0)       # [3, 4, 0, 1, 2]
    """
    x, by = convert(input), convert(shift)
    b = builder(x, by)
    axes = axes_of(axis)
    if isinstance(axes, int):
        return b.roll(x, b.reshape(by, shape=()), axis=axes, name=name or "Roll")
    shifts = [by] if by.type.rank == 0 else b.unstack(by, num=len(axes or ()), axis=0)
    if len(shifts) != len(axes or ()):
        raise ShapeError("shift and axis need one number each per axis", site=here())
    with b.home.name_scope(name or "Roll"):
        for one, along in zip(shifts, axes or (), strict=True):
            x = b.roll(x, one, axis=along)
        return b.identity(x) if not axes else x
