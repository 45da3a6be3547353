"""How TF1 says where windows go: ``data_format``, ``strides``, ``dilations``, ``padding``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from frontends.tf.graph.tensor import whole_number
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ops.shaping.windows import Padding

FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


@dataclass(frozen=True)
class Layout:
    """A tensor with ``axes`` axes that windows slide along; ``what`` is told in errors."""

    what: str
    axes: int
    channels_first: bool

    @classmethod
    def of(cls, what: str, axes: int, data_format: Any) -> Layout:
        """``data_format``: ``NHWC`` and the like, or ``NCHW`` and the like; None is the first."""
        last, first = FORMATS[axes]
        if data_format in (None, "", last):
            return cls(what, axes, False)
        if data_format == first:
            return cls(what, axes, True)
        raise AttributeValueError(
            f"data_format must be {last} or {first}, got {data_format!r}",
            hint=meant(data_format, last, first), subject=what, site=here(),
        )  # fmt: skip

    def check_rank(self, tensor: Tensor, operand: str) -> None:
        if tensor.type.rank not in (None, self.axes + 2):
            raise ShapeError(
                f"{operand} must be of rank {self.axes + 2}, its rank is {tensor.type.rank}",
                rows=[(operand, str(tensor.type), f"from {tensor.node.name}")],
                subject=self.what, site=here(),
            )  # fmt: skip

    def channels_last(self, b: Builder, tensor: Tensor) -> Tensor:
        if not self.channels_first:
            return tensor
        return b.transpose(tensor, perm=(0, *range(2, self.axes + 2), 1))

    def as_given(self, b: Builder, tensor: Tensor, name: str | None = None) -> Tensor:
        """A result as the caller's format has it."""
        if not self.channels_first:
            return tensor
        return b.transpose(tensor, perm=(0, self.axes + 1, *range(1, self.axes + 1)), name=name)

    def split(self, sizes: tuple) -> tuple[Any, tuple, Any]:
        """A shape: its batch, the sizes windows slide along, its channels."""
        batch, *rest = self.flat(sizes)
        if self.channels_first:
            return batch, tuple(rest[1:]), rest[0]
        return batch, tuple(rest[:-1]), rest[-1]

    def flat(self, sizes: tuple) -> tuple:
        """A shape of as many sizes as the tensor has axes."""
        if len(sizes) != self.axes + 2:
            self.misfit(f"{self.axes + 2} sizes are needed, got {len(sizes)}")
        return sizes

    def steps(self, given: Any, name: str) -> tuple[int, ...]:
        """``strides`` or ``dilations``: one number, one for each axis, or with batch and channels,
        where they must be 1."""
        if given is None:
            return (1,) * self.axes
        listed = list(given) if isinstance(given, Iterable) else [given]
        numbers = [whole_number(n, name) for n in listed]
        if len(numbers) == 1:
            numbers *= self.axes
        elif len(numbers) == self.axes + 2:
            batch, inner, channels = self.split(tuple(numbers))
            if batch != 1 or channels != 1:
                self.refuse(f"{name} must be 1 along the batch and the channels, got {numbers}")
            numbers = list(inner)
        if len(numbers) != self.axes:
            self.refuse(f"{name} must be 1, {self.axes} or {self.axes + 2} numbers, got {numbers}")
        if min(numbers) < 1:
            self.refuse(f"{name} must be at least 1, got {numbers}")
        return tuple(numbers)

    def padding(self, given: Any) -> Padding:
        """``"SAME"``, ``"VALID"``, or a pair for each axis of the tensor."""
        if isinstance(given, str):
            if given.upper() not in ("SAME", "VALID"):
                self.refuse(f"padding must be SAME, VALID or a list of pairs, got {given!r}")
            return given.upper()
        if not isinstance(given, Iterable):
            self.refuse(f"padding must be SAME, VALID or a list of pairs, got {given!r}")
        pairs = tuple(tuple(whole_number(n, "padding") for n in pair) for pair in given)
        if len(pairs) != self.axes + 2 or any(len(p) != 2 or min(p) < 0 for p in pairs):
            self.refuse(f"padding must have {self.axes + 2} pairs of at least 0, got {given!r}")
        batch, inner, channels = self.split(pairs)
        if any((*batch, *channels)):
            self.refuse(f"padding must be 0 along the batch and the channels, got {given!r}")
        return inner

    def refuse(self, fact: str) -> NoReturn:
        raise AttributeValueError(fact, subject=self.what, site=here())

    def misfit(self, fact: str) -> NoReturn:
        raise ShapeError(fact, subject=self.what, site=here())


def meant(data_format: Any, last: str, first: str) -> str | None:
    """Which of two formats was meant by another spelling of one."""
    given = str(data_format).lower()
    if given == "channels_first" or given.startswith("nc"):
        found = first
    elif given == "channels_last" or (given.startswith("n") and given.endswith("c")):
        found = last
    else:
        return None
    return f'did you mean data_format="{found}"?'
