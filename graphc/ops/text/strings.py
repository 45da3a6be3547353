"""Strings: to and from numbers, joined, split, cut.  They are bytes and are worked on in Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.builder import composite
from graphc.ir.dtype import (
    FLOATING,
    INTEGER,
    DType,
    bool_,
    complex64,
    complex128,
    float32,
    int32,
    int64,
    string,
)
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, broadcast
from graphc.ops.shaping.shape import resolve_axis

NO_DERIVATIVE = NotDifferentiable("strings have no derivative")


def each(function: Callable[..., Any], dtype: DType, *arrays: np.ndarray) -> np.ndarray:
    """``function`` of every element of arrays that broadcast; its errors name the place."""
    wide = np.broadcast_arrays(*arrays) if len(arrays) > 1 else arrays
    shape = wide[0].shape
    out = np.empty(wide[0].size, dtype.numpy)
    for k, values in enumerate(zip(*(a.ravel().tolist() for a in wide), strict=True)):
        try:
            out[k] = function(*values)
        except (ValueError, OverflowError) as error:
            raise InvalidArgumentError(f"x{place(shape, k)} = {values[0]!r} {error}") from None
    return out.reshape(shape)


def place(shape: tuple[int, ...], k: int) -> str:
    """``[i, j]`` of the k-th element; nothing for a scalar."""
    at = [int(i) for i in np.unravel_index(k, shape)] if shape else []
    return f"[{', '.join(map(str, at))}]" if at else ""


def check_strings(**operands: TensorType) -> None:
    for name, type in operands.items():
        if not type.dtype.is_string:
            raise DTypeMismatch(f"{name} must be string, got {type}")


class PerString(Op, abstract=True):
    """``y[i] = of(x[i])``."""

    operands = ("x",)
    kind = Kind.HOST
    vjp = NO_DERIVATIVE
    gives: DType = string

    def infer_type(self, x: TensorType) -> TensorType:
        check_strings(x=x)
        return TensorType(self.gives, x.shape)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return each(self.of, self.gives, x)

    def of(self, text: bytes) -> Any:
        raise NotImplementedError

    def host(self, *arrays: np.ndarray) -> tuple:
        return (self.reference(*arrays),)


# --- numbers -------------------------------------------------------------------------------------

_REAL = re.compile(
    rb"\s*([-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|inf(?:inity)?|nan))\s*\Z", re.I
)
_HEXADECIMAL = re.compile(rb"\s*([-+]?0x[0-9a-f]+)\s*\Z", re.I)
_HEXADECIMAL = re.compile(rb"\s*([-+]?0x[0-9a-f]+)\s*\Z", re.I)
_INTEGER = re.compile(rb"\s*([-+]?\d+)\s*\Z")


class StringToNumber(PerString):
    """The number each string spells; one that spells none fails the run, by place and text."""

    attributes = {"dtype": float32}
    may_fail = True

    def infer_type(self, x: TensorType) -> TensorType:
        if self.dtype.name not in ("float32", "float64", "int32", "int64"):
            raise DTypeMismatch(f"dtype must be float32, float64, int32 or int64, got {self.dtype}")
        check_strings(x=x)
        return TensorType(self.dtype, x.shape)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return each(self.of, self.dtype, x)

    def of(self, text: bytes) -> Any:
        real = self.dtype.is_floating
        found = (_REAL if real else _INTEGER).match(text)
        if found is None and real and (whole := _HEXADECIMAL.match(text)) is not None:
            return float(int(whole[1], 16))
        if found is None and real and (whole := _HEXADECIMAL.match(text)) is not None:
            return float(int(whole[1], 16))
        if found is None:
            raise ValueError(f"is not {'a number' if real else 'an integer'}")
        number = float(found[1]) if real else int(found[1])
        if not real and not self.dtype.min <= number <= self.dtype.max:
            raise ValueError(f"is outside {self.dtype}")
        return number

    samples = [
        Sample("string[4]", values={0: [b"1.5", b" -2e3 ", b"inf", b"7"]}),
        Sample("string[2]", values={0: [b"12", b"-7"]}, dtype=int64),
        Sample("string[]", values={0: b"nan"}),
        Sample("string[0]", dtype=int32),
        Refuses("float32[2]", "x must be string, got float32[2]"),
        Refuses("string[2]", "dtype must be float32, float64, int32 or int64, got bool",
                dtype=bool_),
    ]  # fmt: skip


class AsString(Op):
    """Every number as text, as C's printf writes it; bools as ``true`` and ``false``.

    ``scientific`` and ``shortest`` choose %e and %g over %f; a negative ``precision`` or ``width``
    is none; ``fill`` is printf's flag.
    """

    operands = ("x",)
    attributes = {
        "precision": -1, "scientific": False, "shortest": False, "width": -1, "fill": "",
    }  # fmt: skip
    kind = Kind.HOST
    vjp = NO_DERIVATIVE
    dtypes = (*INTEGER, *FLOATING, bool_, complex64, complex128, string)

    def infer_type(self, x: TensorType) -> TensorType:
        if self.scientific and self.shortest:
            raise Mismatch("scientific and shortest exclude each other")
        if len(self.fill) > 1 or self.fill not in "0 +-#":
            raise Mismatch(f"fill must be one of '0', ' ', '+', '-', '#', got {self.fill!r}")
        inexact = x.dtype.is_floating or x.dtype.is_complex
        if not inexact and (self.precision >= 0 or self.scientific or self.shortest):
            raise Mismatch(f"precision, scientific and shortest are for floating x, got {x}")
        return x.with_dtype(string)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return each(self.of, string, np.asarray(x))

    def host(self, x: np.ndarray) -> tuple:
        return (self.reference(x),)

    def of(self, value: Any) -> bytes:
        if isinstance(value, bytes):
            return value
        width = str(self.width) if self.width >= 0 else ""
        start = f"%{self.fill}{width}"
        if isinstance(value, bool):
            return b"true" if value else b"false"
        if isinstance(value, int):
            return f"{start}d".__mod__(value).encode()
        if self.fill == "0" and not np.isfinite(value):
            start = f"%{width}"
        letter = "e" if self.scientific else "g" if self.shortest else "f"
        form = f"{start}{f'.{self.precision}' if self.precision >= 0 else ''}{letter}"
        if isinstance(value, complex):
            return f"({form},{form})".__mod__((value.real, value.imag)).encode()
        return form.__mod__(value).encode()

    samples = [
        Sample("float32[2, 2]"),
        Sample("float32[3]", precision=2, values={0: [1.005, np.inf, -3]}),
        Sample("float64[2]", scientific=True, precision=3, width=12),
        Sample("float32[2]", shortest=True),
        Sample("int32[3]", width=5, fill="0", low=-20, high=20),
        Sample("int64[0]"),
        Sample("bool[2]"),
        Refuses("float32[2]", "scientific and shortest exclude each other", scientific=True,
                shortest=True),
        Refuses("int32[2]", "precision, scientific and shortest are for floating x, got int32[2]",
                precision=2),
        Refuses("int32[2]", "fill must be one of '0', ' ', '+', '-', '#', got 'x'", fill="x"),
    ]  # fmt: skip


# --- joined --------------------------------------------------------------------------------------


class StringJoin(Op):
    """The operands' strings one after another, ``separator`` between; scalars broadcast."""

    operands = ("*xs",)
    attributes = {"separator": ""}
    kind = Kind.HOST
    vjp = NO_DERIVATIVE

    def infer_type(self, *xs: TensorType) -> TensorType:
        if not xs:
            raise Mismatch("there is nothing to join")
        check_strings(**{f"xs[{k}]": x for k, x in enumerate(xs)})
        return TensorType(string, broadcast(**{f"xs[{k}]": x for k, x in enumerate(xs)}))

    def reference(self, *xs: np.ndarray) -> np.ndarray:
        between = self.separator.encode()
        return each(lambda *parts: between.join(parts), string, *xs)

    def host(self, *xs: np.ndarray) -> tuple:
        return (self.reference(*xs),)

    samples = [
        Sample("string[3]", "string[3]", separator=" "),
        Sample("string[2, 2]", "string[]", "string[2, 2]"),
        Sample("string[0]", "string[0]"),
        Refuses("string[2]", "int32[2]", "xs[1] must be string, got int32[2]"),
        Refuses("string[2]", "string[3]", "shapes do not broadcast (axis -1)"),
        Refuses("there is nothing to join"),
    ]


@composite
def plus(b: Any, x: Any, y: Any, name: str | None = None) -> Any:
    """``z = x + y``; strings are joined."""
    x, y = b.tensors((x, y))
    make = b.string_join if x.dtype.is_string and y.dtype.is_string else b.add
    return make(x, y, name=name)


class ReduceJoin(Op):
    """The strings along ``axis`` as one; of several axes the first runs fastest.

    None joins all, in row-major order.
    """

    operands = ("x",)
    attributes = {"axis": None, "keepdims": False, "separator": ""}
    kind = Kind.HOST
    vjp = NO_DERIVATIVE

    def axes(self, rank: int) -> tuple[int, ...]:
        if self.axis is None:
            return tuple(range(rank))[::-1]
        given = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        return tuple(resolve_axis(axis, rank) for axis in given)

    def infer_type(self, x: TensorType) -> TensorType:
        check_strings(x=x)
        if x.shape is None:
            return x
        axes = self.axes(len(x.shape))
        if len(set(axes)) < len(axes):
            raise Mismatch(f"an axis is named twice: {list(self.axis)}", x=x)
        return x.with_shape(
            tuple(
                1 if k in axes else size
                for k, size in enumerate(x.shape)
                if self.keepdims or k not in axes
            )
        )

    def reference(self, x: np.ndarray) -> np.ndarray:
        axes = self.axes(x.ndim)
        kept = [k for k in range(x.ndim) if k not in axes]
        moved = x.transpose(*kept, *axes[::-1])
        rest = moved.shape[: len(kept)]
        count = int(np.prod(moved.shape[len(kept) :], dtype=np.int64))
        lines = moved.reshape(int(np.prod(rest, dtype=np.int64)), count)
        out = np.empty(len(lines), object)
        out[:] = [self.separator.encode().join(line) for line in lines.tolist()]
        if self.keepdims:
            rest = tuple(1 if k in axes else size for k, size in enumerate(x.shape))
        return out.reshape(rest)

    def host(self, x: np.ndarray) -> tuple:
        return (self.reference(x),)

    samples = [
        Sample("string[2, 2]", axis=0),
        Sample("string[2, 3]", axis=(0, 1)),
        Sample("string[2, 3]", axis=(1, 0), separator=", "),
        Sample("string[2, 3]", keepdims=True),
        Sample("string[2, 3]", axis=()),
        Sample("string[2, 0]", axis=-1),
        Refuses("int32[2]", "x must be string, got int32[2]"),
        Refuses("string[2]", "axis 1 is outside a tensor of rank 1", axis=1),
        Refuses("string[2, 2]", "an axis is named twice: [0, 0]", axis=(0, 0)),
    ]


# --- split and cut -------------------------------------------------------------------------------


class StringSplit(Op):
    """``indices, values, shape`` of the sparse matrix whose row i holds the parts of ``x[i]``.

    ``each_byte``: every byte of ``separator`` parts, and an empty one parts everywhere; else the
    separator parts as a whole, and an empty one is any run of white space.
    """

    operands = ("x",)
    attributes = {
        "separator": "", "each_byte": True, "skip_empty": True, "most": -1, "count": REQUIRED,
    }  # fmt: skip
    binding = "count"
    kind = Kind.HOST
    vjp = NO_DERIVATIVE

    def infer_type(self, x: TensorType) -> tuple[TensorType, TensorType, TensorType]:
        check_strings(x=x)
        if x.shape is not None and len(x.shape) != 1:
            raise Mismatch(f"x must be a vector, got {x}")
        return (
            TensorType(int64, (self.count, 2)),
            TensorType(string, (self.count,)),
            TensorType(int64, (2,)),
        )

    def reference(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = [self.parts(text) for text in x.tolist()]
        at = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
        values = np.empty(len(at), object)
        values[:] = [part for row in rows for part in row]
        shape = np.array([len(rows), max(map(len, rows), default=0)], np.int64)
        return np.array(at, np.int64).reshape(len(at), 2), values, shape

    def parts(self, text: bytes) -> list[bytes]:
        separator = self.separator.encode()
        if not self.each_byte:
            return text.split(separator or None, self.most)
        if not separator:
            found = [text[k : k + 1] for k in range(len(text))]
        elif text:
            found = re.split(b"[" + re.escape(separator) + b"]", text)
        else:
            found = []
        return [part for part in found if part] if self.skip_empty else found

    def host(self, x: np.ndarray) -> tuple:
        return self.reference(x)

    samples = [
        Sample("string[2]", values={0: [b"a b c", b" d  e"]}, separator=" ", count=5),
        Sample("string[2]", values={0: [b"a,b;c", b""]}, separator=",;", skip_empty=False,
               count=3),
        Sample("string[2]", values={0: [b"ab", b"c"]}, count=3),
        Sample("string[2]", values={0: [b"a--b-c", b"x"]}, separator="--", each_byte=False,
               count=3),
        Sample("string[1]", values={0: [b" a b  c "]}, each_byte=False, most=1, count=2),
        Sample("string[0]", count=0),
        Refuses("int32[2]", "x must be string, got int32[2]", count=1),
        Refuses("string[]", "x must be a vector, got string[]", count=1),
    ]  # fmt: skip


@composite
def split_strings(
    b: Any, x: Any, separator: str, each_byte: bool = True, skip_empty: bool = True,
    most: int = -1, name: str | None = None,
) -> tuple:  # fmt: skip
    """``string_split`` with a fresh count."""
    count = b.home.new_dim("parts", data=True)
    how = {"separator": separator, "each_byte": each_byte, "skip_empty": skip_empty, "most": most}
    return tuple(b.string_split(x, count=count, name=name, **how))


class Substr(Op):
    """``length`` units of ``x`` from ``position`` on (all, if negative); a negative position counts
    from the end.

    A unit is a byte, or (``characters``) a character of UTF-8.
    """

    operands = ("x", "position", "length")
    attributes = {"characters": False}
    kind = Kind.HOST
    may_fail = True
    vjp = NO_DERIVATIVE

    def infer_type(self, x: TensorType, position: TensorType, length: TensorType) -> TensorType:
        check_strings(x=x)
        for name, type in (("position", position), ("length", length)):
            if type.dtype not in (int32, int64):
                raise DTypeMismatch(f"{name} must be int32 or int64, got {type}")
        return TensorType(string, broadcast(x=x, position=position, length=length))

    def reference(self, x: np.ndarray, position: np.ndarray, length: np.ndarray) -> np.ndarray:
        return each(self.of, string, x, position, length)

    def of(self, text: bytes, position: int, length: int) -> bytes:
        units: Any = text.decode(errors="replace") if self.characters else text
        if not -len(units) <= position <= len(units):
            raise ValueError(f"has no position {position}")
        start = position + len(units) if position < 0 else position
        part = units[start : start + length] if length >= 0 else units[start:]
        return part.encode() if self.characters else part

    def host(self, *operands: np.ndarray) -> tuple:
        return (self.reference(*operands),)

    samples = [
        Sample("string[3]", "int32[]", "int32[]", values={0: [b"hello", b"world", b"abc"],
                                                          1: 1, 2: 3}),
        Sample("string[2]", "int64[2]", "int64[2]", values={0: [b"hello", b"world"], 1: [-3, 5],
                                                            2: [2, 9]}),
        Sample("string[1]", "int32[]", "int32[]", values={0: ["üäb".encode()], 1: 1, 2: 1},
               characters=True),
        Sample("string[0]", "int32[]", "int32[]"),
        Refuses("int32[2]", "int32[]", "int32[]", "x must be string, got int32[2]"),
        Refuses("string[2]", "float32[]", "int32[]",
                "position must be int32 or int64, got float32[]"),
    ]  # fmt: skip


class StringStrip(PerString):
    """Every string without the white space around it."""

    def of(self, text: bytes) -> bytes:
        return text.strip()

    samples = [
        Sample("string[2]", values={0: [b"  a b\n", b"\t"]}),
        Refuses("int32[2]", "x must be string, got int32[2]"),
    ]


class StringLength(PerString):
    """How many bytes, or (``characters``) characters of UTF-8, every string has."""

    attributes = {"characters": False}
    gives = int32

    def of(self, text: bytes) -> int:
        return sum((byte & 0xC0) != 0x80 for byte in text) if self.characters else len(text)

    samples = [
        Sample("string[2]", values={0: [b"abc", "ü".encode()]}),
        Sample("string[2]", values={0: [b"", "ü".encode()]}, characters=True),
        Refuses("int32[2]", "x must be string, got int32[2]"),
    ]


class StringCase(PerString):
    """Every string in lower or upper case: of ASCII letters, or (``unicode``) of all."""

    attributes = {"upper": False, "unicode": False}

    def of(self, text: bytes) -> bytes:
        if not self.unicode:
            return text.upper() if self.upper else text.lower()
        letters = text.decode(errors="replace")
        return (letters.upper() if self.upper else letters.lower()).encode()

    samples = [
        Sample("string[2]", values={0: [b"aB", "Ü".encode()]}),
        Sample("string[2]", values={0: [b"aB", "ü".encode()]}, upper=True, unicode=True),
        Refuses("int32[2]", "x must be string, got int32[2]"),
    ]
