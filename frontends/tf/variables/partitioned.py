"""A variable kept in parts along one axis: what a partitioner asks ``get_variable`` for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder
from frontends.tf.variables.variable import Variable
from graphc.ir.dtype import DType
from graphc.ir.graph import Node, Tensor
from graphc.ir.operators import Operators


@dataclass(frozen=True)
class PartitionInfo:
    """Which part of a variable an initializer is asked for."""

    full_shape: list[int]
    var_offset: list[int]


class PartitionedVariable(Operators):
    """Variables ``name/part_0``, ``name/part_1``, ... that stand for one of their joined shape.

    It iterates over its parts; where a tensor is needed it is their concatenation.
    """

    def __init__(
        self, name: str, shape: Sequence[int], dtype: DType, variable_list: Sequence[Variable],
        partitions: Sequence[int],
    ) -> None:  # fmt: skip
        self._name, self._shape, self._dtype = name, tuple(shape), dtype
        self._variables, self._partitions = list(variable_list), list(partitions)
        self._joined: Tensor | None = None

    def as_tensor(self) -> Tensor:
        """The parts joined."""
        b = builder(self._variables[0])
        axis = self._axes()[0]
        parts = [v.as_graph_tensor() for v in self._variables]
        with b.home.name_scope(None), b.home.name_scope(f"{self._name}/ConcatPartitions/"):
            joined = parts[0] if len(parts) == 1 else b.concat(*parts, axis=axis, name="concat")
        with b.home.name_scope(None):
            return b.identity(joined, name=self._name)

    def as_graph_tensor(self) -> Tensor:
        if self._joined is None:
            with self.graph.control_dependencies(None):
                self._joined = self.as_tensor()
        return self._joined

    def _axes(self) -> list[int]:
        return [axis for axis, parts in enumerate(self._partitions) if parts > 1] or [0]

    def __iter__(self) -> Iterator[Variable]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    @property
    def name(self) -> str:
        return self._name

    @property
    def dtype(self) -> DType:
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self._shape)

    def get_shape(self) -> TensorShape:
        return self.shape

    @property
    def graph(self) -> Any:
        return self._variables[0].graph

    @property
    def initializer(self) -> Node:
        from frontends.tf.graph.building import group

        return group(*[v.initializer for v in self._variables], name="init")

    def assign(
        self, value: Any, use_locking: bool = False, name: str | None = None,
        read_value: bool = True,
    ) -> Any:  # fmt: skip
        """Set every part to its share of ``value``; the results are the parts' new values."""
        return self._each("assign", value, name)

    def assign_add(self, value: Any, use_locking: bool = False, name: str | None = None,
                   read_value: bool = True) -> Any:  # fmt: skip
        """Add to every part its share of ``value``."""
        return self._each("assign_add", value, name)

    def assign_sub(self, value: Any, use_locking: bool = False, name: str | None = None,
                   read_value: bool = True) -> Any:  # fmt: skip
        """Subtract from every part its share of ``value``."""
        return self._each("assign_sub", value, name)

    def _each(self, how: str, value: Any, name: str | None) -> list[Tensor]:
        from frontends.tf.functions.arrays import split

        axis = self._axes()[0]
        sizes = [v.shape.as_list()[axis] for v in self._variables]
        shares = split(value, sizes, axis)
        return [getattr(v, how)(x, name=name) for v, x in zip(self._variables, shares, strict=True)]

    def __repr__(self) -> str:
        parts = len(self._variables)
        return f"<PartitionedVariable '{self._name}' shape={self.shape} in {parts} parts>"


def cut_sizes(full: str, shape: Sequence[int], cut: Sequence[int]) -> tuple[int, list[int]]:
    """The axis that a partitioner's answer cuts, and the parts' sizes: the first ones are one
    longer where they cannot be equal."""
    if len(cut) != len(shape):
        raise ValueError(
            f"variable {full!r}: the partitioner gave {list(cut)} for the shape {list(shape)}"
        )
    several = [axis for axis, parts in enumerate(cut) if parts > 1]
    if any(parts < 1 for parts in cut) or len(several) > 1:
        raise ValueError(f"variable {full!r} is cut along one axis at most, asked for {list(cut)}")
    axis = several[0] if several else 0
    parts = cut[axis]
    if parts > shape[axis]:
        raise ValueError(f"variable {full!r}: {shape[axis]} rows are no {parts} parts")
    short, longer = divmod(shape[axis], parts)
    return axis, [short + 1] * longer + [short] * (parts - longer)
