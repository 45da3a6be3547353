"""Reading tables of sorted keys (LevelDB's format, in which TensorFlow keeps a bundle's index).

https://github.com/google/leveldb/blob/main/doc/table_format.md: data blocks, an index block that
names them, and a footer of 48 bytes that names the index.  A block ends in its compression and a
masked CRC-32C, which is checked.
"""

from __future__ import annotations

from collections.abc import Iterator

from runtime.checkpoint.crc32c import crc32c, masked
from runtime.checkpoint.wire import varint

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_FOOTER = 48
_TRAILER = 5  # compression, checksum
_SNAPPY = 1


def rows(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The (key, value) pairs of a table, in order.  ValueError says what is wrong with it."""
    if len(data) < _FOOTER or data[-len(MAGIC) :] != MAGIC:
        raise ValueError("its end is not that of a table: cut off, or another format")
    footer = data[-_FOOTER:]
    further, at = _handle(footer, 0)  # an index of filters and the like: checked, not read
    _block(data, further)
    index, _ = _handle(footer, at)
    for _, value in _entries(_block(data, index)):
        handle, _ = _handle(value, 0)
        yield from _entries(_block(data, handle))


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Where a block lies (offset, size), and where the handle ends."""
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return (offset, size), at


def _block(data: bytes, handle: tuple[int, int]) -> bytes:
    offset, size = handle
    end = offset + size
    if end + _TRAILER > len(data):
        raise ValueError(f"a block of {size} bytes at {offset} is not all there")
    stored = int.from_bytes(data[end + 1 : end + _TRAILER], "little")
    if masked(crc32c(data[offset : end + 1])) != stored:
        raise ValueError(f"the block at {offset} does not have its checksum: damaged")
    if data[end] == _SNAPPY:
        raise NotImplementedError("the block is compressed with Snappy, which is not read")
    if data[end] != 0:
        raise ValueError(f"the block at {offset} is compressed in an unknown way ({data[end]})")
    return data[offset:end]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The pairs of one block; a key says how much it shares with the one before."""
    if len(block) < 4:
        raise ValueError("a block is cut off")
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    if end < 0:
        raise ValueError("a block is cut off")
    key, at = b"", 0
    while at < end:
        shared, at = varint(block, at)
        fresh, at = varint(block, at)
        length, at = varint(block, at)
        if shared > len(key) or at + fresh + length > end:
            raise ValueError("an entry does not fit its block")
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length
