"""The generator against its authors' known answers, and the distributions drawn from it."""

import numpy as np
import pytest

from graphc.codegen.philox import philox_block
from graphc.ir.dtype import float16, float32, float64
from graphc.ops.drawing.philox import random_blocks, random_words
from graphc.ops.drawing.random import RandomNormal, RandomUniform, RandomUniformInt, TruncatedNormal

STATE = np.array([0x0123456789ABCDEF, 3], np.uint64)

# The authors' kat_vectors for philox4x32 with 10 rounds: counter words, key words, output words.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]  # fmt: skip


def _words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def _joined(low: int, high: int) -> int:
    return low | high << 32


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_gives_the_known_answers(counter, key, answer):
    c, k = _words(counter), _words(key)
    key, block, execution = _joined(*k), _joined(*c[:2]), _joined(*c[2:])
    assert list(philox_block(key, execution, block)) == _words(answer)
    many = random_blocks(key, execution, np.array([block], np.uint64))
    assert many[0].tolist() == _words(answer)


def test_a_longer_draw_starts_with_the_shorter_one():
    assert random_words(STATE, 9).tolist() == random_words(STATE, 23)[:9].tolist()


def test_executions_draw_different_words():
    later = STATE + np.array([0, 1], np.uint64)
    assert not (random_words(STATE, 64) == random_words(later, 64)).any()


@pytest.mark.parametrize("dtype", [float16, float32, float64])
def test_uniform_numbers_stay_below_one_and_fill_the_interval(dtype):
    drawn = RandomUniform(shape=(40_000,), dtype=dtype).reference(STATE).astype(np.float64)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    share = np.histogram(drawn, 20, (0, 1))[0] / len(drawn)
    assert np.abs(share - 0.05).max() < 0.006


@pytest.mark.parametrize("dtype", [float32, float64])
def test_normal_numbers_have_mean_0_and_deviation_1(dtype):
    drawn = RandomNormal(shape=(40_000,), dtype=dtype).reference(STATE).astype(np.float64)
    assert abs(drawn.mean()) < 0.02
    assert abs(drawn.std() - 1) < 0.02
    assert abs((drawn < -1).mean() - 0.158655) < 0.01
    assert abs(np.corrcoef(drawn[::2], drawn[1::2])[0, 1]) < 0.02


def test_truncated_normal_numbers_stay_within_two_deviations():
    drawn = TruncatedNormal(shape=(5_000,)).reference(STATE)
    assert np.abs(drawn).max() <= 2
    assert abs(drawn.std() - 0.8796) < 0.03


def test_integers_cover_their_range_evenly():
    low, high = np.int32(-3), np.int32(7)
    drawn = RandomUniformInt(shape=(20_000,)).reference(STATE, low, high)
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == list(range(-3, 7))
    assert np.abs(counts / len(drawn) - 0.1).max() < 0.01
