"""Labels from scores of classes, as connectionist temporal classification reads them.

An alignment reads as the labels left after repeated classes are merged and blanks dropped.  The
best path reads the most probable alignment.  The search over prefixes sums over alignments: it
keeps the most probable prefixes of every time, each with the probability of ending in a blank and
of ending in its last label (Graves, "Supervised Sequence Labelling with Recurrent Neural Networks",
2008).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.builder import composite
from graphc.ir.dtype import float32, float64, int64
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim
from graphc.ops.indexing.index import check_indices


def _check_scores(x: TensorType, lengths: TensorType, blank: int) -> None:
    if x.dtype not in (float32, float64):
        raise DTypeMismatch(f"x must be float32 or float64, got {x}")
    check_indices(lengths=lengths)
    if lengths.shape is not None and len(lengths.shape) != 1:
        raise Mismatch(f"lengths must be a vector, got {lengths}")
    if x.shape is None:
        return
    if len(x.shape) != 3:
        raise Mismatch(f"x must be [time, batch, classes], got {x}")
    if lengths.shape is not None and same_dim(x.shape[1], lengths.shape[0], "the batch") is None:
        raise Mismatch("one length is needed per row", x=x, lengths=lengths)
    if isinstance(classes := x.shape[2], int) and not -classes <= blank < classes:
        raise Mismatch(f"blank {blank} is not one of {classes} classes", x=x)


def _check_length(n: int, time: int, b: int) -> None:
    if not 0 <= n <= time:
        raise InvalidArgumentError(f"sequence_length[{b}] is {n}, and x has {time} times")


def _merged(labels: list[int]) -> list[int]:
    return [k for i, k in enumerate(labels) if not i or k != labels[i - 1]]


class CtcBestPath(Op):
    """``paths, counts, scores``: the labels of the most probable class of every time.

    ``x`` [time, batch, classes] gives ``paths`` int64 [batch, time], of which the first
    ``counts[b]`` count, the others are 0, and ``scores`` [batch], minus the sum of the largest
    ``x``.  Without ``merge_repeated`` a class that repeats is as many labels.
    """

    operands = ("x", "lengths")
    attributes = {"blank": -1, "merge_repeated": True}
    kind = Kind.OPAQUE
    may_fail = True
    vjp = NotDifferentiable("labels are steps")

    def infer_type(self, x: TensorType, lengths: TensorType) -> tuple[TensorType, ...]:
        _check_scores(x, lengths, self.blank)
        if x.shape is None:
            counts = TensorType(int64, None)
            return TensorType(int64, None), counts, TensorType(x.dtype, None)
        time, batch, _ = x.shape
        return (
            TensorType(int64, (batch, time)),
            TensorType(int64, (batch,)),
            TensorType(x.dtype, (batch,)),
        )

    def reference(self, x: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
        time, batch, classes = x.shape
        blank = self.blank % classes if classes else 0
        paths, counts = np.zeros((batch, time), np.int64), np.zeros(batch, np.int64)
        scores = np.zeros(batch)
        for b, n in enumerate(lengths.tolist()):
            _check_length(n, time, b)
            row = x[:n, b].astype(np.float64)
            best = row.argmax(axis=1).tolist() if n else []
            scores[b] = -row.max(axis=1).sum() if n else 0.0
            read = [k for k in (_merged(best) if self.merge_repeated else best) if k != blank]
            paths[b, : len(read)], counts[b] = read, len(read)
        return paths, counts, scores.astype(x.dtype)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.ctc_decoding import lower_best_path

        return lower_best_path(node)

    samples = [
        Sample("float32[6, 2, 3]", "int32[2]", values={1: [6, 4]}),
        Sample("float64[6, 2, 3]", "int64[2]", merge_repeated=False, blank=0, values={1: [0, 6]}),
        Sample("float32[0, 1, 3]", "int32[1]", values={1: [0]}),
        Refuses("float16[6, 2, 3]", "int32[2]",
                "x must be float32 or float64, got float16[6, 2, 3]"),
        Refuses("float32[6, 2]", "int32[2]",
                "x must be [time, batch, classes], got float32[6, 2]"),
        Refuses("float32[6, 2, 3]", "int32[3]", "one length is needed per row"),
        Refuses("float32[6, 2, 3]", "int32[2]", "blank -4 is not one of 3 classes", blank=-4),
    ]  # fmt: skip


class CtcPrefixSearch(Op):
    """``paths, counts, scores``: the ``top`` most probable labels, found with ``width`` prefixes.

    ``x`` [time, batch, classes], not normalized, gives ``paths`` int64 [batch, top, time], of which
    the first ``counts[b, k]`` count, the others are 0, and ``scores`` [batch, top], logarithms of
    probabilities, the largest first.  ``merge_repeated`` leaves out a label equal to the one before
    it, in what is given and not in the search.
    """

    operands = ("x", "lengths")
    attributes = {"blank": -1, "width": 100, "top": 1, "merge_repeated": False}
    kind = Kind.OPAQUE
    may_fail = True
    vjp = NotDifferentiable("labels are steps")

    def infer_type(self, x: TensorType, lengths: TensorType) -> tuple[TensorType, ...]:
        _check_scores(x, lengths, self.blank)
        if not 1 <= self.top <= self.width:
            raise Mismatch(f"{self.top} of the {self.width} prefixes kept cannot be given")
        if x.shape is None:
            counts = TensorType(int64, None)
            return TensorType(int64, None), counts, TensorType(x.dtype, None)
        time, batch, _ = x.shape
        rows = (batch, self.top)
        return TensorType(int64, (*rows, time)), TensorType(int64, rows), TensorType(x.dtype, rows)

    def reference(self, x: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
        time, batch, classes = x.shape
        blank = self.blank % classes if classes else 0
        paths = np.zeros((batch, self.top, time), np.int64)
        counts, scores = np.zeros(paths.shape[:2], np.int64), np.zeros(paths.shape[:2])
        for b, n in enumerate(lengths.tolist()):
            _check_length(n, time, b)
            found = _search(x[:n, b].astype(np.float64), blank, self.width)
            if len(found) < self.top:
                raise InvalidArgumentError(
                    f"row {b} has {len(found)} labellings, and top_paths={self.top} are asked for",
                    hint=f"its sequence_length is {n}: ask for fewer, or decode it apart",
                )
            for k, (prefix, score) in enumerate(found[: self.top]):
                read = _merged(list(prefix)) if self.merge_repeated else list(prefix)
                paths[b, k, : len(read)], counts[b, k], scores[b, k] = read, len(read), score
        return paths, counts, scores.astype(x.dtype)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.ctc_decoding import lower_prefix_search

        return lower_prefix_search(node)

    samples = [
        Sample("float32[6, 2, 3]", "int32[2]", values={1: [6, 4]}, width=4, top=2),
        Sample("float64[7, 3, 4]", "int64[3]", merge_repeated=True, blank=0, top=3, width=20,
               values={1: [7, 3, 5]}),
        Sample("float64[5, 1, 3]", "int32[1]", values={1: [5]}, width=1),
        Sample("float32[0, 1, 3]", "int32[1]", values={1: [0]}),
        Refuses("float32[6, 2, 3]", "int32[2]", "3 of the 2 prefixes kept cannot be given",
                width=2, top=3),
        Refuses("float32[6, 2]", "int32[2]",
                "x must be [time, batch, classes], got float32[6, 2]"),
    ]  # fmt: skip


Prefix = tuple[int, ...]


def _search(x: np.ndarray, blank: int, width: int) -> list[tuple[Prefix, float]]:
    """Prefixes and the logarithms of their probabilities, the most probable first."""
    never = -np.inf
    beam: dict[Prefix, tuple[float, float]] = {
        (): (0.0, never)
    }  # of a blank, of a label at the end
    for scores in x:
        logs = (scores - np.logaddexp.reduce(scores)).tolist()
        whole = {prefix: float(np.logaddexp(*both)) for prefix, both in beam.items()}
        kept: dict[Prefix, tuple[float, float]] = {}
        for prefix, (_, loud) in beam.items():
            if prefix:
                shorter = prefix[:-1]
                if shorter in beam:
                    again = prefix[-2:-1] == prefix[-1:]
                    loud = np.logaddexp(loud, beam[shorter][0] if again else whole[shorter])
                loud += logs[prefix[-1]]
            kept[prefix] = (whole[prefix] + logs[blank], float(loud))
        _grow(beam, whole, kept, logs, blank, width)
        ranked = sorted(kept.items(), key=lambda item: -np.logaddexp(*item[1]))
        beam = dict(ranked)
    return [(prefix, float(np.logaddexp(*both))) for prefix, both in beam.items()]


def _grow(
    beam: dict[Prefix, tuple[float, float]], whole: dict[Prefix, float],
    kept: dict[Prefix, tuple[float, float]], logs: list[float], blank: int, width: int,
) -> None:  # fmt: skip
    """Put prefixes one label longer than those of ``beam`` into ``kept``, which holds ``width``."""
    total = {prefix: float(np.logaddexp(*both)) for prefix, both in kept.items()}

    def is_enough(value: float) -> bool:
        return value > -np.inf and (len(kept) < width or value > min(total.values()))

    for prefix, (quiet, _) in beam.items():
        if not is_enough(whole[prefix]):
            continue
        for k, log in enumerate(logs):
            longer = (*prefix, k)
            if k == blank or longer in kept:
                continue
            value = log + (quiet if prefix[-1:] == (k,) else whole[prefix])
            if is_enough(value):
                if len(kept) == width:
                    worst = min(total, key=total.__getitem__)
                    del kept[worst], total[worst]
                kept[longer], total[longer] = (-np.inf, value), value
            elif longer in whole:
                whole[longer] = -np.inf  # as TF1 has it: what fell out is not made longer


class RaggedEntries(Op):
    """``indices, values, shape``: the first ``counts[b]`` of every row of ``x``, as the entries of
    a sparse matrix.  ``count``, how many there are, is a size that the run finds."""

    operands = ("x", "counts")
    attributes = {"count": REQUIRED}
    binding = "count"
    kind = Kind.HOST
    vjp = NotDifferentiable("it picks labels")

    def infer_type(self, x: TensorType, counts: TensorType) -> tuple[TensorType, ...]:
        check_indices(counts=counts)
        if x.shape is not None and len(x.shape) != 2:
            raise Mismatch(f"x must be a matrix, got {x}")
        if counts.shape is not None and len(counts.shape) != 1:
            raise Mismatch(f"counts must be a vector, got {counts}")
        entries = (self.count,)
        return TensorType(int64, (*entries, 2)), x.with_shape(entries), TensorType(int64, (2,))

    def reference(self, x: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, ...]:
        there = np.arange(x.shape[1]) < counts[:, None]
        shape = np.array([len(x), counts.max(initial=0)], np.int64)
        return np.argwhere(there).astype(np.int64), x[there], shape

    def host(self, x: np.ndarray, counts: np.ndarray) -> tuple:
        return self.reference(x, counts)

    def binds(self, indices: np.ndarray) -> dict[str, int]:
        """The data-dependent sizes its output determines."""
        return {str(self.count): len(indices)}

    samples = [
        Sample("int64[2, 3]", "int64[2]", values={1: [1, 3]}, count=4),
        Sample("int64[2, 3]", "int64[2]", values={1: [0, 0]}, count=0),
        Sample("float32[0, 3]", "int32[0]", count=0),
        Refuses("int64[2]", "int64[2]", "x must be a matrix, got int64[2]", count=4),
    ]


@composite
def ragged_entries_of(b: Any, x: Any, counts: Any) -> Any:
    """``ragged_entries`` with a fresh data-dependent count."""
    return b.ragged_entries(x, counts, count=b.home.new_dim("entries", data=True))
