"""Connectionist temporal classification: labels for a sequence without saying when each is due.

An *alignment* gives every time a class, one of which is blank; it reads as the labels left after
repeated classes are merged and blanks dropped.  The probability of labels is the sum over all
alignments that read as them (Graves, Fernandez, Gomez and Schmidhuber, "Connectionist Temporal
Classification: Labelling Unsegmented Sequence Data with Recurrent Neural Networks", 2006).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.dtype import float32, float64
from graphc.ir.op import Kind, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim
from graphc.ops.indexing.index import check_indices


class CtcLoss(Op):
    """``loss[b] = -log p(labels of b | x of b)``, and ``slope``, its derivative by ``x``.

    ``x`` are scores of classes, not normalized, of shape [time, batch, classes] or, without
    ``time_major``, [batch, time, classes].  Row ``b`` has the labels from ``starts[b]`` to
    ``starts[b + 1]`` and ``lengths[b]`` times.  ``blank`` counts from the end if negative.

    ``collapse_repeated`` merges equal labels side by side beforehand.  Without ``merge_repeated``
    equal classes side by side are read as several labels.  A row with more labels than times is an
    error, or with ``ignore_longer`` has a loss and slope of 0.  If repeated labels leave no room,
    the loss is infinite and the slope the softmax.  A blank among the labels ends them.  There is
    no ``slope`` where it is not asked for.
    """

    operands = ("x", "labels", "starts", "lengths")
    attributes = {
        "blank": -1, "time_major": True, "collapse_repeated": False, "merge_repeated": True,
        "ignore_longer": False, "slope": True,
    }  # fmt: skip
    kind = Kind.OPAQUE
    may_fail = True

    def infer_type(
        self, x: TensorType, labels: TensorType, starts: TensorType, lengths: TensorType
    ) -> tuple[TensorType, ...]:
        if x.dtype not in (float32, float64):
            raise DTypeMismatch(f"x must be float32 or float64, got {x}")
        check_indices(labels=labels, starts=starts, lengths=lengths)
        for name, type in (("labels", labels), ("starts", starts), ("lengths", lengths)):
            if type.shape is not None and len(type.shape) != 1:
                raise Mismatch(f"{name} must be a vector, got {type}")
        if x.shape is None:
            rows = None if lengths.shape is None else lengths.shape
            return self._given(TensorType(x.dtype, rows), x)
        if len(x.shape) != 3:
            order = "[time, batch, classes]" if self.time_major else "[batch, time, classes]"
            raise Mismatch(f"x must be {order}, got {x}")
        batch = x.shape[1 if self.time_major else 0]
        if lengths.shape is not None and same_dim(batch, lengths.shape[0], "the batch") is None:
            raise Mismatch("one length is needed per row", x=x, lengths=lengths)
        if starts.shape is not None and same_dim(batch + 1, starts.shape[0], "starts") is None:
            raise Mismatch("starts must have one entry more than x has rows", x=x, starts=starts)
        if isinstance(classes := x.shape[2], int) and not -classes <= self.blank < classes:
            raise Mismatch(f"blank {self.blank} is not one of {classes} classes", x=x)
        return self._given(TensorType(x.dtype, (batch,)), x)

    def _given(self, *results: Any) -> tuple[Any, ...]:
        return results if self.slope else results[:1]

    def narrowed(self, read: Sequence[bool]) -> Op | None:
        return self.replace(slope=False) if self.slope and read == [True, False] else None

    def reference(
        self, x: np.ndarray, labels: np.ndarray, starts: np.ndarray, lengths: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        by_time = x if self.time_major else x.swapaxes(0, 1)
        time, batch, classes = by_time.shape
        if starts[0] != 0 or starts[-1] != len(labels):
            where = "before row 0" if starts[0] else f"after row {batch - 1}, the last"
            raise InvalidArgumentError(f"there are labels for rows {where}")
        if (np.diff(starts) < 0).any():
            raise InvalidArgumentError(f"starts must not fall: {starts.tolist()}")
        blank = self.blank % classes if classes else 0
        loss, slope = np.zeros(batch), np.zeros(by_time.shape)
        for b in range(batch):
            n = int(lengths[b])
            if not 0 <= n <= time:
                raise InvalidArgumentError(
                    f"sequence_length[{b}] is {n}, and x has {time} times",
                    hint="a sequence may be shorter than x, never longer",
                )
            row = self._labels(labels[starts[b] : starts[b + 1]].tolist(), b, classes, blank)
            if len(row) > n:
                self._refuse_longer(row, n, b)
                continue
            loss[b], slope[:n, b] = _by_logarithms(
                by_time[:n, b].astype(np.float64), row, blank, self.merge_repeated
            )
        if not self.time_major:
            slope = slope.swapaxes(0, 1)
        return self._given(loss.astype(x.dtype), slope.astype(x.dtype))

    def _labels(self, given: list[int], b: int, classes: int, blank: int) -> list[int]:
        """A row's labels without what collapses and without the blank that ends them."""
        row: list[int] = []
        ended = False
        for k, label in enumerate(given):
            if self.collapse_repeated and k and label == given[k - 1]:
                continue
            if label == blank:
                ended = True
                continue
            if not 0 <= label < classes:
                raise InvalidArgumentError(
                    f"label {k} of row {b} is {label}, and there are {classes} classes, of which "
                    f"{blank} is the blank",
                    hint="the last axis of the scores has one entry more than there are labels",
                )
            if ended:
                raise InvalidArgumentError(
                    f"label {k} of row {b} is {label}, after the blank {blank}",
                    hint="blanks are no labels: the loss puts them between labels by itself",
                )
            row.append(label)
        return row

    def _refuse_longer(self, row: list[int], n: int, b: int) -> None:
        if self.ignore_longer:
            return
        repeats = sum(p == q for p, q in pairwise(row))
        raise InvalidArgumentError(
            f"row {b} has {len(row)} labels ({repeats} of them repeat the one before) and "
            f"sequence_length {n}: a label needs a time of its own, a repeated one two",
            hint="ignore_longer_outputs_than_inputs=True of tf.nn.ctc_loss gives such rows a loss "
            "and gradient of 0",
        )

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.ctc import lower_ctc

        return lower_ctc(node)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, labels: Any, starts: Any, lengths: Any) -> list:
        if not self.slope:
            ct, y = (ct, None), b.apply(CtcLoss, (x, labels, starts, lengths), self._whole())
        of_loss, of_slope = ct
        axes = (0, 2) if self.time_major else (1, 2)
        found = None
        if of_loss is not None:
            for axis in axes:
                of_loss = b.expand_dims(of_loss, axis=axis)
            found = b.mul(of_loss, y[1])
        if of_slope is not None:
            again = b.ctc_curvature(x, labels, starts, lengths, of_slope, op=self)
            found = again if found is None else b.add(found, again)
        return [found, None, None, None]

    def _whole(self) -> dict[str, Any]:
        return {**dict(self.values()), "slope": True}

    samples = [
        Sample("float32[6, 2, 4]", "int32[4]", "int32[3]", "int32[2]", slope=False,
               values={1: [0, 1, 2, 2], 2: [0, 2, 4], 3: [6, 5]}),
        Sample("float32[6, 2, 4]", "int32[4]", "int32[3]", "int32[2]",
               values={1: [0, 1, 2, 2], 2: [0, 2, 4], 3: [6, 5]}),
        Sample("float64[3, 5, 3]", "int32[5]", "int64[4]", "int64[3]", time_major=False, blank=0,
               values={1: [1, 1, 2, 2, 1], 2: [0, 3, 3, 5], 3: [5, 0, 3]}),
        Sample("float64[5, 2, 3]", "int64[5]", "int32[3]", "int32[2]", collapse_repeated=True,
               values={1: [1, 1, 0, 0, 2], 2: [0, 3, 5], 3: [5, 4]}),
        Sample("float64[4, 2, 3]", "int32[5]", "int32[3]", "int32[2]", merge_repeated=False,
               ignore_longer=True, values={1: [1, 1, 0, 0, 0], 2: [0, 3, 5], 3: [4, 1]}),
        Sample("float32[3, 1, 3]", "int32[2]", "int32[2]", "int32[1]", gradient=False,
               values={1: [1, 1], 2: [0, 2], 3: [2]}),
        Sample("float32[0, 2, 3]", "int32[0]", "int32[3]", "int32[2]",
               values={2: [0, 0, 0], 3: [0, 0]}),
        Sample("float32[4, 0, 3]", "int32[0]", "int32[1]", "int32[0]", values={2: [0]}),
        Refuses("float16[4, 2, 3]", "int32[2]", "int32[3]", "int32[2]",
                "x must be float32 or float64, got float16[4, 2, 3]"),
        Refuses("float32[4, 2]", "int32[2]", "int32[3]", "int32[2]",
                "x must be [time, batch, classes], got float32[4, 2]"),
        Refuses("float32[4, 2, 3]", "int32[2]", "int32[3]", "int32[3]",
                "one length is needed per row"),
        Refuses("float32[4, 2, 3]", "int32[2]", "int32[2]", "int32[2]",
                "starts must have one entry more than x has rows"),
        Refuses("float32[4, 2, 3]", "int32[2]", "int32[3]", "int32[2]",
                "blank 3 is not one of 3 classes", blank=3),
        Refuses("float32[4, 2, 3]", "int32[2, 1]", "int32[3]", "int32[2]",
                "labels must be a vector, got int32[2, 1]"),
    ]  # fmt: skip


def _by_logarithms(
    x: np.ndarray, row: list[int], blank: int, merge: bool
) -> tuple[float, np.ndarray]:
    """The loss of one row and its slope, with the logarithms of all probabilities."""
    n = len(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        top = x.max(axis=1, keepdims=True) if n else x[:, :1]
        logs = x - top - np.log(np.exp(x - top).sum(1, keepdims=True))
    states = [blank]
    for label in row:
        states += [label, blank]
    alpha = np.full((n + 1, len(states)), -np.inf)
    alpha[0, 0] = 0.0
    for t in range(n):
        for s, before in _steps(states, blank, merge, first=t == 0):
            alpha[t + 1, s] = np.logaddexp.reduce(alpha[t, before]) + logs[t, states[s]]
    beta = np.full((n + 1, len(states)), -np.inf)
    beta[n, -2:] = 0.0
    for t in range(n - 1, 0, -1):
        for s, before in _steps(states, blank, merge, first=False):
            through = beta[t + 1, s] + logs[t, states[s]]
            beta[t, before] = np.logaddexp(beta[t, before], through)
    whole = np.logaddexp.reduce(alpha[n, -2:])
    slope = np.exp(logs)
    if not np.isneginf(whole):
        for s, label in enumerate(states):
            slope[:, label] -= np.exp(alpha[1:, s] + beta[1:, s] - whole)
    return -float(whole), slope


def _steps(
    states: Sequence[int], blank: int, merge: bool, first: bool
) -> Iterator[tuple[int, list[int]]]:
    """For each state the states from which one step leads to it; at ``first`` all ways begin."""
    for s, label in enumerate(states):
        if first:
            yield s, [0] if s < 2 else []
            continue
        before = [s] if label == blank or merge else []
        if s > 0:
            before.append(s - 1)
        if s > 1 and label != blank and not (merge and label == states[s - 2]):
            before.append(s - 2)
        yield s, before
