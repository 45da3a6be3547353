"""What is particular to a turn of a loop: its own random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.builder import composite
from graphc.ir.dtype import uint64
from graphc.ir.graph import Tensor

# The mixing steps of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
# Generators", 2014).
_GAMMA = 0x9E3779B97F4A7C15
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


@composite
def turn_state(b: Any, state: Tensor, step: Tensor, name: str | None = None) -> Tensor:
    """The random state of one turn: a key of its own, the execution count of ``state``."""

    def number(value: int) -> Tensor:
        return b.tensor(np.uint64(value))

    turn = b.cast(b.reshape(step, shape=(1,)), dtype=uint64)
    key = b.slice(state, begin=(0,), size=(1,))
    count = b.slice(state, begin=(1,), size=(1,))
    mixed = b.add(key, b.mul(b.add(turn, number(1)), number(_GAMMA)))
    for shift, factor in _MIX:
        mixed = b.mul(b.bitwise_xor(mixed, b.right_shift(mixed, number(shift))), number(factor))
    mixed = b.bitwise_xor(mixed, b.right_shift(mixed, number(31)))
    return b.concat(mixed, count, axis=0, name=name)
