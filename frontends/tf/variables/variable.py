"""Variables: state a session owns, as TF1's ``Variable`` objects over the graph's variable
nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from inspect import Signature, signature
from typing import Any

import numpy as np

from frontends.tf.graph.building import GraphKeys, group
from frontends.tf.graph.shapes import TensorShape, static_shape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.variables.synchronization import (
    VariableAggregation,
    VariableSynchronization,
    is_trained,
)
from frontends.tf.variables.variable_rows import METHODS as SCATTER_METHODS
from graphc.autodiff.reverse import ancestors
from graphc.errors import DTypeError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dtype import DType, as_dtype
from graphc.ir.graph import Graph, Node, Tensor, default_graph
from graphc.ir.operators import Operators
from graphc.ir.source import here


class _MadeByCreators(type):
    """Asks the graph's ``variable_creator_scope`` functions before a variable is made."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        creators = default_graph().__dict__.get("variable_creators")
        if not creators:
            return super().__call__(*args, **kwargs)
        bound = _SIGNATURE.bind(*args, **kwargs)
        bound.apply_defaults()
        make = partial(super().__call__)
        for creator in creators:  # the innermost is asked first
            make = partial(creator, make)
        return make(**bound.arguments)


class Variable(Operators, metaclass=_MadeByCreators):
    """A value that persists between runs and is changed by assignments.

    ``initial_value`` is a value, a tensor, or a function of no arguments that makes one; it gives
    the dtype and the shape, which must be known.  ``constraint`` is a function of the new value
    that optimizers apply after an update.

    >>> w = tf.Variable(tf.zeros([784, 10]), name="w")
    >>> sess.run(w.initializer)
    """

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Sequence[Any] | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: Any = None,
        constraint: Callable | None = None,
        use_resource: bool | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        shape: Any = None,
    ) -> None:
        if variable_def is not None or import_scope is not None:
            raise NotImplementedError("Variable(variable_def=...) is not provided")
        if initial_value is None:
            raise ValueError("a Variable needs an initial_value")
        if collections is not None and not isinstance(collections, list | tuple | set):
            raise ValueError(f"collections is a list of keys, got {collections!r}")
        if constraint is not None and not callable(constraint):
            raise ValueError(f"constraint is a function of the new value, got {constraint!r}")
        trainable = is_trained(trainable, synchronization)
        graph = default_graph().root  # not of a turn of a loop, or a branch
        with graph.as_default(), graph.control_dependencies(None):
            full = graph.unique_name(name or "Variable", mark_as_used=False)
            if not callable(initial_value) and not isinstance(initial_value, Tensor | Variable):
                with graph.name_scope(full + "/"):
                    initial_value = convert(initial_value, dtype, name="initial_value")
            self._make(graph, full, initial_value, dtype, shape)
        self._trainable = trainable
        self.constraint = constraint
        self._register(collections)

    def _make(
        self, graph: Graph, full: str, initial_value: Any, dtype: Any, shape: Any = None
    ) -> None:
        inner = full + "/"
        self._full = full
        self._parts: dict[Tensor, Any] = {}
        b = Builder(graph)
        with graph.name_scope(inner):
            if callable(initial_value):
                with graph.name_scope("Initializer"):
                    initial_value = initial_value()
            value = _from_initial_values(convert(initial_value, dtype))
        if not TensorShape(shape).is_compatible_with(value.type.shape):
            raise ValueError(f"the initial value is {value.type}, the shape {shape} was asked for")
        if not TensorShape(value.type.shape).is_fully_defined():
            raise ShapeError(
                "the initial value's shape must be known when the variable is made",
                subject=f"variable {full!r}",
                rows=[("initial value", str(value.type), "")],
                site=here(),
            )
        self._tensor: Tensor = b.variable(
            dtype=value.dtype, shape=value.type.shape, key=full, name=inner
        )
        self._initial_value = value
        with graph.name_scope(inner):
            self._initializer = b.assign(self._tensor, value, name="Assign").node

    @classmethod
    def imported(
        cls, tensor: Tensor, initial_value: Tensor, initializer: Node, trainable: bool
    ) -> Variable:
        """The variable whose parts a graph from a file has; it joins no collection."""
        made = cls.__new__(cls)
        made._full = tensor.node.get_attr("key")
        made._tensor, made._initial_value = tensor, initial_value
        made._initializer, made._trainable = initializer, trainable
        made.constraint = None
        return made

    def _register(self, collections: Sequence[Any] | None) -> None:
        keys = [GraphKeys.GLOBAL_VARIABLES] if collections is None else list(collections)
        if self._trainable and GraphKeys.TRAINABLE_VARIABLES not in keys:
            keys.append(GraphKeys.TRAINABLE_VARIABLES)
        for key in keys:
            self.graph.add_to_collection(key, self)

    # --- what it is ----------------------------------------------------------------------------

    def as_graph_tensor(self) -> Tensor:
        return self._tensor

    @property
    def name(self) -> str:
        return self._tensor.name

    @property
    def op(self) -> Node:
        return self._tensor.node

    @property
    def graph(self) -> Graph:
        return self._tensor.graph

    @property
    def dtype(self) -> DType:
        return self._tensor.dtype

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self._tensor.type.shape)

    def get_shape(self) -> TensorShape:
        return self.shape

    def set_shape(self, shape: Any) -> None:
        self._tensor.set_shape(shape)  # type: ignore[attr-defined]

    @property
    def device(self) -> str:
        return self._tensor.device

    @property
    def trainable(self) -> bool:
        return self._trainable

    @property
    def initializer(self) -> Node:
        """The operation that assigns the initial value."""
        return self._initializer

    @property
    def initial_value(self) -> Tensor:
        return self._initial_value

    def initialized_value(self) -> Tensor:
        """A value to initialise another variable with: this one's initial value."""
        return self._initial_value

    def start_from(self, initial_value: Tensor, initializer: Node) -> None:
        """Let the variable be initialised by another operation of its graph."""
        self._initial_value, self._initializer = initial_value, initializer

    # --- reading and writing -------------------------------------------------------------------

    def value(self) -> Tensor:
        """The variable read where the reader stands (control dependencies decide what it sees)."""
        return self._tensor

    def read_value(self) -> Tensor:
        """A read at this point: it sees writes that the enclosing control dependencies name."""
        return builder(self).identity(self._tensor, name=f"{self.op.name}/read/")

    def eval(self, session: Any = None) -> np.ndarray:
        """The value in ``session`` (default: the default session)."""
        from runtime.session import evaluate

        return evaluate(self._tensor, None, session)

    def load(self, value: Any, session: Any = None) -> None:
        """Give the variable a value in ``session``, outside the graph."""
        from runtime.feeds import as_feed
        from runtime.session import session_for

        chosen = session_for(session, self.graph)
        array = as_feed(self._tensor, value)
        shape = static_shape(self.shape, f"variable {self._full!r}")
        chosen.variables.declare(self._full, self.dtype, shape)
        chosen.variables.set(self._full, array, self.dtype)

    def assign(
        self, value: Any, use_locking: bool = False, name: str | None = None,
        read_value: bool = True,
    ) -> Tensor:  # fmt: skip
        """Set the variable; the result is the new value."""
        return assign(self, value, name=name)

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None,
        read_value: bool = True,
    ) -> Tensor:  # fmt: skip
        """Add to the variable; the result is the new value."""
        return assign_add(self, delta, name=name)

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None,
        read_value: bool = True,
    ) -> Tensor:  # fmt: skip
        """Subtract from the variable; the result is the new value."""
        return assign_sub(self, delta, name=name)

    def count_up_to(self, limit: int) -> Tensor:
        """Add one and give the value before; OutOfRangeError when it is at ``limit`` already."""
        return count_up_to(self, limit)

    def to_proto(self, export_scope: str | None = None) -> Any:
        raise NotImplementedError(
            "a variable as a VariableDef alone is not provided; tf.train.export_meta_graph writes "
            "all of them with their graph"
        )

    @staticmethod
    def from_proto(variable_def: Any, import_scope: str | None = None) -> Variable:
        raise NotImplementedError(
            "a variable from a VariableDef alone is not provided; tf.train.import_meta_graph reads "
            "all of them with their graph"
        )

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements or slices at the positions ``indices``."""
        from frontends.tf.functions.arrays import gather_nd

        return gather_nd(self._tensor, indices, name=name)

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """The rows that ``indices`` names."""
        chosen = convert(indices)
        return builder(self).gather(self._tensor, chosen, axis=0, name=name or "Gather")

    def __getitem__(self, key: Any) -> Tensor:
        """A part of the variable; ``v[1:3].assign(x)`` changes that part."""
        part = super().__getitem__(key)
        self._parts[part] = key
        return part

    def __iter__(self) -> Any:
        raise TypeError("a variable does not iterate; tf.unstack(variable) gives its rows")

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]
        raise TypeError(
            "`variable += x` is ambiguous: use variable.assign_add(x), or y = variable + x"
        )

    __isub__ = __imul__ = __itruediv__ = __iadd__

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype}>"


_SIGNATURE = Signature(
    [p for p in signature(Variable.__init__).parameters.values() if p.name != "self"]
)
for _name, _method in SCATTER_METHODS.items():
    setattr(Variable, _name, _method)


def _from_initial_values(value: Tensor) -> Tensor:
    """``value`` computed from the initial values of the variables it reads.

    They may have no value of their own yet when this one is initialised.
    """
    graph = value.graph
    if not any(node.op.name == "variable" for node in ancestors([value.node], frozenset())):
        return value
    known = {v.as_graph_tensor(): v.initial_value for v in _all_variables(graph)}
    for node in ancestors([value.node], frozenset(known)):
        operands = tuple(known.get(t, t) for t in node.operands)
        if operands != node.operands:
            copy = graph.add(node.op, operands, name=node.name.rpartition("/")[2])
            known |= dict(zip(node.outputs, copy.outputs, strict=True))
    return known.get(value, value)


def variable_with_part(part: Tensor) -> tuple[Variable, Any] | None:
    """The variable that a tensor was cut from by ``variable[key]``, and the key."""
    for variable in _all_variables(part.graph):
        if part in variable._parts:
            return variable, variable._parts[part]
    return None


def _all_variables(graph: Graph) -> list[Variable]:
    keys = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES)
    return [v for key in keys for v in graph.collections.get(key, ()) if isinstance(v, Variable)]


def written_variable(ref: Any) -> Tensor:
    """The variable node behind what is to be written."""
    tensor = ref.as_graph_tensor() if isinstance(ref, Variable) else ref
    if not isinstance(tensor, Tensor) or tensor.node.op.name != "variable":
        raise TypeError(f"only a variable can be assigned, got {ref!r}")
    return tensor


def assign(
    ref: Any,
    value: Any,
    validate_shape: bool = True,
    use_locking: bool = True,
    name: str | None = None,
) -> Tensor:
    """Set a variable; the result is its new value.

    >>> update = tf.assign(w, w * 0.9)
    """
    variable = written_variable(ref)
    return builder(variable).assign(variable, convert(value, like=variable), name=name or "Assign")


def assign_add(ref: Any, value: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Add to a variable; the result is its new value."""
    variable = written_variable(ref)
    return builder(variable).assign_add(
        variable, convert(value, like=variable), name=name or "AssignAdd"
    )


def assign_sub(ref: Any, value: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Subtract from a variable; the result is its new value."""
    variable = written_variable(ref)
    return builder(variable).assign_sub(
        variable, convert(value, like=variable), name=name or "AssignSub"
    )


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Tensor:
    """Add one to an integer scalar variable and give its value before.

    Once that is ``limit`` the run fails with OutOfRangeError and the variable stays.
    """
    variable = written_variable(ref)
    b = builder(variable)
    with b.home.name_scope(name or "CountUpTo") as title:
        now = b.check_below(variable, limit=int(limit))
        step = b.assign(variable, b.add(now, 1))
        return b.identity(now, control=[step.node], name=title)


@contextmanager
def variable_creator_scope(variable_creator: Callable) -> Iterator[None]:
    """Ask ``variable_creator(next_creator, **kwargs)`` for every variable made inside; its result
    is the variable.

    >>> def float64(next_creator, **kwargs):
    ...     return next_creator(**{**kwargs, "dtype": tf.float64})
    >>> with tf.variable_creator_scope(float64):
    ...     w = tf.Variable(1.0)
    """
    held = default_graph().__dict__
    outer = held.get("variable_creators", ())
    held["variable_creators"] = (*outer, variable_creator)
    try:
        yield
    finally:
        held["variable_creators"] = outer


# --- all of them ---------------------------------------------------------------------------------


def global_variables(scope: str | None = None) -> list[Variable]:
    """The graph's variables but local ones, in the order they were made.

    ``scope``: a regular expression that their names must begin with.
    """
    return _collected(GraphKeys.GLOBAL_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Variable]:
    """The variables made by ``tf.get_local_variable`` and the like; ``scope`` as for
    :func:`global_variables`.
    """
    return _collected(GraphKeys.LOCAL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Variable]:
    """The variables that optimizers change unless told otherwise, in the order they were made;
    ``scope`` as for :func:`global_variables`.
    """
    return _collected(GraphKeys.TRAINABLE_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Variable]:
    """The variables of the collection MODEL_VARIABLES; ``scope`` as for
    :func:`global_variables`.
    """
    return _collected(GraphKeys.MODEL_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Variable]:
    """The variables that an ``ExponentialMovingAverage`` follows; ``scope`` as for
    :func:`global_variables`.
    """
    return _collected(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def _collected(key: str, scope: str | None) -> list[Variable]:
    from frontends.tf.graph.building import get_collection

    return get_collection(key, scope)


def variables_initializer(var_list: Sequence[Variable], name: str = "init") -> Node:
    """An operation that gives ``var_list`` their initial values."""
    return group(*[v.initializer for v in _variables(var_list)], name=name)


def _variables(var_list: Any) -> list[Any]:
    """An argument that is a list of variables, as a list."""
    if isinstance(var_list, Iterable):
        found = list(var_list)
        if all(hasattr(v, "initializer") for v in found):
            return found
    raise DTypeError(
        f"var_list must be a list of variables, got {var_list!r}",
        hint="for all of them: tf.global_variables()",
        site=here(),
    )


def global_variables_initializer() -> Node:
    """An operation that gives every global variable made so far its initial value.

    >>> sess.run(tf.global_variables_initializer())
    """
    return variables_initializer(global_variables(), name="init")


def local_variables_initializer() -> Node:
    """As :func:`global_variables_initializer`, for local variables."""
    return variables_initializer(local_variables(), name="init")


def is_variable_initialized(variable: Variable, name: str | None = None) -> Tensor:
    """A bool scalar: whether the variable has a value in the session that runs this."""
    key = written_variable(variable).node.get_attr("key")

    def asked() -> np.ndarray:
        return np.asarray(_running().variables.is_initialized(key))

    return _asking(asked, "bool", variable.graph, name or "IsVariableInitialized")


def report_uninitialized_variables(
    var_list: Sequence[Variable] | None = None, name: str = "report_uninitialized_variables"
) -> Tensor:
    """A string vector: the names of the variables that have no value yet."""
    asked_of = global_variables() + local_variables() if var_list is None else var_list
    keys = [v.op.get_attr("key") for v in _variables(asked_of)]

    def asked() -> np.ndarray:
        missing = _running().variables.uninitialized(keys)
        return np.array([key.encode() for key in missing], object)

    return _asking(asked, "string", default_graph(), name, vector=True)


def _running() -> Any:
    from runtime.session import running_session

    return running_session()


def _asking(
    function: Callable, dtype: str, graph: Graph, name: str, vector: bool = False
) -> Tensor:
    """A tensor whose value is what a Python function says of the session that runs it."""
    from frontends.tf.functions.host import py_func

    with graph.as_default():
        result = py_func(function, [], as_dtype(dtype), name=name)
        result.set_shape([None] if vector else [])
    return result
