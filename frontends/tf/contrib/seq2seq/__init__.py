"""``tf.contrib.seq2seq``: decoders, their helpers, attention, beams, and the loss of sequences."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "frontends.tf.contrib.seq2seq.decoding": "Decoder dynamic_decode",
    "frontends.tf.contrib.seq2seq.basic": "BasicDecoder BasicDecoderOutput",
    "frontends.tf.contrib.seq2seq.helpers": (
        "CustomHelper GreedyEmbeddingHelper Helper InferenceHelper SampleEmbeddingHelper"
    ),
    "frontends.tf.contrib.seq2seq.teaching": (
        "ScheduledEmbeddingTrainingHelper ScheduledOutputTrainingHelper TrainingHelper"
    ),
    "frontends.tf.contrib.seq2seq.mechanisms": (
        "AttentionMechanism BahdanauAttention LuongAttention hardmax"
    ),
    "frontends.tf.contrib.seq2seq.monotonic": (
        "BahdanauMonotonicAttention LuongMonotonicAttention monotonic_attention safe_cumprod"
    ),
    "frontends.tf.contrib.seq2seq.attending": "AttentionWrapper AttentionWrapperState",
    "frontends.tf.contrib.seq2seq.beams": (
        "BeamSearchDecoder BeamSearchDecoderOutput BeamSearchDecoderState "
        "FinalBeamSearchDecoderOutput"
    ),
    "frontends.tf.contrib.seq2seq.trees": "gather_tree gather_tree_from_array tile_batch",
    "frontends.tf.contrib.seq2seq.losses": "sequence_loss",
}
_NAMES = {name: module for module, names in _WHERE.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = globals()[name] = getattr(import_module(_NAMES[name]), name)
        return value
    from frontends.tf.names.missing import elsewhere

    return elsewhere("contrib.seq2seq", name, __dir__)


def __dir__() -> list[str]:
    return sorted(_NAMES)
