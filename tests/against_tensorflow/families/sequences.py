"""Labels without an alignment: losses, decoders, distances of what they give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tests.against_tensorflow.inputs import fed, reals
from tests.against_tensorflow.outcome import Case, Entries

LABELS = ([0, 1], [2, 2, 0], [1])
LENGTHS = np.int32([7, 6, 2])
SIGNIFICANT = 2e-5  # TensorFlow adds logarithms of float32


def cases() -> Iterator[Case]:
    yield from _losses()
    yield from _dense_losses()
    yield from _labels()
    yield from _decoded()
    yield from _distances()


def _rows(*rows: Sequence[Any], dtype: str = "int32", columns: int | None = None) -> Entries:
    places = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    values = np.array([v for row in rows for v in row], dtype)
    widest = max(map(len, rows)) if columns is None else columns
    return Entries(np.array(places).reshape(-1, 2), fed(values), (len(rows), widest))


def _scores(time: int = 7, batch: int = 3, classes: int = 4, **how: Any) -> np.ndarray:
    return reals(time, batch, classes, **{"low": -3.0, "high": 3.0, **how})


def _loss(labels: Entries, x: Any, lengths: Any = LENGTHS, note: str = "", **how: Any) -> Case:
    given = (labels, fed(x), fed(np.asarray(lengths, np.int32)))
    return Case("nn.ctc_loss", given, how, tolerance=SIGNIFICANT, note=note)


def _losses() -> Iterator[Case]:
    labels, x = _rows(*LABELS), _scores()
    yield _loss(labels, x)
    yield _loss(labels, _scores(dtype="float64"))
    yield _loss(labels, x.transpose(1, 0, 2).copy(), time_major=False)
    yield _loss(labels, x, ignore_longer_outputs_than_inputs=True)
    for collapse in (False, True):
        for merge in (False, True):
            how = {"preprocess_collapse_repeated": collapse, "ctc_merge_repeated": merge}
            yield _loss(_rows([1, 1, 2], [0, 0], [2]), x, **how)
    longer = _rows([0, 1, 2, 0], [1], [1, 0, 1])
    yield _loss(longer, x, note="longer")
    yield _loss(longer, x, note="longer", ignore_longer_outputs_than_inputs=True)
    yield _loss(_rows([1, 1, 1, 1], [1], [1, 1]), x, note="no room for blanks")
    yield _loss(labels, x, [7, 6, 8], note="beyond the times")
    yield _loss(labels, x, [-1, 6, 2], note="negative length")
    yield _loss(_rows([0, -1], [1], [1]), x, note="negative label")
    yield _loss(_rows([0, 3, 1], [1], [1]), x, note="label after a blank")
    yield _loss(_rows([0, 1, 3], [1], [1, 3]), x, note="blank at the end")
    yield _loss(_rows([0, 5], [1], [1]), x, note="label beyond the blank")
    yield _loss(_rows([0], [], [1]), x, note="row without labels")
    unordered = Entries(np.array([[1, 0], [0, 0], [2, 0]]), fed(np.int32([0, 1, 2])), (3, 1))
    yield _loss(unordered, x, note="out of order")
    repeated = Entries(np.array([[0, 0], [0, 0], [2, 0]]), fed(np.int32([0, 1, 2])), (3, 1))
    yield _loss(repeated, x, note="twice")
    gaps = Entries(np.array([[0, 1], [1, 3], [2, 0]]), fed(np.int32([0, 1, 2])), (3, 5))
    yield _loss(gaps, x, note="columns left out")
    without = x.copy()
    without[2, :, 1] = -np.inf
    yield _loss(labels, without, note="a class that cannot be")
    large = _scores(40, 2, 6, low=-30, high=30, seed=3, dtype="float64")
    yield _loss(_rows([0, 1, 2, 3, 4, 4, 1], [3, 3, 3]), large, [40, 33], note="sure")


def _dense_losses() -> Iterator[Case]:
    x = _scores()
    dense, counts = np.int32([[1, 2, 0], [3, 3, 1], [2, 0, 0]]), np.int32([2, 3, 1])
    for blank in (None, 0, -1, 2):
        shifted = np.where(counts[:, None] > np.arange(3), dense, 0)
        if blank in (-1, 2):
            shifted = np.where(shifted == (blank % 4), 0, shifted)
        how = {} if blank is None else {"blank_index": blank}
        given = (fed(shifted), fed(x), fed(counts), fed(np.int32([7, 6, 4])))
        yield Case("nn.ctc_loss_v2", given, how, tolerance=SIGNIFICANT)
    by_row = (fed(dense), fed(x.transpose(1, 0, 2).copy()), fed(counts), fed(np.int32([7, 6, 4])))
    yield Case("nn.ctc_loss_v2", by_row, {"logits_time_major": False}, tolerance=SIGNIFICANT)
    sparse = (_rows([1, 2], [3, 3], [2]), fed(x), None, fed(np.int32([7, 6, 4])))
    yield Case("nn.ctc_loss_v2", sparse, {"blank_index": 0}, tolerance=SIGNIFICANT)
    yield Case("nn.ctc_loss_v2", sparse, tolerance=SIGNIFICANT)


def _labels() -> Iterator[Case]:
    rows = np.int32([[3, 4, 4, 3, 0], [1, 1, 2, 1, 1], [5, 5, 5, 5, 5]])
    yield Case("nn.ctc_unique_labels", (fed(rows),))
    yield Case("nn.collapse_repeated", (fed(rows), fed(np.int32([4, 5, 0]))))
    yield Case("nn.collapse_repeated", (fed(rows), fed(np.int64([5, 2, 1]))))


def _decoded() -> Iterator[Case]:
    lengths = fed(np.int32([12, 9, 5, 0]))
    for seed, spread in ((0, 1.0), (5, 4.0)):  # no two labellings are equally probable
        x = np.random.default_rng(seed).normal(0, spread, (12, 4, 5)).astype(np.float32)
        for merge in (True, False):
            how = {"merge_repeated": merge}
            yield Case("nn.ctc_greedy_decoder", (fed(x), lengths), how, gradients=False)
            some = (fed(x[:, :3]), fed(np.int32([12, 9, 5])))
            for width, top in ((100, 1), (3, 2), (20, 5)):
                given = {**how, "beam_width": width, "top_paths": top}
                yield _search("nn.ctc_beam_search_decoder", some, given)
        yield _search("nn.ctc_beam_search_decoder_v2", some, {"top_paths": 3})
        wide = fed(x.astype(np.float64))
        yield _search("nn.ctc_beam_search_decoder_v2", (wide, lengths), {"beam_width": 7})
    x = fed(_scores(4, 2, 3))
    for beyond in ([5, 1], [-1, 2]):
        yield Case("nn.ctc_greedy_decoder", (x, fed(np.int32(beyond))), note="beyond the times")
        yield _search("nn.ctc_beam_search_decoder", (x, fed(np.int32(beyond))), {})
    short = (x, fed(np.int32([4, 0])))
    yield _search("nn.ctc_beam_search_decoder", short, {"top_paths": 2})
    yield _search("nn.ctc_beam_search_decoder", short, {"top_paths": 3, "beam_width": 2})


def _search(name: str, given: tuple, how: dict[str, Any]) -> Case:
    return Case(name, given, how, gradients=False, tolerance=SIGNIFICANT)


def _distances() -> Iterator[Case]:
    said = _rows([1, 2, 3], [], [4, 4], dtype="int64")
    wanted = _rows([1, 3], [2], [4, 4, 5, 6], dtype="int64")
    for normalize in (True, False):
        how = {"normalize": normalize}
        yield Case("edit_distance", (said, wanted), how, gradients=False)
        yield Case("edit_distance", (wanted, said), how, gradients=False)
        yield Case("edit_distance", (said, said), how, gradients=False)
    deep = Entries(
        np.array([[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 1]]), fed(np.int64([1, 2, 3, 4])),
        (2, 2, 2),
    )  # fmt: skip
    other = Entries(
        np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 1, 0]]), fed(np.int64([1, 2, 3, 4])),
        (2, 2, 2),
    )  # fmt: skip
    yield Case("edit_distance", (deep, other), gradients=False)
    yield Case("edit_distance", (said, _rows([1], [2], dtype="int64")), gradients=False,
               note="fewer rows")  # fmt: skip
