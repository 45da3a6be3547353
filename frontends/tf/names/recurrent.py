"""The rows of recurrent networks in the table of names: see :mod:`frontends.tf.names.aliases`."""

from __future__ import annotations

_CELLS = (
    "RNNCell=.rnn.cell:RNNCell "
    "BasicRNNCell=.rnn.cells:BasicRNNCell GRUCell=.rnn.cells:GRUCell "
    "BasicLSTMCell=.rnn.cells:BasicLSTMCell LSTMCell=.rnn.cells:LSTMCell "
    "LSTMStateTuple=.rnn.cells:LSTMStateTuple MultiRNNCell=.rnn.wrappers:MultiRNNCell "
    "DropoutWrapper=.rnn.wrappers:DropoutWrapper ResidualWrapper=.rnn.wrappers:ResidualWrapper "
    "DeviceWrapper=.rnn.wrappers:DeviceWrapper"
)
RECURRENT: dict[str, str] = {
    "nn.rnn_cell": (
        f"{_CELLS} "
        # 0.x
        "EmbeddingWrapper=contrib.rnn.EmbeddingWrapper "
        "InputProjectionWrapper=contrib.rnn.InputProjectionWrapper "
        "OutputProjectionWrapper=contrib.rnn.OutputProjectionWrapper "
        "linear=.rnn.cell:linear _linear=.rnn.cell:linear"
    ),
    # the product inside cells, which scripts reach for
    "python.ops.rnn_cell": "_linear=.rnn.cell:linear",
    "python.ops.rnn_cell_impl": "_linear=.rnn.cell:linear",
    "contrib.rnn.python.ops.core_rnn_cell": "_linear=.rnn.cell:linear",
    "contrib.rnn.python.ops.core_rnn_cell_impl": "_linear=.rnn.cell:linear",
    "contrib.cudnn_rnn": (
        "CudnnCompatibleGRUCell=.contrib.rnn.block:CudnnCompatibleGRUCell "
        "CudnnCompatibleLSTMCell=.contrib.rnn.block:CudnnCompatibleLSTMCell "
        "CudnnGRU=.contrib.rnn.cudnn:CudnnGRU CudnnLSTM=.contrib.rnn.cudnn:CudnnLSTM "
        "CudnnRNNRelu=.contrib.rnn.cudnn:CudnnRNNRelu CudnnRNNTanh=.contrib.rnn.cudnn:CudnnRNNTanh"
    ),
    "contrib.rnn": (
        f"{_CELLS} LayerRNNCell=.rnn.cell:LayerRNNCell static_rnn=nn.static_rnn "
        "static_bidirectional_rnn=nn.static_bidirectional_rnn "
        "static_state_saving_rnn=nn.static_state_saving_rnn"
    ),
}
RECURRENT_PLACES: dict[str, tuple[str, ...]] = {
    "nn.seq2seq": ("contrib.legacy_seq2seq",),
    "python.ops.seq2seq": ("contrib.legacy_seq2seq",),
    "python.ops.rnn": ("nn",),
    "python.ops.rnn_cell": ("nn.rnn_cell", "contrib.rnn"),
    "python.ops.rnn_cell_impl": ("nn.rnn_cell", "contrib.rnn"),
    "contrib.rnn.python.ops.rnn": ("contrib.rnn",),
    "contrib.rnn.python.ops.core_rnn": ("nn",),
    **dict.fromkeys(
        (
            "contrib.rnn.python.ops.core_rnn_cell", "contrib.rnn.python.ops.core_rnn_cell_impl",
            "contrib.rnn.python.ops.rnn_cell", "contrib.rnn.python.ops.lstm_ops",
            "contrib.rnn.python.ops.gru_ops", "contrib.rnn.python.ops.fused_rnn_cell",
        ),
        ("contrib.rnn", "nn.rnn_cell"),
    ),
    "contrib.cudnn_rnn.python.ops.cudnn_rnn_ops": ("contrib.cudnn_rnn",),
    "contrib.legacy_seq2seq.python.ops.seq2seq": ("contrib.legacy_seq2seq",),
    **dict.fromkeys(
        (
            "contrib.seq2seq.python.ops.attention_wrapper",
            "contrib.seq2seq.python.ops.basic_decoder",
            "contrib.seq2seq.python.ops.beam_search_decoder",
            "contrib.seq2seq.python.ops.beam_search_ops", "contrib.seq2seq.python.ops.decoder",
            "contrib.seq2seq.python.ops.helper", "contrib.seq2seq.python.ops.loss",
        ),
        ("contrib.seq2seq",),
    ),
}  # fmt: skip
