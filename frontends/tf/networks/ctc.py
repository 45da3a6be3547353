"""Connectionist temporal classification: losses of labels without an alignment, and decoders.

A row of the batch has scores for every time and class, one of which, the blank, means "no label
now".  Read along the times, equal classes side by side are one label, and blanks are none.
"""

from __future__ import annotations

from typing import Any

from frontends.tf.functions.sparse import SparseTensor, as_sparse
from frontends.tf.graph.tensor import builder, convert, known_rank
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import float32, int32, int64
from graphc.ir.graph import Tensor
from graphc.ir.source import here

WIDEST = 1 << 31  # columns that a sparse matrix of labels may have


# --- losses ---------------------------------------------------------------------------------------


def ctc_loss(
    labels: Any, inputs: Any = None, sequence_length: Any = None,
    preprocess_collapse_repeated: bool = False, ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False, time_major: bool = True, logits: Any = None,
) -> Tensor:  # fmt: skip
    """``-log p(labels | inputs)`` for each row: [batch].

    labels: SparseTensor of int32 [batch, any], with values from 0 to classes - 2; class
    ``classes - 1`` is the blank.  inputs: scores, not normalized, [time, batch, classes], or
    [batch, time, classes] without ``time_major``.  sequence_length: int [batch], at most time.

    ``preprocess_collapse_repeated`` merges equal labels side by side beforehand.  Without
    ``ctc_merge_repeated`` equal classes side by side are read as several labels.  A row with more
    labels than times is an error of the run, or its loss and gradient are 0 where
    ``ignore_longer_outputs_than_inputs``.  Where times suffice for the labels but not for the
    blanks between repeated ones, the loss is infinite.  A row without labels is all blank.

    The method: Graves and others, "Connectionist Temporal Classification", 2006.

    >>> labels = tf.sparse_placeholder(tf.int32)
    >>> loss = tf.reduce_mean(tf.nn.ctc_loss(labels, logits, lengths))
    """
    rows = _sparse_labels(labels)
    x = _scores(inputs if logits is None else logits, "ctc_loss")
    b = builder(x, rows.values)
    with b.home.name_scope("CTCLoss"):
        batch = x.type.dims[1 if time_major else 0]
        return _loss(
            b, x, rows.values, _starts(b, rows, batch), sequence_length, time_major,
            collapse_repeated=bool(preprocess_collapse_repeated),
            merge_repeated=bool(ctc_merge_repeated),
            ignore_longer=bool(ignore_longer_outputs_than_inputs),
        )  # fmt: skip


def ctc_loss_v2(
    labels: Any, logits: Any, label_length: Any, logit_length: Any, logits_time_major: bool = True,
    unique: Any = None, blank_index: int | None = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """As :func:`ctc_loss`, of labels [batch, any] of which ``label_length`` [batch] count, or of a
    SparseTensor, for which ``label_length`` is None.

    ``blank_index`` is the class of the blank, 0 unless said; with sparse labels it must be said.
    Negative ones count from the end.  ``unique`` is taken and not needed.
    """
    x = _scores(logits, "ctc_loss_v2")
    batch_axis = 1 if logits_time_major else 0
    batch, classes = x.type.dims[batch_axis], x.type.dims[2]
    with builder(x).home.name_scope(name or "ctc_loss_dense"):
        if getattr(labels, "is_sparse_tensor", False):
            if blank_index is None:
                raise AttributeValueError(
                    "blank_index must be said where labels is a SparseTensor", site=here()
                )
            rows = _sparse_labels(labels)
            b = builder(x, rows.values)
            starts = _starts(b, rows, batch)
            return _loss(
                b, x, rows.values, starts, logit_length, logits_time_major, blank=blank_index
            )
        dense, length = convert(labels), convert(label_length)
        b = builder(x, dense, length)
        blank = int(blank_index or 0)
        number = b.dim_value(dim=blank if blank >= 0 else classes + blank, dtype=dense.dtype)
        if known_rank(dense, "ctc_loss_v2") != 2:
            raise ShapeError(
                "labels must be [batch, most labels]", rows=[("labels", str(dense.type), "")],
                site=here(),
            )  # fmt: skip
        width = dense.type.dims[1]
        row = b.mul(b.range(limit=batch + 1, dtype=int32), b.dim_value(dim=width, dtype=int32))
        counts = _inside(b, length, width)
        values = b.reshape(b.where(counts, dense, number), shape=(batch * width,))
        return _loss(b, x, values, row, logit_length, logits_time_major, blank=blank)


def _loss(
    b: Builder, x: Tensor, labels: Tensor, starts: Tensor, lengths: Any, time_major: bool,
    **how: Any,
) -> Tensor:  # fmt: skip
    narrow = x.dtype.computed is not x.dtype
    scores = b.cast(x, dtype=float32) if narrow else x
    loss, _ = b.ctc_loss(
        scores, labels, starts, convert(lengths), time_major=bool(time_major), **how
    )
    return b.cast(loss, dtype=x.dtype) if narrow else loss


def _scores(given: Any, what: str) -> Tensor:
    if given is None:
        raise AttributeValueError(f"{what} needs the scores: inputs (or logits)", site=here())
    x = convert(given)
    if known_rank(x, what) != 3:
        raise ShapeError(
            f"{what} takes scores of every time, row and class",
            rows=[("inputs", str(x.type), "")],
            site=here(),
        )
    return x


def _sparse_labels(labels: Any) -> SparseTensor:
    if not getattr(labels, "is_sparse_tensor", False) and not hasattr(labels, "dense_shape"):
        raise TypeError(
            f"labels must be a SparseTensor, got {labels!r}; tf.contrib.layers.dense_to_sparse "
            "makes one of a matrix, tf.sparse_placeholder takes one that is fed"
        )
    return as_sparse(labels)


def _starts(b: Builder, labels: SparseTensor, batch: Dim) -> Tensor:
    """Where each row's labels begin, and where the last ones end: [batch + 1]."""
    (count,) = labels.values.type.dims
    indices = b.reshape(labels.indices, shape=(count, 2))
    places = b.check_increasing(b.flat_positions(indices, bounds=(batch, WIDEST)))
    rows = b.range(limit=batch + 1, dtype=int64)
    return b.search_sorted(places, b.mul(rows, b.tensor(WIDEST, dtype=int64)))


def _inside(b: Builder, length: Tensor, width: Dim) -> Tensor:
    """Which places of rows ``width`` wide are before the row's ``length``."""
    place = b.reshape(b.range(limit=width, dtype=length.dtype), shape=(1, width))
    return b.less(place, b.expand_dims(length, axis=1))


# --- labels ---------------------------------------------------------------------------------------


def ctc_unique_labels(labels: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The distinct labels of each row in the order they appear, padded with 0 (int64), and which of
    them each label is (int32).  Both are [batch, most labels], as ``labels`` is."""
    x = convert(labels)
    b = builder(x)
    with b.home.name_scope(name or "ctc_unique_labels"):
        if known_rank(x, "ctc_unique_labels") != 2:
            raise ShapeError(
                "labels must be [batch, most labels]", rows=[("labels", str(x.type), "")],
                site=here(),
            )  # fmt: skip
        _, width = x.type.dims
        place = b.range(limit=width, dtype=int32)
        same = b.equal(b.expand_dims(x, axis=2), b.expand_dims(x, axis=1))
        beyond = b.dim_value(dim=width, dtype=int32)
        first = b.reduce_min(b.where(same, place, beyond), axis=(2,))  # where each is met first
        new = b.equal(first, place)
        number = b.sub(b.cumsum(b.cast(new, dtype=int32), axis=1), 1)
        index = b.take_along_last(number, first)
        wide = b.cast(x, dtype=int64)
        distinct = b.put_along_last(b.where(new, wide, b.zeros_like(wide)), index, size=width)
        return distinct, index


def collapse_repeated(
    labels: Any, seq_length: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Equal labels side by side merged: the labels, padded with 0 to the longest row left, and how
    many each row has.  labels: [batch, any]; seq_length: int [batch]."""
    x, length = convert(labels), convert(seq_length)
    b = builder(x, length)
    with b.home.name_scope(name or "collapse_repeated_labels"):
        if known_rank(x, "collapse_repeated") != 2:
            raise ShapeError(
                "labels must be [batch, any]", rows=[("labels", str(x.type), "")], site=here()
            )
        batch, width = x.type.dims
        before = b.roll(x, b.tensor(1, dtype=int32), axis=1)
        starts = b.equal(b.range(limit=width, dtype=int32), 0)
        keeps = b.logical_and(
            b.logical_or(starts, b.not_equal(x, before)), _inside(b, length, width)
        )
        ones = b.cast(keeps, dtype=int32)
        to = b.cumsum(ones, axis=1, exclusive=True)
        last = b.sub(b.dim_value(dim=width, dtype=int32), 1)
        whole = b.put_along_last(
            b.where(keeps, x, b.zeros_like(x)), b.minimum(to, last), size=width
        )
        counts = b.reduce_sum(ones, axis=(1,))
        none = b.tensor([0], dtype=int32)  # of no rows, the longest has nothing
        kept = b.dim_argument(b.reduce_max(b.concat(counts, none, axis=0), axis=None))
        short = b.slice_of(whole, begin=(0, 0), size=(batch, kept))
        return short, b.cast(counts, dtype=length.dtype)


# --- decoders -------------------------------------------------------------------------------------


def ctc_greedy_decoder(
    inputs: Any, sequence_length: Any, merge_repeated: bool = True, blank_index: int | None = None
) -> tuple[list[SparseTensor], Tensor]:
    """The labels of the most probable class of every time: ``[decoded], neg_sum_logits``.

    inputs: scores [time, batch, classes]; sequence_length: int [batch].  ``decoded`` is an int64
    SparseTensor [batch, most labels], ``neg_sum_logits`` [batch, 1] minus the sum of each row's
    largest scores.  Without ``merge_repeated`` equal classes side by side stay several labels.
    """
    x = _scores(inputs, "ctc_greedy_decoder")
    b = builder(x)
    with b.home.name_scope("CTCGreedyDecoder"):
        blank = -1 if blank_index is None else int(blank_index)
        paths, counts, scores = b.ctc_best_path(
            x, convert(sequence_length), blank=blank, merge_repeated=bool(merge_repeated)
        )
        return [_entries(b, paths, counts)], b.expand_dims(scores, axis=1)


def ctc_beam_search_decoder(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1,
    merge_repeated: bool = True,
) -> tuple[list[SparseTensor], Tensor]:  # fmt: skip
    """The most probable labels, found with ``beam_width`` prefixes: ``decoded, log_probability``.

    inputs: scores [time, batch, classes], the last class the blank; sequence_length: int [batch].
    ``decoded`` has ``top_paths`` int64 SparseTensors [batch, most labels], the most probable labels
    first, ``log_probability`` is [batch, top_paths].  ``merge_repeated`` leaves out labels equal to
    the one before them, even where they were two: that is TF1's default, and seldom meant.

    The method: Graves, "Supervised Sequence Labelling with Recurrent Neural Networks", 2008.
    """
    x = _scores(inputs, "ctc_beam_search_decoder")
    b = builder(x)
    with b.home.name_scope("CTCBeamSearchDecoder"):
        paths, counts, scores = b.ctc_prefix_search(
            x, convert(sequence_length), width=int(beam_width), top=int(top_paths),
            merge_repeated=bool(merge_repeated),
        )  # fmt: skip
        decoded = []
        for k in range(int(top_paths)):
            path = b.reshape(
                b.slice(paths, begin=(0, k, 0), size=(paths.type.dims[0], 1, paths.type.dims[2])),
                shape=(paths.type.dims[0], paths.type.dims[2]),
            )
            count = b.slice(counts, begin=(0, k), size=(counts.type.dims[0], 1))
            decoded.append(_entries(b, path, b.reshape(count, shape=(counts.type.dims[0],))))
        return decoded, scores


def ctc_beam_search_decoder_v2(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[SparseTensor], Tensor]:
    """:func:`ctc_beam_search_decoder` with all labels as they were found."""
    return ctc_beam_search_decoder(inputs, sequence_length, beam_width, top_paths, False)


def _entries(b: Builder, paths: Tensor, counts: Tensor) -> SparseTensor:
    return SparseTensor(*b.ragged_entries_of(paths, counts))
