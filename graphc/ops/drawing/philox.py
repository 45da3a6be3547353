"""Random words in NumPy, many at once: the meaning of the random ops.

:mod:`graphc.codegen.philox` has the generator one word at a time, and the scheme: element ``e``
takes word ``e & 3`` of block ``e >> 2``.
"""

from __future__ import annotations

import numpy as np

from graphc.codegen.philox import KEY_STEPS, MASK, MULTIPLIERS, ROUNDS

_LOW = np.uint64(MASK)
_HALF = np.uint64(32)


def random_blocks(key: int, execution: int, blocks: np.ndarray) -> np.ndarray:
    """The four words of each block, ``uint32[len(blocks), 4]``."""
    blocks = blocks.astype(np.uint64)
    k0, k1 = key & MASK, (key >> 32) & MASK
    c0, c1 = blocks & _LOW, blocks >> _HALF
    c2 = np.full_like(blocks, execution & MASK)
    c3 = np.full_like(blocks, (execution >> 32) & MASK)
    m0, m1 = (np.uint64(m) for m in MULTIPLIERS)
    for _ in range(ROUNDS):
        p0, p1 = m0 * c0, m1 * c2
        c0, c1 = (p1 >> _HALF) ^ c1 ^ np.uint64(k0), p1 & _LOW
        c2, c3 = (p0 >> _HALF) ^ c3 ^ np.uint64(k1), p0 & _LOW
        k0, k1 = (k0 + KEY_STEPS[0]) & MASK, (k1 + KEY_STEPS[1]) & MASK
    return np.stack([c0, c1, c2, c3], -1).astype(np.uint32)


def random_words(state: np.ndarray, count: int) -> np.ndarray:
    """The words of elements ``0 .. count - 1`` for a random state (key, execution count)."""
    blocks = np.arange((count + 3) // 4)
    return random_blocks(int(state[0]), int(state[1]), blocks).ravel()[:count]
