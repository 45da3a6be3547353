"""Element by element: how ops ask for their operands' elements and get kernel text back.

An op's ``element(e, at, *operands)`` describes one output element.  ``at`` is a tuple of dims over
the loop variables; an operand called with an index tuple gives a :class:`Scalar`, a name in the
kernel's text.  ``e`` is the :class:`Elements` below.  ``scalar(x, ...)`` is the short form for
elementwise ops.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.dtype import DType, as_dtype, int64, uint32
from graphc.ir.types import TensorType

if TYPE_CHECKING:
    from graphc.ir.graph import Node, Tensor
    from graphc.lowering.nest import Nest


_BLOCK_NAME = re.compile(r"([@#])(-?(?:[0-9.]+(?:e[-+]?[0-9]+)?|[a-z_]+))")


class Scalar:
    """A value with a name in the kernel's text; ``level`` is the loop depth it is valid at."""

    __slots__ = ("dtype", "level", "name", "nest")

    def __init__(self, name: str, dtype: str, level: int, nest: Nest) -> None:
        self.name = name
        self.dtype = dtype
        self.level = level
        self.nest = nest

    def __str__(self) -> str:
        return self.name

    @property
    def floating(self) -> bool:
        return as_dtype(self.dtype).is_floating

    @property
    def complex(self) -> bool:
        return as_dtype(self.dtype).is_complex

    @property
    def zero(self) -> str:
        return self.literal(0)

    @property
    def one(self) -> str:
        return self.literal(1)

    def literal(self, value: Any) -> str:
        """A constant of this value's dtype."""
        return self.nest.literal(value, self.dtype)


class OperandAt:
    """An operand as ``element`` sees it: call it with an index tuple."""

    __slots__ = ("elements", "tensor")

    def __init__(self, elements: Elements, tensor: Tensor) -> None:
        self.elements = elements
        self.tensor = tensor

    @property
    def type(self) -> TensorType:
        return self.tensor.type

    def __call__(self, *index: Dim) -> Scalar:
        return self.elements.nest.value(self.tensor, index)


class Elements:
    """What ``element`` may say: literals, selects, positions, indices read from memory, random
    bits.
    """

    __slots__ = ("nest", "node")

    def __init__(self, nest: Nest, node: Node) -> None:
        self.nest = nest
        self.node = node

    def literal(self, value: Any, dtype: str | DType) -> Scalar:
        name = str(as_dtype(dtype).computed)
        return Scalar(self.nest.literal(value, name), name, 0, self.nest)

    def let(self, text: str, dtype: str | DType, *uses: Scalar) -> Scalar:
        """Bind an expression to a temporary."""
        return self.nest.bind(text, str(as_dtype(dtype).computed), uses)

    def block(self, text: str, dtype: str | DType, *uses: Scalar) -> Scalar:
        """Bind what several lines of kernel text leave in ``@result``: for loops that end when an
        element is done, and so do not vectorise.

        In the text ``@0``, ``@1`` are the ``uses``, ``@name`` a variable of its own, ``#1.5`` a
        float64 literal and ``#1`` an int64 one.
        """
        return self.nest.block(text, str(as_dtype(dtype).computed), uses)

    def where(self, condition: Any, a: Scalar, b: Scalar, dtype: str | DType) -> Scalar:
        return self.let(f"where({condition}, {a}, {b})", dtype)

    def position(self, index: Dim) -> Scalar:
        """An index expression as an int64 value."""
        return self.nest.position(index)

    def number(self, size: Dim, dtype: str | DType) -> Scalar:
        """A size or index as a value of ``dtype``."""
        dtype = as_dtype(dtype)
        if isinstance(size, int):
            return self.literal(size, dtype)
        value = self.nest.position(size)
        if dtype is int64:
            return value
        if dtype.is_complex:
            whole, zero = self.number(size, dtype.real), self.literal(0, dtype.real)
            return self.nest.bind(f"complex_of({whole}, {zero})", str(dtype), (whole,))
        return self.nest.bind(f"to_{dtype}({value})", str(dtype.computed), (value,))

    def index(self, value: Scalar, bound: Dim) -> Dim:
        """An index read from memory: checked against ``[0, bound)``, and clamped into it."""
        return self.nest.checked_index(self.node, value, bound)

    def clamp(self, value: Scalar, bound: Dim) -> Dim:
        """An int64 value as an index moved into ``[0, bound)``: for reads whose result is not
        used.
        """
        return self.nest.clamped_index(value, bound)

    def value_or(self, x: OperandAt, at: tuple[Dim, ...], outside: Scalar, other: Scalar) -> Scalar:
        """``x[at]``, or ``other`` where the condition ``outside`` holds."""
        return self.nest.value_or(x.tensor, at, outside, other)

    def check(self, condition: Any) -> None:
        """The run fails (at this node) if ``condition`` holds anywhere."""
        self.nest.flag(self.node, str(condition))

    def flat(self, at: tuple[Dim, ...], shape: tuple[Dim, ...]) -> Dim:
        """The row-major position of an element."""
        position: Dim = 0
        for index, size in zip(at, shape, strict=True):
            position = position * size + index
        return position

    def random_bits(self, state: OperandAt, position: Dim | Scalar) -> Scalar:
        """The 32 random bits of an element: word ``position & 3`` of Philox block ``position >>
        2``.
        """
        key, execution = (
            self.let(f"to_int64({word})", int64, word) for word in (state(0), state(1))
        )
        place = position if isinstance(position, Scalar) else self.nest.position(position)
        return self.nest.bind(
            f"philox_word({key}, {execution}, shift_right({place}, {self.literal(2, int64)}), "
            f"bit_and({place}, {self.literal(3, int64)}))",
            str(uint32),
            (key, execution, place),
        )


def block_lines(text: str, own: str, literal: Callable, uses: Sequence[Scalar]) -> list[str]:
    """The lines of an :meth:`Elements.block`, with the names it has in this kernel."""

    def named(match: re.Match) -> str:
        sign, word = match.groups()
        if sign == "#":
            floating = not word.isdigit()
            return literal(
                float(word) if floating else int(word), "float64" if floating else "int64"
            )
        return str(uses[int(word)]) if word.isdigit() else f"{word}_{own}"

    return [_BLOCK_NAME.sub(named, line) for line in text.strip("\n").split("\n")]


def unit_reshape_index(
    at: tuple[Dim, ...], out: tuple[Dim, ...], shape: tuple[Dim, ...]
) -> tuple[Dim, ...] | None:
    """The operand's index when two shapes differ only in axes of size 1; None when they do not."""
    kept = [index for index, size in zip(at, out, strict=True) if size != 1]
    if [size for size in out if size != 1] != [size for size in shape if size != 1]:
        return None
    rest = iter(kept)
    return tuple(0 if size == 1 else next(rest) for size in shape)


def axis_symbol(axis: int) -> dims.Expr:
    """The loop variable of an axis of the space (no user dim can have this name)."""
    return dims.symbol(f"@{axis}")
