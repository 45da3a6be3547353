"""Element types.  One object per dtype, named as TF1 names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class DType:
    """An element type: ``name`` in the text form, ``numpy`` the array type, ``kind`` for rules.

    ``kind`` is one of ``float``, ``int``, ``uint``, ``bool``, ``complex``, ``string``.
    """

    name: str
    kind: str
    size: int  # bytes an element takes in memory
    numpy: np.dtype

    @property
    def is_floating(self) -> bool:
        return self.kind == "float"

    @property
    def is_integer(self) -> bool:
        return self.kind in ("int", "uint")

    @property
    def is_bool(self) -> bool:
        return self.kind == "bool"

    @property
    def is_complex(self) -> bool:
        return self.kind == "complex"

    @property
    def is_string(self) -> bool:
        return self.kind == "string"

    @property
    def is_unsigned(self) -> bool:
        return self.kind == "uint"

    @property
    def is_differentiable(self) -> bool:
        return self.kind in ("float", "complex")

    @property
    def computed(self) -> DType:
        """The type arithmetic happens in: float16 and bfloat16 are storage types."""
        return float32 if self.kind == "float" and self.size == 2 else self

    @property
    def real(self) -> DType:
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    @property
    def real_dtype(self) -> DType:
        return self.real

    @property
    def as_numpy_dtype(self) -> type:
        return self.numpy.type

    @property
    def base_dtype(self) -> DType:
        return self

    @property
    def min(self) -> Any:
        if self.is_bool:
            return False
        return np.finfo(self.numpy).min if self.is_floating else np.iinfo(self.numpy).min

    @property
    def max(self) -> Any:
        if self.is_bool:
            return True
        return np.finfo(self.numpy).max if self.is_floating else np.iinfo(self.numpy).max

    def is_compatible_with(self, other: Any) -> bool:
        return self is as_dtype(other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DType):
            return self is other
        try:
            return self is as_dtype(other)
        except TypeError:
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple:
        return as_dtype, (self.name,)

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return self.name


float16 = DType("float16", "float", 2, np.dtype(np.float16))
# NumPy has no bfloat16: on the host its arrays are the raw bits.
bfloat16 = DType("bfloat16", "float", 2, np.dtype(np.uint16))
float32 = DType("float32", "float", 4, np.dtype(np.float32))
float64 = DType("float64", "float", 8, np.dtype(np.float64))
int8 = DType("int8", "int", 1, np.dtype(np.int8))
int16 = DType("int16", "int", 2, np.dtype(np.int16))
int32 = DType("int32", "int", 4, np.dtype(np.int32))
int64 = DType("int64", "int", 8, np.dtype(np.int64))
uint8 = DType("uint8", "uint", 1, np.dtype(np.uint8))
uint16 = DType("uint16", "uint", 2, np.dtype(np.uint16))
uint32 = DType("uint32", "uint", 4, np.dtype(np.uint32))
uint64 = DType("uint64", "uint", 8, np.dtype(np.uint64))
bool_ = DType("bool", "bool", 1, np.dtype(np.bool_))
complex64 = DType("complex64", "complex", 8, np.dtype(np.complex64))
complex128 = DType("complex128", "complex", 16, np.dtype(np.complex128))
string = DType("string", "string", 8, np.dtype(object))

ALL: tuple[DType, ...] = (
    float16, bfloat16, float32, float64, int8, int16, int32, int64,
    uint8, uint16, uint32, uint64, bool_, complex64, complex128, string,
)  # fmt: skip

FLOATING = (float16, bfloat16, float32, float64)
INTEGER = (int8, int16, int32, int64, uint8, uint16, uint32, uint64)
SIGNED = (int8, int16, int32, int64)
REAL = FLOATING + INTEGER
COMPLEX = (complex64, complex128)


def string_array(value: Any) -> np.ndarray | None:
    """Strings as graphs hold them: an object array of bytes, text encoded as UTF-8.

    None if ``value`` holds anything that is no string.
    """
    array = value if isinstance(value, np.ndarray) else np.asarray(value, object)
    if array.dtype.kind not in "OUS":
        return None
    flat = array.ravel().tolist()
    if not all(isinstance(item, str | bytes) for item in flat):
        return None
    if array.dtype == object and all(type(item) is bytes for item in flat):
        return array
    made = np.empty(len(flat), object)
    made[:] = [item.encode() if isinstance(item, str) else bytes(item) for item in flat]
    return made.reshape(array.shape)


_BY_NAME = {dtype.name: dtype for dtype in ALL} | {
    "half": float16,
    "double": float64,
    "float": float32,
}
_BY_NUMPY = {dtype.numpy: dtype for dtype in ALL if dtype is not bfloat16}


def as_dtype(value: Any) -> DType:
    """The DType for a DType, a name, or anything NumPy takes as a dtype."""
    if isinstance(value, DType):
        return value
    if isinstance(value, str) and value in _BY_NAME:
        return _BY_NAME[value]
    if value is str or value is bytes:
        return string
    try:
        found = np.dtype(value)
    except (TypeError, ValueError):
        raise TypeError(f"{value!r} is not a dtype") from None
    if found.kind in "USO":
        return string
    if found not in _BY_NUMPY:
        raise TypeError(f"{value!r} is not a dtype graphc knows")
    return _BY_NUMPY[found]
