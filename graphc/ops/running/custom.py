"""Ops a user defines: a gradient of one's own (``custom_gradient``), a whole op (``custom_op``)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.errors import GraphError
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dtype import FLOATING, DType
from graphc.ir.graph import Graph, Node, Tensor, default_graph
from graphc.ir.op import REQUIRED, Elementwise, Kind, NotDifferentiable, Op, Reduce
from graphc.ir.source import here
from graphc.ir.types import TensorType


class CustomGradient(Op):
    """``ys = ys``: outputs whose gradient in ``xs`` is what ``gradient(*cotangents)`` gives.

    Operands are ``count`` ys, then the xs.  No gradient flows through the ys themselves.
    """

    operands = ("*ys_and_xs",)
    attributes = {"count": REQUIRED, "gradient": REQUIRED}
    kind = Kind.EXPANDED
    samples = []

    def infer_type(self, *types: TensorType) -> tuple[TensorType, ...]:
        return types[: self.count]

    def reference(self, *arrays: np.ndarray) -> Any:
        return arrays[0] if self.count == 1 else arrays[: self.count]

    def expand(self, b: Builder, *operands: Tensor) -> Any:
        return operands[0] if self.count == 1 else operands[: self.count]

    def vjp(self, b: Builder, ct: Any, y: Any, *operands: Tensor) -> list[Tensor | None]:
        cts = (ct,) if self.count == 1 else ct
        ys = operands[: self.count]
        given = [b.zeros_like(y) if c is None else c for c, y in zip(cts, ys, strict=True)]
        return [*(None for _ in ys), *self.gradient(*given)]


def custom_gradient(function: Callable) -> Callable:
    """Decorate ``function(*xs) -> ys, grad``: its gradient in ``xs`` is ``grad(*cotangents)``.

    A function that reads variables must have a ``grad`` taking ``variables=``, which returns
    (gradients of xs, gradients of the variables).

        @tf.custom_gradient
        def log1pexp(x):
            e = tf.exp(x)
            return tf.log(1 + e), lambda dy: dy * (1 - 1 / (1 + e))
    """

    def decorated(*args: Any, **kwargs: Any) -> Any:
        graph = next((t.graph for t in map(as_tensor, args) if t is not None), default_graph())
        b = Builder(graph)
        xs = [b.identity(b.tensor(a)) for a in args]
        start = graph.revision
        result, grad = function(*xs, **kwargs)
        ys = list(result) if isinstance(result, list | tuple) else [result]
        ys = [b.tensor(y) for y in ys]
        variables = _variables_read(graph, ys, xs, start)
        gradient = _with_variables(function, grad, xs, variables)
        out = b.custom_gradient(*ys, *xs, *variables, count=len(ys), gradient=gradient)
        outs = [out] if len(ys) == 1 else list(out)
        return type(result)(outs) if isinstance(result, list | tuple) else outs[0]

    decorated.__name__ = getattr(function, "__name__", "custom_gradient")
    decorated.__doc__ = function.__doc__
    decorated.__wrapped__ = function
    return decorated


def _variables_read(
    graph: Graph, ys: Sequence[Tensor], xs: Sequence[Tensor], start: int
) -> list[Tensor]:
    """The variables that nodes made since ``start`` read on the way to ``ys``."""
    made = set(graph.nodes[start:])
    inside = {x.node for x in xs}
    stack: list[Node] = [y.node for y in ys]
    found: dict[Tensor, None] = {}
    seen: set[Node] = set()
    while stack:
        node = stack.pop()
        if node in seen or node in inside:
            continue
        seen.add(node)
        if node.op.name == "variable":
            found[node.outputs[0]] = None
        elif node in made:
            stack += [t.node for t in node.operands]
    return [t for t in found if t.dtype.is_differentiable]


def _with_variables(
    function: Callable, grad: Callable, xs: Sequence[Tensor], variables: list[Tensor]
) -> Callable:
    name = getattr(function, "__name__", "the function")
    takes = "variables" in inspect.signature(grad).parameters
    if variables and not takes:
        raise GraphError(
            f"{name} reads {variables[0].node.name}; its gradient function takes no variables",
            hint="def grad(*dys, variables=None): return gradients_of_xs, gradients_of_variables",
            site=here(),
        )

    def gradient(*cotangents: Tensor) -> list[Tensor | None]:
        if takes and variables:
            of_xs, of_variables = grad(*cotangents, variables=variables)
        else:
            of_xs, of_variables = grad(*cotangents), ()
        found = list(of_xs) if isinstance(of_xs, list | tuple) else [of_xs]
        if len(found) != len(xs) or len(of_variables) != len(variables):
            raise GraphError(
                f"the gradient of {name} gives {len(found)} for {len(xs)} operands"
                f" and {len(of_variables)} for {len(variables)} variables",
                site=here(),
            )
        return [*found, *of_variables]

    return gradient


def custom_op(
    name: str,
    *,
    operands: Sequence[str] = ("x",),
    reference: Callable,
    scalar: str | Callable | None = None,
    element: Callable | None = None,
    expand: Callable | None = None,
    reduction: Reduce | None = None,
    vjp: Callable | str,
    jvp: Callable | None = None,
    infer_type: Callable | None = None,
    dtypes: Sequence[DType] = FLOATING,
    attributes: dict[str, Any] | None = None,
    samples: Sequence[Any] = (),
    doc: str = "",
) -> Callable:
    """Register an op and return the function that applies it.

    ``scalar`` is the element's text in the kernel vocabulary, with operands in braces
    (``"log1p(exp({x}))"``), or a function of the operands' names.  ``vjp(b, ct, y, *operands)``
    returns one cotangent per operand; a string says why there is none.  Without ``infer_type`` the
    op is elementwise: operands broadcast and agree in dtype.  Functions of an op with attributes
    take them by keyword.

        softplus = tf.custom_op(
            "softplus", reference=lambda x: np.logaddexp(x, 0), scalar="log1p(exp({x}))",
            vjp=lambda b, ct, y, x: [b.mul(ct, b.sigmoid(x))])
    """
    members: dict[str, Any] = {
        "name": name, "operands": tuple(operands), "attributes": dict(attributes or {}),
        "dtypes": tuple(dtypes), "samples": list(samples), "reference": _method(reference),
        "vjp": NotDifferentiable(vjp) if isinstance(vjp, str) else _method(vjp),
        "__doc__": doc or inspect.getdoc(reference) or f"The user's op {name!r}.",
        "__module__": getattr(reference, "__module__", __name__),
    }  # fmt: skip
    if isinstance(scalar, str):
        scalar = _filled_in(scalar, tuple(operands))
    slots = {"scalar": scalar, "element": element, "expand": expand, "jvp": jvp}
    members |= {slot: _method(function) for slot, function in slots.items() if function is not None}
    if reduction is not None:
        members["reduction"] = reduction
    if infer_type is not None:
        members["infer_type"] = _method(infer_type)
        members["kind"] = _kind(expand, reduction, scalar)
    title = "".join(part.title() for part in name.split("_"))
    return _function_of(type(title, (Elementwise if infer_type is None else Op,), members))


def _method(function: Callable) -> Callable:
    """A function of operands and attributes as a method of the op that holds the attributes."""
    return lambda self, *args: function(*args, **dict(self.values()))


def _filled_in(template: str, names: tuple[str, ...]) -> Callable:
    """A text with operands in braces as a function of the operands (attributes play no part)."""
    return lambda *xs, **_: template.format(**dict(zip(names, xs, strict=True)))


def _kind(expand: Any, reduction: Any, scalar: Any) -> Kind:
    if expand:
        return Kind.EXPANDED
    if reduction:
        return Kind.REDUCTION
    return Kind.ELEMENTWISE if scalar else Kind.INJECTIVE


def _function_of(kind: Any) -> Callable:
    def apply(*tensors: Any, name: str | None = None, **values: Any) -> Any:
        graph = next((t.graph for t in map(as_tensor, tensors) if t is not None), default_graph())
        if name is not None:
            values["name"] = name
        return Builder(graph).apply(kind, tensors, values)

    apply.__name__ = kind.name
    apply.__doc__ = kind.__doc__
    apply.op = kind
    return apply
