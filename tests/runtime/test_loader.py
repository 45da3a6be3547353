"""Objects become callable code, once per symbol, for as long as somebody needs it."""

import ctypes
import gc
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.devices.cpu import boot, int64, llvm_target, loader
from runtime.object_cache import ObjectCache

ROOT = Path(__file__).parents[2]


def answer() -> int:
    return 42


def make_object(symbol: str) -> bytes:
    machine = llvm_target.host()
    module = llvm_target.new_module(symbol, machine)
    int64.emit(module, {symbol: answer})
    return llvm_target.compile_module(module, machine)


def call(code: loader.Code) -> int:
    return ctypes.CFUNCTYPE(ctypes.c_int64)(code.address)()


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Hold no code beyond the one used last."""
    monkeypatch.setattr(loader, "HELD_BYTES", 1)
    return monkeypatch


def test_objects_are_linked_in_one_go() -> None:
    objects = {f"batch{number}": make_object(f"batch{number}") for number in range(5)}
    codes = loader.load(objects)
    assert list(codes) == list(objects)
    assert [call(code) for code in codes.values()] == [42] * 5
    assert len({code.address for code in codes.values()}) == 5


def test_a_symbol_in_memory_is_not_linked_again() -> None:
    first = loader.load({"again": make_object("again")})["again"]
    assert loader.loaded(["again", "never"]) == {"again": first}
    assert loader.load({"again": b"not even an object"})["again"] is first


def test_code_nobody_uses_is_freed_beyond_the_bound(bound: pytest.MonkeyPatch) -> None:
    loader.load({"freed": make_object("freed")})
    assert loader.loaded(["freed"])
    loader.load({"next": make_object("next")})
    gc.collect()
    assert not loader.loaded(["freed"])


def test_code_in_use_outlives_the_bound(bound: pytest.MonkeyPatch) -> None:
    used = loader.load({"used": make_object("used"), "beside": make_object("beside")})["used"]
    for number in range(5):
        loader.load({f"other{number}": make_object(f"other{number}")})
    gc.collect()
    assert call(used) == 42
    assert loader.loaded(["used"]) == {"used": used}


def test_a_warm_boot_needs_neither_numba_nor_the_native_source(tmp_path: Path) -> None:
    script = f"""if True:
        import sys
        sys.path[:0] = [{str(ROOT)!r}]
        from runtime.devices.cpu.boot import boot
        from runtime.object_cache import ObjectCache
        native = boot(ObjectCache({str(tmp_path / "cache")!r}))
        heavy = {{"numba", "networkx", "scipy", "runtime.devices.cpu.native"}}
        print(native.compiled, sorted(heavy & set(sys.modules)))
    """
    command = [sys.executable, "-c", script]
    said = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)
    ]
    assert said == ["True ['runtime.devices.cpu.native']\n", "False []\n"]


def test_a_boot_without_a_cache_compiles() -> None:
    assert boot.boot(ObjectCache(None)).compiled
