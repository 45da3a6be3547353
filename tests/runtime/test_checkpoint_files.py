"""Checkpoint files: what is written is read, by us and by the format's library; what is not whole
or not ours is refused in words, and never replaces what was there."""

from __future__ import annotations

import errno
import json
import mmap
import os
import pickle
import resource
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from graphc.errors import DataLossError, NotFoundError
from graphc.ir.dtype import ALL, as_dtype
from runtime.checkpoint.atomic import remove_unfinished, replacing, write_file
from runtime.checkpoint.reading import open_checkpoint
from runtime.checkpoint.tensor_file import ALIGNMENT, Contents, TensorFile, write_tensors
from runtime.variables import VariableStore


def write(path: Path | str, metadata: dict[str, str] | None = None, **arrays: np.ndarray) -> None:
    typed = {name: (as_dtype(np.asarray(a).dtype), np.asarray(a)) for name, a in arrays.items()}
    write_tensors(str(path), nullcontext(Contents(typed, metadata or {})))


def read(path: Path | str) -> dict[str, np.ndarray]:
    file = TensorFile(str(path))
    return {name: file.array(name) for name in file.entries}


# --- what is written is read ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [d for d in ALL if not d.is_string], ids=str)
def test_every_dtype_and_rank_comes_back_bit_by_bit(dtype, tmp_path):
    random = np.random.default_rng(0)
    arrays = {}
    for k, shape in enumerate([(), (1,), (0, 3), (5,), (3, 7), (2, 1, 4)]):
        size = int(np.prod(shape)) * dtype.size
        raw = random.integers(0, 2 if dtype.is_bool else 256, size, dtype=np.uint8)
        arrays[f"a/{k}"] = (dtype, raw.view(dtype.numpy).reshape(shape))
    path = str(tmp_path / "x.safetensors")
    write_tensors(path, nullcontext(Contents(arrays, {"said": "ünï"})))
    file = TensorFile(path)
    assert file.metadata["said"] == "ünï"
    for name, (_, array) in arrays.items():
        assert file.entries[name] == (dtype, array.shape)
        assert file.array(name).tobytes() == array.tobytes()
        assert file.array(name).shape == array.shape


def test_strings_come_back(tmp_path):
    strings = np.array([b"", b"a\x00b", b"\xff" * 300, "für"], object).reshape(2, 2)
    write(tmp_path / "x", s=strings, none=np.zeros((0, 2), object))
    found = read(tmp_path / "x")
    assert found["s"].tolist() == [[b"", b"a\x00b"], [b"\xff" * 300, "für".encode()]]
    assert found["none"].shape == (0, 2)


def test_the_formats_library_reads_what_is_written(tmp_path):
    arrays = {
        "w": np.arange(12, dtype=np.float32).reshape(3, 4),
        "step": np.asarray(7, np.int64),
        "mask": np.array([True, False]),
        "half": np.array([1.5], np.float16),
    }
    write(tmp_path / "x", {"format": "graphc"}, **arrays)
    found = load_file(tmp_path / "x")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    with safe_open(tmp_path / "x", framework="numpy") as file:
        assert file.metadata() == {"format": "graphc"}


def test_what_the_formats_library_writes_is_read(tmp_path):
    arrays = {"b": np.arange(3, dtype=np.int8), "a": np.ones((2, 3), np.float64)}
    save_file(arrays, tmp_path / "x", metadata={"by": "library"})
    found = read(tmp_path / "x")
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_arrays_are_views_of_the_file_that_stay_private(tmp_path):
    path = tmp_path / "x"
    write(path, big=np.arange(4096, dtype=np.float32))
    before = path.read_bytes()
    array = read(path)["big"]
    assert array.ctypes.data % ALIGNMENT == 0
    assert not array.flags.owndata
    array[...] = -1
    assert path.read_bytes() == before
    assert TensorFile(str(path)).array("big")[5] == 5


def test_an_array_outlives_its_file(tmp_path):
    path = tmp_path / "x"
    write(path, big=np.arange(1 << 16, dtype=np.int64))
    array = read(path)["big"]
    write(path, big=np.zeros(1 << 16, np.int64))
    path.unlink()
    assert array.sum() == (1 << 16) * ((1 << 16) - 1) // 2


def test_a_file_system_without_maps_is_read(tmp_path, monkeypatch):
    write(tmp_path / "x", w=np.arange(1000, dtype=np.float64))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(mmap, "mmap", refuse)
    found = read(tmp_path / "x")["w"]
    found += 1
    assert found[-1] == 1000
    assert found.ctypes.data % ALIGNMENT == 0


def test_arrays_of_whole_lines_start_at_lines_whatever_else_is_there(tmp_path):
    arrays = {f"odd{k}": np.zeros(k, np.uint8) for k in range(1, 9)}
    arrays |= {f"whole{k}": np.zeros(16 * k, np.float32) for k in range(1, 9)}
    write(tmp_path / "x", **arrays)
    for name, array in read(tmp_path / "x").items():
        if name.startswith("whole"):
            assert array.ctypes.data % ALIGNMENT == 0


# --- a store takes what is read ------------------------------------------------------------------


def test_a_variable_no_run_has_met_is_the_map_itself():
    store = VariableStore()
    value = _aligned(1024)
    store.adopt({"w": (as_dtype("float32"), value)})
    assert store.array("w") is value
    assert store.declare("w", as_dtype("float32"), (1024,)) is value


def test_a_variable_a_run_has_met_stays_where_it_is():
    store = VariableStore()
    array = store.declare("w", as_dtype("float32"), (1024,))
    value = _aligned(1024)
    value[...] = 3
    store.adopt({"w": (as_dtype("float32"), value)})
    assert store.array("w") is array
    assert (array == 3).all()
    assert store.is_initialized("w")


def _aligned(count: int) -> np.ndarray:
    block = np.zeros(count * 4 + 64, np.uint8)
    start = -block.ctypes.data % 64
    return block[start : start + count * 4].view(np.float32)


# --- atomic --------------------------------------------------------------------------------------


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The system refuses to let a file grow beyond ``size``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_the_system_refuses_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x"
    write(path, w=np.ones(10, np.float32))
    before = path.read_bytes()
    with largest_file(1 << 16), pytest.raises(OSError, match="too large"):
        write(path, w=np.zeros(1 << 20, np.float32))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x"]


def test_a_disk_that_fills_up_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write(path, w=np.ones(10, np.float32))
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(path, w=np.zeros(10, np.float32))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x"]


def test_short_writes_are_continued(tmp_path, monkeypatch):
    whole = os.writev

    def short(file: int, buffers: list) -> int:
        first = memoryview(buffers[0])
        return whole(file, [first[: max(1, first.nbytes // 2)]])

    monkeypatch.setattr(os, "writev", short)
    array = np.arange(1000, dtype=np.float64)
    write(tmp_path / "x", a=array, b=array[:7])
    np.testing.assert_array_equal(read(tmp_path / "x")["a"], array)


def test_what_a_dead_writer_left_is_removed_and_what_a_live_one_writes_is_not(tmp_path):
    left = tmp_path / ".model.safetensors.0123456789ab.partial"
    left.write_bytes(b"half")
    with replacing(str(tmp_path / "x")) as file:
        assert not left.exists()
        os.write(file, b"new")
        remove_unfinished(str(tmp_path))
    assert (tmp_path / "x").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["x"]


def test_a_block_that_raises_changes_nothing(tmp_path):
    write_file(str(tmp_path / "x"), b"old")

    def interrupted() -> None:
        with replacing(str(tmp_path / "x")) as file:
            os.write(file, b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "x").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


# --- bad input -----------------------------------------------------------------------------------


@pytest.fixture
def sound(tmp_path) -> Path:
    path = tmp_path / "sound.safetensors"
    write(path, {"said": "so"}, w=np.arange(64, dtype=np.float32), s=np.array([b"ab"], object))
    return path


def test_a_file_cut_off_anywhere_is_refused(sound):
    data = sound.read_bytes()
    for length in [*range(16), *range(16, len(data), 13), len(data) - 1]:
        sound.write_bytes(data[:length])
        with pytest.raises(DataLossError):
            TensorFile(str(sound))


def test_a_file_with_bytes_behind_it_is_refused(sound):
    sound.write_bytes(sound.read_bytes() + b"\0")
    with pytest.raises(DataLossError, match="cut off"):
        TensorFile(str(sound))


def _header(text: str | bytes, body: bytes = b"") -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return len(data).to_bytes(8, "little") + data + body


def _one(**said: object) -> str:
    row = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | said
    return json.dumps({"w": {k: v for k, v in row.items() if v is not None}})


BAD = {
    "huge header": ((1 << 62).to_bytes(8, "little") + b"{}", "header would have"),
    "header of more than there is": ((9).to_bytes(8, "little") + b"{}", "header would have"),
    "all ones": (b"\xff" * 64, "header would have"),
    "empty": (b"", "empty"),
    "text": (b"epoch,loss\n1,0.5\n2,0.25\n" * 9, "header would have"),
    "pickle": (pickle.dumps({"w": [1.0]}), "pickle; nothing in it was executed"),
    "zip": (b"PK\x03\x04" + b"\0" * 60, "zip archive"),
    "npy": (b"\x93NUMPY\x01\0" + b"\0" * 60, r"\.npy"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 60, "HDF5"),
    "no JSON": (_header("{nothing}"), "cannot be read"),
    "not UTF-8": (_header(b'{"\xff": 1}'), "cannot be read"),
    "a list": (_header("[1]"), "header would have"),
    "nested without end": (_header('{"a":' * 100_000), "cannot be read"),
    "a name twice": (_header('{"w": 1, "w": 2}'), "twice"),
    "no record": (_header('{"w": 3}'), "does not say what 'w' is"),
    "no dtype": (_header(_one(dtype=None), b"\0" * 8), "does not say"),
    "unknown dtype": (_header(_one(dtype="F8_E4M3"), b"\0" * 8), "F8_E4M3"),
    "negative size": (_header(_one(shape=[-2]), b"\0" * 8), "cannot be"),
    "fractional size": (_header(_one(shape=[2.0]), b"\0" * 8), "cannot be"),
    "true as a size": (_header(_one(shape=[True, 2]), b"\0" * 8), "cannot be"),
    "too many axes": (_header(_one(shape=[1] * 60 + [2]), b"\0" * 8), "cannot be"),
    "overflowing size": (_header(_one(shape=[1 << 62, 8]), b"\0" * 8), "its shape needs"),
    "backwards": (_header(_one(data_offsets=[8, 0]), b"\0" * 8), "its shape needs"),
    "a hole": (_header(_one(data_offsets=[4, 12]), b"\0" * 12), "was expected"),
    "behind the end": (_header(_one(data_offsets=[0, 8]), b"\0" * 4), "cut off"),
    "metadata of numbers": (_header('{"__metadata__": {"a": 1}}'), "__metadata__"),
    "wrong encoding": (_header('{"__metadata__": {"graphc.encoded": "[]"}}'), "encoded"),
    "encoding of nothing": (
        _header('{"__metadata__": {"graphc.encoded": "{\\"x\\": {\\"dtype\\": \\"string\\"}}"}}'),
        "encoded",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_words(name, tmp_path):
    content, words = BAD[name]
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(DataLossError, match=words) as caught:
        open_checkpoint(str(tmp_path / "bad"))
    assert "bad.safetensors" in str(caught.value)


def test_a_pickle_is_never_executed(tmp_path):
    marker = tmp_path / "executed"

    class Evil:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(marker),)

    for name in ("x.safetensors", "y"):
        (tmp_path / name).write_bytes(pickle.dumps(Evil()))
    for prefix in ("x", "y"):
        with pytest.raises(DataLossError):
            open_checkpoint(str(tmp_path / prefix))
    assert not marker.exists()


@given(at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_damaged_byte_is_refused_or_changes_values_only(at, flip, tmp_path_factory):
    path = tmp_path_factory.mktemp("flip") / "x"
    write(path, {"said": "so"}, w=np.arange(64, dtype=np.float32), s=np.array([b"ab"], object))
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= flip
    path.write_bytes(data)
    try:
        file = TensorFile(str(path))
        arrays = {name: file.array(name) for name in file.entries}
    except DataLossError:
        return
    assert sum(a.nbytes for a in arrays.values()) <= len(data) + 64


def test_strings_that_do_not_fill_their_bytes_are_refused(sound):
    data = bytearray(sound.read_bytes())
    data[-10] ^= 1  # the length of the string
    sound.write_bytes(data)
    with pytest.raises(DataLossError, match="do not fill"):
        TensorFile(str(sound)).array("s")


def test_a_folder_and_a_missing_file_are_said_to_be_that(tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    for name in ("folder", "folder.safetensors", "nothing", "no/such/folder/x"):
        with pytest.raises(NotFoundError):
            open_checkpoint(str(tmp_path / name))
    with pytest.raises(NotFoundError, match="named by its prefix"):
        open_checkpoint(str(tmp_path / "model.ckpt.meta"))
