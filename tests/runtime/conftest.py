"""Kernels of int64 words for tests of the walk, and what they need to run."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from runtime.devices.cpu import boot, int64, llvm_target, loader
from runtime.devices.cpu.native import copy_bytes, load, nanoseconds, store
from runtime.devices.cpu.table import WORD
from runtime.object_cache import default_cache


@pytest.fixture(autouse=True)
def no_advice() -> Iterator[None]:
    """The models here are for their runs; some drop elements in runs that train nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHC_LINT", "off")
        yield


def visit(args: int, start: int, stop: int) -> int:
    """Add 1 to words[start:stop]; args: words."""
    place = load(args, 0)
    while start < stop:
        store(place, start, load(place, start) + 1)
        start += 1
    return 0


def note(args: int, start: int, stop: int) -> int:
    """Append a word to a log; args: log (its length first), address of the word."""
    log = load(args, 0)
    length = load(log, 0) + 1
    store(log, 0, length)
    store(log, length, load(load(args, 1), 0))
    return 0


def fail(args: int, start: int, stop: int) -> int:
    """Report the failed checks of every index; args: address of one mask per index."""
    failed = 0
    while start < stop:
        failed |= load(load(args, 0), start)
        start += 1
    return failed


def is_below(args: int, start: int, stop: int) -> int:
    """*result = *left < *right; args: result, left, right."""
    store(load(args, 0), 0, load(load(args, 1), 0) < load(load(args, 2), 0))
    return 0


def add(args: int, start: int, stop: int) -> int:
    """*result = *left + *right; args: result, left, right."""
    store(load(args, 0), 0, load(load(args, 1), 0) + load(load(args, 2), 0))
    return 0


def wait_for_flag(args: int, start: int, stop: int) -> int:
    """Return once the word is not 0, or 1 after ten seconds; args: word."""
    give_up = nanoseconds() + 10_000_000_000
    while load_again(load(args, 0)) == 0:
        if nanoseconds() > give_up:
            return 1
    return 0


def load_again(address: int) -> int:
    """The word at an address, read through memory LLVM knows nothing about."""
    copy_bytes(address + WORD, address, WORD)
    return load(address, 0)


@pytest.fixture(scope="session")
def kernels() -> SimpleNamespace:
    """The addresses of the kernels above, by name."""
    machine = llvm_target.host()
    module = llvm_target.new_module("kernels", machine)
    functions = (visit, note, fail, is_below, add, wait_for_flag, load_again)
    int64.emit(module, {f"test_{function.__name__}": function for function in functions})
    text = llvm_target.compile_module(module, machine, ("clock_gettime", "memcpy"))
    codes = loader.link([text], {f"test_{function.__name__}": 0 for function in functions})
    addresses = {name.removeprefix("test_"): code.address for name, code in codes.items()}
    return SimpleNamespace(**addresses, keep=codes)


@pytest.fixture(scope="session")
def shared_native() -> boot.Native:
    return boot.boot(default_cache())


@pytest.fixture
def native(shared_native: boot.Native) -> Iterator[boot.Native]:
    """The native functions with a pool of no threads yet, which uses three when asked."""
    shared_native.pool.resize(3)
    yield shared_native
    shared_native.pool.resize(None)
