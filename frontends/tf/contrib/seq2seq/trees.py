"""Beams as trees: each turn of a beam search says which class was taken and which beam it went on
from; here the sequences are read back from the leaves."""

from __future__ import annotations

from typing import Any

from frontends.tf.functions.arrays import batch_gather, expand_dims
from frontends.tf.functions.cumulative import cumsum
from frontends.tf.functions.math import reduce_max
from frontends.tf.graph.building import name_scope
from frontends.tf.graph.tensor import builder, convert, size_of
from frontends.tf.platform import nest
from graphc.errors import ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dtype import int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here


def tile_batch(t: Any, multiplier: Any, name: str | None = None) -> Any:
    """Every row of a tensor, or of a nest of tensors, ``multiplier`` times after one another:
    ``[batch, ...]`` becomes ``[batch * multiplier, ...]``.

    >>> tf.contrib.seq2seq.tile_batch([[1], [2]], 2)      # [[1], [1], [2], [2]]
    """
    with name_scope(name, "tile_batch"):
        return nest.map_structure(lambda one: _tiled(convert(one), multiplier), t)


def _tiled(x: Tensor, multiplier: Any) -> Tensor:
    if not x.type.rank:
        raise ShapeError(
            "a tensor with a batch axis is needed", site=here(),
            rows=[("t", str(x.type), f"from {x.node.name}")],
        )  # fmt: skip
    b = builder(x)
    rows, *rest = x.type.dims
    count = size_of(b, multiplier)
    spread = b.broadcast_to(b.expand_dims(x, axis=1), shape=(rows, count, *rest))
    return b.reshape(spread, shape=(rows * count, *rest))


def gather_tree(
    step_ids: Any,
    parent_ids: Any,
    max_sequence_lengths: Any,
    end_token: Any,
    name: str | None = None,
) -> Tensor:
    """The sequences of every beam, from what each turn took and the beams it went on from.

    step_ids, parent_ids: int32 ``[time, batch, beams]``, max_sequence_lengths: int32 ``[batch]``,
    end_token: int32 scalar -> int32 ``[time, batch, beams]``.  After the first ``end_token`` of a
    sequence, and from max_sequence_lengths on, everything is ``end_token``.
    """
    with name_scope(name, "GatherTree"):
        ids, end = convert(step_ids, int32), convert(end_token, int32)
        b = builder(ids)
        parents = convert(parent_ids, int32)
        taken, active = _followed(b, ids, parents, max_sequence_lengths)
        found = b.where(active, taken, b.broadcast_to(end, shape=taken.type.dims))
        ended = b.cast(b.equal(found, end), dtype=int32)
        before = cumsum(ended, axis=0, exclusive=True)
        return b.where(b.greater(before, 0), b.broadcast_to(end, shape=found.type.dims), found)


def gather_tree_from_array(t: Any, parent_ids: Any, sequence_length: Any) -> Tensor:
    """The rows of ``t`` that the sequence of every beam went through, in the shape of ``t``:
    ``[time, batch, beams, ...]`` or ``[time, batch * beams, ...]``.

    parent_ids: int32 ``[time, batch, beams]``; sequence_length: int ``[batch, beams]``: after so
    many turns a beam has its own rows.
    """
    x, parents = convert(t), convert(parent_ids, int32)
    b = builder(x)
    lengths = b.cast(convert(sequence_length), dtype=int32)
    time, batch, beams = parents.type.dims
    own = b.axis_position(shape=(time, batch, beams), axis=2, dtype=int32)
    taken, _ = _followed(b, own, parents, reduce_max(lengths, axis=1))
    step = b.axis_position(shape=(time, 1, 1), axis=0, dtype=int32)
    beam = b.where(b.less(step, lengths), taken, own)
    split = b.reshape(x, shape=(time, batch, beams, -1))
    return b.reshape(b.batch_gather(split, beam, axis=2, batch_dims=2), shape=x.type.dims)


def _followed(b: Builder, rows: Tensor, parents: Tensor, lengths: Any) -> list[Tensor]:
    """From the last turn to the first: the rows ``[time, batch, beams]`` of the beams that each
    sequence went through, and whether the sequences of a batch entry are that long."""
    longest = expand_dims(b.cast(convert(lengths), dtype=int32), 1)  # [batch, 1]
    time, batch, beams = parents.type.dims
    own = b.axis_position(shape=(batch, beams), axis=1, dtype=int32)

    def turn(step: Tensor, beam: Tensor, row: Tensor, parent: Tensor, limit: Tensor) -> list:
        inside = Builder(step.graph)
        going = inside.broadcast_to(inside.less(step, limit), shape=beam.type.dims)
        before = inside.where(going, batch_gather(parent, beam), beam)
        return [before, batch_gather(row, beam), going]

    _, stacks = b.scan_over(
        turn, [own], [rows, parents], time, reverse=True, name="beams", captures=[longest]
    )
    return stacks
