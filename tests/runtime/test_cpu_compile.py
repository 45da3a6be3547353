"""Kernels compile to objects that do what the plain-Python target does, in vector code, alone.

Every kernel here is text, as lowering writes it, run natively and by ``graphc.codegen.plain``.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.codegen.plain import run_kernel
from graphc.errors import InternalError
from runtime.devices.cpu import compile as cpu_compile
from runtime.devices.cpu import loader
from runtime.devices.cpu.llvm_target import undefined_symbols
from runtime.devices.cpu.vector_report import VectorReport, vector_report
from tests.runtime.native_kernel import elementwise, run_native

X = Operand("x", "float32", 2)
Y = Operand("y", "float32", 2, "w")
FLOATS = (
    Constant("c0", "float32", float("-inf")),
    Constant("c1", "float32", 0.0),
    Constant("c2", "float32", 1.0),
)


def kernel(
    body: str,
    operands: Sequence[Operand],
    constants: Sequence[Constant] = FLOATS,
    sizes: Sequence[str] = (),
) -> Kernel:
    """A kernel whose text is ``body`` behind the two lines that open every kernel."""
    head = f"def fused(args, start, stop):\n    {', '.join(o.name for o in operands)}, = "
    head += f"views(args, {len(operands)})\n"
    if sizes:
        head += f"    {', '.join(sizes)}, = sizes(args, {len(sizes)})\n"
    return Kernel(
        "fused", head + body.strip("\n") + "\n", tuple(operands), tuple(constants), tuple(sizes)
    )


ROW_MAXIMUM = """
    for i in range(start, stop):
        m = c0
        for j in range(n):
            m = maximum(m, x[i, j])
        r[i] = m
    return 0
"""
ROW_SUM = ROW_MAXIMUM.replace("m = c0", "m = c1").replace("maximum", "accumulate")
SOFTMAX = """
    for i in range(start, stop):
        m = c0
        for j in range(n):
            m = maximum(m, x[i, j])
        s = c1
        for j in range(n):
            t = exp(x[i, j] - m)
            y[i, j] = t
            s = accumulate(s, t)
        r = c2 / s
        for j in range(n):
            y[i, j] = y[i, j] * r
    return 0
"""
ADAM = """
    for i in range(start, stop):
        t0 = m[i] + (g[i] - m[i]) * c1
        t1 = v[i] + (g[i] * g[i] - v[i]) * c1
        m[i] = t0
        v[i] = t1
        w[i] = w[i] - lr[0] * t0 / (sqrt(t1) + c2)
    return 0
"""
DROPOUT = """
    for i in range(start, stop):
        for j in range(n):
            e = i * n + j
            u = uniform32(philox_word(key[0], key[1], e >> 2, e & 3))
            y[i, j] = where(u < c2, x[i, j], c1)
    return 0
"""
RW = Operand("y", "float32", 2, "rw")
SAMPLES = {
    "chain": kernel(
        "    for i in range(start, stop):\n        for j in range(n):\n"
        "            y[i, j] = maximum(x[i, j] * c2 + c1, c1)\n    return 0",
        [X, Y],
        sizes=["n"],
    ),
    "maximum of rows": kernel(ROW_MAXIMUM, [X, Operand("r", "float32", 1, "w")], sizes=["n"]),
    "sum of rows": kernel(ROW_SUM, [X, Operand("r", "float32", 1, "w")], sizes=["n"]),
    "softmax": kernel(SOFTMAX, [X, RW], sizes=["n"]),
    "adam": kernel(
        ADAM,
        [Operand(name, "float32", 1, "rw") for name in "wmv"]
        + [Operand("g", "float32", 1), Operand("lr", "float32", 1)],
    ),
    "dropout": kernel(DROPOUT, [X, Y, Operand("key", "int64", 1)], sizes=["n"]),
}


def arrays_for(made: Kernel, shape: tuple[int, ...], seed: int = 0) -> list[np.ndarray]:
    """Random operands, every one of ``shape`` cut to its rank."""
    random = np.random.default_rng(seed)
    made_arrays = []
    for operand in made.operands:
        values = random.normal(size=shape[: operand.rank]) * 4
        made_arrays.append(values.astype("u2" if operand.dtype == "bfloat16" else operand.dtype))
    return made_arrays


def both(
    made: Kernel, arrays: Sequence[np.ndarray], sizes: Sequence[int], start: int, stop: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The operands after a native run and after a plain run; the returned values agree."""
    native, plain = [a.copy(order="K") for a in arrays], [a.copy(order="K") for a in arrays]
    returned = run_native(made, native, sizes, start, stop)
    assert returned == run_kernel(made, plain, sizes, start, stop)
    return native, plain


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_kernel_agrees_with_the_plain_target(name: str) -> None:
    made = SAMPLES[name]
    arrays = [
        np.abs(a) if made.operands[k].name == "v" else a
        for k, a in enumerate(arrays_for(made, (5, 37)))
    ]
    native, plain = both(made, arrays, [37] * len(made.sizes), 1, 4)
    for got, want in zip(native, plain, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_kernel_is_vector_code_without_calls_or_doubles(name: str) -> None:
    report = vector_report(SAMPLES[name])
    assert report == VectorReport(
        has_vector_code=True, has_call=False, has_double=False, scalar_loops=0
    )


def test_a_plain_sum_keeps_its_order_and_so_is_not_vector_code() -> None:
    made = kernel(
        ROW_SUM.replace("accumulate(m, x[i, j])", "m + x[i, j]"),
        SAMPLES["sum of rows"].operands,
        sizes=["n"],
    )
    report = vector_report(made)
    assert not report.has_vector_code
    assert report.scalar_loops == 1


def test_a_word_that_stays_a_call_would_be_reported() -> None:
    made = elementwise(
        ["y[i] = to_float64(x[i])"], [Operand("x", "float32", 1), Operand("y", "float64", 1, "w")]
    )
    assert vector_report(made).has_double


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_reductions_keep_nan_and_infinities(value: float) -> None:
    x = np.random.default_rng(0).normal(size=(1, 200)).astype(np.float32)
    x[0, 77] = value
    for name, want in (("maximum of rows", x.max(1)), ("sum of rows", x.sum(1))):
        r = np.zeros(1, np.float32)
        run_native(SAMPLES[name], [x, r], [200], 0, 1)
        np.testing.assert_allclose(r, want, rtol=1e-5)


def test_operands_are_strided_in_every_axis_but_the_last() -> None:
    body = """
    for i in range(start, stop):
        for j in range(n):
            for k in range(p):
                y[k, i, j] = x[i, j, k]
    return 0
"""
    operands = [Operand("x", "float32", 3), Operand("y", "float32", 3, "w")]
    made = kernel(body, operands, sizes=["n", "p"])
    x = np.arange(4 * 6 * 10, dtype=np.float32).reshape(4, 6, 10)[::2, 1:5, 2:9]
    y = np.zeros((7, 2, 4), np.float32)
    run_native(made, [x, y], [4, 7], 0, 2)
    np.testing.assert_array_equal(y, x.transpose(2, 0, 1))


@pytest.mark.parametrize(
    "dtype", ["bool", "float16", "bfloat16", "int8", "uint16", "int64", "float64"]
)
def test_every_storage_type_loads_and_stores(dtype: str) -> None:
    made = elementwise(["y[i] = x[i]"], [Operand("x", dtype, 1), Operand("y", dtype, 1, "w")])
    stored = {"bfloat16": "u2", "bool": "?"}.get(dtype, dtype)
    x = np.arange(70).astype(stored) if dtype != "bool" else np.arange(70) % 3 == 0
    y = np.zeros_like(x)
    run_native(made, [x, y], [], 3, 70)
    np.testing.assert_array_equal(y[3:], x[3:])
    assert not y[:3].any()  # rows outside start .. stop are not touched


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bit_floats_round_to_nearest_even_when_stored(dtype: str) -> None:
    made = elementwise(["y[i] = x[i]"], [Operand("x", "float32", 1), Operand("y", dtype, 1, "w")])
    bits = np.random.default_rng(3).integers(0, 1 << 32, 4000, np.uint32)
    ties = (np.arange(256, dtype=np.uint32) << 16) + 0x3F808000
    x = np.concatenate([bits, ties]).view(np.float32)
    native, plain = both(
        made, [x, np.zeros(len(x), "u2" if dtype == "bfloat16" else dtype)], [], 0, len(x)
    )
    got, want = native[1], plain[1]
    if dtype == "bfloat16":
        got, want = ((y.astype(np.uint32) << 16).view(np.float32) for y in (got, want))
    np.testing.assert_array_equal(got, want)


def test_control_flow_agrees_with_the_plain_target() -> None:
    body = """
    bad = 0
    for i in range(start, stop):
        m = c1
        k = 0
        while k < n:
            if x[i, k] < c1 and k != 3:
                k += 2
                continue
            m = m + x[i, k] if k > 1 else m - x[i, k]
            if m > c2 or not k < 7:
                break
            k += 1
        for j in range(1, n, 3):
            y[i, j] = m * to_float32(j)
        for j in range(n - 2, n):
            y[i, j] = -m
        bad = bad | bit(m > c2, i) | bit(out_of_range(k, n), 40)
    return bad
"""
    made = kernel(body, [X, Y], sizes=["n"])
    native, plain = both(made, arrays_for(made, (9, 11), seed=4), [11], 0, 9)
    np.testing.assert_allclose(native[1], plain[1], rtol=1e-6)


def test_a_long_loop_body_loops() -> None:
    """Its jump back lands on an extended argument in front of the loop's head."""
    statements = [f"y[i] = y[i] + x[i] * c{k % 2 + 1}" for k in range(60)]
    made = elementwise(
        statements, [Operand("x", "float32", 1), Operand("y", "float32", 1, "rw")], FLOATS
    )
    native, plain = both(made, arrays_for(made, (20,)), [], 0, 20)
    np.testing.assert_allclose(native[1], plain[1], rtol=1e-5)


def test_operands_that_are_only_read_may_overlap() -> None:
    operands = [
        Operand("a", "float32", 1),
        Operand("b", "float32", 1),
        Operand("y", "float32", 1, "w"),
    ]
    x = np.arange(101, dtype=np.float32)
    y = np.zeros(100, np.float32)
    run_native(elementwise(["y[i] = a[i] * b[i]"], operands), [x[:100], x[1:], y], [], 0, 100)
    np.testing.assert_array_equal(y, x[:-1] * x[1:])


def test_an_operand_read_and_written_is_vector_code() -> None:
    made = elementwise(["y[i] = y[i] + y[i]"], [Operand("y", "float32", 1, "rw")], FLOATS)
    assert vector_report(made).has_vector_code


def test_no_overlap_is_tested_at_run_time() -> None:
    operands = [Operand(name, "float32", 1) for name in "abc"] + [Operand("y", "float32", 1, "w")]
    listing = cpu_compile.inspect_kernel(elementwise(["y[i] = a[i] + b[i] * c[i]"], operands))
    assert "memcheck" not in listing.llvm_ir
    assert ("zmm" in listing.assembly) == cpu_compile.llvm_target.host().has_avx512


def test_compensated_arithmetic_is_not_reassociated() -> None:
    made = elementwise(
        ["u = c2 + x[i]", "y[i] = x[i] - (u - c2)"],
        [Operand("x", "float32", 1), Operand("y", "float32", 1, "w")],
        FLOATS,
    )
    x = np.full(64, 1e-4, np.float32)
    native, _ = both(made, [x, np.zeros_like(x)], [], 0, 64)
    assert native[1].all()


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("float32", [0.1, -0.0, 1e-45, 3.4028234663852886e38, 1e40, np.inf, -np.inf, np.nan]),
        ("float64", [0.1, -0.0, 5e-324, 1.7976931348623157e308, np.inf, -np.inf, np.nan]),
        ("float16", [0.5, -2.0, 65504.0]),
        ("uint8", [0, 255]),
        ("int8", [-128, 127]),
        ("int32", [-(2**31), 2**31 - 1]),
        ("int64", [-(2**63), 2**63 - 1]),
        ("uint64", [0, 2**63, 2**64 - 1]),
        ("bool", [False, True]),
    ],
)
def test_constants_keep_their_value(dtype: str, values: list) -> None:
    constants = [Constant(f"c{k}", dtype, value) for k, value in enumerate(values)]
    statements = [f"y[{k}] = c{k}" for k in range(len(values))]
    y = np.ones(len(values), dtype)
    run_native(elementwise(statements, [Operand("y", dtype, 1, "w")], constants), [y], [], 0, 1)
    with np.errstate(over="ignore"):
        want = np.array([np.dtype(dtype).type(value) for value in values])
    np.testing.assert_array_equal(y, want)
    assert y.tobytes() == want.tobytes() or np.isnan(want).any()


def test_a_kernel_may_have_the_name_of_a_word() -> None:
    text = (
        "def exp(args, start, stop):\n    y, = views(args, 1)\n    y[0] = exp(y[0])\n    return 7\n"
    )
    y = np.zeros(1, np.float32)
    assert run_native(Kernel("exp", text, (Operand("y", "float32", 1, "rw"),)), [y], [], 0, 1) == 7
    assert y[0] == 1


@pytest.mark.parametrize(
    ("statement", "fact"),
    [
        ("y[i] = k[i]", "operand 'y' holds float32, and the text stores a int32"),
        ("x[i] = y[i]", "operand 'x' is only read, and the text writes it"),
        ("y[i] = x[i, 0]", "operand 'x' of rank 1 is indexed by ('int64', 'int64')"),
        ("y[i] = x[k[i]]", "operand 'x' of rank 1 is indexed by ('int32',)"),
        ("y[i] = x[i] + 0.5", "native code cannot use 0.5"),
        ("y[i] = len(x)", "native code cannot use <built-in function len>"),
        ("t = x[i] if x[i] > c1 else i", "a variable is float32 and int64, by the path taken"),
        ("y[i] = exp(x[i], x[i])", "'exp' takes 1 operands, got 2"),
        ("y[i] = missing(x[i])", "native code does not know 'missing'"),
    ],
)
def test_text_the_target_does_not_take_is_refused(statement: str, fact: str) -> None:
    operands = [
        Operand("x", "float32", 1),
        Operand("k", "int32", 1),
        Operand("y", "float32", 1, "w"),
    ]
    with pytest.raises(InternalError) as refused:
        cpu_compile.compile_kernel(elementwise([statement], operands, FLOATS))
    assert fact in str(refused.value)
    assert "bug in graphc" in str(refused.value)
    assert statement in "".join(refused.value.__notes__)


def test_an_operand_no_kernel_can_hold_is_refused() -> None:
    with pytest.raises(InternalError, match="a CPU kernel cannot hold string 'x'"):
        cpu_compile.compile_kernel(elementwise(["x[i] = x[i]"], [Operand("x", "string", 1, "rw")]))


# --- objects --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_an_object_needs_no_other_symbol(name: str) -> None:
    compiled = cpu_compile.compile_kernel(SAMPLES[name])
    assert compiled.symbol == f"gx_{SAMPLES[name].key}"
    assert undefined_symbols(compiled.object) == set()


def test_equal_kernels_compile_to_equal_objects() -> None:
    made = SAMPLES["softmax"]
    assert cpu_compile.compile_kernel(made).object == cpu_compile.compile_kernel(made).object


def variants(count: int) -> list[Kernel]:
    operands = [Operand("x", "float32", 1), Operand("y", "float32", 1, "w")]
    return [
        elementwise([f"y[i] = x[i] * c0{' + x[i]' * k}"], operands, [Constant("c0", "float32", k)])
        for k in range(count)
    ]


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The process ids of helpers, with forking allowed whatever threads the test runner has."""
    started: list[int] = []
    fork = os.fork

    def counted() -> int:
        child = fork()
        started.append(child)
        return child

    monkeypatch.setattr(os, "fork", counted)
    monkeypatch.setattr(cpu_compile, "_helper_count", lambda kernels: kernels // 6)
    return started


def test_many_kernels_compile_with_a_helper_process(forks: list[int]) -> None:
    made = variants(8)
    objects = cpu_compile.compile_many([*made, made[0]])
    assert len(forks) == 1
    assert objects == {k.key: cpu_compile.compile_kernel(k).object for k in made}


def test_few_kernels_compile_without_a_helper(forks: list[int]) -> None:
    assert len(cpu_compile.compile_many(variants(5))) == 5
    assert forks == []


def test_a_helper_that_dies_costs_only_time(
    forks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_compile, "_run_helper", lambda *_: os._exit(3))
    assert len(cpu_compile.compile_many(variants(8))) == 8
    assert len(forks) == 1


def test_no_room_for_temporary_files_costs_only_time(
    forks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(cpu_compile.tempfile, "TemporaryFile", full)
    assert len(cpu_compile.compile_many(variants(8))) == 8
    assert forks == []


def test_a_kernel_that_cannot_compile_is_named_though_the_helper_met_it(forks: list[int]) -> None:
    made = variants(8)
    broken = elementwise(["y[i] = x[i] * 2"], made[0].operands)
    with pytest.raises(InternalError, match=r"plain '\*' does not take \(float32, int64\)"):
        cpu_compile.compile_many([*made, broken])


# --- native functions -----------------------------------------------------------------------------


@intrinsic
def read_word(typing_context, address):
    def generate(context, builder, sig, values):
        return builder.load(builder.inttoptr(values[0], ir.IntType(64).as_pointer()))

    return types.int64(types.int64), generate


@intrinsic
def process_id(typing_context):
    def generate(context, builder, sig, values):
        kind = ir.FunctionType(ir.IntType(64), [])
        return builder.call(ir.Function(builder.module, kind, "getpid"), [])

    return types.int64(), generate


def triangle(n: int) -> int:
    total = 0
    for k in range(n + 1):
        total += k
    return total


@njit(inline="always")
def sum_of_words(address, count):
    total = 0
    for k in range(count):
        total += read_word(address + 8 * k)
    return total


def both_of_them(address: int, count: int) -> int:
    return sum_of_words(address, count) * 1000 + triangle(count)


def test_a_native_function_calls_functions_and_intrinsics() -> None:
    code = cpu_compile.compile_function(both_of_them, "int64(int64, int64)", "gx_test_both")
    address = loader.load({"gx_test_both": code})["gx_test_both"].address
    words = np.array([3, 4, 5], np.int64)
    call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(address)
    assert call(words.ctypes.data, 3) == 12 * 1000 + 6


def test_native_code_calls_outside_only_where_it_says_so() -> None:
    def ask() -> int:
        return process_id()

    with pytest.raises(InternalError, match="calls getpid"):
        cpu_compile.compile_function(ask, "int64()", "gx_test_pid")
    code = cpu_compile.compile_function(ask, "int64()", "gx_test_pid", allowed=["getpid"])
    address = loader.load({"gx_test_pid": code})["gx_test_pid"].address
    assert ctypes.CFUNCTYPE(ctypes.c_int64)(address)() == os.getpid()


# --- processes ------------------------------------------------------------------------------------


def in_a_fresh_process(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout


def test_the_fingerprint_is_stable_and_loads_no_numba() -> None:
    code = (
        "import sys; from runtime.devices.cpu.fingerprint import fingerprint; print(fingerprint());"
        "print([m for m in sys.modules if m.split('.')[0] in ('numba', 'networkx', 'scipy')])"
    )
    first, second = in_a_fresh_process(code), in_a_fresh_process(code)
    assert first == second
    assert len(first.split()[0]) == 64
    assert first.split()[1] == "[]"


def test_the_package_of_a_device_loads_nothing() -> None:
    code = (
        "import sys, runtime.devices.cpu; print([m in sys.modules for m in ('numpy', 'llvmlite')])"
    )
    assert in_a_fresh_process(code).strip() == "[False, False]"


def test_compiling_loads_no_registry_of_numba() -> None:
    code = (
        "import sys; from graphc.codegen.kernel import Kernel, Operand;"
        "from runtime.devices.cpu.compile import compile_kernel;"
        "compile_kernel(Kernel('k', 'def k(args, start, stop):\\n    return start + stop\\n', ()));"
        "print('numba.np.linalg' in sys.modules, 'scipy.linalg' in sys.modules)"
    )
    assert in_a_fresh_process(code).split() == ["False", "False"]
