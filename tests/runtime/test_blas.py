"""BLAS as the second implementation of products: forced, absent, in a cache, beside the user's."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.codegen.kernel import Kernel
from graphc.codegen.plain import run_kernel
from graphc.compiler import compile_graph
from graphc.passes.options import Options
from runtime.devices.cpu import blas, llvm_target, loader
from runtime.devices.cpu.boot import native
from runtime.devices.cpu.compile import compile_kernel
from tests.runtime.native_kernel import C_SIGNATURE, argument_block

ROOT = Path(__file__).parents[2]
BY_BLAS = Options(contraction="blas")

needs_scipy = pytest.mark.skipif(not blas.is_installed(), reason="SciPy is not installed")


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    tf.reset_default_graph()
    yield
    native().pool.resize(None)


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_CONTRACTION", "blas")


def turned(array: np.ndarray, transposed: bool) -> np.ndarray:
    return array.swapaxes(-1, -2) if transposed else array


def products() -> list[Kernel]:
    """The kernels by BLAS of one product, and of many."""
    kernels: list[Kernel] = []
    for rank in (2, 3):
        with tf.Graph().as_default() as graph:
            a, b = (tf.placeholder(tf.float32, [None] * rank) for _ in "ab")
            kernels += compile_graph(graph, [a, b], [tf.matmul(a, b)], options=BY_BLAS).kernels
    return kernels


# --- results -------------------------------------------------------------------------------------


@needs_scipy
@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_products_agree_with_numpy(dtype: str, transpose_a: bool, transpose_b: bool) -> None:
    rng = np.random.default_rng(0)
    for counts in ((), (3,), (2, 1)):
        tf.reset_default_graph()
        a, b = tf.placeholder(dtype), tf.placeholder(dtype)
        y = tf.matmul(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
        with tf.Session() as sess:
            for m, n, k in [(1, 1, 1), (5, 7, 3), (300, 290, 7), (0, 3, 4), (3, 4, 0), (1, 520, 9)]:
                left = rng.integers(-4, 5, (*counts, *((k, m) if transpose_a else (m, k))))
                right = rng.integers(-4, 5, (*counts, *((n, k) if transpose_b else (k, n))))
                wanted = turned(left, transpose_a) @ turned(right, transpose_b)
                got = sess.run(y, {a: left.astype(dtype), b: right.astype(dtype)})
                np.testing.assert_array_equal(got, wanted.astype(dtype))


@needs_scipy
@pytest.mark.usefixtures("forced")
def test_a_sum_of_nothing_is_zero_whatever_lay_there() -> None:
    a, b = tf.placeholder(tf.float32, [None, None]), tf.placeholder(tf.float32, [None, None])
    y = tf.matmul(a, b) * 1.0
    with tf.Session() as sess:
        for _ in range(2):
            sess.run(y, {a: np.full((4, 4), np.nan), b: np.ones((4, 4))})
            assert not sess.run(y, {a: np.ones((4, 0)), b: np.ones((0, 4))}).any()


@needs_scipy
@pytest.mark.usefixtures("forced")
def test_the_number_of_threads_changes_no_bit() -> None:
    rng = np.random.default_rng(1)
    a, b = tf.placeholder(tf.float32, [None, None]), tf.placeholder(tf.float32, [None, None])
    y = tf.nn.relu(tf.matmul(a, b) + 1.0)
    feeds = {a: rng.normal(size=(500, 300)), b: rng.normal(size=(300, 400))}
    results = []
    for threads in (1, 2, 3):
        native().pool.resize(threads)
        with tf.Session() as sess:
            results.append(sess.run(y, feeds).tobytes())
    assert len(set(results)) == 1


@needs_scipy
@pytest.mark.usefixtures("forced")
def test_a_layer_trains_as_with_generated_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    def losses() -> list[float]:
        tf.reset_default_graph()
        tf.set_random_seed(3)
        x = tf.placeholder(tf.float32, [None, 40])
        h = tf.layers.dense(x, 30, activation=tf.nn.relu)
        loss = tf.reduce_mean(tf.square(tf.layers.dense(h, 3) - 1.0))
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        feeds = {x: np.random.default_rng(0).normal(size=(70, 40))}
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            return [sess.run([loss, train], feeds)[0] for _ in range(5)]

    by_blas = losses()
    monkeypatch.setenv("GRAPHC_CONTRACTION", "generated")
    np.testing.assert_allclose(by_blas, losses(), rtol=1e-5)


@needs_scipy
@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("dtype", ["float16", "int32", "complex64"])
def test_other_dtypes_are_multiplied_as_ever(dtype: str) -> None:
    a, b = tf.placeholder(dtype, [2, 3]), tf.placeholder(dtype, [3, 2])
    left, right = np.arange(6).reshape(2, 3), np.arange(6).reshape(3, 2)
    with tf.Session() as sess:
        got = sess.run(tf.matmul(a, b), {a: left.astype(dtype), b: right.astype(dtype)})
    np.testing.assert_array_equal(got, left @ right)


@needs_scipy
def test_numbers_beyond_32_bits_take_a_plain_loop() -> None:
    """Only one row is read, so that its distance to the next one may say anything."""
    kernel = products()[0]
    a, b, y = np.arange(3.0), np.arange(6.0).reshape(3, 2), np.full(2, np.nan)
    arrays = [x.astype(np.float32).reshape(-1, x.shape[-1]) for x in (a, b, y)]
    #  m, n, depth, rows, columns, blocks, ta, tb
    block = argument_block(arrays, (1, 2, 3, 64, 128, 1, 0, 0))
    block[3] = 2**31
    compiled = compile_kernel(kernel)
    imports = blas.addresses(blas.symbols_of(kernel))
    code = loader.load({compiled.symbol: compiled.object}, imports)[compiled.symbol]
    assert C_SIGNATURE(code.address)(block.ctypes.data, 0, 1) == 0
    np.testing.assert_array_equal(arrays[2], arrays[0] @ arrays[1])


def test_plain_python_means_the_same() -> None:
    kernel = products()[0]
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-3, 4, shape).astype(np.float32) for shape in ((5, 4), (4, 3)))
    y = np.empty((5, 3), np.float32)
    assert run_kernel(kernel, [a, b, y], (5, 3, 4, 2, 2, 3, 0, 0), 0, 6) == 0
    np.testing.assert_array_equal(y, a @ b)


# --- which it is ---------------------------------------------------------------------------------


def test_kernels_are_generated_unless_somebody_says() -> None:
    assert Options.from_environment({}).contraction == "generated"
    assert Options.from_environment({"GRAPHC_CONTRACTION": " BLAS "}).contraction == "blas"
    assert Options().key != BY_BLAS.key


def test_a_wrong_word_is_told_with_those_that_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_CONTRACTION", "mkl")
    with tf.Session() as sess, pytest.raises(ValueError, match="'mkl': it must be one of") as told:
        sess.run(tf.ones([2]) + 1.0)
    assert "generated, blas" in str(told.value)


@pytest.mark.usefixtures("forced")
def test_without_scipy_blas_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "is_installed", lambda: False)
    with tf.Session() as sess, pytest.raises(tf.errors.UnimplementedError) as told:
        sess.run(
            tf.matmul(tf.ones([2, 2]), tf.placeholder_with_default(np.ones([2, 2], "f"), [2, 2]))
        )
    assert "needs SciPy, which is not installed" in str(told.value)
    assert "pip install scipy" in str(told.value)


@needs_scipy
@pytest.mark.usefixtures("forced")
def test_the_report_says_blas() -> None:
    x = tf.placeholder(tf.float32, [None, 70])
    w = tf.placeholder(tf.float32, [70, 50])
    with tf.Session() as sess:
        report = sess.inspect(tf.matmul(x, w), {x: np.ones((64, 70)), w: np.ones((70, 50))})
    (found,) = report.contractions
    assert (found.implementation, found.tile, found.workspace) == ("blas", "", 0)
    assert "blas_multiply" in report.kernel("matmul_blas").source
    assert "gx_blas_sgemm" in report.kernel("matmul_blas").assembly


# --- objects -------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="reads ELF objects")
def test_an_object_names_what_it_calls() -> None:
    for kernel in products():
        assert blas.symbols_of(kernel) == ("gx_blas_sgemm",)
        assert llvm_target.undefined_symbols(compile_kernel(kernel).object) == {"gx_blas_sgemm"}


SCRIPT = """
    import sys
    {before}
    import numpy as np
    import graphc as tf
    x = tf.placeholder(tf.float32, [None, 40])
    y = tf.matmul(x, np.ones([40, 30], np.float32))
    at_import = "scipy" in sys.modules
    with tf.Session() as sess:
        value = sess.run(y, {{x: np.ones([50, 40])}})
    assert (value == 40).all()
    print(at_import, "scipy.linalg" in sys.modules, "numba" in sys.modules)
"""


def script(directory: Path, contraction: str, before: str = "") -> list[str]:
    """What a process that multiplies says: SciPy at import, its BLAS and Numba after a run."""
    environment = {
        **os.environ, "GRAPHC_CACHE_DIR": str(directory), "PYTHONPATH": str(ROOT),
        "GRAPHC_CONTRACTION": contraction,
    }  # fmt: skip
    environment.pop("GRAPHC_CACHE", None)
    done = subprocess.run(
        [sys.executable, "-c", dedent(SCRIPT).format(before=before)],
        env=environment, text=True, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@needs_scipy
def test_an_object_from_the_cache_finds_blas_in_its_own_process(tmp_path: Path) -> None:
    assert script(tmp_path, "blas")[2] == "True"
    assert script(tmp_path, "blas") == ["False", "True", "False"]


def test_generated_kernels_do_without_scipy(tmp_path: Path) -> None:
    absent = "sys.modules['scipy'] = None"
    assert script(tmp_path, "generated", absent)[1] == "False"
    assert script(tmp_path, "generated") == ["False", "False", "False"]


# --- threads -------------------------------------------------------------------------------------


class Library:
    """A BLAS with a number of threads, and those it had while it was used."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def counts(self) -> Any:
        return (lambda: self.threads), (lambda n: setattr(self, "threads", n))


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    made = Library(6)
    monkeypatch.setattr(blas, "_thread_counts", made.counts)
    return made


def test_the_last_run_to_end_gives_the_threads_back(library: Library) -> None:
    alone = blas.Alone()
    with alone:
        assert library.threads == 1
        with alone:
            assert library.threads == 1
        assert library.threads == 1
    assert library.threads == 6


def test_a_number_somebody_else_sets_meanwhile_stays(library: Library) -> None:
    with blas.Alone():
        library.threads = 3
    assert library.threads == 3


def test_a_failing_run_gives_the_threads_back(library: Library) -> None:
    with pytest.raises(ZeroDivisionError), blas.Alone():
        raise ZeroDivisionError
    assert library.threads == 6


@needs_scipy
@pytest.mark.usefixtures("forced")
def test_scipys_threads_are_as_they_were_after_a_run() -> None:
    tell, change = blas._thread_counts()
    before = tell()
    change(2)
    try:
        a = tf.placeholder(tf.float32, [None, None])
        counted = tf.py_func(lambda _: np.int32(tell()), [a], tf.int32)
        counted.set_shape([])
        with tf.Session() as sess:
            for _ in range(2):
                assert sess.run([tf.matmul(a, a), counted], {a: np.eye(200)})[1] == 1
                assert tell() == 2
    finally:
        change(before)


@needs_scipy
@pytest.mark.usefixtures("forced")
def test_many_threads_multiply_at_once() -> None:
    a = tf.placeholder(tf.float64, [None, None])
    y = tf.matmul(a, a, transpose_b=True)
    failures: list[Any] = []
    with tf.Session() as sess:

        def work(seed: int) -> None:
            matrix = np.random.default_rng(seed).integers(-4, 5, (60 + seed, 90))
            results = [sess.run(y, {a: matrix}) for _ in range(20)]
            if not all(np.array_equal(result, matrix @ matrix.T) for result in results):
                failures.append(seed)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert not failures
