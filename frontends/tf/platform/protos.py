"""TensorFlow's message classes by their TF1 names; they come with the tensorboard package."""

from __future__ import annotations

from typing import Any

from graphc.protocol import message

# file of the messages: the names in it
_FILES = {
    "attr_value": "AttrValue NameAttrList",
    "event": "Event LogMessage SessionLog TaggedRunMetadata",
    "graph": "GraphDef",
    "meta_graph": "AssetFileDef CollectionDef MetaGraphDef SignatureDef TensorInfo",
    "node_def": "NodeDef",
    "op_def": "OpDef OpList",
    "saver": "SaverDef",
    "step_stats": "StepStats DeviceStepStats NodeExecStats",
    "histogram": "HistogramProto",
    "summary": "Summary SummaryDescription SummaryMetadata",
    "tensor": "TensorProto",
    "tensor_shape": "TensorShapeProto",
    "variable": "SaveSliceInfoDef VariableDef",
    "versions": "VersionDef",
}
_NAMES = {name: file for file, names in _FILES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(name)
    value = globals()[name] = message(_NAMES[name], name)
    return value


def __dir__() -> list[str]:
    return sorted(_NAMES)
