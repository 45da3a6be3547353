"""What training scripts call: schedules, assignments, losses with weights, quantization."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, truths, whole
from tests.against_tensorflow.outcome import Case, Held

STEPS = (0, 1, 5, 10, 25)


def cases() -> Iterator[Case]:
    yield from _schedules()
    yield from _assigned()
    yield from _losses()
    yield from _quantized()
    yield from _texts()


def _schedules() -> Iterator[Case]:
    for step in STEPS:
        s = fed(np.asarray(step, np.int32))
        for name in ("exponential_decay", "natural_exp_decay", "inverse_time_decay"):
            for staircase in (False, True):
                yield Case(f"train.{name}", (0.1, s, 10, 0.5), {"staircase": staircase})
        for cycle in (False, True):
            yield Case("train.polynomial_decay", (0.1, s, 10), {"cycle": cycle, "power": 2.0})
        for bounds in ([4, 8], [0, 1]):
            yield Case("train.piecewise_constant", (s, bounds, [1.0, 0.5, 0.1]))
        yield Case("train.cosine_decay", (0.1, s, 10, 0.1))
        yield Case("train.cosine_decay_restarts", (0.1, s, 4, 2.0, 0.9, 0.1))
        yield Case("train.linear_cosine_decay", (0.1, s, 10))
        yield Case("train.noisy_linear_cosine_decay", (0.1, s, 10), drawn=True)
        yield Case("train.exponential_decay", (0.1, fed(np.asarray(step, np.int64)), 10, 0.5))
    yield Case("train.piecewise_constant", (fed(np.asarray(1)), [1, 2], [1.0, 2.0]))
    yield Case("train.piecewise_constant", (fed(np.asarray(1)), [1.5], [1.0, 2.0]))
    yield Case("train.exponential_decay", (0.1, None, 10, 0.5))
    yield Case("train.polynomial_decay", (0.1, None, 10))


def _assigned() -> Iterator[Case]:
    for word in ("assign", "assign_add", "assign_sub"):
        for array in (reals(2, 3), whole(2, 3), reals(2, 3, dtype="float64")):
            more = fed(array[::-1].copy())
            yield Case(word, (Held(array), more), gradients=False)
        yield Case(word, (Held(reals(2, 3)), 1.0), gradients=False)
        yield Case(word, (Held(reals(2, 3)), fed(reals(3))), gradients=False)
        yield Case(word, (Held(reals(2)), fed(whole(2))), gradients=False)
        yield Case(word, (Held(reals(2)), [1.0, 2.0]), gradients=False)
    yield Case("assign", (Held(reals(2)), fed(reals(3))), {"validate_shape": False})
    for name in ("is_variable_initialized", "square", "identity", "shape", "convert_to_tensor"):
        yield Case(name, (Held(reals(2, 3)),))
    yield Case("matmul", (Held(reals(2, 3)), Held(reals(3, 2))))
    yield Case("Tensor.__add__", (fed(reals(2)), Held(reals(2))))


def _losses() -> Iterator[Case]:
    labels, guesses = fed(reals(4, 3, low=0, high=1)), fed(reals(4, 3, low=0.1, high=0.9, seed=4))
    flags = fed(truths(4, 3).astype(np.float32))
    named = {
        "absolute_difference": (labels, guesses), "mean_squared_error": (labels, guesses),
        "huber_loss": (labels, guesses), "log_loss": (labels, guesses),
        "hinge_loss": (flags, guesses), "sigmoid_cross_entropy": (flags, guesses),
        "softmax_cross_entropy": (fed(np.eye(3, dtype=np.float32)[[1, 0, 2, 1]]), guesses),
        "compute_weighted_loss": (guesses,),
        "sparse_softmax_cross_entropy": (fed(np.int32([0, 2, 1, 0])), guesses),
    }  # fmt: skip
    column, row = fed(np.float32([[1], [0], [2], [0.5]])), fed(np.float32([[1, 0, 2]]))
    for name, given in named.items():
        for weights in (2.0, 0.0, column, row, fed(np.float32([1, 0, 2, 1])), fed(reals(3, 4)),
                        fed(reals(4, 3, low=0, high=1)), 2):  # fmt: skip
            yield Case(f"losses.{name}", given, {"weights": weights})
        for reduction in ("none", "weighted_sum", "mean", "odd"):
            yield Case(f"losses.{name}", given, {"reduction": reduction})
    for name in ("mean_squared_error", "absolute_difference", "log_loss"):
        yield Case(f"losses.{name}", (fed(whole(4)), fed(reals(4, low=0.1, high=0.9))))
        yield Case(f"losses.{name}", (fed(reals(4)), fed(reals(4, 1))))
        yield Case(f"losses.{name}", (None, guesses))
        yield Case(
            f"losses.{name}",
            (
                fed(reals(4, 3, low=0.1, high=0.9), (None, 3)),
                fed(reals(4, 3, low=0.1, high=0.9, seed=3), (4, None)),
            ),
        )
    yield Case("losses.get_total_loss")
    yield Case("losses.get_losses")
    yield Case("losses.get_regularization_loss")
    yield Case("losses.get_regularization_losses")


def _quantized() -> Iterator[Case]:
    x = fed(reals(3, 4, low=-8, high=8))
    for low, high in ((-6, 6), (0, 6), (-1, 0.5), (1, 2)):
        for bits in (8, 3):
            for narrow in (False, True):
                given = {"num_bits": bits, "narrow_range": narrow}
                yield Case("fake_quant_with_min_max_args", (x, low, high), given)
                yield Case("fake_quant_with_min_max_vars", (x, float(low), float(high)), given)
    per = np.float32([-1, -2, 0, -4]), np.float32([1, 3, 2, 5])
    yield Case("fake_quant_with_min_max_args", (x, 2, 1), note="no range")
    yield Case("fake_quant_with_min_max_vars_per_channel", (x, *map(fed, per)))
    for given in (dict(range_given=True), dict(), dict(num_bits=4), dict(signed_input=False)):
        yield Case("quantization.quantize_and_dequantize", (x, -4.0, 4.0), given)


def _texts() -> Iterator[Case]:
    from tests.against_tensorflow.families.strings import words

    lines = words("a b  c", "", "d")
    for name in ("string_split", "strings.split"):
        yield Case(name, (lines,))
    yield Case("string_split", (lines,), {"skip_empty": False})
    yield Case("strings.split", (lines,), {"sep": " "})
    yield Case("string_split", (words("a,b;c"), ",;"))
    yield Case("edit_distance", (_sparse("a", "b"), _sparse("a", "c")))
    yield Case("edit_distance", (_sparse("a", "b"), _sparse("a", "c")), {"normalize": False})


def _sparse(*texts: str) -> object:
    from tests.against_tensorflow.families.strings import words
    from tests.against_tensorflow.outcome import Entries

    places = np.array([[0, k] for k in range(len(texts))])
    return Entries(places, words(*texts), (1, len(texts)))
