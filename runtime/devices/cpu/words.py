"""The kernel vocabulary as LLVM IR: for every word, the instructions it stands for.

What a word takes and gives is said once, in :mod:`graphc.codegen.vocabulary`; here is only how the
CPU computes it.  What must stay true:

* Straight-line code only: no call that stays a call, no branch, so that element loops vectorise.
* Nothing traps: integer division guards its divisor.
* Plain ``+ - * /`` carry the fast-math flags contract and nsz, the accumulating words reassoc
  besides; vector math carries none, its compensated arithmetic would not survive it.
* NaN and infinities are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from llvmlite import ir

from graphc.codegen import vocabulary
from graphc.errors import InternalError
from runtime.devices.cpu import bodies, refs
from runtime.devices.cpu.bodies import Body
from runtime.devices.cpu.refs import PARTS, VALUES

FLAGS = ("contract", "nsz")
ACCUMULATE_FLAGS = ("contract", "nsz", "reassoc")

Rule = Callable[[tuple[Any, ...]], Any]
Emit = Callable[[ir.IRBuilder, tuple[Any, ...], tuple[Any, ...]], Any]


@dataclass(frozen=True, eq=False)
class Word:
    """A name kernel text can call: ``rule`` gives the result's type, ``emit`` its instructions.

    A type is the name of a dtype, a ``Ref``, or a tuple of types.  ``rule`` raises TypeError.
    """

    name: str
    rule: Rule
    emit: Emit


# --- rules: what a word takes and gives -----------------------------------------------------------

_TAKES: dict[str, Callable[[str], bool]] = {
    "float": bodies.is_float,
    "integer": bodies.is_integer,
    "number": lambda dtype: bodies.is_float(dtype) or bodies.is_integer(dtype),
    "field": lambda dtype: _TAKES["number"](dtype) or dtype in PARTS,
    "complex": PARTS.__contains__,
    "bool": lambda dtype: dtype == "bool",
    "any": lambda dtype: dtype in VALUES,
    "value": lambda dtype: dtype in VALUES or dtype in PARTS,
}


def vocabulary_rule(word: vocabulary.Word) -> Rule:
    """The rule the vocabulary states: one dtype for all operands, of the kind the word takes."""
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
        return _given(word, operands[0])

    return rule


def _given(word: vocabulary.Word, operand: str) -> str:
    match word.gives:
        case "same":
            return operand
        case "real":
            return PARTS[operand]
        case "complex":
            return next(whole for whole, part in PARTS.items() if part == operand)
    return word.gives


def exact_rule(gives: str, *takes: str) -> Rule:
    """Operands of exactly these dtypes; ``index`` is any integer."""

    def rule(dtypes: tuple[Any, ...]) -> str:
        fits = len(dtypes) == len(takes) and all(
            bodies.is_integer(got) if want == "index" else got == want
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
    boolean: Body | None = None, pair: Body | None = None,
) -> Emit:  # fmt: skip
    """An emitter that picks its body by the last operand; ``unsigned`` defaults to ``signed``."""

    def emit(
        builder: ir.IRBuilder, dtypes: tuple[str, ...], values: tuple[ir.Value, ...]
    ) -> ir.Value:
        dtype = dtypes[-1]
        if bodies.is_float(dtype):
            body = floating
        elif dtype == "bool":
            body = boolean
        elif dtype in PARTS:
            body = pair
        else:
            body = signed if bodies.is_signed(dtype) else (unsigned or signed)
        if body is None:
            raise TypeError(f"has no meaning for {dtype}")
        return body(builder, *values)

    return emit


def _method(name: str, **options: Any) -> Body:
    """The IRBuilder method ``name``, applied to the values."""
    return lambda builder, *values: getattr(builder, name)(*values, **options)


def _intrinsic(name: str, flags: tuple[str, ...] = ()) -> Body:
    return lambda builder, *values: bodies.intrinsic(builder, name, *values, flags=flags)


def _by_part(body: Body) -> Body:
    """The body on the real parts and on the imaginary parts."""
    return lambda builder, *values: tuple(
        body(builder, *parts) for parts in zip(*values, strict=True)
    )


def _joined(compare: Body, join: str) -> Body:
    """A comparison of pairs from those of their parts."""
    return lambda builder, a, b: getattr(builder, join)(
        compare(builder, a[0], b[0]), compare(builder, a[1], b[1])
    )


def _product(flags: tuple[str, ...]) -> Body:
    def body(builder: ir.IRBuilder, a: refs.Pair, b: refs.Pair) -> refs.Pair:
        def times(x: ir.Value, y: ir.Value) -> ir.Value:
            return builder.fmul(x, y, flags=flags)

        return (
            builder.fsub(times(a[0], b[0]), times(a[1], b[1]), flags=flags),
            builder.fadd(times(a[0], b[1]), times(a[1], b[0]), flags=flags),
        )

    return body


def _select(builder: ir.IRBuilder, dtypes: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    condition, a, b = values
    if dtypes[-1] not in PARTS:
        return builder.select(condition, a, b)
    return tuple(builder.select(condition, x, y) for x, y in zip(a, b, strict=True))


def _compare(sign: str) -> Emit:
    def ordered(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
        # a != b must hold for NaN, every other comparison must not
        compare = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
        return compare(sign, a, b)

    unsigned = lambda builder, a, b: builder.icmp_unsigned(sign, a, b)  # noqa: E731
    signed = lambda builder, a, b: builder.icmp_signed(sign, a, b)  # noqa: E731
    return by_kind(
        floating=ordered, signed=signed, unsigned=unsigned, boolean=unsigned,
        pair=_joined(ordered, "and_" if sign == "==" else "or_"),
    )  # fmt: skip


# --- casts ----------------------------------------------------------------------------------------


def _cast_word(target: str) -> Emit:
    return lambda builder, dtypes, values: bodies.cast(builder, values[0], dtypes[0], target)


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


def _out_of_range(
    builder: ir.IRBuilder, dtypes: tuple[str, ...], values: tuple[ir.Value, ...]
) -> ir.Value:
    index = bodies.cast(builder, values[0], dtypes[0], "int64")
    return builder.icmp_unsigned(">=", index, values[1])


def _plain(body: Body) -> Emit:
    """An emitter whose body is the same for every dtype."""
    return lambda builder, _, values: body(builder, *values)


def _by_kind_and_part(method: str, flags: tuple[str, ...], signed: Body) -> Emit:
    floating = _method(method, flags=flags)
    return by_kind(floating=floating, signed=signed, pair=_by_part(floating))


_BODIES: dict[str, Emit] = {
    "add": _by_kind_and_part("fadd", FLAGS, _method("add")),
    "sub": _by_kind_and_part("fsub", FLAGS, _method("sub")),
    "mul": by_kind(
        floating=_method("fmul", flags=FLAGS), signed=_method("mul"), pair=_product(FLAGS)
    ),
    "neg": by_kind(floating=_method("fneg"), signed=bodies.negate, pair=_by_part(_method("fneg"))),
    "abs": by_kind(floating=_intrinsic("fabs"), signed=bodies.absolute, unsigned=lambda _, x: x),
    "sign": by_kind(
        floating=bodies.sign_float, signed=bodies.sign_integer, unsigned=bodies.sign_unsigned
    ),
    "floordiv": by_kind(
        floating=bodies.quotient_float("floor"),
        signed=bodies.floordiv_signed,
        unsigned=bodies.div_unsigned,
    ),
    "truncdiv": by_kind(
        floating=bodies.quotient_float("trunc"),
        signed=bodies.truncdiv_signed,
        unsigned=bodies.div_unsigned,
    ),
    "floormod": by_kind(
        floating=bodies.floormod_float,
        signed=bodies.remainder(bodies.floordiv_signed),
        unsigned=bodies.remainder(bodies.div_unsigned),
    ),
    "truncmod": by_kind(
        floating=bodies.truncmod_float,
        signed=bodies.remainder(bodies.truncdiv_signed),
        unsigned=bodies.remainder(bodies.div_unsigned),
    ),
    "minimum": by_kind(
        floating=_intrinsic("minimum", ("nsz",)),
        signed=_intrinsic("smin"),
        unsigned=_intrinsic("umin"),
    ),
    "maximum": by_kind(
        floating=_intrinsic("maximum", ("nsz",)),
        signed=_intrinsic("smax"),
        unsigned=_intrinsic("umax"),
    ),
    "accumulate": _by_kind_and_part("fadd", ACCUMULATE_FLAGS, _method("add")),
    "accumulate_mul": by_kind(
        floating=_method("fmul", flags=ACCUMULATE_FLAGS),
        signed=_method("mul"),
        pair=_product(ACCUMULATE_FLAGS),
    ),
    "bit_and": _plain(_method("and_")),
    "bit_or": _plain(_method("or_")),
    "bit_xor": _plain(_method("xor")),
    "invert": _plain(_method("not_")),
    "shift_left": _plain(bodies.shift("shl")),
    "shift_right": by_kind(signed=bodies.shift("ashr"), unsigned=bodies.shift("lshr")),
    "eq": _compare("=="),
    "ne": _compare("!="),
    "lt": _compare("<"),
    "le": _compare("<="),
    "gt": _compare(">"),
    "ge": _compare(">="),
    "logical_and": _plain(_method("and_")),
    "logical_or": _plain(_method("or_")),
    "logical_not": _plain(_method("not_")),
    "where": _select,
    "complex_of": _plain(lambda _, re, im: (re, im)),
    "real_part": _plain(lambda _, z: z[0]),
    "imag_part": _plain(lambda _, z: z[1]),
    "sqrt": _plain(_intrinsic("sqrt")),
    "rsqrt": _plain(bodies.rsqrt),
    "floor": _plain(_intrinsic("floor")),
    "ceil": _plain(_intrinsic("ceil")),
    "rint": _plain(_intrinsic("rint")),
    "trunc": _plain(_intrinsic("trunc")),
    "copysign": _plain(_intrinsic("copysign")),
    "fma": _plain(_intrinsic("fma")),
    "isnan": _plain(lambda builder, x: builder.fcmp_unordered("uno", x, x)),
    "isfinite": _plain(bodies.is_finite),
    "isinf": _plain(bodies.is_infinite),
    "idiv": _plain(bodies.floordiv_signed),
    "imod": _plain(bodies.remainder(bodies.floordiv_signed)),
    "out_of_range": _out_of_range,
    "bit": _plain(bodies.bit),
    "philox_word": _plain(bodies.philox_word),
    "uniform32": _plain(bodies.uniform32),
    "power_of_two": _plain(bodies.power_of_two),
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
    """``views`` and ``sizes`` for one kernel: its argument block taken apart; and ``take_slot``
    and ``give_slot``, by the bits of its size ``busy``."""
    first_size = len(kernel_refs) + sum(ref.rank - 1 for ref in kernel_refs)

    def load_views(
        builder: ir.IRBuilder, _: Any, values: tuple[Any, ...]
    ) -> tuple[refs.Address, ...]:
        return refs.load_addresses(builder, values[0], kernel_refs)

    def load_sizes(builder: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> tuple[ir.Value, ...]:
        words = range(first_size, first_size + len(sizes))
        return tuple(refs.load_word(builder, values[0], word) for word in words)

    def busy(builder: ir.IRBuilder, args: ir.Value) -> ir.Value:
        word = refs.I64(first_size + sizes.index("busy"))
        return builder.gep(args, [word], inbounds=True)

    def take(builder: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> ir.Value:
        return bodies.lowest_free_bit(builder, busy(builder, values[0]))

    def give(builder: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
        args, slot = values
        kept = builder.not_(builder.shl(refs.I64(1), slot))
        builder.atomic_rmw("and", busy(builder, args), kept, "release")

    return {
        "take_slot": Word("take_slot", lambda _: "int64", take),
        "give_slot": Word("give_slot", lambda _: None, give),
        "views": Word("views", lambda _: kernel_refs, load_views),
        "sizes": Word("sizes", lambda _: ("int64",) * len(sizes), load_sizes),
    }


# --- the plain operators of kernel text and of the native runtime ---------------------------------


def operator_rule(name: str, takes: Callable[[str], bool], gives: str = "same") -> Rule:
    """Operands of one dtype; anything else would be one of NumPy's or Numba's promotions."""

    def rule(dtypes: tuple[Any, ...]) -> str:
        if len(set(dtypes)) != 1 or not takes(dtypes[0]):
            raise TypeError(f"plain '{name}' does not take ({_list(dtypes)})")
        return dtypes[0] if gives == "same" else gives

    return rule


def _int64_or_float(dtype: str) -> bool:
    return dtype == "int64" or bodies.is_float(dtype)


def _int64(dtype: str) -> bool:
    return dtype == "int64"


def _int64_or_bool(dtype: str) -> bool:
    return dtype in ("int64", "bool")


_float_division = by_kind(floating=_method("fdiv", flags=FLAGS))


def _truth(
    builder: ir.IRBuilder, dtypes: tuple[str, ...], values: tuple[ir.Value, ...]
) -> ir.Value:
    return bodies.cast(builder, values[0], dtypes[0], "bool")


def _falsehood(
    builder: ir.IRBuilder, dtypes: tuple[str, ...], values: tuple[ir.Value, ...]
) -> ir.Value:
    return builder.not_(_truth(builder, dtypes, values))


_any_value = VALUES.__contains__

# (name of the function in module ``operator``, symbol, operands taken, result, instructions)
_OPERATORS: tuple[tuple[str, str, Callable[[str], bool], str, Emit], ...] = (
    ("add", "+", _int64_or_float, "same", _BODIES["add"]),
    ("sub", "-", _int64_or_float, "same", _BODIES["sub"]),
    ("mul", "*", _int64_or_float, "same", _BODIES["mul"]),
    ("truediv", "/", bodies.is_float, "same", _float_division),
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
