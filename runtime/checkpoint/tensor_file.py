"""Files in the safetensors format: eight bytes of header length, a JSON header, the arrays' bytes.

https://huggingface.co/docs/safetensors/index has the format.  Reading executes nothing, copies
nothing and believes nothing: every number of the header is checked against the file before the
first array is handed out.  Arrays are views of a private map of the file; a page is copied when it
is first written.

What the format leaves open is chosen so that a map can be used as it is: the header is padded to
64 bytes, and arrays whose size is a multiple of that come first, so they all start at such a
boundary; the others follow by element size.

Strings and complex128 have no type in the format.  They are stored as bytes and as pairs of
float64, and ``__metadata__`` says so.
"""

from __future__ import annotations

import json
import math
import mmap
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from graphc.ir import dtype as dtypes
from graphc.ir.dtype import DType, as_dtype
from runtime.checkpoint.atomic import replacing, write_all
from runtime.checkpoint.entries import Entry, damaged
from runtime.memory import aligned_empty

ALIGNMENT = 64
LONGEST_HEADER = 100_000_000  # bytes, as the library has it
MOST_AXES = 32
_METADATA = "__metadata__"
_ENCODED = "graphc.encoded"  # key of the metadata: name -> what its bytes stand for

_CODES = {
    "F16": dtypes.float16, "BF16": dtypes.bfloat16, "F32": dtypes.float32, "F64": dtypes.float64,
    "I8": dtypes.int8, "I16": dtypes.int16, "I32": dtypes.int32, "I64": dtypes.int64,
    "U8": dtypes.uint8, "U16": dtypes.uint16, "U32": dtypes.uint32, "U64": dtypes.uint64,
    "BOOL": dtypes.bool_, "C64": dtypes.complex64,
}  # fmt: skip
_CODE_OF = {dtype: code for code, dtype in _CODES.items()}


# --- writing -------------------------------------------------------------------------------------


class Contents(NamedTuple):
    """What a file is to hold."""

    arrays: Mapping[str, tuple[DType, np.ndarray]]
    metadata: Mapping[str, str]


def write_tensors(path: str, held: AbstractContextManager[Contents]) -> None:
    """Make ``path`` a file of these contents, atomically; bytes go to the file as they lie.

    ``held`` is entered while the arrays are read, and left before the disk is waited for.
    """
    with replacing(path) as file, held as contents:
        write_all(file, _pieces(*contents))


def _pieces(
    arrays: Mapping[str, tuple[DType, np.ndarray]], metadata: Mapping[str, str]
) -> list[memoryview]:
    """The file as buffers, header first."""
    encoded: dict[str, Any] = {}
    plain = {name: _plain(name, *value, encoded) for name, value in arrays.items()}
    order = sorted(plain, key=lambda name: _position(name, plain[name][1]))
    said = dict(metadata)
    if encoded:
        said[_ENCODED] = json.dumps(encoded)
    if _METADATA in arrays:
        raise ValueError(f"no array can be called {_METADATA!r}: the format uses that name")
    header: dict[str, Any] = {_METADATA: said}
    end = 0
    for name in order:
        dtype, array = plain[name]
        begin, end = end, end + array.nbytes
        header[name] = {
            "dtype": _CODE_OF[dtype], "shape": list(array.shape), "data_offsets": [begin, end],
        }  # fmt: skip
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-(len(text) + 8) % ALIGNMENT)
    bodies = [_as_bytes(plain[name][1]) for name in order]
    return [memoryview(len(text).to_bytes(8, "little")), memoryview(text), *bodies]


def _position(name: str, array: np.ndarray) -> tuple:
    return array.nbytes % ALIGNMENT != 0, -array.itemsize, name


def _as_bytes(array: np.ndarray) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _plain(
    name: str, dtype: DType, array: np.ndarray, encoded: dict[str, Any]
) -> tuple[DType, np.ndarray]:
    """An array the format has a type for; ``encoded`` is told if it stands for another one."""
    if dtype in _CODE_OF:
        return dtype, array
    encoded[name] = {"dtype": dtype.name, "shape": list(array.shape)}
    if dtype is dtypes.complex128:
        pairs = np.ascontiguousarray(array).reshape(-1).view(np.float64)
        return dtypes.float64, pairs.reshape(*array.shape, 2)
    strings = [s.encode() if isinstance(s, str) else bytes(s) for s in array.ravel().tolist()]
    lengths = np.array([len(s) for s in strings], np.int64)
    return dtypes.uint8, np.frombuffer(lengths.tobytes() + b"".join(strings), np.uint8)


# --- reading -------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """How an array lies in the file: type and shape of what is stored, first and last byte."""

    dtype: DType
    shape: tuple[int, ...]
    begin: int
    end: int


class TensorFile:
    """A file's arrays by name.  Its memory lives as long as any array taken from it.

    A file that another program shortens while it is mapped ends the process; files written here
    are replaced, never changed.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            header, start = _header(path, file, size)
            self.metadata: Mapping[str, str] = _metadata(path, header)
            self._places = _places(path, header, size - start)
            self._data = _contents(file, size)
        self._start = start
        self._encoded = _encoded(path, self.metadata, self._places)
        self.entries: dict[str, Entry] = {
            name: self._encoded.get(name) or Entry(place.dtype, place.shape)
            for name, place in self._places.items()
        }

    def array(self, name: str) -> np.ndarray:
        place = self._places[name]
        dtype = place.dtype.numpy
        count = math.prod(place.shape)
        at = self._start + place.begin
        stored = (
            np.frombuffer(self._data, dtype, count, at) if count else np.empty(0, dtype)
        ).reshape(place.shape)
        meant = self._encoded.get(name)
        return stored if meant is None else self._decoded(name, stored, meant)

    def _decoded(self, name: str, stored: np.ndarray, meant: Entry) -> np.ndarray:
        count = math.prod(meant.shape)
        if meant.dtype is dtypes.complex128:
            return stored.reshape(-1).view(np.complex128).reshape(meant.shape)
        data = stored.tobytes()
        short = len(data) < 8 * count
        lengths = [] if short else np.frombuffer(data[: 8 * count], np.int64).tolist()
        if short or min(lengths, default=0) < 0 or 8 * count + sum(lengths) != len(data):
            raise damaged(self.path, f"the strings of {name!r} do not fill their bytes")
        return strings_array(data[8 * count :], lengths, meant.shape)


def strings_array(data: bytes, lengths: list[int], shape: tuple[int, ...]) -> np.ndarray:
    """An array of the byte strings that stand one after the other in ``data``."""
    ends = list(accumulate(lengths))
    result = np.empty(len(lengths), object)
    result[:] = [data[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    return result.reshape(shape)


def _contents(file: Any, size: int) -> mmap.mmap | np.ndarray:
    """A file's bytes as a private map: what is written there stays in this process."""
    try:
        return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY)
    except OSError:  # not every file system has maps
        data = aligned_empty((size,), np.dtype(np.uint8))
        file.seek(0)
        if file.readinto(data.data) != size:
            raise
        return data


def _header(path: str, file: Any, size: int) -> tuple[dict[str, Any], int]:
    """The header, and where the arrays start."""
    prefix = file.read(8)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length > size - 8 or length > LONGEST_HEADER:
        raise damaged(path, _what_else(prefix, size, length))
    text = file.read(length)
    if not text.startswith(b"{"):
        raise damaged(path, _what_else(prefix, size, length))
    try:
        header = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"its header cannot be read: {error}") from None
    if not isinstance(header, dict):
        raise damaged(path, "its header is no table of names")
    return header, 8 + length


def _what_else(prefix: bytes, size: int, length: int) -> str:
    """Why a file whose first bytes these are is no safetensors file."""
    if size == 0:
        return "the file is empty"
    if prefix.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        return "this is a pickle; nothing in it was executed"
    if prefix.startswith(b"PK\x03\x04"):
        return "this is a zip archive (.npz, or a PyTorch file), not a safetensors file"
    if prefix.startswith(b"\x93NUMPY"):
        return "this is a .npy file, not a safetensors file"
    if prefix.startswith(b"\x89HDF"):
        return "this is an HDF5 file, not a safetensors file"
    if size < 8:
        return f"the file is cut off after {size} bytes"
    return f"its header would have {length} bytes in a file of {size}: cut off, or another format"


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _metadata(path: str, header: dict[str, Any]) -> dict[str, str]:
    said = header.pop(_METADATA, {})
    if not isinstance(said, dict) or not all(isinstance(v, str) for v in said.values()):
        raise damaged(path, "its __metadata__ is no table of strings")
    return said


def _places(path: str, header: dict[str, Any], size: int) -> dict[str, _Place]:
    """Where each array lies; together they fill the file without a gap."""
    places = {name: _place(path, name, said) for name, said in header.items()}
    reached = 0
    for name, place in sorted(places.items(), key=lambda item: (item[1].begin, item[1].end)):
        if place.begin != reached:
            raise damaged(path, f"{name!r} begins at byte {place.begin}, {reached} was expected")
        reached = place.end
    if reached != size:
        raise damaged(
            path, f"it holds {size} bytes of arrays where its header says {reached}: cut off?"
        )
    return places


def _place(path: str, name: str, said: Any) -> _Place:
    match said:
        case {"dtype": str(code), "shape": list(shape), "data_offsets": [begin, end]}:
            numbers = [*shape, begin, end]
        case _:
            raise damaged(path, f"its header does not say what {name!r} is")
    if code not in _CODES:
        raise damaged(path, f"{name!r} has elements of type {code}, for which there is no dtype")
    if not all(type(n) is int and n >= 0 for n in numbers) or len(shape) > MOST_AXES:
        raise damaged(path, f"{name!r} has a shape or place that cannot be: {numbers}")
    needed = math.prod(shape) * _CODES[code].size
    if end - begin != needed:
        raise damaged(path, f"{name!r} has {end - begin} bytes, its shape needs {needed}")
    return _Place(_CODES[code], tuple(shape), begin, end)


def _encoded(
    path: str, metadata: Mapping[str, str], places: Mapping[str, _Place]
) -> dict[str, Entry]:
    """The arrays that stand for others."""
    if _ENCODED not in metadata:
        return {}
    try:
        rows = json.loads(metadata[_ENCODED])
        found = {k: Entry(as_dtype(v["dtype"]), tuple(v["shape"])) for k, v in rows.items()}
        for name, (dtype, shape) in found.items():
            stored = places[name]
            pairs = dtype is dtypes.complex128 and stored.dtype is dtypes.float64
            if pairs and stored.shape != (*shape, 2):
                raise ValueError(f"{name!r} has another shape than its pairs")
            if not pairs and (dtype is not dtypes.string or stored.dtype is not dtypes.uint8):
                raise ValueError(f"{name!r} cannot stand for {dtype}")
            if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > MOST_AXES:
                raise ValueError(f"{name!r} cannot have the shape {shape}")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise damaged(path, f"its {_ENCODED!r} cannot be read: {error}") from None
    return found
