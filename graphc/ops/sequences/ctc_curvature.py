"""The second derivative of the CTC loss, in ordinary ops.

The loss and its slope have a kernel.  What differentiates the slope is spelt out here: the forward
recursion over the times as a scan, whose gradient and the gradient of that come by themselves, to
any order.  The states of all rows stand side by side, those of row ``b`` from
``2 * starts[b] + b`` on, so every size follows from the shapes of the operands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphc.autodiff.reverse import Sweep
from graphc.ir.builder import Builder, composite
from graphc.ir.dtype import int32
from graphc.ir.graph import Tensor

NEVER = -1e30  # stands for log 0: sums of it stay finite, and no difference of two is NaN


@composite
def ctc_curvature(
    b: Any, x: Tensor, labels: Tensor, starts: Tensor, lengths: Tensor, ct: Tensor, op: Any
) -> Tensor:
    """``ct`` pulled back through the slope of ``op``, a ``ctc_loss``.

    The slope is the softmax, at the times of rows that count, minus the derivative of the
    logarithm of the sum over all alignments of ``exp`` of their scores; so there are two terms.
    """
    x_by_time, ct_by_time = (
        t if op.time_major else b.transpose(t, perm=(1, 0, 2)) for t in (x, ct)
    )
    time = x_by_time.type.dims[0]
    states = _states(b, x_by_time, labels, starts, b.cast(lengths, dtype=int32), op)
    whole = _whole(b, x_by_time, states)
    possible = b.logical_and(states.counts, b.greater(whole, NEVER / 2))
    seed = b.cast(possible, dtype=x.dtype)
    (share,) = Sweep(b, [whole], [x], ()).run([seed])
    (of_share,) = Sweep(b, [share], [x], ()).run([ct]) if share is not None else (None,)
    places = b.reshape(b.range(limit=time, dtype=int32), shape=(time, 1))
    at_work = b.logical_and(b.less(places, states.lengths), states.counts)
    p = b.softmax(x_by_time)
    pulled = b.mul(
        p, b.sub(ct_by_time, b.reduce_sum(b.mul(p, ct_by_time), axis=(2,), keepdims=True))
    )
    of_softmax = b.where(b.expand_dims(at_work, axis=2), pulled, b.zeros_like(pulled))
    if not op.time_major:
        of_softmax = b.transpose(of_softmax, perm=(1, 0, 2))
    return of_softmax if of_share is None else b.sub(of_softmax, of_share)


@dataclass
class _States:
    """The states of all rows, side by side.  Vectors have one entry per state, but for the last
    three, which have one per row."""

    row: Tensor
    label: Tensor  # its class
    stay: Tensor | None  # what a step costs, 0 or NEVER: from itself,
    after: Tensor  # from the state before,
    skip: Tensor  # and from the one before that
    begins: Tensor  # where alignments begin: 0, elsewhere NEVER
    lengths: Tensor
    last: Tensor  # the row's last state
    counts: Tensor  # whether the row has times enough to have a loss


def _states(b: Any, x: Tensor, labels: Tensor, starts: Tensor, lengths: Tensor, op: Any) -> _States:
    _, batch, classes = x.type.dims
    (given,) = labels.type.dims
    blank = b.dim_value(dim=op.blank if op.blank >= 0 else classes + op.blank, dtype=int32)
    starts, labels = b.cast(starts, dtype=int32), b.cast(labels, dtype=int32)
    begin, kept, count = _kept_labels(b, labels, starts, blank, batch, given, op)
    rows = b.range(limit=batch, dtype=int32)
    home = b.add(b.mul(begin, 2), rows)  # a row's first state
    total = 2 * given + batch
    place = b.range(limit=total, dtype=int32)
    row = b.sub(b.search_sorted(home, place, right=True), 1)
    offset = b.sub(place, b.gather(home, row, axis=0))
    odd = b.equal(b.floormod(offset, 2), 1)
    which = b.add(b.gather(begin, row, axis=0), b.floordiv(b.sub(offset, 1), 2))
    nowhere = b.tensor(-1, dtype=int32)
    label = b.where(odd, b.rows_or_zeros(kept, b.where(odd, which, nowhere)), blank)
    never, free = b.tensor(NEVER, dtype=x.dtype), b.tensor(0, dtype=x.dtype)
    skips = b.logical_and(odd, b.greater(offset, 1))
    if op.merge_repeated:
        skips = b.logical_and(skips, b.not_equal(label, _moved(b, label, 2)))
    return _States(
        row=row, label=label,
        stay=None if op.merge_repeated else b.where(odd, never, free),
        after=b.where(b.greater(offset, 0), free, never),
        skip=b.where(skips, free, never),
        begins=b.where(b.equal(offset, 0), free, never),
        lengths=lengths, last=b.add(home, b.mul(count, 2)), counts=b.less_equal(count, lengths),
    )  # fmt: skip


def _kept_labels(
    b: Any, labels: Tensor, starts: Tensor, blank: Tensor, batch: Any, given: Any, op: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """Where each row begins; its labels from there on, those left that count; how many they are."""
    begin = b.slice(starts, begin=(0,), size=(batch,))
    place = b.range(limit=given, dtype=int32)
    row = b.sub(b.search_sorted(begin, place, right=True), 1)
    first = b.gather(begin, row, axis=0)
    keeps = b.not_equal(labels, blank)
    if op.collapse_repeated:
        changes = b.logical_or(b.equal(place, first), b.not_equal(labels, _moved(b, labels, 1)))
        keeps = b.logical_and(keeps, changes)
    ones = b.cast(keeps, dtype=int32)
    before = b.cumsum(ones, axis=0, exclusive=True)
    to = b.add(first, b.sub(before, b.gather(before, first, axis=0)))
    kept = b.filled_at(
        b.where(keeps, to, b.tensor(-1, dtype=int32)), labels, b.tensor(0, dtype=int32), size=given
    )
    return begin, kept, b.unsorted_segment_sum(ones, row, num_segments=batch)


def _whole(b: Any, x: Tensor, states: _States) -> Tensor:
    """Per row, the logarithm of the sum over alignments of ``exp`` of their scores."""
    time, batch, classes = x.type.dims
    never = b.tensor(NEVER, dtype=x.dtype)
    column = b.add(b.mul(states.row, b.dim_value(dim=classes, dtype=int32)), states.label)
    scores = b.reshape(b.maximum(x, never), shape=(time, batch * classes))
    scores = b.gather(scores, column, axis=1)  # [time, states]
    ends = b.gather(states.lengths, states.row, axis=0)

    def turn(step: Tensor, alpha: Tensor, score: Tensor) -> list[Tensor]:
        inside = Builder(step.graph)
        ways = [
            alpha if states.stay is None else inside.add(alpha, states.stay),
            inside.add(_moved(inside, alpha, 1), states.after),
            inside.add(_moved(inside, alpha, 2), states.skip),
        ]
        moved = inside.add(_log_sum(inside, ways), score)
        return [inside.where(inside.less(step, ends), moved, alpha)]

    (alpha,), _ = b.scan_over(turn, [states.begins], [scores], time, name="alignments")
    labels = b.sub(states.last, 1)
    has_labels = b.logical_and(  # the state before is of this row, and of a label
        b.greater_equal(labels, 0), b.equal(b.gather(states.begins, states.last, axis=0), never)
    )
    at_label = b.gather(alpha, b.maximum(labels, 0), axis=0)
    at_label = b.where(has_labels, at_label, b.add(b.zeros_like(at_label), never))
    return _log_sum(b, [b.gather(alpha, states.last, axis=0), at_label])


def _moved(b: Any, x: Tensor, by: int) -> Tensor:
    return b.roll(x, b.tensor(by, dtype=int32))


def _log_sum(b: Any, terms: list[Tensor]) -> Tensor:
    top = terms[0]
    for term in terms[1:]:
        top = b.maximum(top, term)
    top = b.stop_gradient(top)  # the sum is the same whatever is taken out of it
    total = b.exp(b.sub(terms[0], top))
    for term in terms[1:]:
        total = b.add(total, b.exp(b.sub(term, top)))
    return b.add(top, b.log(total))
