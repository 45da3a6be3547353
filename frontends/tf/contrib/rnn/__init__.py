"""``tf.contrib.rnn``: cells beside the standard ones, cells around cells, and networks of several
layers."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "frontends.tf.contrib.rnn.block": "GRUBlockCell GRUBlockCellV2 LSTMBlockCell",
    "frontends.tf.contrib.rnn.fused": (
        "FusedRNNCell FusedRNNCellAdaptor LSTMBlockFusedCell LSTMBlockWrapper TimeReversedFusedRNN"
    ),
    "frontends.tf.contrib.rnn.normalized": (
        "LayerNormBasicLSTMCell LayerNormLSTMCell WeightNormLSTMCell"
    ),
    "frontends.tf.contrib.rnn.coupled": "CoupledInputForgetGateLSTMCell GLSTMCell PhasedLSTMCell",
    "frontends.tf.contrib.rnn.gated": (
        "CFNCell IntersectionRNNCell MinimalRNNCell NASCell SRUCell UGRNNCell"
    ),
    "frontends.tf.contrib.rnn.independent": "IndRNNCell IndyGRUCell IndyLSTMCell",
    "frontends.tf.contrib.rnn.convolved": (
        "Conv1DLSTMCell Conv2DLSTMCell Conv3DLSTMCell ConvLSTMCell"
    ),
    "frontends.tf.contrib.rnn.wrappers": (
        "AttentionCellWrapper CompiledWrapper EmbeddingWrapper HighwayWrapper "
        "InputProjectionWrapper OutputProjectionWrapper"
    ),
    "frontends.tf.contrib.rnn.stacked": (
        "best_effort_input_batch_size stack_bidirectional_dynamic_rnn stack_bidirectional_rnn "
        "transpose_batch_time"
    ),
}
_NAMES = {name: module for module, names in _WHERE.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = globals()[name] = getattr(import_module(_NAMES[name]), name)
        return value
    from frontends.tf.names.missing import elsewhere

    return elsewhere("contrib.rnn", name, __dir__)


def __dir__() -> list[str]:
    from frontends.tf.names.missing import namespace

    return sorted({*_NAMES, *namespace("contrib.rnn").__dir__()})
