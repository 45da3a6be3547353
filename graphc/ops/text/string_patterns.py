"""Strings: patterns, hashes, base 64, bytes read as numbers, tensors written into text."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.builder import composite
from graphc.ir.dims import Dim
from graphc.ir.dtype import REAL, as_dtype, bool_, int64, string, uint8
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType
from graphc.ops.text.as_text import summary
from graphc.ops.text.string_hashing import fingerprint64, murmur64, siphash
from graphc.ops.text.strings import NO_DERIVATIVE, PerString, check_strings, each, place


@lru_cache(maxsize=256)
def compiled(pattern: bytes) -> re.Pattern[str]:
    """A regular expression over text; bytes that are no UTF-8 stand for themselves."""
    try:
        return re.compile(pattern.decode(errors="surrogateescape"), re.ASCII)
    except re.error as error:
        raise InvalidArgumentError(
            f"{pattern!r} is not a regular expression: {error}",
            hint="the syntax is that of Python's re",
        ) from None


def _check_pattern(**operands: TensorType) -> None:
    check_strings(**operands)
    for name, type in operands.items():
        if type.shape not in (None, ()):
            raise Mismatch(f"{name} must be a scalar, got {type}")


class RegexReplace(Op):
    """``x`` with what matches ``pattern`` replaced by ``rewrite``, in which ``\\1`` is the first
    group and ``\\0`` the whole match; all matches, or the first."""

    operands = ("x", "pattern", "rewrite")
    attributes = {"replace_global": True}
    kind = Kind.HOST
    may_fail = True
    vjp = NO_DERIVATIVE

    def infer_type(self, x: TensorType, pattern: TensorType, rewrite: TensorType) -> TensorType:
        check_strings(x=x)
        _check_pattern(pattern=pattern, rewrite=rewrite)
        return x

    def reference(self, x: np.ndarray, pattern: np.ndarray, rewrite: np.ndarray) -> np.ndarray:
        expression = compiled(bytes(pattern[()]))
        template = bytes(rewrite[()]).decode(errors="surrogateescape")

        def written(match: re.Match[str]) -> str:
            return re.sub(
                r"\\(\d|\\)",
                lambda m: "\\" if m[1] == "\\" else match[int(m[1])] or "",
                template,
            )

        def replaced(text: bytes) -> bytes:
            found = text.decode(errors="surrogateescape")
            made = expression.sub(written, found, 0 if self.replace_global else 1)
            return made.encode(errors="surrogateescape")

        try:
            return each(replaced, string, x)
        except IndexError:
            raise InvalidArgumentError(
                f"{template!r} names a group that {expression.pattern!r} does not have"
            ) from None

    def host(self, *operands: np.ndarray) -> tuple:
        return (self.reference(*operands),)

    samples = [
        Sample("string[2]", "string[]", "string[]",
               values={0: [b"a1b22", b""], 1: rb"\d+", 2: rb"<\0>"}),
        Sample("string[1]", "string[]", "string[]", replace_global=False,
               values={0: [b"aXbX"], 1: rb"(\w)X", 2: rb"\1\\"}),
        Refuses("int32[2]", "string[]", "string[]", "x must be string, got int32[2]"),
        Refuses("string[2]", "string[2]", "string[]", "pattern must be a scalar, got string[2]"),
    ]  # fmt: skip


class RegexFullMatch(Op):
    """Whether ``pattern`` matches the whole of each string."""

    operands = ("x", "pattern")
    kind = Kind.HOST
    may_fail = True
    vjp = NO_DERIVATIVE

    def infer_type(self, x: TensorType, pattern: TensorType) -> TensorType:
        check_strings(x=x)
        _check_pattern(pattern=pattern)
        return TensorType(bool_, x.shape)

    def reference(self, x: np.ndarray, pattern: np.ndarray) -> np.ndarray:
        matches = compiled(bytes(pattern[()])).fullmatch
        return each(lambda t: matches(t.decode(errors="surrogateescape")) is not None, bool_, x)

    def host(self, *operands: np.ndarray) -> tuple:
        return (self.reference(*operands),)

    samples = [
        Sample("string[3]", "string[]", values={0: [b"abc", b"ab", b"abcd"], 1: b"a.c"}),
        Refuses("string[2]", "int32[]", "pattern must be string, got int32[]"),
    ]


class HashBucket(PerString):
    """The bucket of each string: its hash modulo ``buckets``.

    ``kind_of_hash`` is ``murmur``, ``farm`` (FarmHash's fingerprint) or ``sip`` (SipHash under
    ``key``, two numbers).
    """

    attributes = {"buckets": REQUIRED, "kind_of_hash": "farm", "key": (0, 0)}
    gives = int64

    def infer_type(self, x: TensorType) -> TensorType:
        if self.buckets < 1:
            raise Mismatch(f"num_buckets must be at least 1, got {self.buckets}")
        if len(self.key) != 2:
            raise Mismatch(f"key must be two numbers, got {list(self.key)}")
        return super().infer_type(x)

    def of(self, text: bytes) -> int:
        if self.kind_of_hash == "sip":
            return siphash(text, self.key) % self.buckets
        number = murmur64(text) if self.kind_of_hash == "murmur" else fingerprint64(text)
        return number % self.buckets

    samples = [
        Sample("string[3]", buckets=10),
        Sample("string[2, 1]", buckets=1000, kind_of_hash="murmur"),
        Sample("string[0]", buckets=3, kind_of_hash="sip", key=(1, 2)),
        Refuses("int32[2]", "x must be string, got int32[2]", buckets=2),
        Refuses("string[2]", "num_buckets must be at least 1, got 0", buckets=0),
        Refuses("string[2]", "key must be two numbers, got [1]", buckets=2, key=(1,)),
    ]


class EncodeBase64(PerString):
    """Every string in base 64, of the alphabet that is safe in addresses."""

    attributes = {"pad": False}

    def of(self, text: bytes) -> bytes:
        encoded = base64.urlsafe_b64encode(text)
        return encoded if self.pad else encoded.rstrip(b"=")

    samples = [
        Sample("string[3]", values={0: [b"a", b"\xff\xfe", b""]}),
        Sample("string[]", values={0: b"abcd"}, pad=True),
        Refuses("int32[2]", "x must be string, got int32[2]"),
    ]


class DecodeBase64(PerString):
    """What :class:`EncodeBase64` encoded, with or without padding."""

    may_fail = True

    def of(self, text: bytes) -> bytes:
        if re.fullmatch(rb"[\w-]*={0,2}", text, re.ASCII) is None:
            raise ValueError("is not base 64 of the alphabet A-Z a-z 0-9 - _")
        bare = text.rstrip(b"=")
        if bare != text and len(text) % 4:
            raise ValueError("is not base 64: its padding is wrong")
        try:
            return base64.urlsafe_b64decode(bare + b"=" * (-len(bare) % 4))
        except binascii.Error:
            raise ValueError("is not base 64: its length is wrong") from None

    samples = [
        Sample("string[3]", values={0: [b"YQ", b"YQ==", b"__4"]}),
        Refuses("int32[2]", "x must be string, got int32[2]"),
    ]


class DecodeRaw(Op):
    """The bytes of each string read as numbers, along a new last axis of ``count``."""

    operands = ("x",)
    attributes = {"dtype": uint8, "little_endian": True, "count": REQUIRED}
    binding = "count"
    kind = Kind.HOST
    may_fail = True
    vjp = NO_DERIVATIVE

    def infer_type(self, x: TensorType) -> TensorType:
        check_strings(x=x)
        if self.dtype not in (*REAL, bool_):
            raise DTypeMismatch(f"out_type must be numeric or bool, got {self.dtype}")
        return TensorType(self.dtype, None if x.shape is None else (*x.shape, self.count))

    def reference(self, x: np.ndarray) -> np.ndarray:
        texts = x.ravel().tolist()
        size = len(texts[0]) if texts else 0
        kind = self.dtype.numpy.newbyteorder("<" if self.little_endian else ">")
        for k, text in enumerate(texts):
            if len(text) != size:
                raise InvalidArgumentError(
                    f"all strings must have one length: x{place(x.shape, 0)} has {size} bytes, "
                    f"x{place(x.shape, k)} has {len(text)}"
                )
        if size % kind.itemsize:
            raise InvalidArgumentError(
                f"{size} bytes are not a whole number of {self.dtype} ({kind.itemsize} bytes)"
            )
        numbers = np.frombuffer(b"".join(texts), kind).astype(self.dtype.numpy)
        return numbers.reshape(*x.shape, size // kind.itemsize)

    def host(self, x: np.ndarray) -> tuple:
        return (self.reference(x),)

    samples = [
        Sample("string[2]", values={0: [b"abcd", b"efgh"]}, count=4),
        Sample("string[]", values={0: b"\0\1\2\3"}, dtype=REAL[6], little_endian=False, count=1),
        Sample("string[0]", count=0),
        Refuses("int32[2]", "x must be string, got int32[2]", count=1),
        Refuses("string[2]", "out_type must be numeric or bool, got string", dtype=string,
                count=1),
    ]  # fmt: skip


@composite
def raw_numbers(
    b: Any, x: Any, dtype: Any, little_endian: bool = True, name: str | None = None
) -> Any:
    """``decode_raw`` with a fresh count."""
    count: Dim = b.home.new_dim("numbers", data=True)
    return b.decode_raw(
        x, dtype=as_dtype(dtype), little_endian=little_endian, count=count, name=name
    )


# --- tensors in text -----------------------------------------------------------------------------


class StringFormat(Op):
    """``template`` with every ``placeholder`` replaced by an operand's summary, in order."""

    operands = ("*inputs",)
    attributes = {"template": REQUIRED, "placeholder": "{}", "summarize": 3}
    kind = Kind.HOST
    vjp = NO_DERIVATIVE

    def infer_type(self, *inputs: TensorType) -> TensorType:
        wanted = self.template.count(self.placeholder)
        if wanted != len(inputs):
            raise Mismatch(
                f"the template has {wanted} placeholders, there are {len(inputs)} inputs"
            )
        return TensorType(string, ())

    def reference(self, *inputs: np.ndarray) -> np.ndarray:
        pieces = self.template.split(self.placeholder)
        texts = [*(summary(np.asarray(x), self.summarize) for x in inputs), ""]
        joined = "".join(p + t for p, t in zip(pieces, texts, strict=True))
        return np.asarray(joined.encode(), object)

    def host(self, *inputs: np.ndarray) -> tuple:
        return (self.reference(*inputs),)

    samples = [
        Sample("int32[3]", "string[]", template="x: {}, name: {}"),
        Sample("float32[2, 9]", template="{}", summarize=2),
        Sample("bool[2]", template="%", placeholder="%"),
        Refuses("int32[2]", "the template has 0 placeholders, there are 1 inputs", template="x"),
    ]
