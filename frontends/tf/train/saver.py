"""``tf.train.Saver``: variables to checkpoints and back.

A checkpoint ``prefix`` is two files: ``prefix.safetensors`` with the variables and ``prefix.meta``
with the graph.  Order of a save: both of them, then the state file that calls them the latest, then
the removal of checkpoints that are too old.  Each is atomic, so whatever happens, what the state
file names is there and whole.
"""

from __future__ import annotations

import errno
import numbers
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from frontends.tf.graph.building import GraphKeys
from frontends.tf.train.checkpoint_state import (
    checkpoint_exists,
    get_checkpoint_mtimes,
    meta_graph_name,
    remove_checkpoint,
    update_checkpoint_state,
)
from frontends.tf.train.meta_graph import MetaGraph, SaverDef, document_of, write_meta_graph
from frontends.tf.train.restoring import (
    Named,
    contents,
    named_variables,
    require_session,
    restore_into,
)
from frontends.tf.train.steps import global_step as value_of_step
from graphc.errors import OpError, PermissionDeniedError, ResourceExhaustedError, UnknownError
from graphc.ir.graph import default_graph
from graphc.ir.source import here
from runtime.checkpoint.reading import SUFFIX, open_checkpoint
from runtime.checkpoint.tensor_file import write_tensors

Kept = tuple[str, float]  # a prefix, when it was written


class Saver:
    """Writes variables to checkpoints and reads them back.

    ``var_list`` is a list of variables, or a dict of them by their name in the checkpoint; by
    default all global variables made so far.  The ``max_to_keep`` latest checkpoints are kept
    (None or 0: all of them), and one of every ``keep_checkpoint_every_n_hours`` for good.  Each
    checkpoint is one file whatever ``sharded``, ``restore_sequentially``, ``write_version`` and
    ``builder`` say.  A script that looks for ``prefix.index`` finds ``prefix.safetensors`` instead;
    ``tf.train.checkpoint_exists`` asks for either.

    >>> saver = tf.train.Saver(max_to_keep=3)
    >>> prefix = saver.save(sess, "runs/model.ckpt", global_step=step)
    >>> saver.restore(sess, prefix)
    """

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: SaverDef | None = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int = SaverDef.V2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
    ) -> None:
        if defer_build and var_list is not None:
            raise ValueError("If `var_list` is provided then build cannot be deferred.")
        self._var_list = var_list
        self._reshape, self._sharded = reshape, sharded
        self._name = name
        self._allow_empty = allow_empty
        self._write_version = write_version
        self._pad_step_number = pad_step_number
        self._save_relative_paths = save_relative_paths
        self._filename = filename
        self._max_to_keep = max_to_keep or 0
        self._hours = keep_checkpoint_every_n_hours
        if saver_def is not None:
            self._max_to_keep = saver_def.max_to_keep
            self._hours = saver_def.keep_checkpoint_every_n_hours
            self._sharded = saver_def.sharded
        self._next_to_preserve = time.time() + self._hours * 3600
        self._kept: list[Kept] = []
        self._to_delete: list[Kept] = []
        self._named: Named | None = None
        if not defer_build:
            self._collect(saver_def)

    def build(self) -> None:
        """Collect the variables now (a Saver made with ``defer_build=True``)."""
        self._collect(None)

    def _collect(self, saver_def: SaverDef | None) -> None:
        graph = default_graph()
        given = self._var_list
        if given is None and saver_def is not None and saver_def.variables:
            names = saver_def.variables
            given = {name: graph.get_tensor_by_name(v) for name, v in names.items()}
        if given is None:
            given = graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
        named = named_variables(given)
        if not named and not self._allow_empty:
            raise ValueError("No variables to save")
        self._named = named

    # --- saving --------------------------------------------------------------------------------

    def save(
        self,
        sess: Any,
        save_path: Any,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str | None:
        """Write a checkpoint and return its prefix: ``save_path``, followed by ``-`` and the
        global step if one is given (an int, or a tensor or variable that is run for it).

        The folder is made if only it is missing.  Raises FailedPreconditionError for a variable
        without a value, ValueError if the folder's own is missing, ResourceExhaustedError for a
        full disk.  Whatever it raises, checkpoints written before are as they were.
        """
        named = self._collected("save")
        latest_filename = latest_filename or "checkpoint"
        if os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        require_session(sess, named)
        prefix = self._prefix(sess, os.fsdecode(save_path), global_step, latest_filename)
        folder = os.path.dirname(prefix)
        if folder and not os.path.isdir(folder):
            try:
                os.mkdir(folder)
            except OSError:
                raise ValueError(
                    f"Parent directory of {save_path} doesn't exist, can't save."
                ) from None
        with _told(prefix):
            if named:
                write_tensors(prefix + SUFFIX, contents(sess, named))
            if write_meta_graph:
                with sess.graph.as_default():
                    self.export_meta_graph(meta_graph_name(prefix, meta_graph_suffix))
            if named and write_state:
                self._record(prefix, folder, latest_filename)
                self._delete_old(meta_graph_suffix)
        return prefix if named else None

    def _collected(self, to_do: str) -> Named:
        if self._named is None:
            raise RuntimeError(f"`build()` should be called before {to_do} if defer_build==True")
        return self._named

    def _prefix(self, sess: Any, path: str, step: Any, latest_filename: str) -> str:
        if step is not None:
            number = step if isinstance(step, numbers.Integral) else value_of_step(sess, step)
            return f"{path}-{number:08d}" if self._pad_step_number else f"{path}-{number}"
        if os.path.basename(path) == latest_filename and not self._sharded:
            raise ValueError(
                f"'latest_filename' collides with 'save_path': '{latest_filename}' and '{path}'"
            )
        return path

    def _record(self, prefix: str, folder: str, latest_filename: str) -> None:
        """Call ``prefix`` the latest, here and on the disk."""
        if self._max_to_keep > 0:
            self._kept = [kept for kept in self._kept if kept[0] != prefix]
            self._kept.append((prefix, time.time()))
            while len(self._kept) > self._max_to_keep:
                self._to_delete.append(self._kept.pop(0))
        update_checkpoint_state(
            folder, prefix, self.last_checkpoints, latest_filename,
            save_relative_paths=self._save_relative_paths,
        )  # fmt: skip

    def _delete_old(self, meta_graph_suffix: str) -> None:
        for prefix, written in self._to_delete:
            if written > self._next_to_preserve:
                self._next_to_preserve += self._hours * 3600
            else:
                remove_checkpoint(prefix, meta_graph_suffix=meta_graph_suffix)
        self._to_delete = []

    # --- restoring -----------------------------------------------------------------------------

    def restore(self, sess: Any, save_path: Any) -> None:
        """Give the variables the values of a checkpoint; they need not be initialised before.

        ``save_path`` is what ``save`` returned, or the prefix of a V2 checkpoint of TensorFlow's.
        All variables are restored, or the error says which cannot be and none changed:
        NotFoundError if names are missing, InvalidArgumentError if shapes or dtypes differ,
        DataLossError if the file is damaged.

        A run that is resumed draws the same random numbers as one that never stopped: the counts of
        random operations that have a seed (their own, or the graph's) are restored too, by a Saver
        of all variables.
        """
        named = self._collected("restore")
        if not named:
            return
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        prefix = os.fsdecode(save_path)
        require_session(sess, named)
        if not checkpoint_exists(prefix) and not os.path.isfile(prefix):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {prefix}")
        restore_into(sess, open_checkpoint(prefix), named, self._reshape)

    # --- which checkpoints there are -----------------------------------------------------------

    @property
    def last_checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that are kept, oldest first."""
        return [prefix for prefix, _ in self._kept]

    def set_last_checkpoints(self, last_checkpoints: Sequence[str]) -> None:
        """Take over the list of another Saver; each of these is kept for good, being of unknown
        age."""
        self._kept = [(prefix, float("inf")) for prefix in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: Sequence[Kept]) -> None:
        """As :meth:`set_last_checkpoints`, with the time each was written."""
        self._kept = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Sequence[str]) -> None:
        """Count those of these checkpoints that exist as this Saver's own (after a restart).

        >>> state = tf.train.get_checkpoint_state("runs")
        >>> saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
        """
        there = [p for p in checkpoint_paths if checkpoint_exists(p)]
        times = get_checkpoint_mtimes(there)
        self.set_last_checkpoints_with_time(list(zip(there, times, strict=True)))

    # --- the graph -----------------------------------------------------------------------------

    @property
    def saver_def(self) -> SaverDef:
        return self.as_saver_def()

    def as_saver_def(self) -> SaverDef:
        """What this Saver saves and keeps, as data; ``Saver(saver_def=...)`` makes it again."""
        return SaverDef(
            max_to_keep=self._max_to_keep,
            keep_checkpoint_every_n_hours=self._hours,
            sharded=self._sharded,
            version=self._write_version,
            variables={name: t.name for name, t in (self._named or {}).items()},
        )

    to_proto = as_saver_def

    @staticmethod
    def from_proto(saver_def: SaverDef, import_scope: str | None = None) -> Saver:
        return Saver(saver_def=saver_def.in_scope(import_scope), name=import_scope)

    def export_meta_graph(
        self,
        filename: str | None = None,
        collection_list: Sequence[str] | None = None,
        as_text: bool = False,
        export_scope: str | None = None,
        clear_devices: bool = False,
        clear_extraneous_savers: bool = False,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> MetaGraph:
        """The default graph and this Saver as data, written to ``filename`` if given."""
        made = document_of(
            default_graph(), self.as_saver_def(), collection_list, export_scope, clear_devices
        )
        if filename is not None:
            write_meta_graph(made, filename)
        return made


@contextmanager
def _told(prefix: str) -> Iterator[None]:
    """Turn what the system says of a failed write into TensorFlow's errors."""
    try:
        yield
    except OSError as error:
        kinds: dict[int | None, type[OpError]] = {
            errno.ENOSPC: ResourceExhaustedError, errno.EDQUOT: ResourceExhaustedError,
            errno.EFBIG: ResourceExhaustedError, errno.EACCES: PermissionDeniedError,
            errno.EPERM: PermissionDeniedError, errno.EROFS: PermissionDeniedError,
        }  # fmt: skip
        raise kinds.get(error.errno, UnknownError)(
            f"it cannot be written: {error.strerror or error}; checkpoints written before are "
            "as they were",
            subject=f"checkpoint {prefix!r}",
            site=here(),
        ) from error
