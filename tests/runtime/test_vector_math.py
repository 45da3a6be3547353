"""The transcendental words keep to their stated accuracy, take every special value, vectorise."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import llvmlite.binding as llvm
import mpmath
import numba
import numpy as np
import pytest
import scipy.special
from llvmlite import ir

from graphc.codegen import vocabulary
from graphc.codegen.kernel import Operand
from runtime.devices.cpu import compile as cpu_compile
from runtime.devices.cpu import llvm_target, loader
from runtime.devices.cpu.vector_math import ACCURACY, EMITTERS
from runtime.devices.cpu.vector_report import vector_report
from tests.runtime.native_kernel import C_SIGNATURE, argument_block, elementwise

Function = Callable[..., np.ndarray]

UNARY = [word for word in EMITTERS if vocabulary.WORDS[word].arity == 1]
BINARY = ["atan2", "pow"]
# The same functions in float64 from NumPy and SciPy: exact enough to judge float32.
IN_DOUBLE: dict[str, Function] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "tanh": np.tanh,
    "sigmoid": scipy.special.expit,
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "erfinv": lambda x: np.copysign(scipy.special.erfinv(x), x),  # SciPy drops the sign of -0
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "atan2": np.arctan2,
    "pow": np.power,
    "lgamma": lambda x: np.where(x == -np.inf, np.inf, scipy.special.gammaln(x)),
    "digamma": lambda x: np.where((x <= 0) & (x == np.rint(x)), np.nan, scipy.special.digamma(x)),
}
# These compute float32 in float64, and float64 near their zeros to units of the terms that cancel.
IN_WIDER = ("lgamma", "digamma")
EXACT: dict[str, Callable[..., mpmath.mpf]] = {
    "log2": lambda x: mpmath.log(x, 2),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "pow": mpmath.power,
}
CHUNK = 1 << 22
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1e-30, -7.5]


@cache
def native(word: str, dtype: str) -> Function:
    """The word over whole arrays, compiled as kernels are."""
    names = ["a", "b"][: vocabulary.WORDS[word].arity]
    operands = [*(Operand(name, dtype, 1) for name in names), Operand("y", dtype, 1, "w")]
    kernel = elementwise([f"y[i] = {word}({', '.join(f'{n}[i]' for n in names)})"], operands)
    compiled = cpu_compile.compile_kernel(kernel)
    code = loader.load({compiled.symbol: compiled.object})[compiled.symbol]

    def function(*arrays: np.ndarray) -> np.ndarray:
        result = np.empty_like(arrays[0])
        block = argument_block([*arrays, result], [])
        assert C_SIGNATURE(code.address)(block.ctypes.data, 0, result.size) == 0
        return result

    return function


@numba.njit
def largest_error(got, reference, limit):
    """The largest error of float32 ``got`` in units in the last place, its place, and how many
    values are of another kind (NaN, infinity, sign of zero) or further off than ``limit``."""
    largest, place, wrong = 0.0, 0, 0
    for i in range(got.size):
        value, exact = np.float64(got[i]), reference[i]
        if value != value or exact != exact:
            wrong += (value != value) != (exact != exact)
            continue
        if value == exact:
            wrong += value == 0 and np.signbit(got[i]) != np.signbit(exact)
            continue
        if math.isinf(exact):
            wrong += 1
            continue
        # infinity stands for everything from one unit above the largest float32
        value = min(max(value, -(2.0**128)), 2.0**128)
        exact = min(max(exact, -(2.0**128)), 2.0**128)
        exponent = math.frexp(exact)[1]
        error = abs(value - exact) / 2.0 ** max(min(exponent, 128) - 24, -149)
        wrong += error > limit
        if error > largest:
            largest, place = error, i
    return largest, place, wrong


def float32_samples(count: int) -> np.ndarray:
    random = np.random.default_rng(11)
    bits = random.integers(0, 1 << 32, count, np.uint32).view(np.float32)
    small = random.normal(0, 3, count // 4).astype(np.float32)
    near_one = random.normal(1, 0.1, count // 4).astype(np.float32)
    unit = random.uniform(-1, 1, count // 4).astype(np.float32)
    return np.concatenate([bits, small, near_one, unit, np.array(SPECIAL, np.float32)])


def float64_samples(count: int) -> np.ndarray:
    random = np.random.default_rng(12)
    bits = random.integers(0, 1 << 64, count, np.uint64).view(np.float64)
    scales = np.exp(random.uniform(-40, 7, count)) * random.choice([-1.0, 1.0], count)
    return np.concatenate(
        [bits, scales, random.normal(0, 3, count), random.uniform(-1, 1, count), SPECIAL]
    )


def in_double(word: str, *operands: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return IN_DOUBLE[word](*(x.astype(np.float64) for x in operands))


@pytest.mark.parametrize("word", UNARY)
def test_float32_stays_within_its_stated_error_on_random_patterns(word):
    x = float32_samples(50_000 if word == "erfinv" else 1_200_000)  # SciPy's erfinv is slow
    reference = in_double(word, x)
    error, place, wrong = largest_error(native(word, "float32")(x), reference, ACCURACY[word][0])
    assert wrong == 0, f"{error} ulp at {x[place]!r}"


@pytest.mark.slow
@pytest.mark.parametrize("word", UNARY)
def test_float32_stays_within_its_stated_error_on_every_pattern(word):
    limit = ACCURACY[word][0]
    for start in range(0, 1 << 32, CHUNK):
        x = np.arange(start, start + CHUNK, dtype=np.int64).astype(np.uint32).view(np.float32)
        if word == "erfinv":  # SciPy would take hours
            reference = native(word, "float64")(x.astype(np.float64))
        else:
            reference = in_double(word, x)
        error, place, wrong = largest_error(native(word, "float32")(x), reference, limit)
        assert wrong == 0, f"{error} ulp at {x[place]!r}"


def binary_samples(dtype: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random bits, powers that neither overflow nor vanish, all pairs of special values."""
    random = np.random.default_rng(13)
    samples = float32_samples if dtype == "float32" else float64_samples
    a, b = samples(count), random.permutation(samples(count))
    base = np.exp(random.uniform(-60, 60, count)).astype(dtype)
    exponent = random.uniform(-1.3, 1.3, count).astype(dtype)
    near = random.normal(1, 0.01, count).astype(dtype)
    large = random.normal(0, 3000, count).astype(dtype)
    whole = np.rint(random.normal(0, 6, count)).astype(dtype)
    first, second = np.meshgrid(np.array(SPECIAL, dtype), np.array(SPECIAL, dtype))
    return (
        np.concatenate([a, base, near, random.normal(0, 4, count).astype(dtype), first.ravel()]),
        np.concatenate([b, exponent, large, whole, second.ravel()]),
    )


@pytest.mark.parametrize("word", BINARY)
def test_float32_binary_words_stay_within_their_stated_error(word):
    a, b = binary_samples("float32", 200_000)
    got, limit = native(word, "float32")(a, b), ACCURACY[word][0]
    error, place, wrong = largest_error(got, in_double(word, a, b), limit)
    assert wrong == 0, f"{error} ulp at {(a[place], b[place])!r}"


def float64_error(word: str, got: float, operands: tuple[float, ...]) -> float:
    """The error of ``got`` in float64 ulp, against 40 digits."""
    with mpmath.workdps(40):
        exact = EXACT.get(word, getattr(mpmath, word, None))(*map(mpmath.mpf, operands))
        if abs(exact) >= mpmath.mpf(2) ** 1024 and np.isinf(got):
            return 0.0
        exponent = max(int(mpmath.frexp(exact)[1]), -1021) - 53 if exact else -1074
        return float(abs(exact - mpmath.mpf(got)) / mpmath.mpf(2) ** exponent)


@pytest.mark.parametrize("word", [w for w in (*UNARY, *BINARY) if w not in IN_WIDER])
def test_float64_stays_within_its_stated_error_on_samples(word):
    if word in BINARY:
        operands: tuple[np.ndarray, ...] = binary_samples("float64", 300)
    else:
        operands = (float64_samples(400),)
    got = native(word, "float64")(*operands)
    reference = in_double(word, *operands)
    special = ~np.isfinite(reference) | (reference == 0)
    for x in operands:
        special |= ~np.isfinite(x) | (x == 0)
    np.testing.assert_allclose(got[special], reference[special], rtol=1e-15)
    np.testing.assert_array_equal(
        np.signbit(got[reference == 0]), np.signbit(reference[reference == 0])
    )
    ordinary = [x[~special] for x in operands]
    for row in zip(got[~special], *ordinary, strict=True):
        error = float64_error(word, row[0], row[1:])
        assert error <= ACCURACY[word][1], f"{error} ulp at {row[1:]!r}"


@pytest.mark.parametrize("word", IN_WIDER)
def test_float64_gamma_functions_err_by_units_of_what_cancels(word):
    random = np.random.default_rng(14)
    scales = np.exp(random.uniform(-40, 40, 400))
    x = np.concatenate([scales, random.uniform(0, 12, 800), random.uniform(-30, 0, 400), SPECIAL])
    got, reference = native(word, "float64")(x), in_double(word, x)
    with mpmath.workdps(40):
        for argument, value, special in zip(x, got, reference, strict=True):
            if not np.isfinite(special) or not np.isfinite(argument):
                # SciPy has signed infinities at the poles of digamma, TensorFlow NaN
                assert np.isnan(value) if word == "digamma" and argument <= 0 else True
                continue
            exact = (mpmath.digamma if word == "digamma" else mpmath.loggamma)(argument).real
            off = min(abs(argument - np.rint(argument)), 1) or 1
            terms = 1 / off if word == "digamma" else abs(argument) + 1 - np.log(off)
            terms = terms if argument < 0 else 0 if word == "lgamma" else 1
            unit = np.spacing(max(abs(float(exact)), terms))
            assert abs(exact - value) <= ACCURACY[word][1] * unit, argument


@pytest.mark.parametrize("word", list(EMITTERS))
def test_plain_python_means_the_same(word):
    count = vocabulary.WORDS[word].arity
    operands = binary_samples("float32", 40) if count == 2 else (float32_samples(200),)
    meaning = vocabulary.WORDS[word].meaning
    with np.errstate(all="ignore"):
        expected = np.array([meaning(*row) for row in zip(*operands, strict=True)])
    got, limit = native(word, "float32")(*operands), ACCURACY[word][0] + 0.5
    error, place, wrong = largest_error(got, expected.astype(np.float64), limit)
    assert wrong == 0, f"{error} ulp at {[x[place] for x in operands]!r}"


def test_denormal_results_are_not_flushed():
    exp = native("exp", "float32")(np.array([-100.0, -103.0, -103.9, -104.5], np.float32))
    np.testing.assert_array_equal(exp, np.float32([3.783506e-44, 1.4e-45, 1.4e-45, 0]))
    tiny = np.array([1e-45, -1e-45, 5e-42], np.float32)
    for word in ("expm1", "log1p", "tanh", "sin", "tan", "asin", "atan", "sinh", "asinh", "atanh"):
        np.testing.assert_array_equal(native(word, "float32")(tiny), tiny, err_msg=word)


@pytest.mark.parametrize("word", list(EMITTERS))
def test_float32_loop_is_vector_code_without_call_or_double(word):
    names = ["a", "b"][: vocabulary.WORDS[word].arity]
    operands = [*(Operand(n, "float32", 1) for n in names), Operand("y", "float32", 1, "w")]
    kernel = elementwise([f"y[i] = {word}({', '.join(f'{n}[i]' for n in names)})"], operands)
    report = vector_report(kernel)
    assert report.has_vector_code
    assert not report.has_call
    assert report.has_double == (word in IN_WIDER)


def loop_over(word: str, kind: ir.Type) -> ir.Module:
    """``y[i] = word(a[i])`` (``word(a[i], a[i])`` for two) in plain LLVM IR."""
    module = ir.Module(word)
    pointer, index = kind.as_pointer(), ir.IntType(64)
    function = ir.Function(
        module, ir.FunctionType(ir.VoidType(), [pointer, pointer, index]), "loop"
    )
    for argument in function.args[:2]:
        argument.add_attribute("noalias")
    entry, body, done = (function.append_basic_block() for _ in range(3))
    builder = ir.IRBuilder(entry)
    builder.branch(body)
    builder.position_at_end(body)
    i = builder.phi(index)
    x = builder.load(builder.gep(function.args[0], [i]))
    y = EMITTERS[word](builder, *[x] * vocabulary.WORDS[word].arity)
    builder.store(y, builder.gep(function.args[1], [i]))
    following = builder.add(i, index(1))
    i.add_incoming(index(0), entry)
    i.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, function.args[2]), body, done)
    builder.position_at_end(done)
    builder.ret_void()
    return module


@pytest.mark.skipif(llvm.get_process_triple().split("-")[0] != "x86_64", reason="names x86 cores")
@pytest.mark.parametrize("cpu", ["haswell", "skylake-avx512"])
@pytest.mark.parametrize("word", list(EMITTERS))
def test_no_word_calls_a_library_on_avx2_or_avx512(word, cpu):
    triple = llvm.get_process_triple()
    machine = llvm_target.Machine(triple, cpu, "")
    for kind in (ir.FloatType(), ir.DoubleType()):
        module = loop_over(word, kind)
        module.triple = triple
        optimised = llvm_target.optimised(str(module), machine)
        assembly = llvm_target.target_machine(machine).emit_assembly(optimised)
        assert "call" not in assembly, kind
        assert "ymm" in assembly or "zmm" in assembly, kind


def test_emitters_cover_the_transcendental_words_of_the_vocabulary():
    transcendental = set(IN_DOUBLE)
    assert set(EMITTERS) == transcendental
    assert set(ACCURACY) == transcendental
