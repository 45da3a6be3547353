"""``tf.summary``: what TensorBoard shows of a run.

The operations give serialized ``Summary`` messages; a :class:`FileWriter` puts them into an event
file.  The graph is built without the tensorboard package, running and writing need it.
"""

from __future__ import annotations

from typing import Any

from frontends.tf.summary.operations import (
    all_v2_summary_ops,
    audio,
    get_summary_description,
    histogram,
    image,
    initialize,
    merge,
    merge_all,
    scalar,
    tensor_summary,
    text,
)
from frontends.tf.summary.writer import FileWriter, FileWriterCache

__all__ = [
    "FileWriter", "FileWriterCache", "all_v2_summary_ops", "audio", "get_summary_description",
    "histogram", "image", "initialize", "merge", "merge_all", "scalar", "tensor_summary", "text",
]  # fmt: skip
_MESSAGES = ("Event", "SessionLog", "Summary", "SummaryDescription", "TaggedRunMetadata")


def __getattr__(name: str) -> Any:
    if name in _MESSAGES:
        from frontends.tf.platform import protos

        return getattr(protos, name)
    from frontends.tf.names.missing import missing

    raise missing("summary", name, __dir__())


def __dir__() -> list[str]:
    return sorted([*__all__, *_MESSAGES])
