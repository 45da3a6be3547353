"""Reading TensorFlow's V2 checkpoints: ``prefix.index`` and ``prefix.data-00000-of-00001``, ...

The index is a table: the empty key holds a BundleHeaderProto (number of shards, byte order), every
other key is a tensor's name with a BundleEntryProto (dtype, shape, shard, offset, size, masked
CRC-32C of the bytes).  A tensor saved in slices (partitioned variables) has the slices in its
entry, and each slice an entry of its own; it is put together when asked for.

Facts: tensorflow/core/protobuf/tensor_bundle.proto and tensorflow/core/util/tensor_bundle.
"""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphc.errors import UnimplementedError
from graphc.ir import dtype as dtypes
from runtime.checkpoint.crc32c import crc32c, masked
from runtime.checkpoint.entries import Entry, damaged
from runtime.checkpoint.sstable import rows
from runtime.checkpoint.tensor_file import strings_array
from runtime.checkpoint.wire import fields, signed, varint
from runtime.memory import aligned_empty

MOST_AXES = 32
# By number in tensorflow/core/framework/types.proto.
_DTYPES = {
    1: dtypes.float32, 2: dtypes.float64, 3: dtypes.int32, 4: dtypes.uint8, 5: dtypes.int16,
    6: dtypes.int8, 7: dtypes.string, 8: dtypes.complex64, 9: dtypes.int64, 10: dtypes.bool_,
    14: dtypes.bfloat16, 17: dtypes.uint16, 18: dtypes.complex128, 19: dtypes.float16,
    22: dtypes.uint32, 23: dtypes.uint64,
}  # fmt: skip


@dataclass
class _Entry:
    """A BundleEntryProto."""

    dtype: int = 0
    shape: tuple[int, ...] = ()
    shard: int = 0
    offset: int = 0
    size: int = 0
    checksum: int | None = None
    slices: list[list[tuple[int, int | None]]] = field(default_factory=list)


class Bundle:
    """A bundle's tensors by name.  Each tensor's checksum is checked when it is read."""

    def __init__(self, prefix: str) -> None:
        self.path = f"{prefix}.index"
        self.metadata: Mapping[str, str] = {}
        self._prefix = prefix
        self._maps: dict[int, Any] = {}
        with open(self.path, "rb") as file:
            data = file.read()
        self._found: dict[bytes, _Entry] = {}
        self.shards = 1
        try:
            for key, value in rows(data):
                if key:
                    self._found[key] = _entry(value)
                else:
                    self.shards = _shards(value)
        except NotImplementedError as error:
            raise self._unread(str(error)) from None
        except (ValueError, TypeError) as error:
            raise damaged(self.path, str(error)) from None
        self.entries: dict[str, Entry] = {
            key.decode(errors="replace"): Entry(_DTYPES[entry.dtype], entry.shape)
            for key, entry in self._found.items()
            if entry.dtype in _DTYPES and not key.startswith(b"\0")  # slices have other keys
        }

    def array(self, name: str) -> np.ndarray:
        entry = self._found[name.encode()]
        try:
            return self._whole(name, entry) if entry.slices else self._read(name, entry)
        except (ValueError, OSError) as error:
            raise damaged(self._prefix, f"tensor {name!r}: {error}") from None

    def _whole(self, name: str, entry: _Entry) -> np.ndarray:
        """A tensor put together from its slices."""
        result = aligned_empty(entry.shape, _DTYPES[entry.dtype].numpy)
        filled = 0
        for extents in entry.slices:
            key = _slice_key(name, extents)
            if key not in self._found or len(extents) != len(entry.shape):
                raise ValueError("a slice of it is missing")
            where = tuple(
                slice(start, n if length is None else start + length)
                for (start, length), n in zip(extents, entry.shape, strict=True)
            )
            part = self._read(name, self._found[key])
            if result[where].shape != part.shape:
                raise ValueError(f"a slice has shape {part.shape}, its place {result[where].shape}")
            result[where] = part
            filled += part.size
        if filled != result.size:
            raise ValueError(f"its slices hold {filled} of {result.size} elements")
        return result

    def _read(self, name: str, entry: _Entry) -> np.ndarray:
        data = self._bytes(entry)
        dtype, count = _DTYPES[entry.dtype], math.prod(entry.shape)
        if dtype.is_string:
            return _strings(data, count, entry)
        if len(data) != count * dtype.size:
            raise ValueError(f"it has {len(data)} bytes, its shape needs {count * dtype.size}")
        if entry.checksum is not None and masked(crc32c(data)) != entry.checksum:
            raise ValueError("it does not have its checksum: damaged")
        result = aligned_empty(entry.shape, dtype.numpy)
        result.reshape(-1).view(np.uint8)[...] = np.frombuffer(data, np.uint8)
        return result

    def _bytes(self, entry: _Entry) -> memoryview:
        if not entry.size:
            return memoryview(b"")
        if entry.shard >= self.shards:
            raise ValueError(f"it lies in shard {entry.shard} of {self.shards}")
        if entry.shard not in self._maps:
            path = f"{self._prefix}.data-{entry.shard:05d}-of-{self.shards:05d}"
            with open(path, "rb") as file:
                if not os.fstat(file.fileno()).st_size:
                    raise ValueError(f"{path!r} is empty")
                self._maps[entry.shard] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        data = memoryview(self._maps[entry.shard])[entry.offset : entry.offset + entry.size]
        if len(data) != entry.size:
            raise ValueError(f"{len(data)} of its {entry.size} bytes are there: cut off")
        return data

    def _unread(self, fact: str) -> UnimplementedError:
        return UnimplementedError(fact, subject=f"checkpoint {self._prefix!r}")


def _shards(header: bytes) -> int:
    """The number of data files, from a BundleHeaderProto."""
    said = dict(fields(header))
    if said.get(2, 0) != 0:
        raise NotImplementedError("it was written on a big-endian machine, which is not read")
    return _whole_number(said.get(1, 1))


def _entry(data: bytes) -> _Entry:
    entry = _Entry()
    for number, value in fields(data):
        match number, value:
            case 1, int():
                entry.dtype = value
            case 2, bytes():
                entry.shape = _shape(value)
            case 3, int():
                entry.shard = _whole_number(value)
            case 4, int():
                entry.offset = _whole_number(value)
            case 5, int():
                entry.size = _whole_number(value)
            case 6, int():
                entry.checksum = value
            case 7, bytes():
                entry.slices.append(_extents(value))
    return entry


def _shape(data: bytes) -> tuple[int, ...]:
    """A TensorShapeProto."""
    sizes = []
    for number, value in fields(data):
        if number == 2 and isinstance(value, bytes):
            size = dict(fields(value)).get(1, 0)
            sizes.append(_whole_number(size))
    if len(sizes) > MOST_AXES:
        raise ValueError(f"a tensor has {len(sizes)} axes")
    return tuple(sizes)


def _extents(data: bytes) -> list[tuple[int, int | None]]:
    """A TensorSliceProto: (start, length) per axis, length None for all of it."""
    found: list[tuple[int, int | None]] = []
    for number, value in fields(data):
        if number == 1 and isinstance(value, bytes):
            said = dict(fields(value))
            length = said.get(2)
            start = _whole_number(said.get(1, 0))
            found.append((start, None if length is None else _whole_number(length)))
    return found


def _whole_number(value: int | bytes) -> int:
    if not isinstance(value, int) or signed(value) < 0:
        raise ValueError("a number is none, or negative")
    return value


def _slice_key(name: str, extents: list[tuple[int, int | None]]) -> bytes:
    """The key of a slice's own entry, in OrderedCode (tensorflow/core/lib/strings)."""
    key = _ordered(0) + name.encode().replace(b"\0", b"\0\xff")
    key += b"\0\1" + _ordered(len(extents))
    for start, length in extents:
        key += _ordered_signed(start) + _ordered_signed(-1 if length is None else length)
    return key


def _ordered(number: int) -> bytes:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes([len(data)]) + data


def _ordered_signed(number: int) -> bytes:
    """A signed number so that bytes sort as numbers: leading ones (or zeros) give the length."""
    if -64 <= number < 64:
        return bytes([(0x80 ^ number) & 0xFF])
    magnitude = ~number if number < 0 else number
    count = magnitude.bit_length() // 7 + 1
    value = magnitude | ((1 << count) - 1) << (8 * count - count)
    if number < 0:
        value ^= (1 << 8 * count) - 1
    return value.to_bytes(count, "big")


def _strings(data: memoryview, count: int, entry: _Entry) -> np.ndarray:
    """Lengths as varints, their checksum, then the strings."""
    raw = bytes(data)
    lengths, at = [], 0
    if count > len(raw):
        raise ValueError(f"it has {len(raw)} bytes for {count} strings")
    crc = 0
    for _ in range(count):
        length, at = varint(raw, at)
        lengths.append(length)
        # The checksum is of the lengths as fixed numbers, of eight bytes if four are too few.
        crc = crc32c(length.to_bytes(4 if length < 1 << 32 else 8, "little"), crc)
    if int.from_bytes(raw[at : at + 4], "little") != masked(crc):
        raise ValueError("its lengths do not have their checksum: damaged")
    body = raw[at + 4 :]
    if sum(lengths) != len(body):
        raise ValueError("its strings do not fill their bytes")
    if entry.checksum is not None:
        crc = crc32c(body, crc32c(raw[at : at + 4], crc))
        if masked(crc) != entry.checksum:
            raise ValueError("it does not have its checksum: damaged")
    return strings_array(body, lengths, entry.shape)
