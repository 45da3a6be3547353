"""The words of kernel text mean what they say, and kernels run as plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graphc.codegen import plain, vocabulary
from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.codegen.philox import philox_block

ADD_RELU = """\
# add, maximum, mul     a f32[i, j]  b f32[j]  s f32[]  ->  y f32[i, j]
def fused_add_maximum_mul(args, start, stop):
    a, b, s, y = views(args, 4)
    n, = sizes(args, 1)
    s0 = s[0]
    for i in range(start, stop):
        for j in range(n):
            t0 = a[i, j] + b[j]
            t1 = maximum(t0, c0)
            y[i, j] = t1 * s0
    return 0
"""

SOFTMAX = """\
def fused_softmax(args, start, stop):
    x, y = views(args, 2)
    n, = sizes(args, 1)
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

GATHER = """\
def fused_gather(args, start, stop):
    index, table, y = views(args, 3)
    n, = sizes(args, 1)
    bad = 0
    for i in range(start, stop):
        k = to_int64(index[i])
        bad = bad | bit(out_of_range(k, n), 3)
        y[i] = table[where(out_of_range(k, n), 0, k)]
    return bad
"""


def word(name, *operands):
    with np.errstate(all="ignore"):
        return vocabulary.WORDS[name].meaning(*operands)


def copy_kernel(source: str, target: str, expression: str, access: str = "w") -> Kernel:
    text = (
        "def fused_copy(args, start, stop):\n    x, y = views(args, 2)\n"
        f"    for i in range(start, stop):\n        y[i] = {expression}\n    return 0\n"
    )
    return Kernel("fused_copy", text, (Operand("x", source, 1), Operand("y", target, 1, access)))


def test_elementwise_kernel_runs_over_the_given_rows_only():
    operands = (
        Operand("a", "float32", 2),
        Operand("b", "float32", 1),
        Operand("s", "float32", 1),
        Operand("y", "float32", 2, "w"),
    )
    constants = (Constant("c0", "float32", 0.0),)
    kernel = Kernel("fused_add_maximum_mul", ADD_RELU, operands, constants, ("n",))
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 3)).astype("f4"), rng.normal(size=3).astype("f4")
    s, y = np.array([2.5], "f4"), np.full((4, 3), 7, "f4")
    assert plain.run_kernel(kernel, [a, b, s, y], [3], 1, 3) == 0
    np.testing.assert_array_equal(y[1:3], (np.maximum(a + b, 0) * s)[1:3])
    assert (y[[0, 3]] == 7).all()


def test_row_kernel_reads_back_what_it_wrote():
    operands = (Operand("x", "float32", 2), Operand("y", "float32", 2, "rw"))
    constants = (
        Constant("c0", "float32", -math.inf),
        Constant("c1", "float32", 0.0),
        Constant("c2", "float32", 1.0),
    )
    kernel = Kernel("fused_softmax", SOFTMAX, operands, constants, ("n",))
    x = np.random.default_rng(1).normal(size=(2, 5)).astype("f4")
    y = np.zeros_like(x)
    assert plain.run_kernel(kernel, [x, y], [5], 0, 2) == 0
    e = np.exp(x - x.max(1, keepdims=True))
    np.testing.assert_allclose(y, e / e.sum(1, keepdims=True), rtol=1e-6)


def test_a_failed_check_comes_back_as_its_bit():
    operands = (
        Operand("index", "int32", 1),
        Operand("table", "float64", 1),
        Operand("y", "float64", 1, "w"),
    )
    kernel = Kernel("fused_gather", GATHER, operands, (), ("n",))
    table, y = np.arange(4.0), np.zeros(2)
    assert plain.run_kernel(kernel, [np.array([3, 1], "i4"), table, y], [4], 0, 2) == 0
    assert y.tolist() == [3, 1]
    assert plain.run_kernel(kernel, [np.array([-1, 1], "i4"), table, y], [4], 0, 2) == 8


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_storage_types_load_and_store_float32(dtype):
    storage = plain.View(
        Operand("x", dtype, 1, "rw"), np.zeros(3, plain.dtypes.as_dtype(dtype).numpy)
    )
    for i, value in enumerate([1.5, -0.1, math.inf]):
        storage[i] = np.float32(value)
        loaded = storage[i]
        assert type(loaded) is np.float32
        assert loaded == value or abs(loaded - value) < 1e-3
        assert word(f"to_{dtype}", np.float32(value)) == loaded


def test_bfloat16_rounds_ties_to_even_and_keeps_nan():
    def rounded(bits):
        return int(vocabulary.bfloat16_bits(np.uint32(bits).view(np.float32)))

    assert rounded(0x3F808000) == 0x3F80
    assert rounded(0x3F818000) == 0x3F82
    assert rounded(0x3F808001) == 0x3F81
    assert rounded(0x7F7FFFFF) == 0x7F80
    assert math.isnan(vocabulary.bfloat16_value(np.uint16(rounded(0x7F800001))))


def test_plain_target_refuses_an_index_outside_the_operand():
    kernel = copy_kernel("float32", "float32", "x[i - 1]")
    with pytest.raises(
        AssertionError, match=r"operand 'x' has shape \[2\], and the text indexes -1"
    ):
        plain.run_kernel(kernel, [np.zeros(2, "f4"), np.zeros(2, "f4")], [], 0, 2)


def test_plain_target_refuses_a_store_of_another_dtype():
    kernel = copy_kernel("float32", "float32", "to_float64(x[i])")
    with pytest.raises(AssertionError, match="holds float32, and the text stores a float64"):
        plain.run_kernel(kernel, [np.zeros(2, "f4"), np.zeros(2, "f4")], [], 0, 2)


def test_plain_target_refuses_a_write_to_a_read_only_operand():
    kernel = copy_kernel("float32", "float32", "x[i]", access="r")
    with pytest.raises(AssertionError, match="operand 'y' is only read"):
        plain.run_kernel(kernel, [np.zeros(2, "f4"), np.zeros(2, "f4")], [], 0, 2)


def test_a_kernel_keeps_its_text_in_tracebacks():
    kernel = copy_kernel("float32", "float32", "x[i + 5]")
    with pytest.raises(AssertionError) as raised:
        plain.run_kernel(kernel, [np.zeros(2, "f4"), np.zeros(2, "f4")], [], 0, 2)
    assert any("y[i] = x[i + 5]" in str(entry.statement) for entry in raised.traceback)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint32"])
def test_integer_words_keep_the_dtype_and_wrap(dtype):
    scalar = np.dtype(dtype).type
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    assert word("add", scalar(high), scalar(1)) == low
    assert word("sub", scalar(low), scalar(1)) == high
    assert word("neg", scalar(low)) == low
    assert word("abs", scalar(low)) == low
    for name in (
        "add",
        "mul",
        "floordiv",
        "floormod",
        "truncdiv",
        "bit_xor",
        "maximum",
        "shift_left",
    ):
        assert type(word(name, scalar(5), scalar(3))) is scalar, name


@pytest.mark.parametrize("name", ["floordiv", "floormod", "truncdiv", "truncmod"])
def test_integer_division_by_zero_gives_zero(name):
    assert word(name, np.int32(7), np.int32(0)) == 0
    assert word(name, np.uint8(7), np.uint8(0)) == 0


def test_integer_divisions_round_as_named():
    a, b = np.int32(-7), np.int32(2)
    assert (word("floordiv", a, b), word("floormod", a, b)) == (-4, 1)
    assert (word("truncdiv", a, b), word("truncmod", a, b)) == (-3, -1)
    least = np.int32(-(2**31))
    assert word("truncdiv", least, np.int32(-1)) == least


def test_minimum_and_maximum_keep_nan_and_order_zeros():
    nan, one = np.float32(math.nan), np.float32(1)
    for name in ("minimum", "maximum"):
        assert math.isnan(word(name, nan, one))
        assert math.isnan(word(name, one, nan))
    assert not np.signbit(word("maximum", np.float32(-0.0), np.float32(0)))
    assert np.signbit(word("minimum", np.float32(0), np.float32(-0.0)))


def test_sign_keeps_nan_and_is_integral():
    assert math.isnan(word("sign", np.float64(math.nan)))
    assert [word("sign", np.int16(x)) for x in (-9, 0, 4)] == [-1, 0, 1]


def test_every_float_word_keeps_its_dtype_on_ordinary_operands():
    for name, row in vocabulary.WORDS.items():
        if row.takes == "float":
            for scalar in (np.float32, np.float64):
                result = word(name, *([scalar(0.5)] * row.arity))
                whole = {np.float32: np.complex64, np.float64: np.complex128}[scalar]
                expected = {"same": scalar, "complex": whole}.get(row.gives, np.bool_)
                assert type(result) is expected, name


def test_pow_of_a_half_is_no_square_root():
    assert word("pow", np.float64(-math.inf), np.float64(0.5)) == math.inf
    assert not np.signbit(word("pow", np.float32(-0.0), np.float32(0.5)))


def test_erfinv_inverts_erf_to_the_last_digits():
    for y in (1e-300, 1e-8, 0.1, 0.4769, 0.9, 0.999999, 1 - 2**-53):
        for signed in (y, -y):
            assert math.isclose(math.erf(vocabulary.erfinv(signed)), signed, rel_tol=4e-16)
    assert vocabulary.erfinv(1.0) == math.inf
    assert math.isnan(vocabulary.erfinv(1.5))


def test_casts_truncate_toward_zero_and_wrap():
    assert word("to_int32", np.float32(-2.7)) == -2
    assert word("to_uint8", np.int32(300)) == 44
    assert word("to_bool", np.float64(0.25)) == np.True_
    assert type(word("to_float32", 7)) is np.float32
    assert type(word("to_int32", True)) is np.int32


def test_bitcasts_are_the_bits():
    assert word("bitcast_int32", np.float32(1)) == 0x3F800000
    assert word("bitcast_float64", np.int64(0x3FF0000000000000)) == 1.0


def test_philox_gives_the_published_words():
    # known answers of the authors' Random123 library for philox4x32-10
    assert philox_block(0, 0, 0) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    ones = 2**64 - 1
    assert philox_block(ones, ones, ones) == (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)
    pi = philox_block(0x299F31D0A4093822, 0x0370734413198A2E, 0x85A308D3243F6A88)
    assert pi == (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)


def test_uniform32_is_the_top_24_bits_in_zero_one():
    assert word("uniform32", np.uint32(0xFFFFFFFF)) == np.float32(1 - 2**-24)
    assert word("uniform32", np.uint32(255)) == 0
    assert word("philox_word", 0, 0, 0, 2) == 0xBC57AC4C
