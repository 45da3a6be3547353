"""Hashes of byte strings that stay the same for ever, by their published algorithms.

:func:`fingerprint64` is FarmHash's Fingerprint64 (Pike, 2014), :func:`murmur64` MurmurHash64A
(Appleby), :func:`siphash` SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
2012).  All arithmetic is modulo 2**64.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _rotated(value: int, right: int) -> int:
    value &= _MASK
    return (value >> right | value << (64 - right)) & _MASK


def _mixed(value: int) -> int:
    return value ^ value >> 47


def _word(text: bytes, at: int) -> int:
    return int.from_bytes(text[at : at + 8], "little")


def _joined(u: int, v: int, factor: int) -> int:
    a = _mixed((u ^ v) * factor & _MASK)
    b = _mixed((v ^ a) * factor & _MASK)
    return b * factor & _MASK


def fingerprint64(text: bytes) -> int:
    """FarmHash's 64-bit fingerprint."""
    size = len(text)
    if size <= 16:
        return _short(text, size)
    if size <= 64:
        return _middle(text, size)
    return _long(text, size)


def _short(text: bytes, size: int) -> int:
    factor = _K2 + size * 2
    if size >= 8:
        a, b = _word(text, 0) + _K2 & _MASK, _word(text, size - 8)
        c = _rotated(b, 37) * factor + a & _MASK
        d = (_rotated(a, 25) + b) * factor & _MASK
        return _joined(c, d, factor)
    if size >= 4:
        first = int.from_bytes(text[:4], "little")
        return _joined(size + (first << 3), int.from_bytes(text[-4:], "little"), factor)
    if size:
        y, z = text[0] + (text[size >> 1] << 8), size + (text[-1] << 2)
        return _mixed((y * _K2 ^ z * _K0) & _MASK) * _K2 & _MASK
    return _K2


def _middle(text: bytes, size: int) -> int:
    factor = _K2 + size * 2
    wide = size > 32
    a, b = _word(text, 0) * (_K2 if wide else _K1) & _MASK, _word(text, 8)
    c, d = _word(text, size - 8) * factor & _MASK, _word(text, size - 16) * _K2 & _MASK
    y = _rotated(a + b, 43) + _rotated(c, 30) + d & _MASK
    z = _joined(y, a + _rotated(b + _K2, 18) + c & _MASK, factor)
    if not wide:
        return z
    e, f = _word(text, 16) * factor & _MASK, _word(text, 24)
    g = (y + _word(text, size - 32)) * factor & _MASK
    h = (z + _word(text, size - 24)) * factor & _MASK
    left = _rotated(e + f, 43) + _rotated(g, 30) + h & _MASK
    return _joined(left, e + _rotated(f + a, 18) + g & _MASK, factor)


def _weak(text: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_word(text, at + 8 * k) for k in range(4))
    a = a + w & _MASK
    b = _rotated(b + a + z, 21)
    c = a
    a = a + x + y & _MASK
    b = b + _rotated(a, 44) & _MASK
    return a + z & _MASK, b + c & _MASK


def _long(text: bytes, size: int) -> int:
    x, y = 81, 81 * _K1 + 113 & _MASK
    z = _mixed(y * _K2 + 113 & _MASK) * _K2 & _MASK
    v = w = (0, 0)
    x = x * _K2 + _word(text, 0) & _MASK

    def step(at: int, factor: int, nine: int) -> None:
        nonlocal x, y, z, v, w
        x = _rotated(x + y + v[0] + _word(text, at + 8), 37) * factor & _MASK
        y = _rotated(y + v[1] + _word(text, at + 48), 42) * factor & _MASK
        x ^= w[1] * nine & _MASK
        y = y + v[0] * nine + _word(text, at + 40) & _MASK
        z = _rotated(z + w[0], 33) * factor & _MASK
        v = _weak(text, at, v[1] * factor & _MASK, x + w[0] & _MASK)
        w = _weak(text, at + 32, z + w[1] & _MASK, y + _word(text, at + 16) & _MASK)
        z, x = x, z

    blocks = (size - 1) // 64
    for k in range(blocks):
        step(64 * k, _K1, 1)
    rest = (size - 1) & 63
    factor = _K1 + ((z & 0xFF) << 1)
    w = (w[0] + rest & _MASK, w[1])
    v = (v[0] + w[0] & _MASK, v[1])
    w = (w[0] + v[0] & _MASK, w[1])
    step(64 * blocks + rest - 63, factor, 9)
    left = _joined(v[0], w[0], factor) + _mixed(y) * _K0 + z & _MASK
    return _joined(left, _joined(v[1], w[1], factor) + x & _MASK, factor)


def murmur64(text: bytes, seed: int = 0xDECAFCAFFE) -> int:
    """MurmurHash64A."""
    factor, size = 0xC6A4A7935BD1E995, len(text)
    h = seed ^ size * factor & _MASK
    whole = size - size % 8
    for at in range(0, whole, 8):
        k = _mixed(_word(text, at) * factor & _MASK) * factor & _MASK
        h = (h ^ k) * factor & _MASK
    if size % 8:
        h = (h ^ int.from_bytes(text[whole:], "little")) * factor & _MASK
    return _mixed(_mixed(h) * factor & _MASK)


def siphash(text: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 under a key of two 64-bit words."""
    a, b, c, d = (
        key[0] ^ 0x736F6D6570736575, key[1] ^ 0x646F72616E646F6D,
        key[0] ^ 0x6C7967656E657261, key[1] ^ 0x7465646279746573,
    )  # fmt: skip

    def rounds(count: int) -> None:
        nonlocal a, b, c, d
        for _ in range(count):
            a = a + b & _MASK
            b = _rotated(b, 51) ^ a
            a = _rotated(a, 32)
            c = c + d & _MASK
            d = _rotated(d, 48) ^ c
            a = a + d & _MASK
            d = _rotated(d, 43) ^ a
            c = c + b & _MASK
            b = _rotated(b, 47) ^ c
            c = _rotated(c, 32)

    whole = len(text) - len(text) % 8
    last = int.from_bytes(text[whole:], "little") | (len(text) & 0xFF) << 56
    for word in (*(_word(text, at) for at in range(0, whole, 8)), last):
        d ^= word
        rounds(2)
        a ^= word
    c ^= 0xFF
    rounds(4)
    return a ^ b ^ c ^ d
