"""Philox4x32-10: random words as a function of a key and a counter, nothing else.

Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).  The key is 64
bits; the counter is (block low, block high, execution low, execution high), 32 bits each.  Element
``e`` of an op's output takes word ``e & 3`` of block ``e >> 2``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
MASK = 0xFFFFFFFF


def philox_block(key: int, execution: int, block: int) -> tuple[int, int, int, int]:
    """The four 32-bit words of one block."""
    k0, k1 = key & MASK, (key >> 32) & MASK
    c0, c1 = block & MASK, (block >> 32) & MASK
    c2, c3 = execution & MASK, (execution >> 32) & MASK
    for _ in range(ROUNDS):
        p0, p1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK, (p0 >> 32) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + KEY_STEPS[0]) & MASK, (k1 + KEY_STEPS[1]) & MASK
    return c0, c1, c2, c3


def philox_word(key: Any, execution: Any, block: Any, word: Any) -> np.uint32:
    """Word ``word`` (0..3) of one block, as the kernel vocabulary has it."""
    return np.uint32(philox_block(int(key), int(execution), int(block))[int(word)])
