"""The disk cache: whole entries or none, whatever the disk, other processes and users do."""

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import pytest

from runtime import object_cache
from runtime.object_cache import PROGRAM, CacheWarning, ObjectCache, default_cache

ROOT = Path(__file__).parents[2]
KEY = hashlib.sha256(b"a kernel").hexdigest()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_what_is_put_is_got_by_another_process(directory: Path) -> None:
    assert ObjectCache(directory).get(KEY) is None
    ObjectCache(directory).put(KEY, b"object")
    cache = ObjectCache(directory)
    assert cache.get(KEY) == b"object"
    assert cache.get(KEY[::-1]) is None
    assert (cache.hits, cache.misses) == (1, 1)


def test_objects_and_programs_of_one_key_are_kept_apart(directory: Path) -> None:
    cache = ObjectCache(directory)
    cache.put(KEY, b"object")
    cache.put(KEY, b"", PROGRAM)
    assert cache.get(KEY) == b"object"
    assert cache.get(KEY, PROGRAM) == b""


def test_the_directory_is_made_for_its_owner_alone(directory: Path) -> None:
    cache = ObjectCache(directory / "below")
    cache.put(KEY, b"object")
    assert (directory / "below").stat().st_mode & 0o777 == 0o700
    assert (directory / "below" / f"{KEY}.o").stat().st_mode & 0o077 == 0


def test_without_a_directory_nothing_is_kept(directory: Path) -> None:
    cache = ObjectCache(None)
    cache.put(KEY, b"object")
    assert cache.get(KEY) is None


@pytest.mark.parametrize("position", [0, 3, 6, -1])
def test_a_flipped_bit_makes_an_entry_missing(directory: Path, position: int) -> None:
    ObjectCache(directory).put(KEY, b"payload")
    path = directory / f"{KEY}.o"
    text = bytearray(path.read_bytes())
    text[position] ^= 4
    path.write_bytes(text)
    cache = ObjectCache(directory)
    with pytest.warns(CacheWarning, match="damaged entry"):
        assert cache.get(KEY) is None
    assert files(directory) == []
    cache.put(KEY, b"payload")
    assert cache.get(KEY) == b"payload"


@pytest.mark.parametrize("length", [0, 1, 31, 32, 38])
def test_a_cut_off_entry_is_missing(directory: Path, length: int) -> None:
    ObjectCache(directory).put(KEY, b"payload")
    path = directory / f"{KEY}.o"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.warns(CacheWarning, match="damaged entry"):
        assert ObjectCache(directory).get(KEY) is None


def test_an_entry_under_another_name_is_missing(directory: Path) -> None:
    cache = ObjectCache(directory)
    cache.put(KEY, b"object")
    os.rename(directory / f"{KEY}.o", directory / f"{KEY[::-1]}.o")
    with pytest.warns(CacheWarning, match="damaged entry"):
        assert cache.get(KEY[::-1]) is None


def test_a_foreign_directory_is_not_used_and_said_once(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ObjectCache(directory).put(KEY, b"object")
    monkeypatch.setattr(os, "geteuid", lambda: directory.stat().st_uid + 1)
    cache = ObjectCache(directory)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert cache.get(KEY) is None
        cache.put(KEY, b"other")
        assert cache.get(KEY) is None
    assert ["belongs to user" in str(one.message) for one in said] == [True]
    monkeypatch.undo()
    assert ObjectCache(directory).get(KEY) == b"object"


@pytest.mark.parametrize("mode", [0o777, 0o702, 0o770])
def test_a_directory_others_may_write_to_is_not_used(directory: Path, mode: int) -> None:
    ObjectCache(directory).put(KEY, b"object")
    directory.chmod(mode)
    with pytest.warns(CacheWarning, match=f"mode {mode:o}"):
        assert ObjectCache(directory).get(KEY) is None


def test_a_directory_that_cannot_be_made_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = ObjectCache(tmp_path / "file" / "cache")
    with pytest.warns(CacheWarning, match="cannot be made"):
        cache.put(KEY, b"object")
    assert cache.get(KEY) is None


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_disk_that_takes_nothing_more_is_said_once_and_read(
    directory: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    ObjectCache(directory).put(KEY, b"object")
    cache = ObjectCache(directory)
    opened = os.open

    def refuse(*args: object) -> int:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "open" if error != errno.ENOSPC else "write", refuse)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for number in range(3):
            cache.put(f"{number}", b"other")
    assert [os.strerror(error) in str(one.message) for one in said] == [True]
    monkeypatch.setattr(os, "open", opened)
    assert cache.get(KEY) == b"object"
    assert files(directory) == [f"{KEY}.o"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write to any directory"
)
def test_a_read_only_directory_is_read(directory: Path) -> None:
    ObjectCache(directory).put(KEY, b"object")
    directory.chmod(0o500)
    cache = ObjectCache(directory)
    assert cache.get(KEY) == b"object"
    with pytest.warns(CacheWarning, match="Permission denied"):
        cache.put("0", b"other")
    directory.chmod(0o700)


def test_the_entries_longest_unused_make_room(directory: Path) -> None:
    cache = ObjectCache(directory, size=10_000)
    now = time.time()
    for number in range(8):
        cache.put(f"{number}", bytes(1000))
        used = now - 10_000 * (8 - number)
        os.utime(directory / f"{number}.o", (used, used))
    assert cache.get("0") is not None  # used again: it is now the youngest
    for number in (8, 9):
        cache.put(f"{number}", bytes(1000))
    kept = set(files(directory))
    assert {"0.o", "7.o", "8.o", "9.o"} <= kept
    assert not {"1.o", "2.o"} & kept
    assert sum(path.stat().st_size for path in directory.iterdir()) <= 10_000


def test_what_a_killed_process_left_is_removed_when_it_is_old(directory: Path) -> None:
    ObjectCache(directory).put(KEY, b"object")
    old, young = directory / "1.o.77-aa.tmp", directory / "1.o.78-bb.tmp"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    ObjectCache(directory).put("0", b"other")
    assert files(directory) == sorted([f"{KEY}.o", "0.o", young.name])


@pytest.mark.parametrize(
    ("text", "size"), [("", 512 << 20), ("1000", 1000), ("200M", 200 << 20), ("2gb", 2 << 30)]
)
def test_the_environment_bounds_the_size(
    monkeypatch: pytest.MonkeyPatch, text: str, size: int
) -> None:
    monkeypatch.setenv("GRAPHC_CACHE_SIZE", text)
    assert default_cache().size == size


def test_a_size_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_CACHE_SIZE", "big")
    with pytest.raises(ValueError, match="GRAPHC_CACHE_SIZE is 'big'"):
        default_cache()


def test_the_environment_says_where_the_cache_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(object_cache, "_caches", {})
    monkeypatch.setenv("GRAPHC_CACHE_DIR", str(tmp_path / "here"))
    assert default_cache().directory == tmp_path / "here"
    assert default_cache() is default_cache()
    monkeypatch.delenv("GRAPHC_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_cache().directory == tmp_path / "xdg" / "graphc"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache().directory == tmp_path / ".cache" / "graphc"
    monkeypatch.setenv("GRAPHC_CACHE", "off")
    assert default_cache().directory is None
    assert not list(tmp_path.iterdir())


# Other processes.  Every entry's payload follows from its key, so any process can judge it.
PREAMBLE = """
    import hashlib, os, random, sys, warnings
    sys.path[:0] = [{root!r}]
    warnings.simplefilter("error")
    from runtime.object_cache import ObjectCache

    def payload(key):
        return hashlib.sha256(key.encode()).digest() * 3000

    keys = [f"{{number}}" for number in range(40)]
    cache = ObjectCache({directory!r}, {size})
"""
FILL = """
    for turn in range({turns}):
        for key in random.sample(keys, len(keys)):
            found = cache.get(key)
            assert found is None or found == payload(key), key
            cache.put(key, payload(key))
"""
LOAD = """
    assert all(cache.get(key) == payload(key) for key in keys)
"""


def start(directory: Path, body: str, size: int = 1 << 30) -> subprocess.Popen[str]:
    script = textwrap.dedent(PREAMBLE.format(root=str(ROOT), directory=str(directory), size=size))
    return subprocess.Popen(
        [sys.executable, "-c", script + textwrap.dedent(body)], stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> None:
    _, said = process.communicate(timeout=60)
    assert (said, process.returncode) == ("", 0)


def test_two_processes_fill_one_cache_and_a_third_loads_it(directory: Path) -> None:
    fillers = [start(directory, FILL.format(turns=10)) for _ in range(2)]
    for process in fillers:
        finish(process)
    finish(start(directory, LOAD))
    assert len(files(directory)) == 40


def test_processes_that_trim_under_each_other_read_whole_entries(directory: Path) -> None:
    bound = 20 * 96_000
    fillers = [start(directory, FILL.format(turns=10), bound) for _ in range(3)]
    for process in fillers:
        finish(process)
    assert sum(path.stat().st_size for path in directory.iterdir()) <= bound * 1.5


def test_a_process_killed_while_writing_leaves_no_half_entry(directory: Path) -> None:
    choose = random.Random(0)
    directory.mkdir(mode=0o700)
    for _ in range(6):
        before = directory.stat().st_mtime_ns
        process = start(directory, FILL.format(turns=100_000))
        while directory.stat().st_mtime_ns == before:
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(choose.uniform(0.0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cache = ObjectCache(directory)
            for number in range(40):
                found = cache.get(f"{number}")
                assert found is None or found == hashlib.sha256(b"%d" % number).digest() * 3000
    finish(start(directory, FILL.format(turns=1) + LOAD))
