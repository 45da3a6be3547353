"""What a kernel is, as data: text in the kernel vocabulary, operand types, constants.

The text of a kernel is one Python function ``def NAME(args, start, stop)`` that uses only the words
of :mod:`graphc.codegen.vocabulary`.  It has no user names, so equal fusion groups have equal text
and share one compiled body.  A target turns a :class:`Kernel` into native code; the plain-Python
target runs it as it stands.

Argument block (the kernel ABI, ``i64 NAME(i64* args, i64 start, i64 stop)``), all words int64::

    args[0 .. n-1]        operand addresses, in the order of ``operands``
    then, per operand     its ``rank - 1`` leading strides, in elements (the innermost stride is 1)
    then                  the sizes, in the order of ``sizes``

The return value is 0, or a bit mask of failed checks.

A kernel whose chunks need room of their own, but not what others left in it, has a size ``busy``: a
bit per slot of its workspaces.  ``slot = take_slot(args)`` sets one that nobody has, and
``give_slot(args, slot)`` clears it, so that few slots, which stay near their core, serve all
chunks.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Access = Literal["r", "w", "rw"]

# How the innermost loop over a block of a contraction's result begins.  Such loops are short.
BLOCK_LOOP = "for column_at in range("


@dataclass(frozen=True)
class Operand:
    """One pointer of a kernel.  Distinct operands never overlap in memory unless both are read
    only.
    """

    name: str
    dtype: str  # a DType's name
    rank: int  # >= 1; a scalar is rank 1, read as ``s[0]``
    access: Access = "r"


@dataclass(frozen=True)
class Constant:
    """A typed literal the text calls by name (a bare ``0.0`` would be float64 to Numba)."""

    name: str
    dtype: str
    value: bool | int | float | complex


@dataclass(frozen=True)
class Kernel:
    """One kernel: readable text plus everything a target needs to compile it."""

    name: str
    text: str
    operands: tuple[Operand, ...]
    constants: tuple[Constant, ...] = ()
    sizes: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """Digest of everything that decides the machine code, targets aside."""
        parts = [self.text, repr(self.operands), repr(self.sizes)]
        parts += [f"{c.name}:{c.dtype}={c.value!r}" for c in self.constants]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    @cached_property
    def args_length(self) -> int:
        """Length of the argument block in int64 words."""
        strides = sum(operand.rank - 1 for operand in self.operands)
        return len(self.operands) + strides + len(self.sizes)


def takes_slots(kernel: Kernel) -> bool:
    """Whether a kernel's chunks take slots of its workspaces, instead of having one each."""
    return "take_slot(args)" in kernel.text
