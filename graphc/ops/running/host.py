"""Ops that run in Python between kernels: the user's functions, printing, the time."""

from __future__ import annotations

import itertools
import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.builder import composite
from graphc.ir.dims import Shape
from graphc.ir.dtype import DType, float32, float64, string_array
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType
from graphc.ops.text.as_text import format_values


class ReturnedShapeError(InvalidArgumentError):
    """A Python function returned arrays of other shapes than its node has."""

    results: tuple[np.ndarray, ...] = ()


def _is_of(array: np.ndarray, shape: Shape) -> bool:
    return len(shape) == array.ndim and all(
        d == n or not isinstance(d, int) for d, n in zip(shape, array.shape, strict=True)
    )


class PyFunc(Op):
    """What ``function(*arrays)`` returns: one array of each of ``dtypes``.

    ``shapes`` has a shape per output, or is None where nothing is known.  The function gets copies;
    a scalar comes as a NumPy scalar or as bytes.  Calls are never merged or folded away.
    """

    operands = ("*inputs",)
    attributes = {"function": REQUIRED, "dtypes": REQUIRED, "shapes": None}
    binding = "shapes"
    kind = Kind.HOST
    random = True  # two calls are two calls
    may_fail = True
    vjp = NotDifferentiable("a Python function has no gradient; tf.custom_gradient gives it one")

    def infer_type(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        shapes = self.shapes if self.shapes is not None else (None,) * len(self.dtypes)
        if len(shapes) != len(self.dtypes):
            raise Mismatch(f"{len(self.dtypes)} dtypes and {len(shapes)} shapes for the outputs")
        return tuple(TensorType(d, s) for d, s in zip(self.dtypes, shapes, strict=True))

    def reference(self, *inputs: np.ndarray) -> tuple:
        result = self.function(*(x if x.ndim else x[()] for x in inputs))
        if len(self.dtypes) == 1 and not isinstance(result, list | tuple):
            result = (result,)
        elif not self.dtypes:
            return ()
        if len(self.dtypes) == 1 and len(result) != 1:
            result = (result,)
        if len(result) != len(self.dtypes):
            raise InvalidArgumentError(
                f"{self.title} returned {len(result)} values, it was declared with "
                f"{len(self.dtypes)}"
            )
        arrays = tuple(map(self._converted, result, self.dtypes))
        for array, dtype, shape in zip(arrays, self.dtypes, self.shapes or (), strict=False):
            if shape is not None and not _is_of(array, shape):
                error = ReturnedShapeError(
                    f"{self.title} returned {TensorType(dtype, array.shape)}, "
                    f"the graph has {TensorType(dtype, shape)}",
                    hint="set_shape says what shape the function returns; None leaves a size open",
                )
                error.results = arrays
                raise error
        return arrays

    @property
    def title(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))

    def _converted(self, value: Any, dtype: DType) -> np.ndarray:
        if dtype.is_string:
            strings = string_array(value)
            if strings is None:
                raise InvalidArgumentError(
                    f"{self.title} returned {type(value).__name__}, it was declared {dtype}"
                )
            return strings
        array = np.asarray(value)
        if not np.can_cast(array.dtype, dtype.numpy, "same_kind"):
            raise InvalidArgumentError(
                f"{self.title} returned {array.dtype}, it was declared {dtype}",
                hint=f"return the result with .astype('{dtype}')",
            )
        return array.astype(dtype.numpy)

    def host(self, *inputs: np.ndarray) -> tuple:
        return self.reference(*inputs)

    samples = [
        Sample("float32[3]", function=np.negative, dtypes=(float32,), shapes=((3,),)),
        Sample("float32[3]", "float32[3]", function=lambda *xs: xs, dtypes=(float32, float32),
               shapes=((3,), (3,))),
        Refuses("float32[3]", "1 dtypes and 2 shapes for the outputs", function=np.negative,
                dtypes=(float32,), shapes=((3,), (3,))),
    ]  # fmt: skip


class Print(Op):
    """``y = x``; each run writes ``message`` and ``data`` to stderr, the first ``first_n`` times.

    ``turns`` counts the times (None: no limit).
    """

    operands = ("x", "*data")
    attributes = {"message": "", "summarize": 3, "first_n": -1, "turns": None}
    kind = Kind.HOST
    effect = True

    def infer_type(self, x: TensorType, *data: TensorType) -> TensorType:
        return x

    def reference(self, x: np.ndarray, *data: np.ndarray) -> np.ndarray:
        return x

    def host(self, x: np.ndarray, *data: np.ndarray) -> tuple:
        if self.turns is None or self.first_n < 0 or next(self.turns) < self.first_n:
            shown = "".join(f"[{format_values(d, self.summarize)}]" for d in data)
            sys.stderr.write(f"{self.message}{shown}\n")
        return (x,)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, *data: Any) -> list:
        return [ct, *(None for _ in data)]

    samples = [
        Sample("float32[3]", "int32[2]", message="x = "),
        Sample("float64[]"),
    ]


class PrintV2(Op):
    """Each run writes the string ``text`` and ``end`` to ``stream``.

    ``stream`` is ``stdout``, ``stderr``, a level of the log (``log(warning)``) or ``file://PATH``.
    """

    operands = ("text",)
    attributes = {"stream": "stderr", "end": "\n"}
    kind = Kind.HOST
    effect = True
    vjp = NotDifferentiable("it has no output")

    def infer_type(self, text: TensorType) -> tuple[TensorType, ...]:
        if not text.dtype.is_string:
            raise DTypeMismatch(f"text must be string, got {text}")
        return ()

    def reference(self, text: np.ndarray) -> tuple:
        return ()

    def host(self, text: np.ndarray) -> tuple:
        line = bytes(text[()]).decode(errors="replace") + self.end
        stream = self.stream
        if stream.startswith("file://"):
            with open(stream.removeprefix("file://"), "a", encoding="utf-8") as file:
                file.write(line)
        elif stream.startswith("log("):
            level = logging.getLevelNamesMapping()[stream[4:-1].upper()]
            logging.getLogger("graphc").log(level, "%s", line.removesuffix("\n"))
        else:
            (sys.stdout if stream == "stdout" else sys.stderr).write(line)
        return ()

    samples = [
        Sample("string[]"),
        Sample("string[]", stream="stdout", end=""),
        Refuses("int32[]", "text must be string, got int32[]"),
    ]


class Timestamp(Op):
    """Seconds since 1970, when the run comes to it."""

    operands = ()
    kind = Kind.HOST
    random = True  # two are two times
    vjp = NotDifferentiable("it has no operands")

    def infer_type(self) -> TensorType:
        return TensorType(float64, ())

    def reference(self) -> np.ndarray:
        return np.asarray(time.time())

    def host(self) -> tuple:
        return (self.reference(),)

    samples = []


@composite
def print_values(
    b: Any, x: Any, data: Any, message: str = "", first_n: int = -1, summarize: int = 3,
    name: str | None = None,
) -> Any:  # fmt: skip
    """``x``, printing ``data`` whenever it is computed (``first_n`` times, unless negative)."""
    turns = itertools.count() if first_n >= 0 else None
    return b.print(
        x, *data, message=message, summarize=summarize, first_n=first_n, turns=turns, name=name
    )


@composite
def python_function(
    b: Any, function: Callable, inputs: Any, dtypes: tuple[DType, ...], shapes: Any = None,
    name: str | None = None,
) -> tuple:  # fmt: skip
    """The outputs of ``function`` on the values of ``inputs``; None in a shape is an unknown size.

    Unknown sizes become data-dependent ones that each run binds to what the function returned.
    """
    if shapes is not None:
        shapes = tuple(
            None
            if shape is None
            else tuple(b.home.new_dim("size", data=True) if d is None else d for d in shape)
            for shape in shapes
        )
    given = [b.tensor(v) for v in inputs]
    made = b.py_func(*given, function=function, dtypes=tuple(dtypes), shapes=shapes, name=name)
    return tuple(made) if isinstance(made, tuple | list) else (made,)
