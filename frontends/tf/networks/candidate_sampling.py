"""Losses over a few sampled classes instead of all, and the samplers that choose them.

A sampler gives (sampled, true_expected_count, sampled_expected_count): int64 [num_sampled] classes,
and how often a draw of this kind is expected to hold each true and each sampled class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from frontends.tf.functions.random import random_state
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.networks.embedding import embedding_lookup
from graphc.ir.builder import Builder
from graphc.ir.dtype import float32, float64, int32, int64
from graphc.ir.graph import Tensor


class Sampled(NamedTuple):
    """What a sampler gives."""

    sampled_candidates: Tensor
    true_expected_count: Tensor
    sampled_expected_count: Tensor


Probability = Callable[[Builder, Tensor], Tensor]  # of each class, float32


def _sampled(
    title: str, true_classes: Any, num_sampled: int, unique: bool, range_max: int,
    seed: int | None, name: str | None, probability: Probability, distribution: str,
    table: np.ndarray | None = None,
) -> Sampled:  # fmt: skip
    true = _classes(true_classes)
    b = builder(true)
    with b.home.name_scope(name or title) as scope:
        true = b.check_range(true, bound=int(range_max), what="true_classes")
        state = random_state(b, seed, scope.rstrip("/"))
        held = np.zeros(0) if table is None else table
        drawn, tries = b.draw_classes(
            state, b.tensor(held, dtype=float64), count=int(num_sampled), classes=int(range_max),
            unique=bool(unique), distribution=distribution, control=[true.node],
        )  # fmt: skip
        tries = b.cast(b.reshape(tries, shape=()), dtype=float32)

        def expected(classes: Tensor) -> Tensor:
            share = probability(b, classes)
            once = b.mul(share, tries)
            if not unique:
                return once
            # the chance to be among the draws made, 1 - (1 - p)**tries; TF1 has the plain count
            # where no draw was in vain
            chance = b.neg(b.expm1(b.mul(tries, b.log1p(b.neg(share)))))
            return b.where(b.equal(tries, float(num_sampled)), once, chance)

        return Sampled(drawn, expected(true), expected(drawn))


def _classes(true_classes: Any) -> Tensor:
    true = convert(true_classes)
    return true if true.dtype is int64 else builder(true).cast(true, dtype=int64)


def uniform_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int,
    seed: int | None = None, name: str | None = None,
) -> Sampled:  # fmt: skip
    """Classes drawn evenly from [0, range_max).  true_classes: int64 [batch, num_true]."""

    def probability(b: Builder, classes: Tensor) -> Tensor:
        return b.full(classes.type.dims, 1.0 / range_max, float32)

    return _sampled(
        "UniformCandidateSampler", true_classes, num_sampled, unique, range_max, seed, name,
        probability, "uniform",
    )  # fmt: skip


def log_uniform_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int,
    seed: int | None = None, name: str | None = None,
) -> Sampled:  # fmt: skip
    """Classes drawn with ``P(k) = log((k + 2) / (k + 1)) / log(range_max + 1)``: words numbered by
    falling frequency.  true_classes: int64 [batch, num_true]."""

    def probability(b: Builder, classes: Tensor) -> Tensor:
        place = b.cast(classes, dtype=float32)
        return b.mul(b.log1p(b.reciprocal(b.add(place, 1.0))), float(1 / np.log(range_max + 1)))

    return _sampled(
        "LogUniformCandidateSampler", true_classes, num_sampled, unique, range_max, seed, name,
        probability, "log_uniform",
    )  # fmt: skip


def fixed_unigram_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int,
    vocab_file: str = "", distortion: float = 1.0, num_reserved_ids: int = 0, num_shards: int = 1,
    shard: int = 0, unigrams: Sequence[float] = (), seed: int | None = None,
    name: str | None = None,
) -> Sampled:  # fmt: skip
    """Classes drawn in proportion to ``unigrams[k] ** distortion``, given as a list or as the last
    field of each line of ``vocab_file``.

    The first ``num_reserved_ids`` classes are never drawn.  With shards, this one draws the classes
    whose number is ``shard`` modulo ``num_shards``.
    """
    if bool(vocab_file) == bool(len(unigrams)):
        raise ValueError("give either vocab_file or unigrams")
    counts = _counts_in(vocab_file) if vocab_file else list(unigrams)
    weights = np.concatenate([np.zeros(num_reserved_ids), np.power(counts, float(distortion))])
    if len(weights) != range_max:
        raise ValueError(
            f"range_max is {range_max}, but there are {num_reserved_ids} reserved and "
            f"{len(counts)} given classes"
        )
    weights[np.arange(range_max) % num_shards != shard] = 0
    if unique and np.count_nonzero(weights) < num_sampled:
        raise ValueError(
            f"{np.count_nonzero(weights)} classes have a weight, {num_sampled} distinct ones "
            "were asked for"
        )
    table = np.cumsum(weights)
    if not table[-1] > 0:
        raise ValueError("no class has a weight")

    def probability(b: Builder, classes: Tensor) -> Tensor:
        shares = b.tensor((weights / table[-1]).astype(np.float32), dtype=float32)
        return b.gather(shares, classes, axis=0)

    return _sampled(
        "FixedUnigramCandidateSampler", true_classes, num_sampled, unique, range_max, seed, name,
        probability, "table", table,
    )  # fmt: skip


def _counts_in(vocab_file: str) -> list[float]:
    with open(vocab_file, encoding="utf-8") as lines:
        return [float(line.replace(",", " ").split()[-1]) for line in lines if line.strip()]


def learned_unigram_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int,
    seed: int | None = None, name: str | None = None,
) -> Sampled:  # fmt: skip
    """Not provided: it would learn how frequent classes are from run to run."""
    raise NotImplementedError(
        "learned_unigram_candidate_sampler is not provided; count the classes once and use "
        "tf.nn.fixed_unigram_candidate_sampler(unigrams=counts)"
    )


def all_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, seed: int | None = None,
    name: str | None = None,
) -> Sampled:  # fmt: skip
    """All classes from 0 to num_sampled - 1, in order; each is expected once."""
    true = _classes(true_classes)
    b = builder(true)
    with b.home.name_scope(name or "AllCandidateSampler"):
        true = b.check_range(true, bound=int(num_sampled), what="true_classes")
        drawn = b.arange(0, int(num_sampled), 1, dtype=int64)
        return Sampled(
            b.identity(drawn, control=[true.node]),
            b.full(true.type.dims, 1.0, float32),
            b.full((int(num_sampled),), 1.0, float32),
        )


def compute_accidental_hits(
    true_classes: Any, sampled_candidates: Any, num_true: int, seed: int | None = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Where sampled classes are true ones: (row int32, place among the sampled int64, weight).

    Every weight is the lowest float32, to be added to the logit there.
    """
    true, sampled = _classes(true_classes), _classes(sampled_candidates)
    b = builder(true, sampled)
    with b.home.name_scope(name or "ComputeAccidentalHits"):
        same = b.equal(b.expand_dims(true, axis=-1), sampled)  # [batch, num_true, sampled]
        places = b.where_true(same)
        (count, _) = places.type.dims
        rows = b.squeeze(b.slice(places, begin=(0, 0), size=(count, 1)), axis=(1,))
        ids = b.squeeze(b.slice(places, begin=(0, 2), size=(count, 1)), axis=(1,))
        weights = b.full((count,), float(np.finfo(np.float32).min), float32)
        return b.cast(rows, dtype=int32), ids, weights


# --- losses --------------------------------------------------------------------------------------


def _logits(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int,
    num_true: int, sampled_values: Any, remove_accidental_hits: bool, partition_strategy: str,
    seed: int | None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """[batch, num_true + num_sampled] logits, the log of their expected counts subtracted, and
    their labels."""
    x, true = convert(inputs), _classes(labels)
    b = builder(x)
    batch = x.type.dims[0]
    true = b.reshape(true, shape=(batch, num_true))
    if sampled_values is None:
        sampled_values = log_uniform_candidate_sampler(
            true, num_true, num_sampled, True, num_classes, seed
        )
    sampled, true_count, sampled_count = map(b.stop_gradient, map(convert, sampled_values))
    sampled = _classes(sampled)

    def rows(table: Any, ids: Tensor) -> Tensor:
        return embedding_lookup(table, ids, partition_strategy)

    true_weights = rows(weights, true)  # [batch, num_true, size]
    products = b.mul(b.expand_dims(x, axis=1), true_weights)
    true_logits = b.add(b.reduce_sum(products, axis=(2,)), rows(biases, true))
    sampled_logits = b.matmul(x, rows(weights, sampled), transpose_b=True)
    sampled_logits = b.add(sampled_logits, rows(biases, sampled))
    if remove_accidental_hits:
        same = b.equal(b.expand_dims(true, axis=2), sampled)
        hit = b.reduce_any(same, axis=(1,))
        lowest = b.tensor(np.finfo(x.dtype.computed.numpy).min, dtype=x.dtype)
        sampled_logits = b.add(sampled_logits, b.where(hit, lowest, b.tensor(0.0, dtype=x.dtype)))
    true_logits = b.sub(true_logits, _log(b, true_count, x))
    sampled_logits = b.sub(sampled_logits, _log(b, sampled_count, x))
    logits = b.concat(true_logits, sampled_logits, axis=1)
    share = b.full(true_logits.type.dims, 1.0 / num_true, x.dtype)
    return logits, b.concat(share, b.zeros_like(sampled_logits), axis=1)


def _log(b: Builder, count: Tensor, x: Tensor) -> Tensor:
    return b.log(count if count.dtype is x.dtype else b.cast(count, dtype=x.dtype))


def nce_loss(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int,
    num_true: int = 1, sampled_values: Any = None, remove_accidental_hits: bool = False,
    partition_strategy: str = "mod", name: str = "nce_loss",
) -> Tensor:  # fmt: skip
    """Noise-contrastive estimation: true classes told from ``num_sampled`` sampled ones, [batch].

    weights: [num_classes, size] (or a list of parts); biases: [num_classes]; labels: int64
    [batch, num_true]; inputs: [batch, size].  Gutmann and Hyvarinen, "Noise-contrastive estimation"
    (2010).
    """
    with builder(convert(inputs)).home.name_scope(name or "nce_loss"):
        logits, labels = _logits(
            weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
            remove_accidental_hits, partition_strategy, None,
        )  # fmt: skip
        b = builder(logits)
        losses = b.sigmoid_cross_entropy_with_logits(logits, labels)
        return b.reduce_sum(losses, axis=(1,))


def sampled_softmax_loss(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int,
    num_true: int = 1, sampled_values: Any = None, remove_accidental_hits: bool = True,
    partition_strategy: str = "mod", name: str = "sampled_softmax_loss", seed: int | None = None,
) -> Tensor:  # fmt: skip
    """Softmax cross entropy over the true and ``num_sampled`` sampled classes, [batch].

    Arguments as for :func:`nce_loss`.  Jean et al., "On using very large target vocabulary for
    neural machine translation" (2014).
    """
    with builder(convert(inputs)).home.name_scope(name or "sampled_softmax_loss"):
        logits, labels = _logits(
            weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
            remove_accidental_hits, partition_strategy, seed,
        )  # fmt: skip
        b = builder(logits)
        return b.softmax_cross_entropy_with_logits(logits, b.stop_gradient(labels))
