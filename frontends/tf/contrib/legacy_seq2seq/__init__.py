"""``tf.contrib.legacy_seq2seq``: networks from sequence to sequence written out turn by turn, on
lists of tensors ``[batch, size]`` or of classes ``[batch]``; ``tf.nn.seq2seq`` of 0.x."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "frontends.tf.contrib.legacy_seq2seq.plain": (
        "basic_rnn_seq2seq embedding_rnn_decoder embedding_rnn_seq2seq embedding_tied_rnn_seq2seq "
        "one2many_rnn_seq2seq rnn_decoder tied_rnn_seq2seq"
    ),
    "frontends.tf.contrib.legacy_seq2seq.attentive": (
        "attention_decoder embedding_attention_decoder embedding_attention_seq2seq"
    ),
    "frontends.tf.contrib.legacy_seq2seq.losses": (
        "model_with_buckets sequence_loss sequence_loss_by_example"
    ),
}
_NAMES = {name: module for module, names in _WHERE.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = globals()[name] = getattr(import_module(_NAMES[name]), name)
        return value
    from frontends.tf.names.missing import elsewhere

    return elsewhere("contrib.legacy_seq2seq", name, __dir__)


def __dir__() -> list[str]:
    return sorted(_NAMES)
