"""The plain-Python target: runs the text of a kernel as it stands, one element at a time.

Slow and obvious.  It is how a kernel is stepped through in a debugger, and what every other target
is compared with.  It is stricter than a native target: an index outside the operand, a write to an
operand that is only read, and a value whose dtype is not the operand's are errors here.
"""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.codegen import vocabulary
from graphc.codegen.channels import CHANNEL_WORDS
from graphc.codegen.gathered import GATHERED_WORDS
from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.codegen.panels import PANEL_WORDS
from graphc.codegen.pools import POOL_WORDS
from graphc.codegen.transforms import TRANSFORM_WORDS
from graphc.ir import dtype as dtypes


class View:
    """One operand: ``a[i, j]`` loads a NumPy scalar, ``a[i, j] = x`` stores one."""

    def __init__(self, operand: Operand, array: np.ndarray, origin: tuple[int, ...] = ()) -> None:
        self.operand = operand
        self.origin = origin
        self.array = array
        self.dtype = dtypes.as_dtype(operand.dtype)

    def __getitem__(self, index: Any) -> Any:
        value = self.array[self._checked(index)]
        if self.dtype is dtypes.bfloat16:
            return vocabulary.bfloat16_value(value)
        return np.float32(value) if self.dtype is dtypes.float16 else value

    def __setitem__(self, index: Any, value: Any) -> None:
        value = vocabulary.scalar(value)
        if self.operand.access == "r":
            raise self._bug("is only read, and the text writes it")
        if value.dtype != self.dtype.computed.numpy:
            raise self._bug(f"holds {self.dtype}, and the text stores a {value.dtype}")
        if self.dtype is dtypes.bfloat16:
            value = vocabulary.bfloat16_bits(value)
        self.array[self._checked(index)] = value

    def part(self, at: int) -> View:
        """The operand of one rank less that lies at ``at`` of the first axis."""
        if not self.array.size:
            return View(self.operand, self.array.reshape((0,) * (self.array.ndim - 1)))
        if not 0 <= at < len(self.array):
            raise self._bug(f"has shape {list(self.array.shape)}, and the text takes part {at}")
        return View(self.operand, self.array[at])

    def moved(self, *origin: int) -> View:
        """The operand that has at ``origin`` what this one has at its first element."""
        return View(self.operand, self.array, origin)

    def _checked(self, index: Any) -> Any:
        positions = index if isinstance(index, tuple) else (index,)
        if self.origin:
            positions = tuple(p - o for p, o in zip(positions, self.origin, strict=True))
            index = positions
        inside = len(positions) == self.array.ndim and all(
            0 <= position < size for position, size in zip(positions, self.array.shape, strict=True)
        )
        if not inside:
            raise self._bug(f"has shape {list(self.array.shape)}, and the text indexes {index}")
        return index

    def _bug(self, fact: str) -> Exception:
        return AssertionError(f"bug in graphc: kernel operand '{self.operand.name}' {fact}")


def constant_value(constant: Constant) -> np.generic:
    """The typed literal as a NumPy scalar."""
    return dtypes.as_dtype(constant.dtype).computed.numpy.type(constant.value)


def run_kernel(
    kernel: Kernel, arrays: Sequence[np.ndarray], sizes: Sequence[int], start: int, stop: int
) -> int:
    """Run ``kernel`` over ``start`` to ``stop``; the value it returns (0, or a mask of failed
    checks).

    ``arrays`` are the operands in order, each of the operand's rank; bfloat16 ones are uint16
    arrays.
    """
    views = [View(*pair) for pair in zip(kernel.operands, arrays, strict=True)]
    for view in views:
        if view.array.ndim != view.operand.rank or view.array.dtype != view.dtype.numpy:
            raise TypeError(
                f"kernel {kernel.name}: operand '{view.operand.name}' is {view.dtype} of rank "
                f"{view.operand.rank}, got {view.array.dtype} of rank {view.array.ndim}"
            )
    with np.errstate(all="ignore"):
        namespace = _namespace(kernel)
        return int(namespace[kernel.name]((views, [np.int64(n) for n in sizes]), start, stop))


def _namespace(kernel: Kernel) -> dict[str, Any]:
    """The globals of the kernel's function: every word, every constant, the function itself."""
    namespace: dict[str, Any] = {name: word.meaning for name, word in vocabulary.WORDS.items()}
    for rows in (PANEL_WORDS, CHANNEL_WORDS, POOL_WORDS):
        namespace.update({name: meaning for name, (_, _, meaning) in rows.items()})
    for pairs in (GATHERED_WORDS, TRANSFORM_WORDS):
        namespace.update({name: meaning for name, (_, meaning) in pairs.items()})
    namespace["views"] = lambda args, count: _exactly(args[0], count)
    namespace["take_slot"] = lambda args: np.int64(0)  # one chunk at a time
    namespace["give_slot"] = lambda args, slot: None
    namespace["sizes"] = lambda args, count: _exactly(args[1], count)
    # An index or size may become a value of the computation, so it is an int64 like any other.
    namespace["range"] = lambda *bounds: map(np.int64, range(*bounds))
    namespace.update({constant.name: constant_value(constant) for constant in kernel.constants})
    filename = f"<kernel {kernel.name} {kernel.key}>"
    linecache.cache[filename] = (len(kernel.text), None, kernel.text.splitlines(True), filename)
    exec(compile(kernel.text, filename, "exec"), namespace)
    return namespace


def _exactly(items: list, count: int) -> list:
    assert len(items) == count, f"bug in graphc: the text asks for {count}, there are {len(items)}"
    return items
