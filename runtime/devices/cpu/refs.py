"""What an operand is inside a native kernel: a raw address, strides, and a promise about overlap.

``Ref`` is an operand's type as kernel text sees it, ``Address`` is one at run time.  What must stay
true:

* An index is int64 and never wraps around: ``y[i, j]`` is ``base + i * stride0 + j``, unchecked.
* Every load and store carries ``alias.scope``/``noalias`` for its operand, so LLVM needs no overlap
  test.  Distinct operands never overlap in memory, unless both are only read.
* Only element alignment is assumed.
* A complex number is two floats side by side in memory and a pair of values in a kernel: it never
  is one LLVM value, so there is nothing to optimise away, and loops over it vectorise.
* A store converts a value to its storage (bool to a byte, float32 to a 16-bit float), no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from graphc.codegen.kernel import Access, Operand
from graphc.errors import InternalError

I64 = ir.IntType(64)
I32 = ir.IntType(32)
I16 = ir.IntType(16)
I8 = ir.IntType(8)
I1 = ir.IntType(1)
F16 = ir.HalfType()
F32 = ir.FloatType()
F64 = ir.DoubleType()

VALUES: dict[str, ir.Type] = {
    "bool": I1,
    "int8": I8,
    "int16": I16,
    "int32": I32,
    "int64": I64,
    "uint8": I8,
    "uint16": I16,
    "uint32": I32,
    "uint64": I64,
    "float32": F32,
    "float64": F64,
}
PARTS: dict[str, str] = {"complex64": "float32", "complex128": "float64"}
STORAGE: dict[str, ir.Type] = {
    **VALUES,
    **{name: VALUES[part] for name, part in PARTS.items()},  # of one part
    "bool": I8,
    "float16": F16,
    "bfloat16": I16,
}
BYTES: dict[str, int] = {
    **{name: kind.width // 8 for name, kind in STORAGE.items() if isinstance(kind, ir.IntType)},
    "float16": 2,
    "float32": 4,
    "float64": 8,
    "complex64": 8,
    "complex128": 16,
}


def computed(dtype: str) -> str:
    """The dtype values of a stored ``dtype`` have: the 16-bit floats are storage of float32."""
    return "float32" if dtype in ("float16", "bfloat16") else dtype


@dataclass(frozen=True)
class Ref:
    """The type of operand ``slot`` of a kernel with ``slots`` operands."""

    name: str
    dtype: str
    rank: int
    access: Access
    slot: int
    slots: int


@dataclass(frozen=True)
class Address:
    """Where an operand lies: address of its first element, and its leading strides in elements."""

    ref: Ref
    base: ir.Value
    strides: tuple[ir.Value, ...]


def refs_of(operands: Sequence[Operand]) -> tuple[Ref, ...]:
    for operand in operands:
        if operand.dtype not in STORAGE:
            raise InternalError(
                f"bug in graphc: a CPU kernel cannot hold {operand.dtype} '{operand.name}'"
            )
    return tuple(
        Ref(operand.name, operand.dtype, operand.rank, operand.access, slot, len(operands))
        for slot, operand in enumerate(operands)
    )


def load_addresses(
    builder: ir.IRBuilder, args: ir.Value, refs: Sequence[Ref]
) -> tuple[Address, ...]:
    """The operands of a kernel, from its argument block: pointers first, then leading strides."""
    addresses = []
    stride_word = len(refs)
    for ref in refs:
        pointer = builder.inttoptr(
            load_word(builder, args, ref.slot), STORAGE[ref.dtype].as_pointer()
        )
        strides = tuple(load_word(builder, args, stride_word + k) for k in range(ref.rank - 1))
        stride_word += ref.rank - 1
        addresses.append(Address(ref, pointer, strides))
    return tuple(addresses)


def load_word(builder: ir.IRBuilder, args: ir.Value, position: int) -> ir.Value:
    return builder.load(builder.gep(args, [I64(position)], inbounds=True), align=8)


Pair = tuple[ir.Value, ir.Value]  # a complex number: its real and its imaginary part


def load(builder: ir.IRBuilder, address: Address, index: Sequence[ir.Value]) -> ir.Value | Pair:
    """``address[index]`` as a value."""
    dtype = address.ref.dtype
    if dtype in PARTS:
        return _load_pair(builder, address, index)
    bits = builder.load(_element(builder, address, index), align=BYTES[dtype])
    _mark_alias(builder, bits, address.ref)
    if dtype == "bool":
        return builder.icmp_unsigned("!=", bits, I8(0))
    if dtype == "float16":
        return builder.fpext(bits, F32)
    if dtype == "bfloat16":
        return bfloat16_value(builder, bits)
    return bits


def store(builder: ir.IRBuilder, address: Address, index: Sequence[ir.Value], value: Any) -> None:
    """``address[index] = value``, where value has the dtype the operand computes in."""
    dtype = address.ref.dtype
    if dtype in PARTS:
        _store_pair(builder, address, index, value)
        return
    if dtype == "bool":
        value = builder.zext(value, I8)
    elif dtype == "float16":
        value = builder.fptrunc(value, F16)
    elif dtype == "bfloat16":
        value = bfloat16_bits(builder, value)
    pointer = _element(builder, address, index)
    _mark_alias(builder, builder.store(value, pointer, align=BYTES[dtype]), address.ref)


def _load_pair(builder: ir.IRBuilder, address: Address, index: Sequence[ir.Value]) -> Pair:
    parts = []
    for pointer in _part_addresses(builder, address, index):
        parts.append(builder.load(pointer, align=BYTES[PARTS[address.ref.dtype]]))
        _mark_alias(builder, parts[-1], address.ref)
    return parts[0], parts[1]


def _store_pair(
    builder: ir.IRBuilder, address: Address, index: Sequence[ir.Value], value: Pair
) -> None:
    for pointer, part in zip(_part_addresses(builder, address, index), value, strict=True):
        stored = builder.store(part, pointer, align=BYTES[PARTS[address.ref.dtype]])
        _mark_alias(builder, stored, address.ref)


def _part_addresses(builder: ir.IRBuilder, address: Address, index: Sequence[ir.Value]) -> Pair:
    at = builder.mul(_offset(builder, address, index), I64(2), flags=("nsw",))
    after = builder.add(at, I64(1), flags=("nsw",))
    return (
        builder.gep(address.base, [at], inbounds=True),
        builder.gep(address.base, [after], inbounds=True),
    )


def bfloat16_value(builder: ir.IRBuilder, bits: ir.Value) -> ir.Value:
    return builder.bitcast(builder.shl(builder.zext(bits, I32), I32(16)), F32)


def bfloat16_bits(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """The nearest bfloat16, ties to even; a NaN stays a (quiet) NaN."""
    bits = builder.bitcast(value, I32)
    last_kept = builder.and_(builder.lshr(bits, I32(16)), I32(1))
    rounded = builder.add(builder.add(bits, I32(0x7FFF)), last_kept)
    quiet = builder.or_(bits, I32(0x400000))
    chosen = builder.select(builder.fcmp_unordered("uno", value, value), quiet, rounded)
    return builder.trunc(builder.lshr(chosen, I32(16)), I16)


def _offset(builder: ir.IRBuilder, address: Address, index: Sequence[ir.Value]) -> ir.Value:
    *leading, last = index
    offset = last
    for position, stride in zip(leading, address.strides, strict=True):
        offset = builder.add(builder.mul(position, stride, flags=("nsw",)), offset, flags=("nsw",))
    return offset


def _element(builder: ir.IRBuilder, address: Address, index: Sequence[ir.Value]) -> ir.Value:
    return builder.gep(address.base, [_offset(builder, address, index)], inbounds=True)


def _mark_alias(builder: ir.IRBuilder, instruction: ir.Instruction, ref: Ref) -> None:
    module = builder.module
    scopes = getattr(module, "graphc_scopes", None)
    if scopes is None:
        domain = module.add_metadata([ir.MetaDataString(module, "graphc")])
        scopes = [
            module.add_metadata([ir.MetaDataString(module, f"operand {slot}"), domain])
            for slot in range(ref.slots)
        ]
        own = [module.add_metadata([scope]) for scope in scopes]
        others = [module.add_metadata([s for s in scopes if s is not scope]) for scope in scopes]
        module.graphc_scopes = scopes = list(zip(own, others, strict=True))
    own, others = scopes[ref.slot]
    instruction.set_metadata("alias.scope", own)
    if ref.slots > 1:
        instruction.set_metadata("noalias", others)
