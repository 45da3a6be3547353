"""The kernel vocabulary as LLVM IR: for every word, the instructions it stands for.

What a word takes and gives is said once, in :mod:`graphc.codegen.vocabulary`; here is only how the CPU
computes it.  What must stay true:

* Straight-line code only: no call that stays a call, no branch, so that element loops vectorise.
* Nothing traps: integer division guards its divisor.
* Only the plain operators ``+ - * /`` carry fast-math flags (contract, nsz), and the accumulating words
  reassoc besides; the vector math words carry none, their compensated arithmetic would not survive it.
* NaN and infinities are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from llvmlite import ir

from graphc.codegen import vocabulary
from graphc.codegen.philox import KEY_STEPS, MULTIPLIERS, ROUNDS
from graphc.errors import InternalError
from runtime.devices.cpu import refs
from runtime.devices.cpu.refs import F32, F64, I32, I64, VALUES

FLAGS = ("contract", "nsz")
ACCUMULATE_FLAGS = ("contract", "nsz", "reassoc")

Rule = Callable[[tuple[Any, ...]], Any]
Emit = Callable[[ir.IRBuilder, tuple[Any, ...], tuple[Any, ...]], Any]
# A body that needs only the values, for one kind of dtype.
Body = Callable[..., ir.Value]


@dataclass(frozen=True, eq=False)
class Word:
    """A name kernel text can call: ``rule`` gives the result's type, ``emit`` its instructions.

    A type is the name of a dtype, a ``Ref``, or a tuple of types.  ``rule`` raises TypeError.
    """

    name: str
    rule: Rule
    emit: Emit


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


# --- rules: what a word takes and gives -----------------------------------------------------------

_TAKES: dict[str, Callable[[str], bool]] = {
    "float": is_float,
    "integer": is_integer,
    "number": lambda dtype: is_float(dtype) or is_integer(dtype),
    "bool": lambda dtype: dtype == "bool",
    "any": lambda dtype: dtype in VALUES,
}


def vocabulary_rule(word: vocabulary.Word) -> Rule:
    """The rule the vocabulary states for ``word``: one dtype for all operands, of the kind it takes."""
    takes = _TAKES[word.takes]

    def rule(dtypes: tuple[Any, ...]) -> str:
        if len(dtypes) != word.arity:
            raise TypeError(f"takes {word.arity} operands, got {len(dtypes)}")
        operands = dtypes[1:] if word.name == "where" else dtypes
        if word.name == "where" and dtypes[0] != "bool":
            raise TypeError(f"takes a condition first, got {dtypes[0]}")
        if len(set(operands)) != 1 or not takes(operands[0]):
            raise TypeError(
                f"takes operands of one dtype, of kind '{word.takes}', got {_list(operands)}"
            )
        return operands[0] if word.gives == "same" else word.gives

    return rule


def exact_rule(gives: str, *takes: str) -> Rule:
    """Operands of exactly these dtypes; ``index`` is any integer."""

    def rule(dtypes: tuple[Any, ...]) -> str:
        fits = len(dtypes) == len(takes) and all(
            is_integer(got) if want == "index" else got == want
            for got, want in zip(dtypes, takes, strict=True)
        )
        if not fits:
            raise TypeError(f"takes ({', '.join(takes)}), got ({_list(dtypes)})")
        return gives

    return rule


def _list(dtypes: tuple[Any, ...]) -> str:
    return ", ".join(str(dtype) for dtype in dtypes)


# --- bodies ---------------------------------------------------------------------------------------


def by_kind(
    *, floating: Body | None = None, signed: Body | None = None, unsigned: Body | None = None,
    boolean: Body | None = None,
) -> Emit:  # fmt: skip
    """An emitter that picks its body by the dtype of the last operand; ``unsigned`` defaults to ``signed``."""

    def emit(
        builder: ir.IRBuilder, dtypes: tuple[str, ...], values: tuple[ir.Value, ...]
    ) -> ir.Value:
        dtype = dtypes[-1]
        if is_float(dtype):
            body = floating
        elif dtype == "bool":
            body = boolean
        else:
            body = signed if is_signed(dtype) else (unsigned or signed)
        if body is None:
            raise TypeError(f"has no meaning for {dtype}")
        return body(builder, *values)

    return emit


def _method(name: str, **options: Any) -> Body:
    """The IRBuilder method ``name``, applied to the values."""
    return lambda builder, *values: getattr(builder, name)(*values, **options)


def _intrinsic(name: str, flags: tuple[str, ...] = ()) -> Body:
    return lambda builder, *values: intrinsic(builder, name, *values, flags=flags)


def _compare(sign: str) -> Emit:
    def ordered(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
        # a != b must hold for NaN, every other comparison must not
        compare = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
        return compare(sign, a, b)

    unsigned = lambda builder, a, b: builder.icmp_unsigned(sign, a, b)  # noqa: E731
    signed = lambda builder, a, b: builder.icmp_signed(sign, a, b)  # noqa: E731
    return by_kind(floating=ordered, signed=signed, unsigned=unsigned, boolean=unsigned)


def _zero(value: ir.Value) -> ir.Constant:
    return ir.Constant(value.type, 0)


def _negate(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.sub(_zero(x), x)


def _absolute(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.select(builder.icmp_signed("<", x, _zero(x)), _negate(builder, x), x)


def _sign_float(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    zero, one = ir.Constant(x.type, 0.0), ir.Constant(x.type, 1.0)
    below = builder.select(builder.fcmp_ordered("<", x, zero), ir.Constant(x.type, -1.0), x)
    below = builder.select(builder.fcmp_ordered("==", x, zero), zero, below)
    return builder.select(builder.fcmp_ordered(">", x, zero), one, below)


def _sign_integer(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    above = builder.zext(builder.icmp_signed(">", x, _zero(x)), x.type)
    return builder.sub(above, builder.zext(builder.icmp_signed("<", x, _zero(x)), x.type))


def _sign_unsigned(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.zext(builder.icmp_unsigned("!=", x, _zero(x)), x.type)


# Division.  The machine traps on x / 0 and on least / -1, so no divisor of either kind reaches it.
# Up to 32 bits the quotient goes through float64, which is exact there and which vectorises.


def _truncdiv_signed(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
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
        quotient = builder.select(is_minus_one, _negate(builder, a), quotient)
    return builder.select(is_zero, zero, quotient)


def _div_unsigned(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    zero, one = ir.Constant(a.type, 0), ir.Constant(a.type, 1)
    is_zero = builder.icmp_unsigned("==", b, zero)
    divisor = builder.select(is_zero, one, b)
    if a.type.width <= 32:
        quotient = builder.fdiv(builder.uitofp(a, F64), builder.uitofp(divisor, F64))
        quotient = builder.trunc(builder.fptosi(quotient, I64), a.type)
    else:
        quotient = builder.udiv(a, divisor)
    return builder.select(is_zero, zero, quotient)


def _remainder(divide: Body) -> Body:
    """a - (a / b) * b, and 0 where b is 0."""

    def body(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
        rest = builder.sub(a, builder.mul(divide(builder, a, b), b))
        return builder.select(builder.icmp_signed("==", b, _zero(b)), _zero(b), rest)

    return body


def _floordiv_signed(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    quotient = _truncdiv_signed(builder, a, b)
    rest = builder.sub(a, builder.mul(quotient, b))
    inexact = builder.icmp_signed("!=", rest, _zero(b))
    opposite = builder.icmp_signed("<", builder.xor(a, b), _zero(b))
    lower = builder.and_(builder.and_(inexact, opposite), builder.icmp_signed("!=", b, _zero(b)))
    return builder.sub(quotient, builder.zext(lower, a.type))


def _quotient_float(rounding: str) -> Body:
    return lambda builder, a, b: intrinsic(builder, rounding, builder.fdiv(a, b))


def _truncmod_float(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    """The remainder with the sign of a, exact while the quotient is below 2**53."""
    wide_a, wide_b = (builder.fpext(x, F64) if x.type == F32 else x for x in (a, b))
    quotient = intrinsic(builder, "trunc", builder.fdiv(wide_a, wide_b))
    rest = intrinsic(builder, "fma", builder.fneg(quotient), wide_b, wide_a)
    # with an infinite divisor the quotient is 0, and 0 * inf must not make a NaN of it
    is_whole = builder.fcmp_ordered("==", quotient, F64(0.0))
    rest = builder.select(is_whole, wide_a, rest)
    return builder.fptrunc(rest, F32) if a.type == F32 else rest


def _floormod_float(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    rest = _truncmod_float(builder, a, b)
    zero = ir.Constant(a.type, 0.0)
    opposite = builder.xor(
        builder.fcmp_ordered("<", rest, zero), builder.fcmp_ordered("<", b, zero)
    )
    off = builder.and_(builder.fcmp_unordered("!=", rest, zero), opposite)
    return builder.select(off, builder.fadd(rest, b), rest)


# An amount outside the width has no meaning in the vocabulary; masked, it at least has a value.
def _shift(method: str) -> Body:
    def body(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
        return getattr(builder, method)(a, builder.and_(b, ir.Constant(b.type, b.type.width - 1)))

    return body


def _is_finite(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.fcmp_ordered(
        "<", intrinsic(builder, "fabs", x), ir.Constant(x.type, float("inf"))
    )


def _is_infinite(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.fcmp_ordered(
        "==", intrinsic(builder, "fabs", x), ir.Constant(x.type, float("inf"))
    )


def _rsqrt(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.fdiv(ir.Constant(x.type, 1.0), intrinsic(builder, "sqrt", x))


# --- casts ----------------------------------------------------------------------------------------


def cast(builder: ir.IRBuilder, value: ir.Value, source: str, target: str) -> ir.Value:
    """``value`` of dtype ``source`` as ``target``; to a 16-bit float it is rounded and stays float32."""
    if target == "float16":
        half = builder.fptrunc(cast(builder, value, source, "float32"), refs.F16)
        return builder.fpext(half, F32)
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


def _cast_word(target: str) -> Emit:
    return lambda builder, dtypes, values: cast(builder, values[0], dtypes[0], target)


def _bitcast_word(target: str) -> Emit:
    kind = VALUES[target]

    def emit(builder: ir.IRBuilder, _: tuple[str, ...], values: tuple[ir.Value, ...]) -> ir.Value:
        return values[0] if values[0].type == kind else builder.bitcast(values[0], kind)

    return emit


def _bitcast_rule(word: vocabulary.Word) -> Rule:
    def rule(dtypes: tuple[Any, ...]) -> str:
        if len(dtypes) != 1 or refs.BYTES.get(dtypes[0]) != refs.BYTES[word.gives]:
            raise TypeError(
                f"takes one operand of {refs.BYTES[word.gives]} bytes, got {_list(dtypes)}"
            )
        return word.gives

    return rule


# --- random bits, checks --------------------------------------------------------------------------


def _philox_word(
    builder: ir.IRBuilder, key: ir.Value, execution: ir.Value, block: ir.Value, word: ir.Value
) -> ir.Value:
    """Four 32-bit lanes kept in int64, so that each round is two 32 x 32 -> 64 bit multiplies.

    Four words of one block cost one block where the text asks for them side by side: they are equal
    subexpressions.
    """
    mask, half = I64(0xFFFFFFFF), I64(32)
    low = lambda x: builder.and_(x, mask)  # noqa: E731
    high = lambda x: builder.lshr(x, half)  # noqa: E731
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


def _uniform32(builder: ir.IRBuilder, word: ir.Value) -> ir.Value:
    top = builder.lshr(word, I32(8))  # 24 bits, so the signed conversion is exact and cheaper
    return builder.fmul(builder.sitofp(top, F32), F32(2.0**-24))


def _out_of_range(
    builder: ir.IRBuilder, dtypes: tuple[str, ...], values: tuple[ir.Value, ...]
) -> ir.Value:
    index = cast(builder, values[0], dtypes[0], "int64")
    return builder.icmp_unsigned(">=", index, values[1])


def _bit(builder: ir.IRBuilder, condition: ir.Value, position: ir.Value) -> ir.Value:
    return builder.shl(builder.zext(condition, I64), position)


def _plain(body: Body) -> Emit:
    """An emitter whose body is the same for every dtype."""
    return lambda builder, _, values: body(builder, *values)


_BODIES: dict[str, Emit] = {
    "add": by_kind(floating=_method("fadd", flags=FLAGS), signed=_method("add")),
    "sub": by_kind(floating=_method("fsub", flags=FLAGS), signed=_method("sub")),
    "mul": by_kind(floating=_method("fmul", flags=FLAGS), signed=_method("mul")),
    "neg": by_kind(floating=_method("fneg"), signed=_negate),
    "abs": by_kind(floating=_intrinsic("fabs"), signed=_absolute, unsigned=lambda _, x: x),
    "sign": by_kind(floating=_sign_float, signed=_sign_integer, unsigned=_sign_unsigned),
    "floordiv": by_kind(
        floating=_quotient_float("floor"), signed=_floordiv_signed, unsigned=_div_unsigned
    ),
    "truncdiv": by_kind(
        floating=_quotient_float("trunc"), signed=_truncdiv_signed, unsigned=_div_unsigned
    ),
    "floormod": by_kind(
        floating=_floormod_float,
        signed=_remainder(_floordiv_signed),
        unsigned=_remainder(_div_unsigned),
    ),
    "truncmod": by_kind(
        floating=_truncmod_float,
        signed=_remainder(_truncdiv_signed),
        unsigned=_remainder(_div_unsigned),
    ),
    "minimum": by_kind(
        floating=_intrinsic("minimum", ("nsz",)), signed=_intrinsic("smin"), unsigned=_intrinsic("umin")
    ),
    "maximum": by_kind(
        floating=_intrinsic("maximum", ("nsz",)), signed=_intrinsic("smax"), unsigned=_intrinsic("umax")
    ),
    "accumulate": by_kind(floating=_method("fadd", flags=ACCUMULATE_FLAGS), signed=_method("add")),
    "accumulate_mul": by_kind(
        floating=_method("fmul", flags=ACCUMULATE_FLAGS), signed=_method("mul")
    ),
    "bit_and": _plain(_method("and_")),
    "bit_or": _plain(_method("or_")),
    "bit_xor": _plain(_method("xor")),
    "invert": _plain(_method("not_")),
    "shift_left": _plain(_shift("shl")),
    "shift_right": by_kind(signed=_shift("ashr"), unsigned=_shift("lshr")),
    "eq": _compare("=="),
    "ne": _compare("!="),
    "lt": _compare("<"),
    "le": _compare("<="),
    "gt": _compare(">"),
    "ge": _compare(">="),
    "logical_and": _plain(_method("and_")),
    "logical_or": _plain(_method("or_")),
    "logical_not": _plain(_method("not_")),
    "where": _plain(_method("select")),
    "sqrt": _plain(_intrinsic("sqrt")),
    "rsqrt": _plain(_rsqrt),
    "floor": _plain(_intrinsic("floor")),
    "ceil": _plain(_intrinsic("ceil")),
    "rint": _plain(_intrinsic("rint")),
    "trunc": _plain(_intrinsic("trunc")),
    "copysign": _plain(_intrinsic("copysign")),
    "fma": _plain(_intrinsic("fma")),
    "isnan": _plain(lambda builder, x: builder.fcmp_unordered("uno", x, x)),
    "isfinite": _plain(_is_finite),
    "isinf": _plain(_is_infinite),
    "idiv": _plain(_floordiv_signed),
    "imod": _plain(_remainder(_floordiv_signed)),
    "out_of_range": _out_of_range,
    "bit": _plain(_bit),
    "philox_word": _plain(_philox_word),
    "uniform32": _plain(_uniform32),
}

_RULES: dict[str, Rule] = {
    "idiv": exact_rule("int64", "int64", "int64"),
    "imod": exact_rule("int64", "int64", "int64"),
    "out_of_range": exact_rule("bool", "index", "int64"),
    "bit": exact_rule("int64", "bool", "int64"),
    "philox_word": exact_rule("uint32", "int64", "int64", "int64", "int64"),
    "uniform32": exact_rule("float32", "uint32"),
}


def _missing(name: str) -> Emit:
    def emit(*_: Any) -> Any:
        raise InternalError(f"bug in graphc: the CPU has no body for the word '{name}'")

    return emit


@cache
def kernel_words() -> dict[str, Word]:
    """Every word of the vocabulary, ready to emit."""
    from runtime.devices.cpu.vector_math import EMITTERS

    made = {}
    for name, word in vocabulary.WORDS.items():
        rule = _RULES.get(name) or (
            _bitcast_rule(word) if name.startswith("bitcast_") else vocabulary_rule(word)
        )
        if name.startswith("to_"):
            emit = _cast_word(name.removeprefix("to_"))
        elif name.startswith("bitcast_"):
            emit = _bitcast_word(word.gives)
        elif name in _BODIES:
            emit = _BODIES[name]
        elif name in EMITTERS:
            emit = _plain(EMITTERS[name])
        else:
            emit = _missing(name)
        made[name] = Word(name, rule, emit)
    return made


def structure_words(kernel_refs: tuple[refs.Ref, ...], sizes: tuple[str, ...]) -> dict[str, Word]:
    """``views`` and ``sizes`` for one kernel: its argument block taken apart."""
    first_size = len(kernel_refs) + sum(ref.rank - 1 for ref in kernel_refs)

    def load_views(
        builder: ir.IRBuilder, _: Any, values: tuple[Any, ...]
    ) -> tuple[refs.Address, ...]:
        return refs.load_addresses(builder, values[0], kernel_refs)

    def load_sizes(builder: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> tuple[ir.Value, ...]:
        words = range(first_size, first_size + len(sizes))
        return tuple(refs.load_word(builder, values[0], word) for word in words)

    return {
        "views": Word("views", lambda _: kernel_refs, load_views),
        "sizes": Word("sizes", lambda _: ("int64",) * len(sizes), load_sizes),
    }


# --- the plain operators of kernel text and of the native runtime ---------------------------------


def operator_rule(name: str, takes: Callable[[str], bool], gives: str = "same") -> Rule:
    """Operands of one dtype; anything else would be a silent conversion in NumPy's or Numba's way."""

    def rule(dtypes: tuple[Any, ...]) -> str:
        if len(set(dtypes)) != 1 or not takes(dtypes[0]):
            raise TypeError(f"plain '{name}' does not take ({_list(dtypes)})")
        return dtypes[0] if gives == "same" else gives

    return rule


def _int64_or_float(dtype: str) -> bool:
    return dtype == "int64" or is_float(dtype)


def _int64(dtype: str) -> bool:
    return dtype == "int64"


def _int64_or_bool(dtype: str) -> bool:
    return dtype in ("int64", "bool")


_float_division = by_kind(floating=_method("fdiv", flags=FLAGS))
_truth = lambda builder, dtypes, values: cast(builder, values[0], dtypes[0], "bool")  # noqa: E731
_falsehood = lambda builder, dtypes, values: builder.not_(_truth(builder, dtypes, values))  # noqa: E731
_any_value = VALUES.__contains__

# (name of the function in module ``operator``, symbol, operands taken, result, instructions)
_OPERATORS: tuple[tuple[str, str, Callable[[str], bool], str, Emit], ...] = (
    ("add", "+", _int64_or_float, "same", _BODIES["add"]),
    ("sub", "-", _int64_or_float, "same", _BODIES["sub"]),
    ("mul", "*", _int64_or_float, "same", _BODIES["mul"]),
    ("truediv", "/", is_float, "same", _float_division),
    ("neg", "-", _int64_or_float, "same", _BODIES["neg"]),
    ("floordiv", "//", _int64, "same", _BODIES["idiv"]),
    ("mod", "%", _int64, "same", _BODIES["imod"]),
    ("and_", "&", _int64_or_bool, "same", _BODIES["bit_and"]),
    ("or_", "|", _int64_or_bool, "same", _BODIES["bit_or"]),
    ("xor", "^", _int64_or_bool, "same", _BODIES["bit_xor"]),
    ("invert", "~", _int64, "same", _BODIES["invert"]),
    ("lshift", "<<", _int64, "same", _BODIES["shift_left"]),
    ("rshift", ">>", _int64, "same", _BODIES["shift_right"]),
    ("eq", "==", _any_value, "bool", _BODIES["eq"]),
    ("ne", "!=", _any_value, "bool", _BODIES["ne"]),
    ("lt", "<", _any_value, "bool", _BODIES["lt"]),
    ("le", "<=", _any_value, "bool", _BODIES["le"]),
    ("gt", ">", _any_value, "bool", _BODIES["gt"]),
    ("ge", ">=", _any_value, "bool", _BODIES["ge"]),
    ("not_", "not", _any_value, "bool", _falsehood),
    ("truth", "bool", _any_value, "bool", _truth),
)

OPERATORS: dict[str, Word] = {
    name: Word(symbol, operator_rule(symbol, takes, gives), emit)
    for name, symbol, takes, gives, emit in _OPERATORS
}
