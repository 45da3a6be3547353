"""Functions over vectors, written as LLVM IR statement by statement: loops, masks, addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from runtime.devices.cpu import llvm_target
from runtime.devices.cpu.refs import F32, F64, I32, I64
from runtime.devices.cpu.words import FLAGS

POINTER = ir.IntType(8).as_pointer()

Values = dict[str, ir.Value]


class Code:
    """The body of one function over vectors of one dtype, written statement by statement.

    Variables live on the stack until LLVM puts them into registers.
    """

    def __init__(self, module: ir.Module, name: str, dtype: str, takes: list[str]) -> None:
        """``takes``: the names of the arguments; upper-case ones are pointers."""
        kinds = [POINTER if key.isupper() else I64 for key in takes]
        self.function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
        self.function.linkage = "internal"
        self.function.attributes.add("noinline")
        machine = llvm_target.host()
        llvm_target.set_attributes(self.function, machine)
        self.given: Values = dict(zip(takes, self.function.args, strict=True))
        for key, value in self.given.items():
            if key.isupper():
                value.add_attribute("noalias")
        self.entry = ir.IRBuilder(self.function.append_basic_block("variables"))
        self.b = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.element, self.size = {"float32": (F32, 4), "float64": (F64, 8)}[dtype]
        self.lanes = vector_bytes(machine) // self.size
        self.vector = ir.VectorType(self.element, self.lanes)

    def finish(self) -> ir.Function:
        self.b.ret_void()
        self.entry.branch(self.function.blocks[1])
        return self.function

    # numbers

    def mul(self, *factors: ir.Value | int) -> ir.Value:
        product, *others = (f if isinstance(f, ir.Value) else I64(f) for f in factors)
        for factor in others:
            product = self.b.mul(product, factor, flags=("nsw",))
        return product

    def add(self, *terms: ir.Value | int) -> ir.Value:
        total, *others = (t if isinstance(t, ir.Value) else I64(t) for t in terms)
        for term in others:
            total = self.b.add(total, term, flags=("nsw",))
        return total

    def sub(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.b.sub(a, b, flags=("nsw",))

    def div(self, a: ir.Value, b: ir.Value | int) -> ir.Value:
        """Of numbers that are not negative."""
        return self.b.udiv(a, b if isinstance(b, ir.Value) else I64(b))

    def least(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.b.select(self.b.icmp_signed("<", a, b), a, b)

    def most(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.b.select(self.b.icmp_signed(">", a, b), a, b)

    def outside(self, index: ir.Value, size: ir.Value) -> ir.Value:
        return self.b.icmp_unsigned(">=", index, size)

    # loops and variables

    def times(self, count: ir.Value, body: Callable[[ir.Value], None]) -> None:
        """``for k in range(count): body(k)``."""
        b = self.b
        before = b.block
        test, inside, after = (b.append_basic_block(n) for n in ("test", "body", "done"))
        b.branch(test)
        b.position_at_end(test)
        k = b.phi(I64)
        k.add_incoming(I64(0), before)
        b.cbranch(b.icmp_signed("<", k, count), inside, after)
        b.position_at_end(inside)
        body(k)
        k.add_incoming(self.add(k, 1), b.block)
        b.branch(test)
        b.position_at_end(after)

    @contextmanager
    def when(self, condition: ir.Value) -> Iterator[None]:
        with self.b.if_then(condition):
            yield

    def variable(self, value: ir.Value) -> ir.Value:
        place = self.entry.alloca(value.type)
        self.b.store(value, place)
        return place

    # memory

    def at(self, base: ir.Value, *offsets: ir.Value | int) -> ir.Value:
        """The address so many bytes on."""
        return self.b.gep(base, [self.add(*offsets)])

    def filler(self, value: float = 0.0) -> ir.Value:
        """The address of a vector full of ``value``."""
        module, name = self.function.module, f"full_of_{value}_{self.size}"
        found = module.globals.get(name)
        if found is None:
            found = ir.GlobalVariable(module, self.vector, name)
            found.initializer = self.full(value)
            found.linkage, found.global_constant = "internal", True
        return self.b.bitcast(found, POINTER)

    def load(
        self, address: ir.Value, mask: ir.Value | None, lanes: int = 0, element: Any = None
    ) -> ir.Value:
        kind = ir.VectorType(element or self.element, lanes or self.lanes)
        pointer, align = self.b.bitcast(address, kind.as_pointer()), _bytes(kind.element)
        if mask is None:
            return self.b.load(pointer, align=align)
        read = self._masked("load", kind, kind, kind.as_pointer(), I32, mask.type, kind)
        return self.b.call(read, [pointer, I32(align), mask, ir.Constant(kind, None)])

    def store(self, value: ir.Value, address: ir.Value, mask: ir.Value | None) -> None:
        kind = value.type
        pointer, align = self.b.bitcast(address, kind.as_pointer()), _bytes(kind.element)
        if mask is None:
            self.b.store(value, pointer, align=align)
            return
        nothing = ir.VoidType()
        write = self._masked("store", kind, nothing, kind, kind.as_pointer(), I32, mask.type)
        self.b.call(write, [value, pointer, I32(align), mask])

    def _masked(
        self, what: str, kind: ir.VectorType, gives: ir.Type, *takes: ir.Type
    ) -> ir.Function:
        letter = "i" if isinstance(kind.element, ir.IntType) else "f"
        name = f"llvm.masked.{what}.v{kind.count}{letter}{8 * _bytes(kind.element)}.p0"
        found = self.function.module.globals.get(name)
        kinds = ir.FunctionType(gives, takes)
        return found or ir.Function(self.function.module, kinds, name)

    def fetch_ahead(self, address: ir.Value) -> None:
        """Have the cache line at ``address`` brought near; any address will do."""
        kind = ir.FunctionType(ir.VoidType(), [POINTER, I32, I32, I32])
        module, name = self.function.module, "llvm.prefetch.p0"
        word = module.globals.get(name) or ir.Function(module, kind, name)
        self.b.call(word, [address, I32(0), I32(3), I32(1)])

    def spread(self, value: ir.Value, lanes: int = 0) -> ir.Value:
        """A vector with ``value`` in every lane."""
        lanes = lanes or self.lanes
        kind = ir.VectorType(value.type, lanes)
        first = self.b.insert_element(ir.Constant(kind, ir.Undefined), value, I32(0))
        all_same = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
        return self.b.shuffle_vector(first, ir.Constant(kind, ir.Undefined), all_same)

    def below(self, count: ir.Value, lanes: int) -> ir.Value:
        """Of ``lanes`` lanes, the first ``count``."""
        numbers = ir.Constant(ir.VectorType(I64, lanes), list(range(lanes)))
        return self.b.icmp_signed("<", numbers, self.spread(count, lanes))

    def full(self, value: float) -> ir.Constant:
        return ir.Constant(self.vector, [value] * self.lanes)

    def product_sum(self, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        return self.b.fadd(self.b.fmul(a, b, flags=FLAGS), c, flags=FLAGS)


def _bytes(element: ir.Type) -> int:
    return element.width // 8 if isinstance(element, ir.IntType) else 4 if element is F32 else 8


def most_places() -> int:
    """Places of a tile, as registers allow; short lines take half as many, or one."""
    return 8 if llvm_target.host().has_avx512 else 4


def vector_bytes(machine: llvm_target.Machine) -> int:
    features = machine.features.split(",")
    return 64 if machine.has_avx512 else 32 if "+avx2" in features else 16
