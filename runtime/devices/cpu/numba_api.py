"""Numba's front end, and the only file that touches Numba's private API.

Numba reads the bytecode of a kernel's function, brings it into SSA form and infers its types, in a
typing context of our own that knows nothing but the words it is given: no overload, no array, no
promotion.  From the typed SSA form we emit LLVM IR ourselves, a value per variable.  So an operand
is never an LLVM value that has to be optimised away, no path can raise, and neither Numba's
registries nor its runtime are ever loaded (they cost 300 ms in a fresh process).

The language that results: int64 and bool, the dtypes of the operands, ``for`` over ``range`` with a
positive step, ``while``, ``if``, tuples of known length, words, and calls of plain Python functions
of the same kind, which are always inlined.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from llvmlite import ir
from numba.core import bytecode, errors, interpreter, ssa, typeinfer, types
from numba.core import ir as numba_ir
from numba.core.typing.context import BaseContext
from numba.core.typing.templates import signature
from numba.extending import is_jitted

from graphc.errors import InternalError
from runtime.devices.cpu import refs
from runtime.devices.cpu.refs import I1, I64, PARTS, VALUES, Address, Ref
from runtime.devices.cpu.words import OPERATORS, Word

_SCALARS: dict[str, types.Type] = {name: getattr(types, name) for name in VALUES if name != "bool"}
_SCALARS["bool"] = types.boolean
_SCALARS.update({name: getattr(types, name) for name in PARTS})
_SCALARS["pointer"] = types.voidptr  # the argument block of a kernel
_NAMES = {kind: name for name, kind in _SCALARS.items()}
_BLOCK_POINTER = I64.as_pointer()


@dataclass(frozen=True)
class TypedConstant:
    """A literal with a dtype; a bare Python float has none and is refused."""

    dtype: str
    value: bool | int | float | complex


# --- types ----------------------------------------------------------------------------------------


class _RefType(types.Type):
    """An operand: ``a[i, j]`` is a value of the dtype it computes in."""

    def __init__(self, ref: Ref) -> None:
        self.ref = ref
        super().__init__(name=repr(ref))


class _RangeType(types.IterableType):
    """``range(...)`` over int64."""

    def __init__(self) -> None:
        super().__init__(name="graphc.range")

    @property
    def iterator_type(self) -> _CounterType:
        return _COUNTER


class _CounterType(types.IteratorType):
    """The iterator of a range."""

    def __init__(self) -> None:
        super().__init__(name="graphc.counter")

    @property
    def yield_type(self) -> types.Type:
        return types.int64


_COUNTER = _CounterType()
_RANGE = _RangeType()


class _WordType(types.Callable):
    """The type of a callable name: one per word."""

    def __init__(self, word: Word) -> None:
        self.word = word
        super().__init__(name=f"word {word.name} {id(word)}")

    def get_call_type(self, context: Any, args: tuple, kws: Any) -> Any:
        if kws:
            raise InternalError(f"bug in graphc: '{self.word.name}' takes no keywords")
        plain = tuple(types.unliteral(arg) for arg in args)
        try:
            result = self.word.rule(tuple(_described(arg) for arg in plain))
        except TypeError as error:
            raise InternalError(f"bug in graphc: '{self.word.name}' {error}") from None
        return signature(_numba_type(result), *plain)

    def get_call_signatures(self) -> tuple:
        return (), False

    def get_impl_key(self, sig: Any) -> Any:
        return self.word


def _described(kind: types.Type) -> Any:
    """A Numba type as words see it: the name of a dtype, a Ref, or a tuple."""
    if isinstance(kind, _RefType):
        return kind.ref
    if isinstance(kind, types.BaseTuple):
        return tuple(_described(types.unliteral(item)) for item in kind)
    return _NAMES.get(kind, str(kind))


def _numba_type(described: Any) -> types.Type:
    if isinstance(described, Ref):
        return _RefType(described)
    if isinstance(described, tuple):
        return types.Tuple([_numba_type(item) for item in described])
    if described is None:
        return types.none
    return described if isinstance(described, types.Type) else _SCALARS[described]


# --- what the names of a function stand for -------------------------------------------------------


@dataclass(frozen=True)
class _Range:
    start: ir.Value
    stop: ir.Value
    step: ir.Value


@dataclass(frozen=True)
class _Counter:
    slot: ir.Value
    over: _Range


def _range_rule(dtypes: tuple[Any, ...]) -> Any:
    if not 1 <= len(dtypes) <= 3 or set(dtypes) != {"int64"}:
        raise TypeError(f"takes one to three int64, got {dtypes}")
    return _RANGE


def _emit_range(_: ir.IRBuilder, __: Any, values: tuple[ir.Value, ...]) -> _Range:
    start, stop = (I64(0), values[0]) if len(values) == 1 else values[:2]
    step = values[2] if len(values) == 3 else I64(1)
    if isinstance(step, ir.Constant) and step.constant <= 0:
        raise InternalError("bug in graphc: a range in native code needs a positive step")
    return _Range(start, stop, step)


def _getitem_rule(dtypes: tuple[Any, ...]) -> Any:
    ref, index = dtypes
    if isinstance(ref, tuple):
        raise TypeError("a tuple is only unpacked, never indexed")
    if not isinstance(ref, Ref):
        raise TypeError(f"{ref} cannot be indexed")
    _check_index(ref, index)
    return refs.computed(ref.dtype)


def _setitem_rule(dtypes: tuple[Any, ...]) -> Any:
    ref, index, value = dtypes
    if not isinstance(ref, Ref):
        raise TypeError(f"{ref} cannot be stored to")
    _check_index(ref, index)
    if ref.access == "r":
        raise TypeError(f"operand '{ref.name}' is only read, and the text writes it")
    if value != refs.computed(ref.dtype):
        raise TypeError(f"operand '{ref.name}' holds {ref.dtype}, and the text stores a {value}")
    return None


def _check_index(ref: Ref, index: Any) -> None:
    positions = index if isinstance(index, tuple) else (index,)
    if positions != ("int64",) * ref.rank:
        raise TypeError(f"operand '{ref.name}' of rank {ref.rank} is indexed by {positions}")


def _index_of(index: Any) -> tuple[ir.Value, ...]:
    return index if isinstance(index, tuple) else (index,)


def _emit_load(builder: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> ir.Value:
    return refs.load(builder, values[0], _index_of(values[1]))


def _emit_store(builder: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
    refs.store(builder, values[0], _index_of(values[1]), values[2])


def _never(*_: Any) -> Any:
    raise AssertionError("emitted by the walk over blocks")


_INPLACE = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "and_", "or_", "xor", "lshift", "rshift",
)  # fmt: skip
_RANGE_WORD = Word("range", _range_rule, _emit_range)
_GETITEM = Word("getitem", _getitem_rule, _emit_load)
_SETITEM = Word("setitem", _setitem_rule, _emit_store)
_BUILTINS: dict[Any, Word] = {
    **{getattr(operator, name): word for name, word in OPERATORS.items()},
    **{getattr(operator, f"i{name.rstrip('_')}"): OPERATORS[name] for name in _INPLACE},
    bool: OPERATORS["truth"],
    range: _RANGE_WORD,
    operator.getitem: _GETITEM,
    operator.setitem: _SETITEM,
    "getiter": Word("getiter", lambda _: _COUNTER, _never),
    "iternext": Word("iternext", lambda _: types.Pair(types.int64, types.boolean), _never),
}


class _Context(BaseContext):
    """The typing context of one function and what it calls.

    ``found`` keeps the type made for each object a global names, and the object alive beside it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[int, tuple[Any, _WordType]] = {}

    def refresh(self) -> None:
        """Nothing is ever loaded from Numba's registries."""

    def resolve_value_type(self, val: Any) -> types.Type:
        if isinstance(val, TypedConstant):
            return _SCALARS[val.dtype]
        if isinstance(val, bool):
            return types.boolean
        if isinstance(val, int):
            return types.int64
        if val is None:
            return types.none
        return self.word_type(val)

    def word_type(self, val: Any) -> _WordType:
        known = self.found.get(id(val))
        if known is None:
            known = self.found[id(val)] = (val, _WordType(self._word(val)))
        return known[1]

    def _word(self, val: Any) -> Word:
        if isinstance(val, Word):
            return val
        if isinstance(val, (str, type)) or (callable(val) and not isinstance(val, FunctionType)):
            word = _BUILTINS.get(val)
            if word is not None:
                return word
        if isinstance(val, FunctionType):
            return _called_function(val)
        if is_jitted(val):
            return _called_function(val.py_func)
        if hasattr(val, "_defn"):
            return _numba_intrinsic(self, val)
        raise InternalError(f"bug in graphc: native code cannot use {val!r}")

    def resolve_function_type(self, func: Any, args: tuple, kws: Any) -> Any:
        kind = func if isinstance(func, _WordType) else self.word_type(func)
        return kind.get_call_type(self, args, kws)

    def resolve_static_getitem(self, value: types.Type, index: Any) -> Any:
        if isinstance(value, types.BaseTuple):
            return signature(value[index], value, types.int64)
        return None  # an operand: its index is a value like any other

    def resolve_static_setitem(self, target: types.Type, index: Any, value: types.Type) -> None:
        return None

    def resolve_setitem(self, target: types.Type, index: types.Type, value: types.Type) -> Any:
        return self.word_type(operator.setitem).get_call_type(self, (target, index, value), {})


class _NoWarnings:
    """Type inference touches no warning filter: they are the process's, and slow to change."""

    def catch_warnings(self, filename: str | None = None, lineno: int | None = None) -> Any:
        return nullcontext()


# --- a function: read, typed, emitted -------------------------------------------------------------


@dataclass(frozen=True)
class _TypedFunction:
    arguments: tuple[types.Type, ...]
    blocks: Mapping[int, Any]
    typemap: Mapping[str, types.Type]
    result: types.Type


def _read(function: FunctionType) -> Any:
    """The function in Numba's IR, SSA form, without reference counting."""
    identity = bytecode.FunctionIdentity.from_function(function)
    function_ir = interpreter.Interpreter(identity).interpret(bytecode.ByteCode(identity))
    for block in function_ir.blocks.values():
        for statement in block.find_insts(numba_ir.Assign):
            value = statement.value
            if isinstance(value, numba_ir.Global) and value.value is numba_ir.UNDEFINED:
                raise InternalError(f"bug in graphc: native code does not know '{value.name}'")
    return ssa.reconstruct_ssa(function_ir)


def _infer(function: FunctionType, arguments: tuple[types.Type, ...]) -> _TypedFunction:
    function_ir = _read(function)
    context = _Context()
    inference = typeinfer.TypeInferer(context, function_ir, _NoWarnings())
    for position, (name, kind) in enumerate(zip(function_ir.arg_names, arguments, strict=True)):
        inference.seed_argument(name, position, kind)
    inference.build_constraint()
    inference.propagate()
    typemap, result, _ = inference.unify()
    return _TypedFunction(arguments, function_ir.blocks, typemap, types.unliteral(result))


def emit_function(
    module: ir.Module,
    function: FunctionType,
    symbol: str,
    arguments: tuple[str, ...],
    result: str | None,
) -> ir.Function:
    """``function`` as LLVM function ``symbol`` of ``module``.

    ``arguments`` and ``result`` are dtypes; ``pointer`` points to int64, a result of None is void.
    """
    try:
        typed = _infer(function, tuple(_SCALARS[name] for name in arguments))
        wanted = types.none if result is None else _SCALARS[result]
        if typed.result != wanted:
            raise InternalError(f"bug in graphc: returns {typed.result}, declared {wanted}")
        return _emit_typed(module, typed, symbol)
    except errors.NumbaError as error:
        raise InternalError(f"bug in graphc: {function.__name__}: {error}") from error
    except InternalError as error:
        error.add_note(f"in native function {function.__name__}")
        raise


def _llvm_type(kind: types.Type) -> ir.Type:
    if kind == types.none:
        return ir.VoidType()
    if kind == types.voidptr:
        return _BLOCK_POINTER
    name = _NAMES.get(types.unliteral(kind))
    if name is None:
        raise InternalError(f"bug in graphc: a variable cannot be {kind} on two paths")
    return VALUES[name]


def _part_type(kind: types.Type) -> ir.Type | None:
    """The type of the parts of a complex number; None of what is one value."""
    part = PARTS.get(_NAMES.get(types.unliteral(kind), ""))
    return None if part is None else VALUES[part]


def _constant(given: TypedConstant) -> Any:
    if given.dtype not in PARTS:
        return ir.Constant(VALUES[given.dtype], given.value)
    kind, number = VALUES[PARTS[given.dtype]], complex(given.value)
    return ir.Constant(kind, number.real), ir.Constant(kind, number.imag)


def _emit_typed(module: ir.Module, typed: _TypedFunction, symbol: str) -> ir.Function:
    kind = ir.FunctionType(
        _llvm_type(typed.result), [_llvm_type(argument) for argument in typed.arguments]
    )
    function = ir.Function(module, kind, symbol)
    function.attributes.add("nounwind")
    _Emitter(function, typed).run()
    return function


def _called_function(function: FunctionType) -> Word:
    """A Python function as a word: typed at each call, emitted once a module, always inlined."""
    known: dict[tuple, _TypedFunction] = {}

    def typed_for(dtypes: tuple[Any, ...]) -> _TypedFunction:
        if dtypes not in known:
            known[dtypes] = _infer(function, tuple(_numba_type(dtype) for dtype in dtypes))
        return known[dtypes]

    def rule(dtypes: tuple[Any, ...]) -> Any:
        return typed_for(dtypes).result

    def emit(builder: ir.IRBuilder, dtypes: tuple[Any, ...], values: tuple[Any, ...]) -> Any:
        symbol = f"{function.__module__}.{function.__qualname__}({', '.join(map(str, dtypes))})"
        callee = builder.module.globals.get(symbol)
        if callee is None:
            callee = _emit_typed(builder.module, typed_for(dtypes), symbol)
            callee.linkage = "internal"
            callee.attributes.add("alwaysinline")
        call = builder.call(callee, values)
        return None if isinstance(call.type, ir.VoidType) else call

    return Word(function.__qualname__, rule, emit)


class _IntrinsicContext:
    """The few things the code generator of a Numba ``@intrinsic`` may ask its target for."""

    def get_dummy_value(self) -> None:
        return None

    def get_value_type(self, kind: types.Type) -> ir.Type:
        return _llvm_type(kind)

    def get_constant(self, kind: types.Type, value: Any) -> ir.Constant:
        return ir.Constant(_llvm_type(kind), value)


def _numba_intrinsic(context: _Context, made: Any) -> Word:
    """A Numba ``@intrinsic`` over plain numbers as a word."""

    def define(dtypes: tuple[Any, ...]) -> Any:
        return made._defn(context, *(_numba_type(dtype) for dtype in dtypes))

    def rule(dtypes: tuple[Any, ...]) -> Any:
        return define(dtypes)[0].return_type

    def emit(builder: ir.IRBuilder, dtypes: tuple[Any, ...], values: tuple[Any, ...]) -> Any:
        sig, generate = define(dtypes)
        return generate(_IntrinsicContext(), builder, sig, values)

    return Word(made._name, rule, emit)


class _Emitter:
    """Emits one typed function, block by block in reverse postorder: set comes before use.

    ``values`` holds what each variable stands for: an LLVM value, a tuple of such (a complex number
    is one, of two), an Address, a Word, a range.  Phis become LLVM phis, filled in at the end.
    """

    def __init__(self, function: ir.Function, typed: _TypedFunction) -> None:
        self.function = function
        self.blocks = typed.blocks
        self.typemap = typed.typemap
        self.context = _Context()
        self.values: dict[str, Any] = {}
        self.phis: list[tuple[Any, Any, types.Type]] = []  # LLVM phi, Numba phi, its type
        self.ends: dict[int, ir.Block] = {}  # label to the LLVM block its last instruction is in
        self.order: dict[int, int] = {}

    def run(self) -> None:
        self.order = {label: position for position, label in enumerate(self._reverse_postorder())}
        entries = {label: self.function.append_basic_block(f"B{label}") for label in self.order}
        for label in self.order:
            builder = ir.IRBuilder(entries[label])
            self._emit_block(builder, label, entries)
            self.ends[label] = builder.block
        self._fill_phis()

    def _successors(self, label: int) -> list[int]:
        last = self.blocks[label].body[-1]
        return list(dict.fromkeys(last.get_targets()))

    def _reverse_postorder(self) -> list[int]:
        first = min(self.blocks)
        order: list[int] = []
        seen = {first}
        stack = [(first, iter(self._successors(first)))]
        while stack:
            label, rest = stack[-1]
            following = next((target for target in rest if target not in seen), None)
            if following is None:
                order.append(label)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(self._successors(following))))
        return order[::-1]

    def _emit_block(self, builder: ir.IRBuilder, label: int, entries: dict[int, ir.Block]) -> None:
        for statement in self.blocks[label].body:
            if isinstance(statement, numba_ir.Assign):
                self.values[statement.target.name] = self._assigned(builder, statement)
            elif isinstance(statement, numba_ir.SetItem | numba_ir.StaticSetItem):
                index = getattr(statement, "index_var", None) or statement.index
                self._call(builder, _SETITEM, (statement.target, index, statement.value))
            elif isinstance(statement, numba_ir.Jump):
                builder.branch(entries[statement.target])
            elif isinstance(statement, numba_ir.Branch):
                condition = self.values[statement.cond.name]
                builder.cbranch(condition, entries[statement.truebr], entries[statement.falsebr])
            elif isinstance(statement, numba_ir.Return):
                self._return(builder, statement)
            elif not isinstance(statement, numba_ir.PopBlock):
                raise InternalError(f"bug in graphc: native code cannot hold '{statement}'")

    def _return(self, builder: ir.IRBuilder, statement: Any) -> None:
        value = self.values[statement.value.name]
        if value is None:
            builder.ret_void()
        else:
            builder.ret(value)

    def _assigned(self, builder: ir.IRBuilder, statement: Any) -> Any:
        value, kind = statement.value, self.typemap[statement.target.name]
        if isinstance(value, numba_ir.Const | numba_ir.Global | numba_ir.FreeVar):
            return self._named(value.value)
        if isinstance(value, numba_ir.Arg):
            return self.function.args[value.index]
        if isinstance(value, numba_ir.Var):
            return self.values[value.name]
        return self._expression(builder, value, kind)

    def _named(self, value: Any) -> Any:
        """What a constant or a global stands for."""
        if isinstance(value, TypedConstant):
            return _constant(value)
        if isinstance(value, bool):
            return I1(value)
        if isinstance(value, int):
            return I64(value)
        return None if value is None else self.context.word_type(value).word

    def _expression(self, builder: ir.IRBuilder, value: Any, kind: types.Type) -> Any:
        match value.op:
            case "call":
                return self._call(builder, self.values[value.func.name], value.args)
            case "binop" | "inplace_binop":
                return self._call(builder, _BUILTINS[value.fn], (value.lhs, value.rhs))
            case "unary":
                return self._call(builder, _BUILTINS[value.fn], (value.value,))
            case "getitem":
                return self._call(builder, _GETITEM, (value.value, value.index))
            case "static_getitem":
                target = self.values[value.value.name]
                if isinstance(target, Address):
                    return self._call(builder, _GETITEM, (value.value, value.index_var))
                return target[value.index]
            case "build_tuple":
                return tuple(self.values[item.name] for item in value.items)
            case "pair_first":
                return self.values[value.value.name][0]
            case "pair_second":
                return self.values[value.value.name][1]
            case "exhaust_iter" | "cast":
                return self.values[value.value.name]
            case "getiter":
                return self._started(builder, self.values[value.value.name])
            case "iternext":
                return self._next(builder, self.values[value.value.name])
            case "phi":
                part = _part_type(kind)
                if part is None:
                    made = builder.phi(_llvm_type(kind))
                else:
                    made = builder.phi(part), builder.phi(part)
                self.phis.append((made, value, kind))
                return made
        raise InternalError(f"bug in graphc: native code cannot hold '{value}'")

    def _call(self, builder: ir.IRBuilder, word: Word, args: tuple[Any, ...]) -> Any:
        dtypes = tuple(_described(types.unliteral(self.typemap[arg.name])) for arg in args)
        return word.emit(builder, dtypes, tuple(self.values[arg.name] for arg in args))

    def _started(self, builder: ir.IRBuilder, over: _Range) -> _Counter:
        """A loop's counter at its start: a stack slot, for its head may be several blocks."""
        with builder.goto_entry_block():
            slot = builder.alloca(I64)
        builder.store(over.start, slot)
        return _Counter(slot, over)

    def _next(self, builder: ir.IRBuilder, counter: _Counter) -> tuple[ir.Value, ir.Value]:
        """The value of a loop's counter, and whether it is still inside."""
        value = builder.load(counter.slot)
        builder.store(builder.add(value, counter.over.step, flags=("nsw",)), counter.slot)
        return value, builder.icmp_signed("<", value, counter.over.stop)

    def _fill_phis(self) -> None:
        for phi, value, kind in self.phis:
            defined = [v.name for v in value.incoming_values if v is not numba_ir.UNDEFINED]
            arriving = {types.unliteral(self.typemap[name]) for name in defined}
            if len(arriving) > 1:
                shown = " and ".join(sorted(map(str, arriving)))
                raise InternalError(f"bug in graphc: a variable is {shown}, by the path taken")
            part = _part_type(kind)
            undefined: Any = ir.Constant(part or _llvm_type(kind), ir.Undefined)
            if part is not None:
                undefined = undefined, undefined
            for incoming, label in zip(value.incoming_values, value.incoming_blocks, strict=True):
                if label in self.order:
                    is_defined = incoming is not numba_ir.UNDEFINED
                    arrived = self.values[incoming.name] if is_defined else undefined
                    pairs = [(phi, arrived)] if part is None else zip(phi, arrived, strict=True)
                    for target, source in pairs:
                        target.add_incoming(source, self.ends[label])
