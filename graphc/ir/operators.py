"""Python operators on tensors: ``a + b``, ``x[1:, ..., None]``, ``a @ b``; each is one op."""

from __future__ import annotations

from typing import Any

# What TF1 calls the operations that Python's arithmetic makes: `x + y` is "add:0", not "Add:0".
_TITLES = {
    **{op: op for op in ("add", "sub", "mul", "truediv", "floordiv", "pow", "matmul")},
    "floormod": "mod",
}


# What `&`, `|`, `^`, `~` and `*` mean for operands that are not numbers, or not truths.
_OF_INTEGERS = {
    "logical_and": "bitwise_and", "logical_or": "bitwise_or", "logical_xor": "bitwise_xor",
    "logical_not": "invert",
}  # fmt: skip
_OF_TRUTHS = {"mul": "logical_and"}


def _meant(op: str, dtype: Any) -> str:
    if dtype.is_integer:
        return _OF_INTEGERS.get(op, op)
    return _OF_TRUTHS.get(op, op) if dtype.is_bool else op


def _binary(op: str, swapped: bool = False) -> Any:
    title = {"name": _TITLES[op]} if op in _TITLES else {}

    def method(self: Any, other: Any) -> Any:
        from graphc.ir.builder import Builder, as_tensor

        b, x = Builder(self.graph), as_tensor(self)
        try:
            other = b.tensor(other, like=x)
        except (NotImplementedError, TypeError, ValueError):
            if hasattr(other, "__array_priority__") and not hasattr(other, "dtype"):
                return NotImplemented
            raise
        of_strings = op == "add" and x.dtype.is_string  # are joined
        make = b.plus if of_strings else getattr(b, _meant(op, x.dtype))
        return make(*((other, x) if swapped else (x, other)), **title)

    return method


def _unary(op: str) -> Any:
    def method(self: Any) -> Any:
        from graphc.ir.builder import Builder, as_tensor

        x = as_tensor(self)
        return getattr(Builder(self.graph), _meant(op, x.dtype))(x)

    return method


def _shape(tensor: Any) -> Any:
    from graphc.ir.builder import as_tensor

    return as_tensor(tensor).type.shape


class Operators:
    """The operator methods of a tensor (and of a variable, which reads as its tensor)."""

    __slots__ = ()
    graph: Any  # where the tensor lives
    __array_priority__ = 100  # NumPy arrays leave `array + tensor` to us

    __add__, __radd__ = _binary("add"), _binary("add", swapped=True)
    __sub__, __rsub__ = _binary("sub"), _binary("sub", swapped=True)
    __mul__, __rmul__ = _binary("mul"), _binary("mul", swapped=True)
    __truediv__, __rtruediv__ = _binary("truediv"), _binary("truediv", swapped=True)
    __floordiv__, __rfloordiv__ = _binary("floordiv"), _binary("floordiv", swapped=True)
    __mod__, __rmod__ = _binary("floormod"), _binary("floormod", swapped=True)
    __pow__, __rpow__ = _binary("pow"), _binary("pow", swapped=True)
    __matmul__, __rmatmul__ = _binary("matmul"), _binary("matmul", swapped=True)
    __lt__, __le__ = _binary("less"), _binary("less_equal")
    __gt__, __ge__ = _binary("greater"), _binary("greater_equal")
    __and__, __rand__ = _binary("logical_and"), _binary("logical_and", swapped=True)
    __or__, __ror__ = _binary("logical_or"), _binary("logical_or", swapped=True)
    __xor__, __rxor__ = _binary("logical_xor"), _binary("logical_xor", swapped=True)
    __neg__, __abs__, __invert__ = _unary("neg"), _unary("abs"), _unary("logical_not")

    def __getitem__(self, key: Any) -> Any:
        from graphc.ir.builder import Builder, as_tensor

        return Builder(self.graph).subscript(as_tensor(self), key)

    def __bool__(self) -> bool:
        raise TypeError(
            "a tf.Tensor has no truth value while the graph is built; use tf.cond, or compare "
            "with `is not None`"
        )

    def __iter__(self) -> Any:
        shape = _shape(self)
        if not shape or not isinstance(shape[0], int):
            raise TypeError("a tf.Tensor is iterable only along a first axis of known size")
        return (self[k] for k in range(shape[0]))

    def __len__(self) -> int:
        shape = _shape(self)
        if not shape or not isinstance(shape[0], int):
            raise TypeError("len() of a tf.Tensor needs a first axis of known size; use tf.shape")
        return shape[0]
