"""How variables are cut in parts: functions of a shape and a dtype that give the parts per axis."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from frontends.tf.graph.shapes import TensorShape
from graphc.ir.dtype import as_dtype

Partitioner = Callable[..., list[int]]


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Partitioner:
    """Cuts into ``num_shards`` along ``axis``, or one per element where there are fewer."""

    def partitioner(shape: Any, **unused: Any) -> list[int]:
        sizes = _sizes(shape)
        return _along(axis, min(num_shards, sizes[axis]), len(sizes))

    return partitioner


def variable_axis_size_partitioner(
    max_shard_bytes: int, axis: int = 0, bytes_per_string_element: int = 16,
    max_shards: int | None = None,
) -> Partitioner:  # fmt: skip
    """Cuts along ``axis`` so that no part has more than ``max_shard_bytes``."""
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError("max_shard_bytes and bytes_per_string_element must be positive")
    if max_shards is not None and max_shards < 1:
        raise ValueError(f"max_shards must be positive, got {max_shards}")

    def partitioner(shape: Any, dtype: Any) -> list[int]:
        sizes = _sizes(shape)
        total = math.prod(sizes) * _bytes_of(dtype, bytes_per_string_element)
        per_shard = max(1, max_shard_bytes // max(1, total // sizes[axis]))
        shards = -(-sizes[axis] // per_shard)
        return _along(axis, min(shards, max_shards or shards), len(sizes))

    return partitioner


def min_max_variable_partitioner(
    max_partitions: int = 1, axis: int = 0, min_slice_size: int = 256 << 10,
    bytes_per_string_element: int = 16,
) -> Partitioner:  # fmt: skip
    """Cuts along ``axis`` into at most ``max_partitions`` of at least ``min_slice_size`` bytes."""

    def partitioner(shape: Any, dtype: Any) -> list[int]:
        sizes = _sizes(shape)
        total = math.prod(sizes) * _bytes_of(dtype, bytes_per_string_element)
        wanted = math.ceil(total / min_slice_size)
        return _along(axis, max(1, min(sizes[axis], max_partitions, wanted)), len(sizes))

    return partitioner


def _sizes(shape: Any) -> list[int]:
    sizes = TensorShape(shape).as_list()
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        raise ValueError(f"the shape must be fully known to be cut, got {shape}")
    return known


def _along(axis: int, parts: int, rank: int) -> list[int]:
    cut = [1] * rank
    cut[axis] = parts
    return cut


def _bytes_of(dtype: Any, bytes_per_string_element: int) -> int:
    given = as_dtype(dtype)
    return bytes_per_string_element if given.is_string else given.numpy.itemsize
