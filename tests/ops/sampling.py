"""The rows of the registry as test cases: types parsed, operands drawn, one-node graphs built."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc import ops  # noqa: F401  (importing the families registers them)
from graphc.ir.builder import Builder
from graphc.ir.dims import parse_dim
from graphc.ir.dtype import DType, as_dtype, bfloat16, complex128, float64
from graphc.ir.graph import Graph, Node, Tensor, infer
from graphc.ir.op import REGISTRY, Op, Refuses, Sample
from graphc.ir.types import TensorType
from graphc.ops.running.precision import bfloat16_bits

_TYPE = re.compile(r"(\w+)\[(.*)\]\Z")
REGISTERED = dict(sorted(REGISTRY.items()))  # the tests' own ops come later and are not walked


def parse_type(text: str) -> TensorType:
    """``float32[3, n]``; ``float32[?]`` has no known rank."""
    name, sizes = _TYPE.match(text).groups()
    if sizes == "?":
        return TensorType(as_dtype(name), None)
    return TensorType(as_dtype(name), tuple(parse_dim(d) for d in sizes.split(",") if d.strip()))


@dataclass(frozen=True)
class Case:
    """One sample of one op."""

    op: Op
    sample: Sample
    types: tuple[TensorType, ...]

    @property
    def result_types(self) -> tuple[TensorType, ...]:
        return infer(self.op, self.types)[0]

    def arrays(self) -> list[np.ndarray]:
        """The operands, the same ones in every run."""
        rng = np.random.default_rng(zlib.crc32(f"{self.op!r}{self.sample.types}".encode()))
        return [
            given(self.sample.values[k], t)
            if k in self.sample.values
            else draw(rng, t, self.sample)
            for k, t in enumerate(self.types)
        ]

    def doubled(self) -> Case:
        """The same case in float64 (complex: of float64) throughout, for finite differences."""
        wide = {
            k: _doubled(v)
            for k, v in self.op.values()
            if isinstance(v, DType) and v.is_differentiable
        }
        types = tuple(t.with_dtype(_doubled(t.dtype)) for t in self.types)
        return Case(self.op.replace(**wide), self.sample, types)


def _doubled(dtype: DType) -> DType:
    return float64 if dtype.is_floating else complex128 if dtype.is_complex else dtype


def given(values: Any, type: TensorType) -> np.ndarray:
    """A sample's own values for an operand."""
    if type.dtype is bfloat16:
        return bfloat16_bits(np.asarray(values, np.float32).reshape(type.shape))
    return np.asarray(values).astype(type.dtype.numpy).reshape(type.shape)


def draw(rng: np.random.Generator, type: TensorType, sample: Sample) -> np.ndarray:
    """Values of a type between the sample's bounds."""
    dtype, shape = type.dtype, type.shape
    if dtype.is_bool:
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.is_string:
        return np.array([b"s%d" % k for k in range(int(np.prod(shape)))], object).reshape(shape)
    low, high = sample.low, sample.high
    if dtype.is_integer:
        lowest = max(int(np.ceil(low)), dtype.min)
        return rng.integers(lowest, max(int(high), lowest) + 1, shape).astype(dtype.numpy)
    values = rng.uniform(low, high, shape)
    if dtype.is_complex:
        values = values + 1j * rng.uniform(low, high, shape)
    if dtype is bfloat16:
        return bfloat16_bits(np.asarray(values, np.float32))
    return np.asarray(values, dtype.numpy)


def label(op: str, types: tuple[str, ...], attributes: dict[str, Any]) -> str:
    """A test's id: ``reduce_sum(float32[3,4], axis=1)``."""
    shown = [t.replace(" ", "") for t in types]
    for key, value in attributes.items():
        text = str(value).replace(" ", "")
        shown.append(f"{key}={text}" if len(text) <= 24 else key)
    return f"{op}({','.join(shown)})"


def cases() -> dict[str, Case]:
    """Every sample of every registered op, by id."""
    found: dict[str, Case] = {}
    for name, kind in REGISTERED.items():
        for sample in kind.samples:
            if isinstance(sample, Sample):
                key = base = label(name, sample.types, sample.attributes)
                count = 1
                while key in found:
                    count += 1
                    key = f"{base}#{count}"
                types = tuple(parse_type(t) for t in sample.types)
                found[key] = Case(kind(**sample.attributes), sample, types)
    return found


def refusals() -> dict[str, tuple[type[Op], Refuses]]:
    """Every refusal of every registered op, by id."""
    found = {}
    for name, kind in REGISTERED.items():
        for row in kind.samples:
            if isinstance(row, Refuses):
                found[f"{label(name, row.types, row.attributes)}:{row.message}"] = (kind, row)
    return found


@dataclass
class OneNode:
    """A graph of one op: its operands are placeholders, and a variable where the op writes."""

    graph: Graph
    b: Builder
    operands: list[Tensor]
    node: Node

    @classmethod
    def of(cls, case: Case) -> OneNode:
        graph = Graph()
        b = Builder(graph)
        operands = []
        for k, t in enumerate(case.types):
            name = case.op.operand_names(len(case.types))[k].replace("[", "_").replace("]", "")
            if case.op.writes == k:
                operands.append(b.variable(dtype=t.dtype, shape=t.shape, key=name, name=name))
            else:
                operands.append(b.placeholder(dtype=t.dtype, shape=t.shape, name=name))
        node = graph.add(case.op, operands)
        return cls(graph, b, operands, node)

    def bound(self, arrays: list[np.ndarray]) -> tuple[dict, dict]:
        """(feeds, variables) that give the operands these values."""
        feeds, variables = {}, {}
        for tensor, array in zip(self.operands, arrays, strict=True):
            if tensor.node.op.name == "variable":
                variables[tensor.node.op.key] = array
            else:
                feeds[tensor] = array
        return feeds, variables
