"""Event files, written by the tensorboard package in a thread of its own."""

from __future__ import annotations

import sys
import threading
import time
import warnings
import weakref
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from frontends.tf.platform import protos
from graphc.ir.graph import Graph
from graphc.protocol import tensorboard_module


class FileWriter:
    """Writes summaries, and the graph, to a new event file in ``logdir``.

    Up to ``max_queue`` events wait; they reach the disk every ``flush_secs`` seconds, at ``flush``
    and at ``close``.  TensorBoard reads the folder: ``tensorboard --logdir logdir``.

    >>> writer = tf.summary.FileWriter("logs", sess.graph)
    >>> writer.add_summary(sess.run(summaries), step)
    >>> writer.close()
    """

    def __init__(
        self, logdir: Any, graph: Any = None, max_queue: int = 10, flush_secs: float = 120,
        graph_def: Any = None, filename_suffix: str | None = None, session: Any = None,
    ) -> None:  # fmt: skip
        self._logdir = str(logdir)
        self._how = (max_queue, flush_secs, filename_suffix or "")
        self._file: Any = self._opened()
        self._described: set[str] = set()
        self._metadata_tags: set[str] = set()
        if graph is not None or graph_def is not None:
            self.add_graph(graph, graph_def=graph_def)

    def get_logdir(self) -> str:
        """The folder of the event files."""
        return self._logdir

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Write a summary: what ``sess.run`` gave, or a ``tf.Summary``."""
        if isinstance(summary, bytes):
            summary = protos.Summary.FromString(summary)
        elif not isinstance(summary, protos.Summary):
            raise TypeError(
                f"a summary is the bytes sess.run gives, or a tf.Summary; got "
                f"{type(summary).__name__}"
            )
        for value in summary.value:
            if value.HasField("metadata"):  # readers keep the first of a tag
                if value.tag in self._described:
                    value.ClearField("metadata")
                self._described.add(value.tag)
        self._write(global_step, summary=summary)

    def add_graph(self, graph: Any = None, global_step: Any = None, graph_def: Any = None) -> None:
        """Write a graph (a ``tf.Graph``; or a ``tf.GraphDef`` under either name)."""
        given = graph if graph is not None else graph_def
        if isinstance(given, Graph):
            given = given.as_graph_def(add_shapes=True)  # type: ignore[attr-defined]
        if not isinstance(given, protos.GraphDef):
            raise TypeError(f"a tf.Graph or tf.GraphDef is needed, got {type(given).__name__}")
        self._write(global_step, graph_def=given.SerializeToString())

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Write a ``tf.MetaGraphDef``."""
        if not isinstance(meta_graph_def, protos.MetaGraphDef):
            raise TypeError(f"a tf.MetaGraphDef is needed, got {type(meta_graph_def).__name__}")
        self._write(global_step, meta_graph_def=meta_graph_def.SerializeToString())

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Write that a session started or stopped (a ``tf.SessionLog``)."""
        self._write(global_step, session_log=session_log)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Write what a run left behind, under a tag that was not used before."""
        if tag in self._metadata_tags:
            raise ValueError(f"run metadata was already written under the tag {tag!r}")
        self._metadata_tags.add(tag)
        held = protos.TaggedRunMetadata(tag=tag, run_metadata=run_metadata.SerializeToString())
        self._write(global_step, tagged_run_metadata=held)

    def add_event(self, event: Any) -> None:
        """Write a ``tf.Event`` as it is."""
        if self._file is None:
            warnings.warn(
                "the FileWriter is closed: nothing is written until reopen()", stacklevel=2
            )
            return
        self._file.add_event(event)

    def _write(self, global_step: Any, **what: Any) -> None:
        if self._file is None:
            warnings.warn(
                "the FileWriter is closed: nothing is written until reopen()", stacklevel=3
            )
            return
        event = protos.Event(wall_time=time.time(), **what)
        if global_step is not None:
            event.step = int(global_step)
        self._file.add_event(event)

    def flush(self) -> None:
        """Return when all events so far are on disk."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Write what is left and close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def reopen(self) -> None:
        """After ``close``: go on in a new event file.  An open writer stays as it is."""
        if self._file is None:
            self._file = self._opened()

    def _opened(self) -> Any:
        file = _event_file(self._logdir, *self._how)
        weakref.finalize(self, file.close)  # a script that ends without close() loses nothing
        return file

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()


def without_tensorflow() -> None:
    """Have the tensorboard package use its own file functions.

    Else it takes those of any module that is called tensorflow.
    """
    sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))


def _event_file(logdir: str, max_queue: int, flush_secs: float, suffix: str) -> Any:
    without_tensorflow()
    made = tensorboard_module("summary.writer.event_file_writer").EventFileWriter
    Path(logdir).mkdir(parents=True, exist_ok=True)
    return made(logdir, max_queue, flush_secs, suffix)


class FileWriterCache:
    """One writer per folder."""

    _writers: ClassVar[dict[str, FileWriter]] = {}
    _lock = threading.Lock()

    @staticmethod
    def get(logdir: Any) -> FileWriter:
        """The writer of ``logdir``, made on first use with the default graph."""
        from graphc.ir.graph import default_graph

        with FileWriterCache._lock:
            key = str(logdir)
            if key not in FileWriterCache._writers:
                FileWriterCache._writers[key] = FileWriter(key, default_graph())
            return FileWriterCache._writers[key]

    @staticmethod
    def clear() -> None:
        """Close and forget all writers."""
        with FileWriterCache._lock:
            for writer in FileWriterCache._writers.values():
                writer.close()
            FileWriterCache._writers.clear()
