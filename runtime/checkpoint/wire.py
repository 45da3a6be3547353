"""Reading protocol buffers without their library: fields by number, as they lie on the wire.

https://protobuf.dev/programming-guides/encoding/ has the encoding.
"""

from __future__ import annotations

from collections.abc import Iterator

Field = tuple[int, int | bytes]  # number; varints and fixed numbers as ints, the rest as bytes


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A base-128 number, and where it ends."""
    number = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number does not end")
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at


def fields(data: bytes) -> Iterator[Field]:
    """The fields of a message, in order."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = varint(data, at)
            yield number, value
            continue
        if kind == 2:
            size, at = varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"field {number} is of wire type {kind}")
        piece = data[at : at + size]
        if len(piece) != size:
            raise ValueError(f"field {number} is cut off")
        at += size
        yield number, piece if kind == 2 else int.from_bytes(piece, "little")


def signed(number: int) -> int:
    """A varint as the int64 it stands for."""
    return number - (1 << 64) if number >= 1 << 63 else number
