"""The compiler of the native functions means what Python means, or refuses."""

import ctypes
from collections.abc import Callable

import hypothesis.strategies as st
import pytest
from hypothesis import given

from runtime.devices.cpu import int64, llvm_target, loader

SEVEN = 7


def compiled(*functions: Callable) -> Callable:
    """The first function, compiled; it may call the others."""
    machine = llvm_target.host()
    module = llvm_target.new_module("test", machine)
    int64.emit(module, {f"f_{function.__name__}": function for function in functions})
    text = llvm_target.compile_module(module, machine)
    symbol = f"f_{functions[0].__name__}"
    code = loader.link([text], {symbol: len(text)})[symbol]
    count = functions[0].__code__.co_argcount
    run = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * count)(code.address)
    run.code = code  # type: ignore[attr-defined]  # the address is good while this lives
    return run


def arithmetic(a: int, b: int) -> int:
    c = (a + b * 3) ^ (a & -8)
    c -= b | SEVEN
    return c << 2 if a < b else c >> 3


def choices(a: int, b: int) -> int:
    if a == b:
        return 0
    elif not (a < 0 or b < 0) and a != 5:
        found = a > b
    else:
        found = 10 if a <= b and b >= 0 else 20
    return found + (a and b)


def gcd(a: int, b: int) -> int:
    while b != 0:
        rest = remainder(a, b)
        a = b
        b = rest
    return a


def remainder(a: int, b: int) -> int:
    while True:
        if a < b:
            return a
        a -= b


NUMBERS = st.integers(-(2**40), 2**40)


@pytest.fixture(scope="module")
def arithmetic_compiled() -> Callable:
    return compiled(arithmetic)


@pytest.fixture(scope="module")
def choices_compiled() -> Callable:
    return compiled(choices)


@given(NUMBERS, NUMBERS)
def test_arithmetic_is_pythons(arithmetic_compiled: Callable, a: int, b: int) -> None:
    assert arithmetic_compiled(a, b) == arithmetic(a, b)


@given(st.integers(-6, 6), st.integers(-6, 6))
def test_conditions_are_pythons_with_truth_as_1(choices_compiled: Callable, a: int, b: int) -> None:
    python = choices(a, b) if a == b else choices(a, b) - (a and b) + bool(a and b)
    assert choices_compiled(a, b) == python


def test_functions_call_each_other() -> None:
    assert compiled(gcd, remainder)(84, 36) == 12


def triple(a: int) -> int:
    return a * 3


def test_overflow_wraps() -> None:
    assert compiled(triple)(2**62) == 3 * 2**62 - 2**64


def divides(a: int) -> int:
    return a // 2


def loops_over(a: int) -> int:
    for k in range(a):
        a += k
    return a


def names_nothing(a: int) -> int:
    return a + UNKNOWN  # noqa: F821


def chains(a: int) -> int:
    return 0 < a < 3


def unpacks(a: int) -> int:
    a, b = a, a
    return b


def is_unreachable(a: int) -> int:
    while True:
        return a
        a += 1


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (divides, "a // 2"),
        (loops_over, "for k in range(a)"),
        (names_nothing, "UNKNOWN"),
        (chains, "0 < a < 3"),
        (unpacks, "a, b = "),
        (is_unreachable, "a += 1"),
    ],
)
def test_what_is_outside_the_subset_is_refused(function: Callable, text: str) -> None:
    with pytest.raises(SyntaxError) as error:
        compiled(function)
    assert f"{function.__name__}, line" in str(error.value)
    assert text in str(error.value)
