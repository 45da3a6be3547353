"""TensorFlow's V2 checkpoints are read: the bundles beside this file are TensorFlow's own."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.errors import DataLossError, UnimplementedError
from runtime.checkpoint.bundle import Bundle
from runtime.checkpoint.crc32c import crc32c, masked
from runtime.checkpoint.reading import open_checkpoint
from runtime.checkpoint.sstable import MAGIC, rows

BUNDLES = Path(__file__).with_name("bundles")


def bundle(name: str) -> Bundle:
    return Bundle(str(BUNDLES / name))


def copied(name: str, folder: Path) -> str:
    for path in BUNDLES.glob(f"{name}.*"):
        shutil.copy(path, folder)
    return str(folder / name)


VALUES = {
    "float32": np.arange(6, dtype=np.float32).reshape(2, 3) / 7,
    "float64": np.asarray(0.1), "float16": np.array([1.5, -2], np.float16),
    "int8": np.array([-1], np.int8), "int16": np.array([-300], np.int16),
    "int32": np.arange(4, dtype=np.int32), "int64": np.asarray(-(1 << 40)),
    "uint8": np.array([255], np.uint8), "uint16": np.array([65535], np.uint16),
    "bool": np.array([True, False]), "complex64": np.array([1 + 2j], np.complex64),
    "complex128": np.array([[1 - 2j]]), "empty": np.zeros((0, 4), np.float32),
    "string": np.array([b"", b"one", b"\x00\xff" * 100], object).reshape(3, 1),
    "bfloat16": np.array([0x3F80, 0xBF00], np.uint16),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_every_dtype_is_read(name):
    found = bundle("dtypes")
    array = found.array(f"of/{name}")
    assert found.entries[f"of/{name}"].shape == array.shape
    assert array.dtype == VALUES[name].dtype
    np.testing.assert_array_equal(array, VALUES[name])


def test_all_names_are_listed():
    assert bundle("dtypes").entries.keys() == {f"of/{name}" for name in VALUES}


def test_slices_in_several_files_make_one_tensor():
    found = bundle("slices")
    assert found.shards > 1
    assert found.entries.keys() == {"sliced/rows", "w0", "w1"}
    np.testing.assert_array_equal(found.array("sliced/rows").ravel(), np.arange(600))
    assert (found.array("w1") == 4).all()


def test_a_checkpoint_of_objects_is_read_by_its_names():
    found = bundle("objects")
    np.testing.assert_array_equal(
        found.array("model/kernel/.ATTRIBUTES/VARIABLE_VALUE"), np.eye(2, dtype=np.float32)
    )
    assert found.array("step/.ATTRIBUTES/VARIABLE_VALUE") == 7


def test_arrays_are_the_callers_own(tmp_path):
    prefix = copied("dtypes", tmp_path)
    array = Bundle(prefix).array("of/float32")
    array[...] = 9
    assert Bundle(prefix).array("of/float32")[0, 0] == 0


# --- checksums -----------------------------------------------------------------------------------


def test_crc32c_is_castagnolis():
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"") == 0


def test_long_data_has_the_checksum_of_its_parts_in_turn():
    data = np.random.default_rng(0).integers(0, 256, 300_001, dtype=np.uint8).tobytes()
    in_turn = 0
    for at in range(0, len(data), 10_007):
        in_turn = crc32c(data[at : at + 10_007], in_turn)
    assert crc32c(data) == in_turn
    assert crc32c(data[9:], crc32c(data[:9])) == in_turn


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dtypes", "slices"])
def test_an_index_cut_off_anywhere_is_refused(name, tmp_path):
    prefix = copied(name, tmp_path)
    index = Path(prefix + ".index")
    data = index.read_bytes()
    for length in range(0, len(data), 5):
        index.write_bytes(data[:length])
        with pytest.raises(DataLossError):
            Bundle(prefix)


def test_data_cut_off_is_refused_when_it_is_read(tmp_path):
    prefix = copied("dtypes", tmp_path)
    data = Path(prefix + ".data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:10])
    found = Bundle(prefix)
    with pytest.raises(DataLossError, match="cut off"):
        found.array("of/float32")


def test_a_missing_shard_is_named(tmp_path):
    prefix = copied("slices", tmp_path)
    Path(prefix + ".data-00001-of-00003").unlink()
    with pytest.raises(DataLossError, match="data-00001-of-00003"):
        [Bundle(prefix).array(name) for name in ("w0", "w1", "sliced/rows")]


def test_a_changed_byte_does_not_have_its_checksum(tmp_path):
    prefix = copied("dtypes", tmp_path)
    path = Path(prefix + ".data-00000-of-00001")
    data = path.read_bytes()
    refused = 0
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        found = Bundle(prefix)
        for name in found.entries:
            try:
                found.array(name)
            except DataLossError:
                refused += 1
    assert refused == len(data)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_damaged_index_is_refused(at, bit, tmp_path_factory):
    prefix = copied("slices", tmp_path_factory.mktemp("flip"))
    index = Path(prefix + ".index")
    data = bytearray(index.read_bytes())
    at %= len(data)
    data[at] ^= 1 << bit
    index.write_bytes(data)
    try:
        found = Bundle(prefix)
        arrays = [found.array(name) for name in found.entries]
    except (DataLossError, UnimplementedError):
        return
    # Only the padding of the footer carries nothing.
    assert len(data) - 48 <= at < len(data) - len(MAGIC)
    assert len(arrays) == 3


def test_an_index_of_garbage_is_refused(tmp_path):
    (tmp_path / "x.index").write_bytes(b"garbage" * 20)
    with pytest.raises(DataLossError, match="not that of a table"):
        Bundle(str(tmp_path / "x"))


# --- tables by hand ------------------------------------------------------------------------------


def number(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def table(pairs: list[tuple[bytes, bytes]], compression: int = 0) -> bytes:
    """One data block, an index block, a footer."""
    data = b""

    def block(pairs: list[tuple[bytes, bytes]], compression: int = 0) -> bytes:
        nonlocal data
        body = b"".join(number(0) + number(len(k)) + number(len(v)) + k + v for k, v in pairs)
        body += struct.pack("<II", 0, 1)
        handle = number(len(data)) + number(len(body))
        trailer = bytes([compression])
        data += body + trailer + struct.pack("<I", masked(crc32c(body + trailer)))
        return handle

    inner = block(pairs, compression)
    meta = block([])
    index = block([(b"\xff", inner)])
    return data + (meta + index).ljust(40, b"\0") + MAGIC


def entry(shape: tuple[int, ...], **said: int) -> bytes:
    """A BundleEntryProto."""
    sizes = b"".join(_field(2, b"\x08" + number(n)) for n in shape)
    message = b"\x08" + number(said.get("dtype", 1)) + _field(2, sizes)
    for field, key in ((3, "shard"), (4, "offset"), (5, "size")):
        if key in said:
            message += bytes([field << 3]) + number(said[key] & (1 << 64) - 1)
    return message


def _field(tag: int, data: bytes) -> bytes:
    return bytes([tag << 3 | 2]) + number(len(data)) + data


def by_hand(folder: Path, *pairs: tuple[bytes, bytes], header: bytes = b"\x08\x01") -> Bundle:
    (folder / "x.index").write_bytes(table([(b"", header), *pairs]))
    (folder / "x.data-00000-of-00001").write_bytes(bytes(64))
    return Bundle(str(folder / "x"))


def test_a_table_by_hand_is_read(tmp_path):
    found = by_hand(tmp_path, (b"w", entry((2, 3), size=24)))
    assert found.array("w").shape == (2, 3)
    assert dict(rows((tmp_path / "x.index").read_bytes()))[b""] == b"\x08\x01"


def test_snappy_blocks_are_refused_in_words(tmp_path):
    (tmp_path / "x.index").write_bytes(table([(b"", b"\x08\x01")], compression=1))
    with pytest.raises(UnimplementedError, match="Snappy"):
        Bundle(str(tmp_path / "x"))


def test_big_endian_bundles_are_refused_in_words(tmp_path):
    with pytest.raises(UnimplementedError, match="big-endian"):
        by_hand(tmp_path, header=b"\x08\x01\x10\x01")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (entry((4,), size=12), "12 bytes, its shape needs 16"),
        (entry((4,), size=16, offset=60), "cut off"),
        (entry((1 << 61, 8), size=16), "its shape needs"),
        (entry((4,), size=16, shard=3), "shard 3 of 1"),
        (entry((1 << 60,), dtype=7, size=16), "strings"),
        (entry((2,), dtype=7, size=16), "checksum"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused(made, words, tmp_path):
    found = by_hand(tmp_path, (b"w", made))
    with pytest.raises(DataLossError, match=words):
        found.array("w")


@pytest.mark.parametrize("made", [entry((-1 & (1 << 64) - 1,)), entry((), size=-5), b"\x0a\xff"])
def test_numbers_that_cannot_be_are_refused_with_the_index(made, tmp_path):
    with pytest.raises(DataLossError):
        by_hand(tmp_path, (b"w", made))


def test_v1_checkpoints_are_refused_in_words(tmp_path):
    (tmp_path / "old.ckpt").write_bytes(table([(b"", b"")]))
    with pytest.raises(UnimplementedError, match="V1 format"):
        open_checkpoint(str(tmp_path / "old.ckpt"))
