"""Whole programs over one cache directory: right results whatever happens to it, said once."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

import graphc as tf
from runtime.object_cache import PROGRAM, ObjectCache, default_cache
from tests.runtime.models import assert_same_bits, classifier, ready, state_of

ROOT = Path(__file__).parents[2]

TRAIN = """
    import hashlib, sys, warnings
    import numpy as np
    import graphc as tf
    from tests.runtime.models import classifier, ready, state_of
    warnings.simplefilter("always")
    digest = hashlib.sha256()
    model = classifier()
    with ready(model) as sess:
        for k in range(4):
            feeds = model.feeds(8 + 8 * (k % 2), k)
            for value in sess.run([*model.fetches, model.train], feeds)[:2]:
                digest.update(np.asarray(value).tobytes())
        for key, value in sorted(state_of(sess).items()):
            digest.update(value.tobytes())
    print(digest.hexdigest(), "numba" in sys.modules)
"""


@dataclass
class Trained:
    """What a process that trains printed."""

    result: str
    compiled: bool
    said: str


def begin(directory: Path, before: str = "") -> subprocess.Popen:
    """A process that trains a model over the cache, having first run ``before``."""
    environment = {**os.environ, "GRAPHC_CACHE_DIR": str(directory), "PYTHONPATH": str(ROOT)}
    environment.pop("GRAPHC_CACHE", None)
    return subprocess.Popen(
        [sys.executable, "-c", dedent(before) + dedent(TRAIN)],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen) -> Trained:
    out, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    result, numba = out.split()
    return Trained(result, numba == "True", said)


def train(directory: Path, before: str = "") -> Trained:
    return finish(begin(directory, before))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trained]:
    directory = tmp_path_factory.mktemp("filled") / "cache"
    return directory, train(directory)


def copied(filled: tuple[Path, Trained], tmp_path: Path) -> Path:
    directory = tmp_path / "cache"
    directory.mkdir(mode=0o700)
    for path in filled[0].iterdir():
        (directory / path.name).write_bytes(path.read_bytes())
    return directory


def test_two_processes_fill_a_cache_and_a_third_loads(tmp_path, filled):
    both = [begin(tmp_path / "cache") for _ in range(2)]
    one, other = map(finish, both)
    third = train(tmp_path / "cache")
    assert one.result == other.result == third.result == filled[1].result
    assert (third.compiled, third.said) == (False, "")


KILLED = """
    import os, signal
    write, calls = os.write, []
    def dying(descriptor, data):
        calls.append(1)
        if len(calls) == 3:
            write(descriptor, data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(descriptor, data)
    os.write = dying
"""


def test_killed_while_writing(tmp_path, filled):
    killed = begin(tmp_path / "cache", KILLED)
    killed.communicate(timeout=120)
    assert killed.returncode == -9
    assert any(path.suffix == ".tmp" for path in (tmp_path / "cache").iterdir())
    for _ in range(2):
        again = train(tmp_path / "cache")
        assert (again.result, again.said) == (filled[1].result, "")
    assert not again.compiled


def test_a_flipped_byte_in_every_entry(tmp_path, filled):
    directory = copied(filled, tmp_path)
    for k, path in enumerate(sorted(directory.iterdir())):
        text = bytearray(path.read_bytes())
        text[len(text) * (k + 1) // 20 % len(text)] ^= 1 << k % 8
        path.write_bytes(text)
    damaged = train(directory)
    assert damaged.result == filled[1].result
    assert damaged.said.count("CacheWarning") == 1
    mended = train(directory)
    assert (mended.result, mended.compiled, mended.said) == (filled[1].result, False, "")


REFUSING = {
    "read-only": ("os.open", "errno.EROFS", "Read-only file system"),
    "full": ("os.write", "errno.ENOSPC", "No space left on device"),
}


@pytest.mark.parametrize("kind", REFUSING)
def test_a_directory_that_cannot_be_written(kind, tmp_path, filled):
    call, number, words = REFUSING[kind]
    before = f"""
        import errno, os
        def refuse(*arguments, **more):
            raise OSError({number}, {words!r})
        import runtime.object_cache
        {call} = refuse
    """
    for directory in (tmp_path / "cache", copied(filled, tmp_path)):
        directory.mkdir(mode=0o700, exist_ok=True)
        trained = train(directory, before)
        assert trained.result == filled[1].result
        if trained.compiled:
            assert trained.said.count("CacheWarning") == 1
            assert words in trained.said


def test_a_read_only_cache_that_is_filled_serves(tmp_path, filled):
    directory = copied(filled, tmp_path)
    directory.chmod(0o500)
    trained = train(directory)
    assert (trained.result, trained.compiled, trained.said) == (filled[1].result, False, "")


def test_a_directory_of_another_user_is_not_used_and_that_is_said_once(tmp_path, filled):
    directory = copied(filled, tmp_path)
    names = sorted(path.name for path in directory.iterdir())
    before = """
        import os
        user = os.geteuid() + 1
        os.geteuid = lambda: user
    """
    trained = train(directory, before)
    assert trained.result == filled[1].result
    assert trained.compiled
    assert trained.said.count("CacheWarning") == 1
    assert "belongs to user" in trained.said
    assert sorted(path.name for path in directory.iterdir()) == names


def test_an_entry_cut_short(tmp_path, filled):
    directory = copied(filled, tmp_path)
    for path in directory.iterdir():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    assert train(directory).result == filled[1].result


# --- programs of another format ------------------------------------------------------------------


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectCache:
    monkeypatch.setenv("GRAPHC_CACHE_DIR", str(tmp_path / "cache"))
    tf.reset_default_graph()
    return default_cache()


def outcome() -> tuple[list, list[str]]:
    tf.reset_default_graph()
    model = classifier()
    with ready(model) as sess:
        values = sess.run(model.everything, model.feeds(8, 0))
        return [values, state_of(sess)], [line for line in sess.compile_log() if "compile" in line]


STRANGE = {
    "empty": lambda payload: b"",
    "not a program": lambda payload: b"\x05\0\0\0\0\0\0\0[1,2]",
    "a list of nothing known": lambda payload: (7).to_bytes(8, "little") + b'{"x":1}',
    "not text": lambda payload: (4).to_bytes(8, "little") + b"\xff\xfe\0\1",
    "a length too large": lambda payload: (1 << 40).to_bytes(8, "little") + payload[8:],
    "a record with a field less": lambda payload: _without_a_field(payload),
    "an op that is not there": lambda payload: payload.replace(b'"label_mask"', b'"lebal_mask"'),
    "arrays cut short": lambda payload: payload[:-7],
}


def _without_a_field(payload: bytes) -> bytes:
    size = int.from_bytes(payload[:8], "little")
    text = payload[8 : 8 + size].replace(
        b'{"is":"Feed","fields":[', b'{"is":"Feed","fields":[[],', 1
    )
    return len(text).to_bytes(8, "little") + text + payload[8 + size :]


@pytest.mark.parametrize("kind", STRANGE)
def test_a_program_that_does_not_decode_is_compiled_again_and_replaced(kind, own_cache):
    expected, _ = outcome()
    paths = list(own_cache.directory.glob(f"*.{PROGRAM}"))
    assert paths
    for path in paths:
        key = path.name.removesuffix(f".{PROGRAM}")
        own_cache.put(key, STRANGE[kind](own_cache.get(key, PROGRAM)), PROGRAM)
    again, log = outcome()
    assert_same_bits(again, expected)
    assert any("passes" in line for line in log)
    last, log = outcome()
    assert_same_bits(last, expected)
    assert all("program from cache" in line for line in log)


def test_a_program_of_the_cache_has_the_lines_of_the_script_that_runs(own_cache):
    def complaint() -> str:
        tf.reset_default_graph()
        ids = tf.placeholder(tf.int32, [None], name="ids")
        y = tf.gather(tf.constant(np.zeros(3, np.float32)), ids)  # this line
        with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError) as caught:
            sess.run(y, {ids: [7]})
        return str(caught.value)

    first = complaint()
    own_cache.hits = 0
    assert complaint() == first
    assert own_cache.hits > 0
    assert "# this line" in first


def test_the_key_of_a_program_tells_sizes_and_constants_apart(own_cache):
    x = tf.placeholder(tf.float32, ["n"], name="x")
    m = tf.placeholder(tf.float32, ["m"], name="m")
    y = x + m
    with tf.Session() as sess:
        assert sess.run(y, {x: [1, 2], m: [3]}).tolist() == [4, 5]
        assert sess.run(y, {x: [1, 2], m: [3, 5]}).tolist() == [4, 7]
        for k in (1.0, 2.0):
            assert sess.run(x * k + np.float32([k, k]), {x: [1, 2]}).tolist() == [2 * k, 3 * k]
    assert len(list(own_cache.directory.glob(f"*.{PROGRAM}"))) == 4
