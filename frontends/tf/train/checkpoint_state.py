"""The file ``checkpoint`` in a folder of checkpoints: which is the latest, which are there.

It is TensorFlow's own text, so that either can read what the other wrote.  It is replaced
atomically, and only after the checkpoint it names is on the disk.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from frontends.tf.platform import logging
from runtime.checkpoint.atomic import write_file
from runtime.checkpoint.reading import INDEX, SUFFIX, file_of

_NUMBERS = ("all_model_checkpoint_timestamps", "last_preserved_timestamp")
_FIELD = re.compile(
    r"""\s*(?P<name>\w+)\s*:\s*(?P<value>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[^\s"']+)\s*"""
)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\\": b"\\", b"'": b"'", b'"': b'"'}
_UNESCAPED = {ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n", ord("\r"): "\\r"}


class CheckpointState:
    """``model_checkpoint_path`` is the latest prefix, ``all_model_checkpoint_paths`` those that
    are kept, oldest first."""

    def __init__(
        self,
        model_checkpoint_path: str = "",
        all_model_checkpoint_paths: Sequence[str] = (),
        all_model_checkpoint_timestamps: Sequence[float] = (),
        last_preserved_timestamp: float | None = None,
    ) -> None:
        self.model_checkpoint_path = model_checkpoint_path
        self.all_model_checkpoint_paths = list(all_model_checkpoint_paths)
        self.all_model_checkpoint_timestamps = list(all_model_checkpoint_timestamps)
        self.last_preserved_timestamp = last_preserved_timestamp

    def __str__(self) -> str:
        rows: list[tuple[str, str]] = [
            ("model_checkpoint_path", _quoted(self.model_checkpoint_path)),
            *(("all_model_checkpoint_paths", _quoted(p)) for p in self.all_model_checkpoint_paths),
            *(
                ("all_model_checkpoint_timestamps", repr(float(t)))
                for t in self.all_model_checkpoint_timestamps
            ),
        ]
        if self.last_preserved_timestamp is not None:
            rows.append(("last_preserved_timestamp", repr(float(self.last_preserved_timestamp))))
        return "".join(f"{name}: {value}\n" for name, value in rows)

    __repr__ = __str__


def _quoted(path: str) -> str:
    return f'"{path.translate(_UNESCAPED)}"'


def parse_state(text: str) -> CheckpointState:
    """The state a text says.  ValueError if it is none."""
    state = CheckpointState()
    for name, value in _fields(text):
        if name in _NUMBERS:
            number = float(value)
            if name == "last_preserved_timestamp":
                state.last_preserved_timestamp = number
            else:
                state.all_model_checkpoint_timestamps.append(number)
            continue
        if value[0] not in "\"'":
            raise ValueError(f"{name} is no quoted string: {value}")
        path = _unquoted(value)
        if name == "model_checkpoint_path":
            state.model_checkpoint_path = path
        elif name == "all_model_checkpoint_paths":
            state.all_model_checkpoint_paths.append(path)
        else:
            raise ValueError(f"a checkpoint state has no field {name!r}")
    return state


def _unquoted(value: str) -> str:
    """A path as it was quoted; escapes stand for the bytes of its name."""
    data = value[1:-1].encode(errors="surrogateescape")
    return os.fsdecode(_ESCAPE.sub(_escaped_byte, data))


def _escaped_byte(found: re.Match[bytes]) -> bytes:
    octal, hexadecimal, letter = found.groups()
    if letter is None:
        number = int(octal, 8) if octal is not None else int(hexadecimal, 16)
        return bytes([number & 0xFF])
    if letter not in _ESCAPED:
        raise ValueError(f"\\{letter.decode(errors='replace')} stands for nothing")
    return _ESCAPED[letter]


def _fields(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip():
        found = _FIELD.match(text, at)
        if found is None:
            raise ValueError(f"cannot read {text[at : at + 40].strip()!r}")
        yield found["name"], found["value"]
        at = found.end()


def state_file(save_dir: str, latest_filename: str | None = None) -> str:
    return os.path.join(save_dir, latest_filename or "checkpoint")


def generate_checkpoint_state_proto(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> CheckpointState:
    """A state whose paths are absolute if ``save_dir`` is, else relative to it."""
    paths = list(all_model_checkpoint_paths or ())
    times = list(all_model_checkpoint_timestamps or ())
    if times and len(times) != len(paths):
        raise ValueError(
            "Checkpoint timestamps, if provided, must match checkpoint paths "
            f"(got paths {paths} and timestamps {times})"
        )
    if not paths or paths[-1] != model_checkpoint_path:
        logging.info(
            "%s is not in all_model_checkpoint_paths. Manually adding it.", model_checkpoint_path
        )
        paths.append(model_checkpoint_path)
    if not os.path.isabs(save_dir):
        paths = [_beside(p, save_dir) for p in paths]
        model_checkpoint_path = _beside(model_checkpoint_path, save_dir)
    return CheckpointState(model_checkpoint_path, paths, times, last_preserved_timestamp)


def _beside(path: str, folder: str) -> str:
    return path if os.path.isabs(path) else os.path.relpath(path, folder or ".")


def update_checkpoint_state(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
    *,
    save_relative_paths: bool = False,
) -> None:
    """Write the state file of ``save_dir``.

    >>> tf.train.update_checkpoint_state("runs", "runs/model.ckpt-100")
    """
    paths = list(all_model_checkpoint_paths or ())
    chosen = model_checkpoint_path
    if save_relative_paths:
        paths = [os.path.relpath(p, save_dir) if os.path.isabs(p) else p for p in paths]
        chosen = os.path.relpath(chosen, save_dir) if os.path.isabs(chosen) else chosen
    state = generate_checkpoint_state_proto(
        save_dir, chosen, paths, all_model_checkpoint_timestamps, last_preserved_timestamp
    )
    path = state_file(save_dir, latest_filename)
    if path == state.model_checkpoint_path:
        raise RuntimeError(
            f"Save path '{model_checkpoint_path}' conflicts with path used for checkpoint state.  "
            "Please use a different save path."
        )
    write_file(path, str(state).encode(errors="surrogateescape"))


def get_checkpoint_state(
    checkpoint_dir: Any, latest_filename: str | None = None
) -> CheckpointState | None:
    """The state of a folder, its paths made to start at the folder; None if there is none that
    can be read."""
    folder = os.fspath(checkpoint_dir)
    path = state_file(folder, latest_filename)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            state = parse_state(file.read())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        logging.warning("%s: %s", type(error).__name__, error)
        logging.warning("%s: Checkpoint ignored", path)
        return None
    if not state.model_checkpoint_path:
        raise ValueError(f"Invalid checkpoint state loaded from {folder}")
    state.model_checkpoint_path = os.path.join(folder, state.model_checkpoint_path)
    state.all_model_checkpoint_paths = [
        os.path.join(folder, p) for p in state.all_model_checkpoint_paths
    ]
    return state


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The prefix of the latest checkpoint in a folder, to be given to ``Saver.restore``; None if
    there is none.

    >>> saver.restore(sess, tf.train.latest_checkpoint("runs"))
    """
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None:
        return None
    if checkpoint_exists(state.model_checkpoint_path):
        return state.model_checkpoint_path
    logging.error("Couldn't match files for checkpoint %s", state.model_checkpoint_path)
    return None


def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """Whether a checkpoint (of graphc's, or a V2 one of TensorFlow's) has this prefix."""
    return file_of(os.fspath(checkpoint_prefix)) is not None


def get_checkpoint_mtimes(checkpoint_prefixes: Sequence[str]) -> list[float]:
    """When the checkpoints that exist were written, in seconds since 1970."""
    files = map(file_of, checkpoint_prefixes)
    return [os.path.getmtime(file) for file in files if file is not None]


def remove_checkpoint(
    checkpoint_prefix: str, checkpoint_format_version: Any = None, meta_graph_suffix: str = "meta"
) -> None:
    """Remove a checkpoint's files; those that are not there do not matter."""
    with suppress(FileNotFoundError):
        os.unlink(meta_graph_name(checkpoint_prefix, meta_graph_suffix))
    for name in _files(checkpoint_prefix):
        with suppress(FileNotFoundError):
            os.unlink(name)


def _files(prefix: str) -> Iterator[str]:
    """The files of a checkpoint, the one that makes it one first."""
    yield prefix + SUFFIX
    yield prefix + INDEX
    folder, name = os.path.split(prefix)
    shard = re.compile(re.escape(name) + r"\.data-\d{5}-of-\d{5}\Z")
    with suppress(FileNotFoundError):
        for other in sorted(os.listdir(folder or ".")):
            if shard.match(other):
                yield os.path.join(folder, other)


def meta_graph_name(checkpoint: str, suffix: str = "meta") -> str:
    """The file of the graph beside a checkpoint."""
    return f"{checkpoint}.{suffix}"


# --- following a folder that another process writes to -------------------------------------------


def wait_for_new_checkpoint(
    checkpoint_dir: Any,
    last_checkpoint: str | None = None,
    seconds_to_sleep: float = 1,
    timeout: float | None = None,
) -> str | None:
    """The latest checkpoint of a folder once it is another than ``last_checkpoint``; None if that
    takes longer than ``timeout`` seconds."""
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        found = latest_checkpoint(checkpoint_dir)
        if found is not None and found != last_checkpoint:
            return found
        if end is not None and time.monotonic() + seconds_to_sleep > end:
            return None
        time.sleep(seconds_to_sleep)


def checkpoints_iterator(
    checkpoint_dir: Any,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:
    """Each new latest checkpoint of a folder, for a process that evaluates what another trains.

    It ends when none comes within ``timeout`` seconds, unless ``timeout_fn`` returns False.

    >>> for prefix in tf.train.checkpoints_iterator("runs", timeout=600):
    ...     saver.restore(sess, prefix)
    """
    latest: str | None = None
    while True:
        found = wait_for_new_checkpoint(checkpoint_dir, latest, timeout=timeout)
        if found is None:
            if timeout_fn is None or timeout_fn():
                return
            continue
        started, latest = time.monotonic(), found
        yield found
        time.sleep(max(0.0, started + min_interval_secs - time.monotonic()))
