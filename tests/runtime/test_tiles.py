"""Matrix products by register tiles: every shape class, orientation and dtype against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.compiler import compile_graph
from runtime.devices.cpu import tile_library
from runtime.devices.cpu.compile import inspect_kernel, inspect_tiles
from runtime.devices.cpu.llvm_target import host

SIZES = [
    (1, 1, 1),
    (1, 10, 5),
    (13, 33, 7),
    (12, 32, 64),
    (48, 31, 3),
    (49, 70, 129),
    (100, 10, 1),
    (5, 200, 0),
    (0, 4, 3),
]


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "int32", "int8", "int16", "int64"]
)
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_products_agree_with_numpy(dtype: str, transpose_a: bool, transpose_b: bool) -> None:
    rng = np.random.default_rng(0)
    with tf.Graph().as_default():
        a = tf.placeholder(dtype, [None, None])
        b = tf.placeholder(dtype, [None, None])
        y = tf.matmul(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
        with tf.Session() as sess:
            for m, n, k in SIZES:
                left = rng.integers(-4, 5, (k, m) if transpose_a else (m, k)).astype(dtype)
                right = rng.integers(-4, 5, (n, k) if transpose_b else (k, n)).astype(dtype)
                wide = np.float64 if dtype.startswith("float") else np.int64
                left_wide, right_wide = left.astype(wide), right.astype(wide)
                wanted = (left_wide.T if transpose_a else left_wide) @ (
                    right_wide.T if transpose_b else right_wide
                )
                got = sess.run(y, {a: left, b: right})
                np.testing.assert_array_equal(got, wanted.astype(dtype))


BATCHES = [
    ((3,), (3,)),
    ((2, 1, 5), (4, 1)),
    ((7,), ()),
    ((), (4,)),
    ((2, 3), (1, 3)),
    ((0,), (1,)),
]


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "int32", "int8", "int16", "int64"]
)
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_products_of_many_matrices_agree_with_numpy(
    dtype: str, transpose_a: bool, transpose_b: bool
) -> None:
    rng = np.random.default_rng(0)
    with tf.Graph().as_default():
        a, b = tf.placeholder(dtype), tf.placeholder(dtype)
        y = tf.matmul(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
        with tf.Session() as sess:
            for count_a, count_b in BATCHES:
                for m, n, k in [(1, 1, 1), (4, 4, 4), (13, 33, 7), (49, 70, 129), (2, 3, 0)]:
                    left = rng.integers(-4, 5, (*count_a, *((k, m) if transpose_a else (m, k))))
                    right = rng.integers(-4, 5, (*count_b, *((n, k) if transpose_b else (k, n))))
                    wanted = (left.swapaxes(-1, -2) if transpose_a else left) @ (
                        right.swapaxes(-1, -2) if transpose_b else right
                    )
                    got = sess.run(y, {a: left.astype(dtype), b: right.astype(dtype)})
                    np.testing.assert_array_equal(got, wanted.astype(dtype))


def kernel_names(shape_a: list, shape_b: list, **flags: Any) -> list[str]:
    with tf.Graph().as_default() as graph:
        a, b = tf.placeholder(tf.float32, shape_a), tf.placeholder(tf.float32, shape_b)
        return [k.name for k in compile_graph(graph, [a, b], [tf.matmul(a, b, **flags)]).kernels]


def test_matrices_that_share_their_right_operand_are_one_long_matrix() -> None:
    assert kernel_names([None, 7, 64], [64, 32]) == ["matmul"]
    assert kernel_names([None, 7, 64], [1, 32, 64], transpose_b=True) == ["matmul"]
    assert kernel_names([None, 64, 7], [64, 32], transpose_a=True) == ["matmul_batch"]
    assert kernel_names([4, 3, 7, 64], [4, 1, 64, 32]) == ["matmul_batch"]


@pytest.mark.skipif(not host().has_avx512, reason="counts the tile of AVX-512 machines")
@pytest.mark.parametrize("tile", ["tile_float32_12x2", "tile_float32_12x2_packing"])
def test_a_tile_keeps_its_sums_in_registers(tile: str) -> None:
    assembly = inspect_tiles("float32").assembly
    body = assembly[assembly.index(f"{tile}:") :].split(".Lfunc_end")[0].splitlines()
    assert sum("vfmadd" in line and "zmm" in line for line in body) == 24
    assert not any("rsp" in line and "zmm" in line for line in body)  # no spill


def test_kernels_share_one_library_of_tiles() -> None:
    with tf.Graph().as_default() as graph:
        a, b = tf.placeholder(tf.float32, [None, 64]), tf.placeholder(tf.float32, [64, 64])
        program = compile_graph(graph, [a, b], [tf.matmul(a, b)])
    (kernel,) = program.kernels
    assert tile_library.symbols_of(kernel) == ("graphc_multiply_float32",)
    assert "vfmadd" not in inspect_kernel(kernel).assembly


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_products_of_sixteen_bit_floats_are_summed_in_float32(dtype: str) -> None:
    with tf.Graph().as_default() as graph:
        a, b = (tf.placeholder(dtype, [None, None]) for _ in range(2))
        y = tf.matmul(a, b, transpose_b=True)
        names = [k.name for k in compile_graph(graph, [a, b], [y]).kernels]
        assert any("matmul" in name for name in names)
        assert not any("dots" in name for name in names)
        ones = np.ones((3, 4097))
        ones[:, 0] = 0.5  # lost, were the sum kept in sixteen bits
        with tf.Session() as sess:
            got = sess.run(tf.cast(y, tf.float32), {a: ones, b: np.ones((2, 4097))})
    np.testing.assert_array_equal(got, np.full((3, 2), 4096.0))
