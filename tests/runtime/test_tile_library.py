"""The library of tiles itself: every target, edges, accuracy, and what it leaves alone."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.devices.cpu import llvm_target, loader, multiply, tile_library, tiles
from runtime.devices.cpu.llvm_target import Machine

Multiply = Callable[..., None]
HOST = llvm_target.host()
TARGETS = {"host": HOST}
if HOST.triple.startswith("x86_64"):
    TARGETS["generic"] = Machine(HOST.triple, "x86-64", "")
    if "+avx2" in HOST.features.split(",") and "+fma" in HOST.features.split(","):
        TARGETS["avx2"] = Machine(HOST.triple, "haswell", "+avx,+avx2,+fma,+bmi,+bmi2")


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine tiles are laid out and compiled for."""
    machine = TARGETS[request.param]
    monkeypatch.setattr(llvm_target, "host", lambda: machine)
    tiles.lanes_of.cache_clear()
    yield machine
    tiles.lanes_of.cache_clear()


def compiled(dtype: str, machine: Machine) -> Multiply:
    symbol = tile_library.symbol_of(dtype)
    text = llvm_target.compile_module(multiply.library(dtype, machine), machine)
    code = loader.link([text], {symbol: len(text)})[symbol]
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 12)(code.address)

    def run(a: np.ndarray, b: np.ndarray, y: np.ndarray, turned: bool = False, add: bool = False):
        assert code.size  # kept while the function may be called
        rows, depth = a.shape
        function(
            a.ctypes.data, a.strides[0], a.strides[1], b.ctypes.data, b.strides[0], turned,
            y.ctypes.data, y.strides[0], rows, y.shape[1], depth, add,
        )  # fmt: skip

    return run


def operands(
    rng: np.random.Generator, dtype: str, m: int, n: int, k: int, ta: bool, tb: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Small whole numbers, the left operand as a view, the right as it lies; and the product."""
    a = rng.integers(-4, 5, (k, m) if ta else (m, k)).astype(dtype)
    b = rng.integers(-4, 5, (n, k) if tb else (k, n)).astype(dtype)
    left = a.T if ta else a
    return left, b, left.astype(np.int64) @ (b.T if tb else b).astype(np.int64)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int8"])
def test_every_target_multiplies_blocks_of_every_shape(target: Machine, dtype: str) -> None:
    run, rng = compiled(dtype, target), np.random.default_rng(0)
    shapes = [
        (1, 300, 5), (1, 1, 40), (30, 1, 17), (3, 10, 9), (12, 32, 7), (13, 33, 20), (25, 65, 33),
        (26, 70, 513), (40, 17, 3), (7, 9, 0), (50, 15, 64), (24, 130, 2),
    ]  # fmt: skip
    for (m, n, k), ta, tb, add in itertools.product(shapes, *[(False, True)] * 3):
        left, b, wanted = operands(rng, dtype, m, n, k, ta, tb)
        around = np.full((m + 2, n + 3), 7, dtype)
        made = around[1:-1, 1:-2]
        run(left, b, made, tb, add)
        np.testing.assert_array_equal(made, (wanted + 7 * add).astype(dtype))
        made[:] = 7
        assert (around == 7).all()  # nothing beside the block was written


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_longer_than_a_panel_are_made_part_by_part(dtype: str) -> None:
    run, rng = compiled(dtype, HOST), np.random.default_rng(1)
    for m, n, k, tb in [(30, 40, 4500, False), (30, 40, 4500, True), (2, 300, 2100, False)]:
        left, b, wanted = operands(rng, dtype, m, n, k, False, tb)
        made = np.zeros((m, n), dtype)
        run(left, b, made, tb)
        np.testing.assert_array_equal(made, wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8"])
def test_rows_that_share_a_cache_set_are_copied_in_strips(target: Machine, dtype: str) -> None:
    run, rng = compiled(dtype, target), np.random.default_rng(4)
    size = np.dtype(dtype).itemsize
    for m, panels, k, tb, add in [
        (24, 2, 40, False, False), (50, 9, 513, False, True), (37, 5, 1100, True, False),
        (200, 4, 33, True, True), (29, 2, 0, False, True),
    ]:  # fmt: skip
        n = panels * multiply.PANEL_BYTES // size - 3
        _, b, _ = operands(rng, dtype, m, n, k, False, tb)
        apart = (k * size // multiply.CROWDED + 1) * multiply.CROWDED // size
        left = np.full((m, apart), 9, dtype)[:, :k]
        left[:] = rng.integers(-4, 5, (m, k))
        wanted = left.astype(np.int64) @ (b.T if tb else b).astype(np.int64)
        around = np.full((m + 2, n + 3), 7, dtype)
        made = around[1:-1, 1:-2]
        run(left, b, made, tb, add)
        np.testing.assert_array_equal(made, (wanted + 7 * add).astype(dtype))
        made[:] = 7
        assert (around == 7).all()


@given(
    st.integers(0, 70), st.integers(0, 70), st.integers(0, 70), st.booleans(), st.booleans(),
    st.integers(0, 3),
)  # fmt: skip
def test_products_of_any_size(m: int, n: int, k: int, ta: bool, tb: bool, gap: int) -> None:
    if min(m, n) == 0:
        return  # no task is made of an empty result
    left, b, wanted = operands(np.random.default_rng(m + 71 * n), "float32", m, n, k, ta, tb)
    made = np.zeros((m, n + gap), np.float32)[:, :n]
    _host_float32()(left, b, made, tb)
    np.testing.assert_array_equal(made, wanted)


_kept: list[Multiply] = []


def _host_float32() -> Multiply:
    if not _kept:
        _kept.append(compiled("float32", HOST))
    return _kept[0]


def test_float32_is_as_accurate_as_blas() -> None:
    run, rng = compiled("float32", HOST), np.random.default_rng(2)
    for m, n, k, tb in [
        (64, 64, 50_000, False), (512, 512, 512, False), (64, 96, 2048, True),
        (1, 128, 9000, False), (4, 4, 20_000, True), (100, 1, 5000, False), (60, 96, 2048, False),
    ]:  # fmt: skip
        a = rng.standard_normal((m, k)).astype(np.float32)
        b = rng.standard_normal((n, k) if tb else (k, n)).astype(np.float32)
        right = b.T if tb else b
        exact = a.astype(np.float64) @ right.astype(np.float64)
        made = np.zeros((m, n), np.float32)
        run(a, b, made, tb)
        error, blas = (np.sqrt(np.mean((x - exact) ** 2)) for x in (made, a @ right))
        assert error <= 2 * blas, (m, n, k)


def test_what_is_not_a_number_spreads_no_further_than_its_row_and_column() -> None:
    run = compiled("float32", HOST)
    for m, n, k, tb in [
        (30, 70, 20, False),
        (30, 70, 20, True),
        (5, 9, 40, True),
        (1, 200, 3, False),
    ]:
        a, b = np.ones((m, k), np.float32), np.ones((n, k) if tb else (k, n), np.float32)
        a[-1, 0], (b.T if tb else b)[k - 1, n - 1] = np.nan, np.inf
        made = np.zeros((m, n), np.float32)
        run(a, b, made, tb)
        assert np.isnan(made[-1]).all()
        assert np.isinf(made[:-1, -1]).all()
        assert (made[:-1, :-1] == k).all()
