"""Every word means on the CPU what the vocabulary says it means.

The transcendental words are checked where they are written (their accuracy is a table of its own).
"""

from __future__ import annotations

import numpy as np
import pytest

from graphc.codegen import vocabulary
from graphc.codegen.kernel import Constant, Operand
from graphc.errors import InternalError
from graphc.ir import dtype as dtypes
from runtime.devices.cpu import words
from runtime.devices.cpu.vector_math import EMITTERS
from runtime.devices.cpu.vector_report import vector_report
from tests.runtime.native_kernel import elementwise, run_native

NUMBERS = [dtype.name for dtype in dtypes.REAL if dtype.computed is dtype]
COMPLEX = [dtype.name for dtype in dtypes.COMPLEX]
VALUES = [*NUMBERS, "bool"]
TESTED_ELSEWHERE = {
    "complex_of", "philox_word", "uniform32", "bit", "out_of_range", "idiv", "imod", "power_of_two",
}  # fmt: skip


def samples(dtype: str) -> np.ndarray:
    """Values that meet every edge of the dtype, then random ones."""
    kind = dtypes.as_dtype(dtype)
    random = np.random.default_rng(7)
    if kind.is_bool:
        return np.array([False, True])
    if kind.is_complex:
        re, im = np.meshgrid([0.0, 1, -2.5, np.inf, -np.inf, np.nan], [0.0, 3, -0.5, np.inf])
        finite = random.normal(0, 9, 12) + 1j * random.normal(0, 9, 12)
        return np.concatenate([vector(re.ravel(), im.ravel()), finite]).astype(kind.numpy)
    if kind.is_floating:
        edges = [
            0.0,
            -0.0,
            1,
            -1,
            0.5,
            -0.5,
            1.5,
            2.5,
            -2.5,
            3,
            1e-40,
            np.inf,
            -np.inf,
            np.nan,
            7.3,
        ]
        return np.concatenate([edges, random.normal(0, 9, 12)]).astype(kind.numpy)
    edges = [0, 1, 2, 3, 7, kind.max, kind.max - 1, kind.min, kind.min + 1]
    edges += [-1, -2, -7] if kind.min < 0 else [250]
    drawn = random.integers(kind.min, kind.max, 12, kind.numpy, endpoint=True)
    return np.concatenate([np.array(edges, kind.numpy), drawn])


def vector(re: np.ndarray, im: np.ndarray) -> np.ndarray:
    """Complex numbers of these parts, none of them touched by arithmetic."""
    z = np.empty(re.shape, np.complex128)
    z.real, z.imag = re, im
    return z


def pairs(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of samples."""
    values = samples(dtype)
    a, b = np.meshgrid(values, values)
    return a.ravel().copy(), b.ravel().copy()


def fits(word: vocabulary.Word, dtype: str) -> bool:
    return words._TAKES[word.takes](dtype)


def meaning(word: vocabulary.Word, *operands: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.array([word.meaning(*row) for row in zip(*operands, strict=True)])


def words_for(dtype: str) -> list[vocabulary.Word]:
    """The words of one and two operands of ``dtype`` that are not vector math."""
    return [
        word
        for word in vocabulary.WORDS.values()
        if word.name in words._BODIES
        and word.name not in TESTED_ELSEWHERE
        and word.arity <= 2
        and word.takes != "index"
        and fits(word, dtype)
    ]


def assert_agree(name: str, got: np.ndarray, want: np.ndarray, operands: list[np.ndarray]) -> None:
    same = (got == want) | ((got != got) & (want != want))
    if np.iscomplexobj(want) and name in ("mul", "accumulate_mul"):  # contracted
        close = np.isclose(got, want, rtol=1e-5, atol=1e-5, equal_nan=True)
        same |= close | (np.isnan(got) & np.isnan(want))
    if name == "rsqrt":  # two roundings against one
        same |= np.isclose(got, want, rtol=2 * np.finfo(want.dtype).eps, atol=0)
    if not same.all():
        at = int(np.argmin(same))
        shown = ", ".join(repr(operand[at]) for operand in operands)
        raise AssertionError(f"{name}({shown}) is {got[at]!r}, should be {want[at]!r}")


@pytest.mark.parametrize("dtype", [*VALUES, *COMPLEX])
def test_words_agree_with_the_vocabulary(dtype: str) -> None:
    a, b = pairs(dtype)
    chosen = words_for(dtype)
    operands = [Operand("a", dtype, 1), Operand("b", dtype, 1)]
    arrays, statements = [a, b], []
    for word in chosen:
        gives = words._given(word, dtype)
        operands.append(Operand(f"y_{word.name}", gives, 1, "w"))
        arrays.append(np.zeros(len(a), dtypes.as_dtype(gives).numpy))
        statements.append(
            f"y_{word.name}[i] = {word.name}({'a[i], b[i]'[: 4 + 6 * (word.arity - 1)]})"
        )
    run_native(elementwise(statements, operands), arrays, [], 0, len(a))
    for word, got in zip(chosen, arrays[2:], strict=True):
        inputs = [a, b][: word.arity]
        usable = np.ones(len(a), bool)
        if word.name.startswith("shift_"):
            usable = (b >= 0) & (b < 8 * b.itemsize)
        if word.name in ("floormod", "truncmod") and dtypes.as_dtype(dtype).is_floating:
            with np.errstate(all="ignore"):  # exact while the quotient is
                usable = ~(np.abs(a.astype(np.float64) / b) > 2.0**50) | (b == 0)
        inputs = [operand[usable] for operand in inputs]
        assert_agree(word.name, got[usable], meaning(word, *inputs), inputs)


@pytest.mark.parametrize("source", VALUES)
def test_casts_agree_with_the_vocabulary(source: str) -> None:
    x = samples(source)
    operands, arrays, statements = [Operand("x", source, 1)], [x], []
    casts = [word for name, word in vocabulary.WORDS.items() if name.startswith("to_")]
    for word in casts:
        operands.append(Operand(f"y_{word.name}", word.gives, 1, "w"))
        arrays.append(np.zeros(len(x), dtypes.as_dtype(word.gives).numpy))
        statements.append(f"y_{word.name}[i] = {word.name}(x[i])")
    run_native(elementwise(statements, operands), arrays, [], 0, len(x))
    for word, got in zip(casts, arrays[1:], strict=True):
        target = dtypes.as_dtype(word.name.removeprefix("to_"))
        usable = np.ones(len(x), bool)
        if target.is_integer and dtypes.as_dtype(source).is_floating:
            with np.errstate(all="ignore"):  # outside the target the value is undefined
                whole = np.trunc(x.astype(np.float64))
                usable = (whole >= target.min) & (whole < float(target.max) + 1)
        assert_agree(word.name, got[usable], meaning(word, x[usable]), [x[usable]])


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint32", "float64", "int64", "uint64"])
def test_bitcasts_keep_every_bit(dtype: str) -> None:
    x = samples(dtype)
    size = x.itemsize
    targets = [d.name for d in dtypes.REAL if d.size == size and d.computed is d]
    operands = [Operand("x", dtype, 1)] + [Operand(f"y_{name}", name, 1, "w") for name in targets]
    arrays = [x] + [np.zeros(len(x), name) for name in targets]
    statements = [f"y_{name}[i] = bitcast_{name}(x[i])" for name in targets]
    run_native(elementwise(statements, operands), arrays, [], 0, len(x))
    for got in arrays[1:]:
        assert got.tobytes() == x.tobytes()


@pytest.mark.parametrize("dtype", COMPLEX)
def test_a_complex_number_is_what_its_parts_say(dtype: str) -> None:
    x = samples(dtype)
    re, im = x.real.copy(), x.imag.copy()
    z, part = np.zeros_like(x), re.dtype.name
    operands = [Operand("re", part, 1), Operand("im", part, 1), Operand("z", dtype, 1, "w")]
    run_native(elementwise(["z[i] = complex_of(re[i], im[i])"], operands), [re, im, z], [], 0, 9)
    assert z[:9].tobytes() == x[:9].tobytes()
    assert not z[9:].any()


def test_complex_arithmetic_is_vector_code() -> None:
    operands = [Operand("x", "complex64", 1), Operand("y", "complex64", 1)]
    operands.append(Operand("z", "complex64", 1, "w"))
    for text in ("add(x[i], y[i])", "mul(x[i], y[i])", "where(eq(x[i], y[i]), x[i], neg(y[i]))"):
        report = vector_report(elementwise([f"z[i] = {text}"], operands))
        assert report.has_vector_code, text
        assert not report.has_call, text
        assert report.scalar_loops == 0, text


@pytest.mark.parametrize("dtype", [*VALUES, *COMPLEX])
def test_where_picks_by_its_condition(dtype: str) -> None:
    a, b = pairs(dtype)
    c = np.arange(len(a)) % 3 == 0
    y = np.zeros_like(a)
    operands = [
        Operand("c", "bool", 1),
        Operand("a", dtype, 1),
        Operand("b", dtype, 1),
        Operand("y", dtype, 1, "w"),
    ]
    run_native(
        elementwise(["y[i] = where(c[i], a[i], b[i])"], operands), [c, a, b, y], [], 0, len(a)
    )
    np.testing.assert_array_equal(y, np.where(c, a, b))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fma_rounds_once(dtype: str) -> None:
    x = np.random.default_rng(1).normal(size=200).astype(dtype)
    y, z = x[::-1].copy(), np.full_like(x, -1) * x * x[::-1]
    out = np.zeros_like(x)
    operands = [Operand(name, dtype, 1) for name in "xyz"] + [Operand("out", dtype, 1, "w")]
    run_native(
        elementwise(["out[i] = fma(x[i], y[i], z[i])"], operands), [x, y, z, out], [], 0, 200
    )
    want = np.array([vocabulary._fma(*row) for row in zip(x, y, z, strict=True)])
    np.testing.assert_array_equal(out, want)
    assert out.any()  # the product's rounding error, which a separate multiply would lose


def test_index_words_round_toward_minus_infinity_and_never_trap() -> None:
    a, b = pairs("int64")
    out = [np.zeros_like(a) for _ in range(4)]
    operands = [Operand("a", "int64", 1), Operand("b", "int64", 1)]
    operands += [Operand(f"y{k}", "int64", 1, "w") for k in range(4)]
    statements = [
        "y0[i] = idiv(a[i], b[i])",
        "y1[i] = imod(a[i], b[i])",
        "y2[i] = a[i] // b[i]",
        "y3[i] = a[i] % b[i]",
    ]
    run_native(elementwise(statements, operands), [a, b, *out], [], 0, len(a))
    with np.errstate(all="ignore"):
        for got, want in zip(out, [a // b, a % b] * 2, strict=True):
            np.testing.assert_array_equal(got, want)


def test_range_checks_take_negative_and_large_indices() -> None:
    index = np.array([-1, 0, 4, 5, 2**31 - 1, -(2**31)], np.int32)
    y = np.zeros(6, bool)
    operands = [Operand("x", "int32", 1), Operand("y", "bool", 1, "w")]
    run_native(elementwise(["y[i] = out_of_range(x[i], 5)"], operands), [index, y], [], 0, 6)
    assert y.tolist() == [True, False, False, True, True, True]


def test_bit_places_a_condition() -> None:
    x = np.array([0.0, np.nan, 2.0], np.float32)
    y = np.zeros(3, np.int64)
    operands = [Operand("x", "float32", 1), Operand("y", "int64", 1, "w")]
    statement = "y[i] = bit(isnan(x[i]), 5) | bit(x[i] > c0, 33)"
    constants = [Constant("c0", "float32", 1.0)]
    run_native(elementwise([statement], operands, constants), [x, y], [], 0, 3)
    assert y.tolist() == [0, 1 << 5, 1 << 33]


def test_philox_words_and_uniforms_agree_with_the_vocabulary() -> None:
    block = np.array([0, 1, 2**32 - 1, 2**40 + 3], np.int64)
    y, u = np.zeros(16, np.uint32), np.zeros(16, np.float32)
    operands = [
        Operand("key", "int64", 1),
        Operand("block", "int64", 1),
        Operand("y", "uint32", 1, "w"),
        Operand("u", "float32", 1, "w"),
    ]
    statements = ["t = philox_word(key[0], key[1], block[i >> 2], i & 3)", "y[i] = t"]
    statements.append("u[i] = uniform32(t)")
    key = np.array([-(2**62) + 12345, 2**35 + 1], np.int64)
    run_native(elementwise(statements, operands), [key, block, y, u], [], 0, 16)
    want = [vocabulary.philox_word(key[0], key[1], block[e >> 2], e & 3) for e in range(16)]
    assert y.tolist() == want
    assert u.tolist() == [vocabulary._uniform32(word) for word in want]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_of_two_are_exact(dtype: str) -> None:
    n = {"float32": 127, "float64": 1023}[dtype]
    x = np.array([0, 1, -1, 20, n, -n + 1, -n, -n - 1, -1e6, -1e30, -np.inf], dtype)
    y = np.empty_like(x)
    operands = [Operand("x", dtype, 1), Operand("y", dtype, 1, "w")]
    run_native(elementwise(["y[i] = power_of_two(x[i])"], operands), [x, y], [], 0, len(x))
    want = [1, 2, 0.5, 2**20, 2.0**n, 2.0 ** (1 - n), 0, 0, 0, 0, 0]
    assert y.tolist() == want
    assert [vocabulary.WORDS["power_of_two"].meaning(v) for v in x] == want


# The quotient of a remainder is exact there; the gamma family is rounded once from it.
IN_DOUBLE = {"floormod", "truncmod", "lgamma", "digamma"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name, word in vocabulary.WORDS.items() if word.takes in ("float", "number")]
)
def test_a_float32_word_is_vector_code_without_calls_or_doubles(name: str) -> None:
    word = vocabulary.WORDS[name]
    operands = [Operand(x, "float32", 1) for x in "abc"[: word.arity]]
    gives = {"same": "float32", "complex": "complex64"}.get(word.gives, word.gives)
    call = f"y[i] = {name}({', '.join(f'{operand.name}[i]' for operand in operands)})"
    report = vector_report(elementwise([call], [*operands, Operand("y", gives, 1, "w")]))
    assert report.has_vector_code
    assert not report.has_call
    assert report.scalar_loops == 0
    assert report.has_double == (name in IN_DOUBLE)


def test_every_word_of_the_vocabulary_has_a_body() -> None:
    special = [name for name in vocabulary.WORDS if name.startswith(("to_", "bitcast_"))]
    assert set(vocabulary.WORDS) == set(words._BODIES) | set(EMITTERS) | set(special)


@pytest.mark.parametrize(
    ("statement", "fact"),
    [
        (
            "y[i] = maximum(x[i], k[i])",
            "'maximum' takes operands of one dtype, of kind 'number', got",
        ),
        ("y[i] = x[i] + k[i]", "plain '+' does not take (float32, int32)"),
        ("y[i] = to_float32(k[i] + k[i])", "plain '+' does not take (int32, int32)"),
        ("y[i] = exp(k[i])", "'exp' takes operands of one dtype, of kind 'float', got int32"),
        ("y[i] = where(x[i], x[i], x[i])", "'where' takes a condition first, got float32"),
    ],
)
def test_a_word_given_the_wrong_dtypes_is_refused(statement: str, fact: str) -> None:
    operands = [
        Operand("x", "float32", 1),
        Operand("k", "int32", 1),
        Operand("y", "float32", 1, "w"),
    ]
    with pytest.raises(InternalError) as refused:
        run_native(elementwise([statement], operands), [], [], 0, 0)
    assert fact in str(refused.value)
    assert statement in "".join(refused.value.__notes__)
