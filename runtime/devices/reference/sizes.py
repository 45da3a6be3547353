"""Symbolic sizes at run time: bound from the arrays that are there."""

from __future__ import annotations

from typing import Any

from graphc.errors import FeedError
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.graph import Tensor


class Sizes:
    """What the symbols of a graph are in one run: ``values`` by name, and who bound each."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self._bound_by: dict[str, str] = {}

    def bind_feed(self, tensor: Tensor, shape: tuple[int, ...]) -> None:
        """Learn from a fed array; one that does not fit the tensor's type is refused."""
        declared = tensor.type.shape
        if declared is None:
            return
        if len(declared) != len(shape) or not self.learn(declared, shape, tensor.name):
            raise self._refusal(tensor, declared, shape)

    def learn(self, declared: Shape | None, shape: tuple[int, ...], whence: str) -> bool:
        """Bind the symbols that ``declared`` leaves open; False where it contradicts ``shape``."""
        if declared is None:
            return True
        waiting = list(zip(declared, shape, strict=True))
        # 2*n + 1 determines n, but m*n only once m is known: single symbols first, then the rest.
        waiting.sort(key=lambda pair: len(dims.symbols(pair[0])))
        return all([self._learn_one(dim, size, whence) for dim, size in waiting])

    def _learn_one(self, dim: Dim, size: int, whence: str) -> bool:
        rest = dims.substitute(dim, self.values)
        if isinstance(rest, int):
            return rest == size
        solved = _solve(rest, size)
        if solved is not None:
            name, value = solved
            if value < 0:
                return False
            self.values[name] = value
            self._bound_by[name] = whence
        return True

    def _refusal(self, tensor: Tensor, declared: Shape, shape: tuple[int, ...]) -> FeedError:
        named = sorted({s.name for d in declared for s in dims.symbols(d)})
        others = [n for n in named if self._bound_by.get(n, tensor.name) != tensor.name]
        rows = [(n, str(self.values[n]), f"from {self._bound_by[n]}") for n in others]
        return FeedError(
            f"takes {dims.format_shape(declared)}, was fed {list(shape)}",
            rows=rows,
            subject=tensor.name,
            site=tensor.node.site,
        )


def _solve(dim: Any, size: int) -> tuple[str, int] | None:
    """What ``factor * symbol + constant == size`` says of its symbol; None for other dims."""
    constant, linear = 0, []
    for monomial, factor in dim.terms:
        if not monomial:
            constant = factor
        else:
            linear.append((monomial, factor))
    if len(linear) != 1 or len(linear[0][0]) != 1:
        return None
    ((atom,), factor) = linear[0]
    rest, left = divmod(size - constant, factor)
    if not isinstance(atom, dims.Symbol):
        return None
    return atom.name, rest if not left else -1
