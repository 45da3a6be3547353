"""Which file a checkpoint's prefix stands for, and what to say of one that is none."""

from __future__ import annotations

import os

from graphc.errors import DataLossError, NotFoundError, OpError, UnimplementedError
from runtime.checkpoint.bundle import Bundle
from runtime.checkpoint.entries import Checkpoint, damaged
from runtime.checkpoint.sstable import MAGIC
from runtime.checkpoint.tensor_file import TensorFile

SUFFIX = ".safetensors"
INDEX = ".index"  # of TensorFlow's V2 bundles


def file_of(prefix: str) -> str | None:
    """The file that makes ``prefix`` a checkpoint; None if there is none."""
    for path in (prefix + SUFFIX, prefix + INDEX):
        if os.path.isfile(path):
            return path
    return prefix if prefix.endswith(SUFFIX) and os.path.isfile(prefix) else None


def open_checkpoint(prefix: str) -> Checkpoint:
    """The checkpoint at ``prefix`` (``.../model.ckpt-100``): a safetensors file or a bundle of
    TensorFlow's, or the path of a safetensors file itself."""
    path = file_of(prefix)
    if path is None:
        raise _no_checkpoint(prefix)
    try:
        return Bundle(prefix) if path.endswith(INDEX) else TensorFile(path)
    except OSError as error:
        raise damaged(path, f"it cannot be read: {error.strerror or error}") from error


def _no_checkpoint(prefix: str) -> OpError:
    if os.path.isfile(prefix):
        if _is_table(prefix):
            return UnimplementedError(
                "this is a checkpoint in TensorFlow's V1 format, which is not read",
                subject=f"checkpoint {prefix!r}",
                hint="save it again from TensorFlow with tf.train.Saver(write_version=2)",
            )
        try:
            TensorFile(prefix)
        except DataLossError as error:
            return error
    folder, name = os.path.split(prefix)
    hint = None
    if not os.path.isdir(folder or "."):
        hint = f"there is no folder {folder!r}"
    elif os.path.splitext(name)[1] in (".meta", INDEX, SUFFIX):
        hint = f"a checkpoint is named by its prefix: {os.path.splitext(prefix)[0]!r}"
    return NotFoundError(
        f"there is no file {prefix + SUFFIX!r} or {prefix + INDEX!r}",
        subject=f"checkpoint {prefix!r}",
        hint=hint,
    )


def _is_table(path: str) -> bool:
    """Whether a file ends as TensorFlow's tables do."""
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - len(MAGIC)))
        return file.read() == MAGIC
