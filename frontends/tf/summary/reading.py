"""Event files read back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from frontends.tf.platform import protos
from frontends.tf.summary.writer import without_tensorflow
from graphc.errors import NotFoundError
from graphc.ir.source import here
from graphc.protocol import tensorboard_module


def summary_iterator(path: Any) -> Iterator[Any]:
    """The events (``tf.Event``) of one event file, in order; a cut-off end is left out.

    >>> for event in tf.train.summary_iterator(path):
    ...     for value in event.summary.value:
    ...         print(event.step, value.tag, value.simple_value)
    """
    if not Path(path).is_file():
        raise NotFoundError(f"there is no event file {str(path)!r}", site=here())
    without_tensorflow()
    loader = tensorboard_module("backend.event_processing.event_file_loader")
    for record in loader.RawEventFileLoader(str(path)).Load():
        yield protos.Event.FromString(record)
