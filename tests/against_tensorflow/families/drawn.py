"""Random tensors: their dtypes, their static shapes, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, texts, whole
from tests.against_tensorflow.outcome import Case

DTYPES = ("float16", "float32", "float64", "int32", "int64", "uint8", "bool", "string")
BY_SHAPE = ("random_uniform", "random_normal", "truncated_normal")


def cases() -> Iterator[Case]:
    for case in _drawn():
        yield Case(case.name, case.args, case.kwargs, gradients=False, drawn=True, note=case.note)


def _drawn() -> Iterator[Case]:
    shape = fed(np.int32([2, 3]))
    for name in BY_SHAPE:
        for dtype in DTYPES:
            yield Case(name, ([2, 3],), {"dtype": f"tf.{dtype}", "seed": 1})
        for given in ([], [0, 2], (4,), shape, [2, fed(np.asarray(3, np.int32))], 3, [-1], [2.0]):
            yield Case(name, (given,))
        yield Case(name, ([2, 3], fed(reals()), 2.0))
        yield Case(name, ([2, 3], fed(reals(3)), fed(reals(3, low=2, high=3))))
    for low, high in ((0, 5), (5, 5), (5, 0), (-3, 3), (0, None)):
        yield Case("random_uniform", ([3], low, high), {"dtype": "tf.int32"})
        yield Case("random_uniform", ([3], low, high), {"dtype": "tf.int64"})
    for name in ("stateless_uniform", "stateless_normal", "stateless_truncated_normal"):
        for seed in ([1, 2], fed(np.int64([1, 2])), [1], [1.0, 2.0]):
            yield Case(f"random.{name}", ([2, 3], seed))
        for dtype in DTYPES[:5]:
            yield Case(f"random.{name}", ([2, 3], [1, 2]), {"dtype": f"tf.{dtype}"})
    logits = fed(reals(2, 3))
    for count in (0, 1, 5, -1):
        yield Case("multinomial", (logits, count))
        yield Case("random.categorical", (logits, count), {"dtype": "tf.int32"})
    yield Case("multinomial", (logits, 2), {"output_dtype": "tf.int32"})
    yield Case("multinomial", (logits, 2), {"output_dtype": "tf.float32"})
    yield Case("multinomial", (fed(reals(3)), 2))
    yield Case("multinomial", (fed(reals(2, 3), (None, 3)), 2))
    for name in ("stateless_categorical", "stateless_multinomial"):
        yield Case(f"random.{name}", (logits, 3, [1, 2]))
    for dtype in DTYPES:
        yield Case("random_gamma", ([2], 1.5), {"dtype": f"tf.{dtype}"})
        yield Case("random_poisson", (1.5, [2]), {"dtype": f"tf.{dtype}"})
    rate = fed(reals(3, low=1, high=2))
    yield Case("random_gamma", ([2], rate, fed(reals(2, 1, low=1, high=2))))
    yield Case("random_poisson", (rate, [2]))
    yield Case("random.poisson", ([2], rate))
    for array in (reals(4), reals(2, 3), reals(), whole(3), texts("a", "b"), reals(0)):
        yield Case("random_shuffle", (fed(array),))
    yield Case("random_shuffle", (fed(reals(2, 3), (None, 3)),))
    for size in ([2, 2], [3, 4], [4, 1], [2], [0, 1]):
        yield Case("random_crop", (fed(reals(3, 4)), size))
    yield Case("random_crop", (fed(reals(3, 4), (None, 4)), [2, 2]))
    yield from _dropped()
    yield from _sampled()
    yield from _initialised()


def _dropped() -> Iterator[Case]:
    x = fed(reals(3, 4))
    for given in ({"keep_prob": 0.5}, {"rate": 0.5}, {"keep_prob": 1.0}, {"keep_prob": 0.0},
                  {"keep_prob": 1.5}, {"rate": 1.0}, {"rate": -0.1}, {}, {"rate": 0.0},
                  {"keep_prob": 0.5, "noise_shape": [3, 1]}, {"rate": 0.5, "noise_shape": [2, 1]},
                  {"keep_prob": fed(np.float32(0.5))}, {"rate": 0.5, "noise_shape": [None, 1]},
                  {"keep_prob": 0.5, "rate": 0.5}, {"keep_prob": 0.5, "rate": 0.2}):  # fmt: skip
        yield Case("nn.dropout", (x,), given)
    yield Case("nn.dropout", (fed(whole(3)), 0.5))
    yield Case("nn.dropout", (fed(reals(3, dtype="float64")), 0.5))
    yield Case("nn.dropout", (fed(reals(3, 4), (None, 4)), 0.5))


def _sampled() -> Iterator[Case]:
    true = fed(np.int64([[1], [2]]))
    for name in ("uniform", "log_uniform"):
        for unique in (True, False):
            for count in (3, 9):
                yield Case(f"nn.{name}_candidate_sampler", (true, 1, count, unique, 6))
    yield Case("nn.learned_unigram_candidate_sampler", (true, 1, 3, True, 6))
    yield Case("nn.all_candidate_sampler", (true, 1, 6, True))
    yield Case("nn.fixed_unigram_candidate_sampler", (true, 1, 3, True, 4),
               {"unigrams": [1.0, 2.0, 1.0, 1.0]})  # fmt: skip
    yield Case("nn.compute_accidental_hits", (true, fed(np.int64([1, 4, 2])), 1))
    weights, biases = fed(reals(6, 3)), fed(reals(6))
    for name in ("nce_loss", "sampled_softmax_loss"):
        yield Case(f"nn.{name}", (weights, biases, true, fed(reals(2, 3)), 3, 6))


def _initialised() -> Iterator[Case]:
    for name in ("zeros", "ones", "random_uniform", "random_normal", "truncated_normal"):
        yield Case(f"{name}_initializer", note="made")
    for name in ("glorot_uniform", "glorot_normal", "uniform_unit_scaling"):
        yield Case(f"{name}_initializer", note="made")
