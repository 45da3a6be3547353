"""CRC-32C (Castagnoli), and the masked form that tables and bundles store.

Long data is cut into lanes whose registers advance together in NumPy, two bytes a look-up; lanes
are then joined by the linear map that a run of zero bytes is (as zlib's ``crc32_combine`` does).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

_POLYNOMIAL = 0x82F63B78  # reflected
_LANES = 8192
_FROM = 1 << 16  # bytes from which lanes pay


def masked(crc: int) -> int:
    """What is stored for a checksum: rotated and offset, for a CRC of data with CRCs in it."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: Any, crc: int = 0) -> int:
    """The checksum of bytes; ``crc`` is that of what stands before them."""
    bytes_ = np.frombuffer(data, np.uint8)
    if len(bytes_) >= _FROM:
        length = len(bytes_) // _LANES // 2 * 2
        whole = length * _LANES
        crc = _in_lanes(bytes_[:whole].view(np.uint16).reshape(_LANES, length // 2), length, crc)
        bytes_ = bytes_[whole:]
    table = _byte_table()
    register = crc ^ 0xFFFFFFFF
    for byte in bytes_.tolist():
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ 0xFFFFFFFF


def _in_lanes(lanes: np.ndarray, length: int, crc: int) -> int:
    """The checksum of rows that stand one after the other, each ``length`` bytes."""
    table = _pair_table()
    registers = np.zeros(len(lanes), np.uint32)
    registers[0] = crc ^ 0xFFFFFFFF
    for column in np.ascontiguousarray(lanes.T):
        registers = table[(registers & 0xFFFF) ^ column] ^ (registers >> 16)
    over = _zeros(length)
    joined = 0
    for register in registers.tolist():
        joined = _times(over, joined) ^ register
    return joined ^ 0xFFFFFFFF


@cache
def _byte_table() -> list[int]:
    table = []
    for register in range(256):
        for _ in range(8):
            register = (register >> 1) ^ (_POLYNOMIAL if register & 1 else 0)
        table.append(register)
    return table


@cache
def _pair_table() -> np.ndarray:
    """What a register's low 16 bits become when two bytes are shifted in."""
    table = np.array(_byte_table(), np.uint32)
    low = np.arange(1 << 16, dtype=np.uint32)
    for _ in range(2):
        low = table[low & 0xFF] ^ (low >> 8)
    return low


def _times(matrix: list[int], vector: int) -> int:
    """A product over GF(2); a matrix is its columns."""
    result, k = 0, 0
    while vector:
        if vector & 1:
            result ^= matrix[k]
        vector, k = vector >> 1, k + 1
    return result


@cache
def _zeros(count: int) -> list[int]:
    """The map of a register over ``count`` zero bytes."""
    table = _byte_table()
    power = [table[1 << k] if k < 8 else 1 << (k - 8) for k in range(32)]  # over one byte
    result = [1 << k for k in range(32)]
    while count:
        if count & 1:
            result = [_times(power, column) for column in result]
        power = [_times(power, column) for column in power]
        count >>= 1
    return result
