"""A compiler for functions of int64: from a small subset of Python to LLVM IR.

The walk, the prepared call and the pool's worker are written in it (`native.py`).  Every value is
an int64, addresses included; a truth value is 0 or 1.  A function may use assignment, `if`,
`while`, `return`, integer arithmetic, comparisons, `and`, `or`, `not`, conditional expressions,
integer constants of its module, calls of a `Word` and of the functions it is compiled with.  `and`
and `or` evaluate their right side only when needed.  Overflow wraps and a shift count is below 64.
Everything else is refused, so nothing can raise at run time.

Numba could compile the same text, but takes 500 ms where this and LLVM take 75, and every process
that finds an empty cache waits for it.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping

from llvmlite import ir

INT = ir.IntType(64)

BINARY = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.BitAnd: "and_",
    ast.BitOr: "or_",
    ast.BitXor: "xor",
    ast.LShift: "shl",
    ast.RShift: "ashr",
}
COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


class Word:
    """What a function of int64 calls to have IR in its place, by ``emit(builder, *values)``."""

    def __init__(self, emit: Callable[..., ir.Value | None]) -> None:
        self.emit = emit
        self.__doc__ = emit.__doc__

    def __call__(self, *arguments: int) -> int:
        raise TypeError(f"bug in graphc: {self.emit.__name__} is a word, which only emits code")


def emit(module: ir.Module, functions: Mapping[str, Callable[..., int]]) -> None:
    """Define every function in the module, under its C symbol."""
    declared = {}
    for symbol, function in functions.items():
        kind = ir.FunctionType(INT, [INT] * function.__code__.co_argcount)
        declared[function] = ir.Function(module, kind, symbol)
    for function, target in declared.items():
        _Translation(function, target, declared).run()


class _Translation:
    """One function: locals are stack slots, which LLVM turns into registers."""

    def __init__(
        self,
        function: Callable[..., int],
        target: ir.Function,
        declared: Mapping[Callable[..., int], ir.Function],
    ) -> None:
        self.function = function
        self.globals = function.__globals__
        self.target = target
        self.declared = declared
        self.entry = target.append_basic_block("entry")
        self.b = ir.IRBuilder(target.append_basic_block("body"))
        self.slots: dict[str, ir.Value] = {}

    def run(self) -> None:
        tree = ast.parse(textwrap.dedent(inspect.getsource(self.function)))
        definition = tree.body[0]
        assert isinstance(definition, ast.FunctionDef)
        for argument, value in zip(definition.args.args, self.target.args, strict=True):
            self.b.store(value, self._slot(argument.arg))
        self._block(definition.body)
        if not self.b.block.is_terminated:
            self.b.ret(INT(0))
        ir.IRBuilder(self.entry).branch(self.target.basic_blocks[1])

    def _refuse(self, node: ast.AST) -> Exception:
        where = f"{self.function.__name__}, line {getattr(node, 'lineno', 0)}"
        return SyntaxError(f"bug in graphc: {where}: not in the int64 subset: {ast.unparse(node)}")

    def _slot(self, name: str) -> ir.Value:
        if name not in self.slots:
            self.slots[name] = ir.IRBuilder(self.entry).alloca(INT, name=name)
        return self.slots[name]

    # Statements.

    def _block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            if self.b.block.is_terminated:
                raise self._refuse(statement)
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.b.store(self._value(value), self._slot(name))
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                left = ast.Name(id=name, ctx=ast.Load())
                self.b.store(self._value(ast.BinOp(left, op, value)), self._slot(name))
            case ast.Expr(value=ast.Constant(value=str())):
                pass  # a docstring
            case ast.Expr(value=ast.Call() as call):
                self._call(call)
            case ast.Return(value=ast.expr() as value):
                self.b.ret(self._value(value))
            case ast.If():
                self._if(node)
            case ast.While(orelse=[]):
                self._while(node)
            case _:
                raise self._refuse(node)

    def _if(self, node: ast.If) -> None:
        then, otherwise = (self.target.append_basic_block() for _ in range(2))
        self._branch(node.test, then, otherwise)
        ends = []
        for block, body in ((then, node.body), (otherwise, node.orelse)):
            self.b.position_at_end(block)
            self._block(body)
            if not self.b.block.is_terminated:
                ends.append(self.b.block)
        if ends:
            after = self.target.append_basic_block()
            for end in ends:
                ir.IRBuilder(end).branch(after)
            self.b.position_at_end(after)

    def _while(self, node: ast.While) -> None:
        test, body = (self.target.append_basic_block() for _ in range(2))
        self.b.branch(test)
        self.b.position_at_end(test)
        if isinstance(node.test, ast.Constant) and node.test.value is True:
            after = None
            self.b.branch(body)
        else:
            after = self.target.append_basic_block()
            self._branch(node.test, body, after)
        self.b.position_at_end(body)
        self._block(node.body)
        if not self.b.block.is_terminated:
            self.b.branch(test)
        if after is not None:
            self.b.position_at_end(after)

    # Conditions.

    def _branch(self, node: ast.expr, yes: ir.Block, no: ir.Block) -> None:
        """Go to `yes` or `no` by the truth of an expression."""
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._branch(operand, no, yes)
            case ast.BoolOp(op=op, values=[*others, last]):
                for other in others:
                    further = self.target.append_basic_block()
                    if isinstance(op, ast.And):
                        self._branch(other, further, no)
                    else:
                        self._branch(other, yes, further)
                    self.b.position_at_end(further)
                self._branch(last, yes, no)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARE:
                values = self._value(left), self._value(right)
                self.b.cbranch(self.b.icmp_signed(COMPARE[type(op)], *values), yes, no)
            case _:
                self.b.cbranch(self.b.icmp_signed("!=", self._value(node), INT(0)), yes, no)

    # Values.

    def _value(self, node: ast.expr) -> ir.Value:
        match node:
            case ast.Constant(value=int(value)):
                return INT(int(value))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))):
                return INT(-value)
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return getattr(self.b, BINARY[type(op)])(self._value(left), self._value(right))
            case ast.Call():
                result = self._call(node)
                if result is not None:
                    return result
            case ast.IfExp(test=test, body=yes, orelse=no):
                return self._choice(test, yes, no)
            case ast.Compare(ops=[_]) | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                return self._choice(node, ast.Constant(1), ast.Constant(0))
        raise self._refuse(node)

    def _name(self, node: ast.expr, name: str) -> ir.Value:
        if name in self.slots:
            return self.b.load(self.slots[name])
        if isinstance(self.globals.get(name), int):
            return INT(self.globals[name])
        raise self._refuse(node)

    def _choice(self, test: ast.expr, yes: ast.expr, no: ast.expr) -> ir.Value:
        result = ir.IRBuilder(self.entry).alloca(INT)
        blocks = [self.target.append_basic_block() for _ in range(2)]
        after = self.target.append_basic_block()
        self._branch(test, *blocks)
        for block, value in zip(blocks, (yes, no), strict=True):
            self.b.position_at_end(block)
            self.b.store(self._value(value), result)
            self.b.branch(after)
        self.b.position_at_end(after)
        return self.b.load(result)

    def _call(self, node: ast.Call) -> ir.Value | None:
        callee = self.globals.get(node.func.id) if isinstance(node.func, ast.Name) else None
        arguments = [self._value(argument) for argument in node.args]
        if isinstance(callee, Word) and not node.keywords:
            return callee.emit(self.b, *arguments)
        if callee is not None and callee in self.declared and not node.keywords:
            return self.b.call(self.declared[callee], arguments)
        raise self._refuse(node)
