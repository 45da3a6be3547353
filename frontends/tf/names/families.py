"""The parts of TF1 that are not provided yet, by family: what to call them, and how their names are
told.

Used by the error for a name that is absent, by ``graphc check`` and by the table of names.  A
family claims a name only while the name is not provided.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """``pattern`` is searched in a dotted name without the leading ``tf.``."""

    key: str
    title: str
    pattern: re.Pattern[str]


def _family(key: str, title: str, *patterns: str) -> Family:
    return Family(key, title, re.compile("|".join(patterns)))


FAMILIES = (
    _family(
        "keras", "Keras layers and models",
        r"^keras\b", r"^(python|contrib)\.keras\b", r"^layers\.experimental\b", r"^optimizers\.",
    ),
    _family(
        "estimator", "Estimator and its serving",
        r"\bestimator\b", r"\bfeature_column\b", r"^(python\.)?saved_model\b",
        r"^contrib\.predictor\b",
        r"^contrib\.learn\b(?!.*(dataset|preprocessing))",
        r"^contrib\.(boosted_trees|tensor_forest|timeseries|factorization)\b",
        r"^contrib\.layers\.\w+_(column|columns|for_parsing)$",
        r"^(tables_initializer|initialize_all_tables)$", r"\blookup(_ops)?\b",
    ),
    _family(
        "datasets", "datasets and input pipelines",
        r"^((contrib|python)\.)?data\b", r"^(examples|g3doc)\b", r"\bdatasets?\b",
        r"\bVocabularyProcessor\b", r"^contrib\.learn\.preprocessing\b", r"^RecordInput$",
        r"StagingArea$", r"^contrib\.staging\b",
    ),
    _family(
        "queues", "queues and readers",
        r"[qQ]ueue", r"Coordinator$", r"LooperThread$", r"^train\.(\w+_)?batch(_join)?$",
        r"^train\.\w*input_producer$", r"^train\.limit_epochs$",
        r"(TFRecord|TextLine|WholeFile|FixedLengthRecord|Identity|LMDB)Reader$", r"^ReaderBase$",
        r"(^|\.)match(_filenames_once|ing_files)$", r"ConditionalAccumulator",
    ),
    _family(
        "records", "records and their parsing",
        r"TFRecord", r"tf_record",
        r"(^|\.)(FixedLen|VarLen|Sparse|FixedLenSequence|Ragged)Feature$",
        r"(^|\.)(Sequence)?Example(Parser)?\b", r"(^|\.)(Features?|FeatureLists?)$",
        r"(^|\.)(Int64List|BytesList|FloatList)$",
        r"(^|\.)parse_(single_)?(sequence_)?example", r"(^|\.)(parse|serialize)_tensor$",
        r"(^|\.)decode_(raw|csv|compressed|json_example)$", r"(^|\.)(read|write)_file$",
        r"^python_io\b",
    ),
    _family(
        "images", "images, audio and their files",
        r"^image\b", r"^contrib\.image\b", r"^audio\b", r"^contrib\.ffmpeg\b",
        r"(^|\.)(de|en)code_(jpeg|png|gif|bmp|image|and_crop_jpeg|wav)$", r"NonMaxSuppression",
        r"(^|\.)extract_(image_patches|jpeg_shape)$",
    ),
    _family(
        "metrics", "metrics",
        r"^metrics\b", r"^contrib\.(slim\.)?metrics\b", r"(^|\.)edit_distance$",
    ),
    _family(
        "hooks", "hooks and monitored sessions",
        r"Hook$", r"Monitored(Training)?Session$",
        r"^train\.(Supervisor|Scaffold|SecondOrStepTimer)\b",
        r"^train\.(SessionRun\w+|SessionManager|\w*SessionCreator|NanLossDuringTrainingError)$",
        r"^train\.(CheckpointSaverListener|basic_train_loop)$", r"^contrib\.training\b",
        r"basic_session_run_hooks", r"monitored_session",
    ),
    _family("slim", "slim and the framework of contrib", r"^contrib\.(slim|framework)\b"),
    _family(
        "convolution", "convolution and pooling",
        r"[cC]onv(olution)?[123][dD]", r"(^|\.)(conv_transpose|(atrous_)?convolution)$",
        r"[pP]ool", r"\blrn$", r"local_response_normalization", r"(dilation|erosion)2d$",
        r"(^|\.)(spatial_softmax|fused_batch_norm|with_space_to_batch)$",
    ),
    _family(
        "loops", "loops and branches in the graph",
        r"(^|\.)(cond|case|while_loop|map_fn|scan|foldl|foldr|switch_case)$", r"TensorArray",
        r"^(merge|switch)$", r"^(contrib\.)?autograph\b",
    ),
    _family(
        "recurrent", "recurrent networks and sequences",
        r"rnn", r"seq2seq", r"LSTM", r"GRU", r"\bctc_", r"beam_search", r"^contrib\.crf\b",
    ),
    _family(
        "eager", "eager execution",
        r"\beager\b", r"^enable_eager_execution$", r"GradientTape$", r"^EagerVariableStore$",
    ),
    _family(
        "distributed", "several machines and accelerators",
        r"^train\.(Server|ClusterSpec|ServerDef|ClusterDef|JobDef|replica_device_setter)\b",
        r"^ReplicaDeviceSetter$", r"device_setter", r"^config\.experimental_connect",
        r"^(contrib\.)?(distribute|tpu|cluster_resolver|cloud)\b", r"^xla\b",
        r"^contrib\.compiler\b",
    ),
    _family(
        "distributions", "probability distributions and networks against each other",
        r"^(contrib\.)?distributions\b", r"\bbijectors\b", r"^contrib\.(bayesflow|gan)\b",
    ),
    _family(
        "mobile", "TensorFlow Lite and quantised training",
        r"^(contrib\.)?lite\b", r"^contrib\.quantize\b",
    ),
)  # fmt: skip


def family_of(name: str) -> Family | None:
    """The family a name of TF1 belongs to, if it is one of those not provided yet."""
    return next((family for family in FAMILIES if family.pattern.search(name)), None)
