"""What words are made of: instructions for LLVM values, a function per idea.

Straight-line code that cannot trap.  The table in ``words`` says which word uses which.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from graphc.codegen.philox import KEY_STEPS, MULTIPLIERS, ROUNDS
from runtime.devices.cpu import refs
from runtime.devices.cpu.refs import F32, F64, I32, I64, VALUES

# A body needs only the values, for one kind of dtype.
Body = Callable[..., ir.Value]


def is_float(dtype: str) -> bool:
    return dtype in ("float32", "float64")


def is_integer(dtype: str) -> bool:
    return dtype in VALUES and dtype != "bool" and not is_float(dtype)


def is_signed(dtype: str) -> bool:
    return dtype.startswith("int")


def intrinsic(
    builder: ir.IRBuilder, name: str, *values: ir.Value, flags: tuple[str, ...] = ()
) -> ir.Value:
    """A call of ``llvm.<name>`` for the type of the first value: always lowered in line."""
    kind = values[0].type
    suffix = f"i{kind.width}" if isinstance(kind, ir.IntType) else {F32: "f32", F64: "f64"}[kind]
    full = f"llvm.{name}.{suffix}"
    function = builder.module.globals.get(full)
    if function is None:
        signature = ir.FunctionType(kind, [value.type for value in values])
        function = ir.Function(builder.module, signature, full)
    return builder.call(function, values, fastmath=flags)


def zero_of(value: ir.Value) -> ir.Constant:
    return ir.Constant(value.type, 0)


def negate(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.sub(zero_of(x), x)


def absolute(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.select(builder.icmp_signed("<", x, zero_of(x)), negate(builder, x), x)


def sign_float(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    zero, one = ir.Constant(x.type, 0.0), ir.Constant(x.type, 1.0)
    below = builder.select(builder.fcmp_ordered("<", x, zero), ir.Constant(x.type, -1.0), x)
    below = builder.select(builder.fcmp_ordered("==", x, zero), zero, below)
    return builder.select(builder.fcmp_ordered(">", x, zero), one, below)


def sign_integer(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    above = builder.zext(builder.icmp_signed(">", x, zero_of(x)), x.type)
    return builder.sub(above, builder.zext(builder.icmp_signed("<", x, zero_of(x)), x.type))


def sign_unsigned(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.zext(builder.icmp_unsigned("!=", x, zero_of(x)), x.type)


# Division.  The machine traps on x / 0 and on least / -1, so no divisor of either kind reaches it.
# Up to 32 bits the quotient goes through float64, which is exact there and which vectorises.


def truncdiv_signed(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    width = a.type.width
    zero, one = ir.Constant(a.type, 0), ir.Constant(a.type, 1)
    is_zero = builder.icmp_signed("==", b, zero)
    if width <= 32:
        divisor = builder.select(is_zero, one, b)
        quotient = builder.fdiv(builder.sitofp(a, F64), builder.sitofp(divisor, F64))
        # least / -1 is one above the largest: through int64 it wraps instead of being undefined
        wide = builder.fptosi(quotient, I64) if width == 32 else builder.fptosi(quotient, I32)
        quotient = builder.trunc(wide, a.type)
    else:
        is_minus_one = builder.icmp_signed("==", b, ir.Constant(a.type, -1))
        divisor = builder.select(builder.or_(is_zero, is_minus_one), one, b)
        quotient = builder.sdiv(a, divisor)
        quotient = builder.select(is_minus_one, negate(builder, a), quotient)
    return builder.select(is_zero, zero, quotient)


def div_unsigned(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    zero, one = ir.Constant(a.type, 0), ir.Constant(a.type, 1)
    is_zero = builder.icmp_unsigned("==", b, zero)
    divisor = builder.select(is_zero, one, b)
    if a.type.width <= 32:
        quotient = builder.fdiv(builder.uitofp(a, F64), builder.uitofp(divisor, F64))
        quotient = builder.trunc(builder.fptosi(quotient, I64), a.type)
    else:
        quotient = builder.udiv(a, divisor)
    return builder.select(is_zero, zero, quotient)


def remainder(divide: Body) -> Body:
    """a - (a / b) * b, and 0 where b is 0."""

    def body(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
        rest = builder.sub(a, builder.mul(divide(builder, a, b), b))
        return builder.select(builder.icmp_signed("==", b, zero_of(b)), zero_of(b), rest)

    return body


def floordiv_signed(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    quotient = truncdiv_signed(builder, a, b)
    rest = builder.sub(a, builder.mul(quotient, b))
    inexact = builder.icmp_signed("!=", rest, zero_of(b))
    opposite = builder.icmp_signed("<", builder.xor(a, b), zero_of(b))
    lower = builder.and_(builder.and_(inexact, opposite), builder.icmp_signed("!=", b, zero_of(b)))
    return builder.sub(quotient, builder.zext(lower, a.type))


def quotient_float(rounding: str) -> Body:
    return lambda builder, a, b: intrinsic(builder, rounding, builder.fdiv(a, b))


# A quotient is taken off 52 bits at a time.  A float32 one has up to 277 bits, so six steps make
# every float32 remainder exact; float64 ones are while the quotient is below 2**150.
REMAINDER_STEPS = {F32: 6, F64: 3}


def truncmod_float(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    """The remainder with the sign of a.

    ``rest - quotient * b`` is exact for a quotient of 53 bits; rounded up it leaves a rest of the
    other sign, which the next step or the last line makes good.
    """
    wide_a, wide_b = (builder.fpext(x, F64) if x.type == F32 else x for x in (a, b))
    zero, infinity = F64(0.0), F64(float("inf"))
    divisor = intrinsic(builder, "fabs", wide_b)
    rest = intrinsic(builder, "fabs", wide_a)
    for _ in range(REMAINDER_STEPS[a.type]):
        quotient = intrinsic(builder, "trunc", builder.fdiv(rest, divisor))
        rest = intrinsic(builder, "fma", builder.fneg(quotient), divisor, rest)
    below = builder.fcmp_ordered("<", rest, zero)
    rest = builder.select(below, builder.fadd(rest, divisor), rest)
    # an infinite divisor leaves a finite a as it is, where 0 * inf would make a NaN of it
    whole = builder.and_(
        builder.fcmp_ordered("==", divisor, infinity),
        builder.fcmp_ordered("<", intrinsic(builder, "fabs", wide_a), infinity),
    )
    rest = builder.select(whole, intrinsic(builder, "fabs", wide_a), rest)
    rest = intrinsic(builder, "copysign", rest, wide_a)
    return builder.fptrunc(rest, F32) if a.type == F32 else rest


def floormod_float(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    rest = truncmod_float(builder, a, b)
    zero = ir.Constant(a.type, 0.0)
    opposite = builder.xor(
        builder.fcmp_ordered("<", rest, zero), builder.fcmp_ordered("<", b, zero)
    )
    off = builder.and_(builder.fcmp_unordered("!=", rest, zero), opposite)
    return builder.select(off, builder.fadd(rest, b), rest)


# An amount outside the width has no meaning in the vocabulary; masked, it at least has a value.
def shift(method: str) -> Body:
    def body(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
        return getattr(builder, method)(a, builder.and_(b, ir.Constant(b.type, b.type.width - 1)))

    return body


def is_finite(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.fcmp_ordered(
        "<", intrinsic(builder, "fabs", x), ir.Constant(x.type, float("inf"))
    )


def is_infinite(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.fcmp_ordered(
        "==", intrinsic(builder, "fabs", x), ir.Constant(x.type, float("inf"))
    )


def rsqrt(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.fdiv(ir.Constant(x.type, 1.0), intrinsic(builder, "sqrt", x))


def cast(builder: ir.IRBuilder, value: ir.Value, source: str, target: str) -> ir.Value:
    """``value`` as a ``target``; to a 16-bit float it is rounded and stays float32."""
    if target == "float16":
        if source == "float64":
            single = _single(builder, value)
        else:
            single = cast(builder, value, source, "float32")
        return builder.fpext(builder.fptrunc(single, refs.F16), F32)
    if target == "bfloat16":
        bits = refs.bfloat16_bits(builder, cast(builder, value, source, "float32"))
        return refs.bfloat16_value(builder, bits)
    if source == target:
        return value
    kind = VALUES[target]
    if target == "bool":
        zero = ir.Constant(value.type, 0)
        if is_float(source):
            return builder.fcmp_unordered("!=", value, zero)
        return builder.icmp_unsigned("!=", value, zero)
    if is_float(source):
        return _cast_float(builder, value, source, target)
    if is_float(target):
        return (builder.sitofp if is_signed(source) else builder.uitofp)(value, kind)
    if kind.width == value.type.width:
        return value
    if kind.width < value.type.width:
        return builder.trunc(value, kind)
    return (builder.sext if is_signed(source) else builder.zext)(value, kind)


def _single(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """A double as float32, behind what LLVM does not see through: of two roundings in a row it may
    make one, for which there is no instruction.

    What is added never holds: that a number has become no number.
    """
    bits = builder.bitcast(builder.fptrunc(value, F32), I32)
    size = builder.and_(bits, ir.Constant(I32, 0x7FFFFFFF))
    lost = builder.icmp_unsigned(">", size, ir.Constant(I32, 0x7F800000))
    never = builder.and_(lost, builder.fcmp_ordered("ord", value, value))
    return builder.bitcast(builder.or_(bits, builder.zext(never, I32)), F32)


def _cast_float(builder: ir.IRBuilder, value: ir.Value, source: str, target: str) -> ir.Value:
    kind = VALUES[target]
    if is_float(target):
        return (builder.fpext if source == "float32" else builder.fptrunc)(value, kind)
    if target == "uint64":
        return builder.fptoui(value, kind)
    # narrow and unsigned targets go through a wider integer, so that they wrap as NumPy's do
    through = I64 if target in ("uint32", "int64") else I32
    whole = builder.fptosi(value, through)
    return builder.trunc(whole, kind) if kind.width < through.width else whole


def philox_word(
    builder: ir.IRBuilder, key: ir.Value, execution: ir.Value, block: ir.Value, word: ir.Value
) -> ir.Value:
    """Four 32-bit lanes kept in int64, so that each round is two 32 x 32 -> 64 bit multiplies.

    Four words of one block cost one block where the text asks for them side by side: they are equal
    subexpressions.
    """

    def low(x: ir.Value) -> ir.Value:
        return builder.and_(x, I64(0xFFFFFFFF))

    def high(x: ir.Value) -> ir.Value:
        return builder.lshr(x, I64(32))

    k0, k1 = low(key), high(key)
    c0, c1, c2, c3 = low(block), high(block), low(execution), high(execution)
    for _ in range(ROUNDS):
        p0, p1 = builder.mul(I64(MULTIPLIERS[0]), c0), builder.mul(I64(MULTIPLIERS[1]), c2)
        c0, c2 = (
            builder.xor(builder.xor(high(p1), c1), k0),
            builder.xor(builder.xor(high(p0), c3), k1),
        )
        c1, c3 = low(p1), low(p0)
        k0 = low(builder.add(k0, I64(KEY_STEPS[0])))
        k1 = low(builder.add(k1, I64(KEY_STEPS[1])))
    chosen = c0
    for position, lane in ((1, c1), (2, c2), (3, c3)):
        chosen = builder.select(builder.icmp_signed("==", word, I64(position)), lane, chosen)
    return builder.trunc(chosen, I32)


def uniform32(builder: ir.IRBuilder, word: ir.Value) -> ir.Value:
    top = builder.lshr(word, I32(8))  # 24 bits, so the signed conversion is exact and cheaper
    return builder.fmul(builder.sitofp(top, F32), F32(2.0**-24))


def power_of_two(builder: ir.IRBuilder, n: ir.Value) -> ir.Value:
    digits, bias, word = (23, 127, I32) if n.type == F32 else (52, 1023, I64)
    least = n.type(-float(bias))  # gives the bits of 0
    held = builder.select(builder.fcmp_ordered("<", n, least), least, n)
    moved = builder.fadd(held, n.type(float(2**digits + bias)))  # n + bias is its last digits
    return builder.bitcast(builder.shl(builder.bitcast(moved, word), word(digits)), n.type)


def bit(builder: ir.IRBuilder, condition: ir.Value, position: ir.Value) -> ir.Value:
    return builder.shl(builder.zext(condition, I64), position)


def lowest_free_bit(builder: ir.IRBuilder, word: ir.Value) -> ir.Value:
    """Set the lowest bit of a word that is 0, and give its number; waits while there is none."""
    one = ir.Constant(ir.IntType(64), 1)
    look, found, after = (builder.append_basic_block(f"slot_{n}") for n in ("look", "found", "is"))
    builder.branch(look)
    builder.position_at_end(look)
    seen = builder.load_atomic(word, "monotonic", 8)
    free = builder.not_(seen)
    builder.cbranch(builder.icmp_unsigned("!=", free, ir.Constant(one.type, 0)), found, look)
    builder.position_at_end(found)
    slot = builder.cttz(free, ir.Constant(ir.IntType(1), 1))
    taken = builder.or_(seen, builder.shl(one, slot))
    pair = builder.cmpxchg(word, seen, taken, "acquire", "monotonic")
    builder.cbranch(builder.extract_value(pair, 1), after, look)
    builder.position_at_end(after)
    return slot
