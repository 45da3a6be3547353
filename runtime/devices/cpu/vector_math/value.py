"""Scalar LLVM values with operators, so that a polynomial reads as one.

Everything built here is branch-free and carries no fast-math flag: LLVM's loop vectoriser turns it
into full-width code and may not reorder it.  A Python number beside a value becomes a constant of
its type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from llvmlite import ir

INT32, INT64 = ir.IntType(32), ir.IntType(64)
FLOAT, DOUBLE = ir.FloatType(), ir.DoubleType()


# What a word is to a target: the builder, then its operands.
Emitter = Callable[..., ir.Value]


class Value:
    """A float, double, integer or i1 value under construction."""

    __slots__ = ("builder", "ir")

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.builder = builder
        self.ir = value

    @property
    def type(self) -> ir.Type:
        return self.ir.type

    @property
    def is_double(self) -> bool:
        return self.type == DOUBLE

    @property
    def is_float(self) -> bool:
        return self.type in (FLOAT, DOUBLE)

    @property
    def bits_type(self) -> ir.IntType:
        """The integer type as wide as this float."""
        return INT64 if self.is_double else INT32

    def constant(self, number: float) -> Value:
        """``number`` in the type of this value; a float32 constant is rounded here, once."""
        if self.type == FLOAT:
            number = float(np.float32(number))
        return Value(self.builder, ir.Constant(self.type, number))

    def _operand(self, other: Value | float) -> ir.Value:
        return other.ir if isinstance(other, Value) else self.constant(other).ir

    def _binary(self, floating: str, integer: str, other: Value | float) -> Value:
        build = getattr(self.builder, floating if self.is_float else integer)
        return Value(self.builder, build(self.ir, self._operand(other)))

    def __add__(self, other: Value | float) -> Value:
        return self._binary("fadd", "add", other)

    def __sub__(self, other: Value | float) -> Value:
        return self._binary("fsub", "sub", other)

    def __rsub__(self, other: float) -> Value:
        return self.constant(other) - self

    def __mul__(self, other: Value | float) -> Value:
        return self._binary("fmul", "mul", other)

    def __truediv__(self, other: Value | float) -> Value:
        return Value(self.builder, self.builder.fdiv(self.ir, self._operand(other)))

    def __rtruediv__(self, other: float) -> Value:
        return self.constant(other) / self

    def __neg__(self) -> Value:
        return Value(self.builder, self.builder.fneg(self.ir))

    def __and__(self, other: Value | int) -> Value:
        return Value(self.builder, self.builder.and_(self.ir, self._operand(other)))

    def __or__(self, other: Value | int) -> Value:
        return Value(self.builder, self.builder.or_(self.ir, self._operand(other)))

    def __xor__(self, other: Value | int) -> Value:
        return Value(self.builder, self.builder.xor(self.ir, self._operand(other)))

    def __lshift__(self, amount: Value | int) -> Value:
        return Value(self.builder, self.builder.shl(self.ir, self._operand(amount)))

    def __rshift__(self, amount: Value | int) -> Value:
        """Arithmetic shift: keeps the sign."""
        return Value(self.builder, self.builder.ashr(self.ir, self._operand(amount)))

    def unsigned_shift(self, amount: Value | int) -> Value:
        return Value(self.builder, self.builder.lshr(self.ir, self._operand(amount)))

    def _compare(self, relation: str, other: Value | float) -> Value:
        build = self.builder.fcmp_ordered if self.is_float else self.builder.icmp_signed
        return Value(self.builder, build(relation, self.ir, self._operand(other)))

    def __lt__(self, other: Value | float) -> Value:
        return self._compare("<", other)

    def __le__(self, other: Value | float) -> Value:
        return self._compare("<=", other)

    def __gt__(self, other: Value | float) -> Value:
        return self._compare(">", other)

    def __ge__(self, other: Value | float) -> Value:
        return self._compare(">=", other)

    def equals(self, other: Value | float) -> Value:
        return self._compare("==", other)

    def below_unsigned(self, other: Value | int) -> Value:
        compared = self.builder.icmp_unsigned("<", self.ir, self._operand(other))
        return Value(self.builder, compared)

    def is_nan(self) -> Value:
        return Value(self.builder, self.builder.fcmp_unordered("uno", self.ir, self.ir))

    def select(self, then: Value | float, otherwise: Value | float) -> Value:
        """``then`` where this condition holds; at least one of the two is a Value."""
        like = then if isinstance(then, Value) else otherwise
        assert isinstance(like, Value)
        chosen = self.builder.select(self.ir, like._operand(then), like._operand(otherwise))
        return Value(self.builder, chosen)

    def bits(self) -> Value:
        return Value(self.builder, self.builder.bitcast(self.ir, self.bits_type))

    def as_float(self) -> Value:
        """The float whose bits this integer is."""
        wide = self.type == INT64
        return Value(self.builder, self.builder.bitcast(self.ir, DOUBLE if wide else FLOAT))

    def converted(self) -> Value:
        """The float equal to this signed integer."""
        wide = self.type == INT64
        return Value(self.builder, self.builder.sitofp(self.ir, DOUBLE if wide else FLOAT))

    def widened(self) -> Value:
        """This int32, read as unsigned, as an int64."""
        return Value(self.builder, self.builder.zext(self.ir, INT64))

    def narrowed(self) -> Value:
        """The low half of this int64."""
        return Value(self.builder, self.builder.trunc(self.ir, INT32))

    def extended(self) -> Value:
        """This float as a double."""
        return Value(self.builder, self.builder.fpext(self.ir, DOUBLE))

    def rounded(self) -> Value:
        """This double as a float."""
        return Value(self.builder, self.builder.fptrunc(self.ir, FLOAT))

    def call(self, name: str, *others: Value | float) -> Value:
        """An LLVM intrinsic over values of this one type, such as ``fabs``."""
        intrinsic = self.builder.module.declare_intrinsic(
            f"llvm.{name}", [self.type], ir.FunctionType(self.type, [self.type] * (1 + len(others)))
        )
        operands = [self.ir, *(self._operand(other) for other in others)]
        return Value(self.builder, self.builder.call(intrinsic, operands))

    def fma(self, factor: Value | float, addend: Value | float) -> Value:
        return self.call("fma", factor, addend)

    def abs(self) -> Value:
        return self.call("fabs")

    def sqrt(self) -> Value:
        return self.call("sqrt")

    def with_sign_of(self, other: Value) -> Value:
        return self.call("copysign", other)

    def at_least(self, bound: float) -> Value:
        """The larger of this and ``bound``; NaN stays NaN (one ``max`` instruction)."""
        return (self < bound).select(bound, self)

    def at_most(self, bound: float) -> Value:
        return (self > bound).select(bound, self)

    def polynomial(self, coefficients: Sequence[float]) -> Value:
        """Horner's rule in this value; highest power first."""
        result = self.constant(coefficients[0])
        for coefficient in coefficients[1:]:
            result = result.fma(self, coefficient)
        return result
