"""Variable scopes: ``get_variable`` makes or shares variables by name.

Each graph has one table of the variables ``get_variable`` made.  The current scope gives a prefix,
whether to share (``reuse``), and defaults.  Opening a scope also opens a name scope; opening the
same variable scope again numbers the name scope but not the variables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from frontends.tf.building import GraphKeys
from frontends.tf.initializers import as_initializer, glorot_uniform_initializer, zeros_initializer
from frontends.tf.shapes import TensorShape, static_shape
from frontends.tf.variables import Variable
from graphc.errors import GraphError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import DType, as_dtype, float32
from graphc.ir.graph import default_graph
from graphc.ir.source import Site, here


class _AutoReuse:
    def __repr__(self) -> str:
        return "tf.AUTO_REUSE"

    def __bool__(self) -> bool:
        return True


AUTO_REUSE = _AutoReuse()
_DEFAULTS = (
    "initializer", "regularizer", "caching_device", "partitioner", "custom_getter", "dtype",
    "constraint",
)  # fmt: skip


class VariableScope:
    """A prefix for variable names, whether they are shared, and defaults for new ones."""

    def __init__(
        self, reuse: Any = False, name: str = "", name_scope: str = "", **defaults: Any
    ) -> None:
        self.reuse = reuse
        self.name = name
        self.original_name_scope = name_scope
        self.defaults = {key: defaults.get(key) for key in _DEFAULTS}

    initializer = property(lambda self: self.defaults["initializer"])
    regularizer = property(lambda self: self.defaults["regularizer"])
    custom_getter = property(lambda self: self.defaults["custom_getter"])
    dtype = property(lambda self: self.defaults["dtype"] or float32)

    def reuse_variables(self) -> None:
        """Share variables from here on, in this scope and those inside it."""
        self.reuse = True

    def set_initializer(self, initializer: Any) -> None:
        self.defaults["initializer"] = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        self.defaults["regularizer"] = regularizer

    def global_variables(self) -> list[Variable]:
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def trainable_variables(self) -> list[Variable]:
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def get_collection(self, name: Any) -> list:
        from frontends.tf.building import get_collection

        return get_collection(name, f"{self.name}/" if self.name else None)

    def get_variable(self, name: str, *args: Any, **kwargs: Any) -> Variable:
        with variable_scope(self, auxiliary_name_scope=False):
            return get_variable(name, *args, **kwargs)

    def child(self, name: str, reuse: Any, given: dict[str, Any]) -> VariableScope:
        """The scope ``name`` inside this one; sharing is inherited."""
        full = f"{self.name}/{name}" if self.name else name
        return VariableScope(
            _inherited(self.reuse, reuse), full, **{**self.defaults, **_said(given)}
        )

    def reopened(self, current: VariableScope, reuse: Any, given: dict[str, Any]) -> VariableScope:
        """This scope, entered again from ``current``."""
        wanted = reuse if reuse is not None else self.reuse
        return VariableScope(
            _inherited(current.reuse, wanted), self.name, self.original_name_scope,
            **{**self.defaults, **_said(given)},
        )  # fmt: skip


def _said(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None}


def _inherited(outer: Any, mine: Any) -> Any:
    return mine if mine else (outer or False)


class _Table:
    """What one graph knows of its variables: by name, where each was made, and the current
    scope."""

    def __init__(self) -> None:
        self.variables: dict[str, Variable] = {}
        self.made: dict[str, Site | None] = {}
        self.scope = VariableScope()
        self.opened: dict[str, int] = {}


def _table() -> _Table:
    """The default graph's table.

    The graph itself holds it: variables refer to their graph, so a table of tables would keep every
    graph alive.
    """
    held = default_graph().__dict__
    if "variable_table" not in held:
        held["variable_table"] = _Table()
    return held["variable_table"]


def get_variable_scope() -> VariableScope:
    """The current variable scope."""
    return _table().scope


class variable_scope:
    """Open a variable scope: names made by ``get_variable`` inside are prefixed.

    ``reuse`` True shares variables made before, ``tf.AUTO_REUSE`` makes those that are missing.

    >>> with tf.variable_scope("layer", reuse=tf.AUTO_REUSE):
    ...     w = tf.get_variable("w", [784, 10])      # layer/w
    """

    def __init__(
        self,
        name_or_scope: str | VariableScope | None,
        default_name: str | None = None,
        values: Sequence[Any] | None = None,
        initializer: Any = None,
        regularizer: Callable | None = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Callable | None = None,
        reuse: Any = None,
        dtype: Any = None,
        use_resource: bool | None = None,
        constraint: Callable | None = None,
        auxiliary_name_scope: bool = True,
    ) -> None:
        if name_or_scope is None and default_name is None:
            raise TypeError("variable_scope needs a name or a default_name")
        if name_or_scope is not None and not isinstance(name_or_scope, str | VariableScope):
            raise TypeError(
                f"variable_scope takes a name or a VariableScope, got {name_or_scope!r}"
            )
        self._wanted, self._default_name, self._reuse = name_or_scope, default_name, reuse
        self._with_names = auxiliary_name_scope
        self._given = {
            "initializer": initializer,
            "regularizer": regularizer,
            "caching_device": caching_device,
            "custom_getter": custom_getter,
            "dtype": as_dtype(dtype) if dtype is not None else None,
            "constraint": constraint,
        }
        self._open: list[Any] = []

    def __enter__(self) -> VariableScope:
        context = self._context()
        scope = context.__enter__()
        self._open.append(context)
        return scope

    def __exit__(self, *exception: Any) -> Any:
        return self._open.pop().__exit__(*exception)

    def __call__(self, function: Callable) -> Callable:
        from functools import wraps

        @wraps(function)
        def scoped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return scoped

    @contextmanager
    def _context(self) -> Iterator[VariableScope]:
        table, graph = _table(), default_graph()
        outer = table.scope
        if isinstance(self._wanted, VariableScope):
            inner = self._wanted.reopened(outer, self._reuse, self._given)
            name = self._wanted.name.rpartition("/")[2]
        else:
            name = self._wanted or self._fresh_name(table)
            inner = outer.child(name, self._reuse, self._given)
        if self._wanted is None and self._reuse:
            raise ValueError("reuse=True needs the name of a scope; default_name makes a new one")
        before = dict(table.opened)
        table.opened[inner.name] = table.opened.get(inner.name, 0) + 1
        table.scope = inner
        try:
            if self._with_names and name:
                with graph.name_scope(name) as names:
                    inner.original_name_scope = inner.original_name_scope or names
                    yield inner
            else:
                yield inner
        finally:
            table.scope = outer
            if isinstance(self._wanted, VariableScope):
                table.opened = before
            else:  # default names start over when the scope is opened again
                inside = f"{inner.name}/"
                table.opened = {k: n for k, n in table.opened.items() if not k.startswith(inside)}

    def _fresh_name(self, table: _Table) -> str:
        """``default_name``, numbered until no scope of that name was opened here."""
        stem = self._default_name or ""
        prefix = f"{table.scope.name}/" if table.scope.name else ""
        name, count = stem, 0
        while table.opened.get(prefix + name):
            count += 1
            name = f"{stem}_{count}"
        return name


def variable_op_scope(
    values: Any, name_or_scope: Any, default_name: str | None = None, **rest: Any
) -> variable_scope:
    """The older spelling of :class:`variable_scope`."""
    return variable_scope(name_or_scope, default_name, values, **rest)


# --- get_variable --------------------------------------------------------------------------------


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Callable | None = None,
    trainable: bool = True,
    collections: Sequence[Any] | None = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Callable | None = None,
    constraint: Callable | None = None,
    **rest: Any,
) -> Variable:
    """The variable called ``name`` in the current scope, made now unless the scope shares it.

    ``initializer`` is an initializer (default: Glorot uniform for floats, zeros else), a value, or
    a tensor.

    >>> w = tf.get_variable("w", [784, 10], initializer=tf.zeros_initializer())
    """
    scope = get_variable_scope()
    chosen = {
        "shape": shape, "regularizer": _or(regularizer, scope.regularizer), "trainable": trainable,
        "dtype": as_dtype(dtype) if dtype is not None else scope.dtype,
        "initializer": _or(initializer, scope.initializer), "collections": collections,
        "constraint": _or(constraint, scope.defaults["constraint"]), "reuse": scope.reuse,
        "explicit_dtype": dtype is not None,
    }  # fmt: skip
    full = f"{scope.name}/{name}" if scope.name else name
    getter = _or(custom_getter, scope.custom_getter)
    if getter is None:
        return _found_or_made(full, **chosen)
    chosen.pop("explicit_dtype")

    def true_getter(name: str, **kwargs: Any) -> Variable:
        return _found_or_made(name, **{**chosen, **kwargs})

    return getter(true_getter, full, **chosen)


def get_local_variable(name: str, *args: Any, **kwargs: Any) -> Variable:
    """As :func:`get_variable`, for a variable that is local to the process and not trained."""
    kwargs["collections"] = [GraphKeys.LOCAL_VARIABLES]
    kwargs["trainable"] = False
    return get_variable(name, *args, **kwargs)


def _or(mine: Any, inherited: Any) -> Any:
    return mine if mine is not None else inherited


def _found_or_made(
    full: str, *, reuse: Any = None, shape: Any = None, dtype: Any = float32, **how: Any
) -> Variable:
    table = _table()
    existing = table.variables.get(full)
    if existing is not None:
        if not reuse:
            raise _already_exists(full, table.made[full])
        _check_shared(existing, full, shape, as_dtype(dtype), how.get("explicit_dtype", False))
        return existing
    if reuse is True:
        raise _does_not_exist(full, table)
    variable = _new_variable(full, shape, as_dtype(dtype), how)
    table.variables[full] = variable
    table.made[full] = here()
    return variable


def _new_variable(full: str, shape: Any, dtype: DType, how: dict[str, Any]) -> Variable:
    graph = default_graph()
    initializer = how.get("initializer")
    value = as_tensor(initializer)
    if value is not None or (initializer is not None and not callable(initializer)):
        if shape is not None:
            raise ValueError(
                f"variable {full!r}: the initializer is a value and has a shape; leave out shape"
            )
        initial: Any = value if value is not None else initializer
        dtype_given = dtype if how.get("explicit_dtype") else None
    else:
        if shape is None:
            raise GraphError(
                "a new variable needs a shape",
                subject=f"variable {full!r}",
                hint=f"tf.get_variable({full!r}, [rows, columns])",
                site=here(),
            )
        sizes = static_shape(shape, f"variable {full!r}")
        chosen = as_initializer(initializer) if initializer is not None else _default_of(dtype)
        dtype_given = dtype

        def initial() -> Any:
            return chosen(sizes, dtype=dtype)

    with graph.name_scope(None):
        variable = Variable(
            initial, trainable=how.get("trainable", True), collections=how.get("collections"),
            name=full, dtype=dtype_given, constraint=how.get("constraint"),
        )  # fmt: skip
        regularizer = how.get("regularizer")
        if regularizer is not None:
            with graph.name_scope(f"{full}/Regularizer/"):
                loss = regularizer(variable)
            if loss is not None:
                graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
    return variable


def _default_of(dtype: DType) -> Callable:
    return glorot_uniform_initializer() if dtype.is_floating else zeros_initializer()


def _check_shared(
    variable: Variable, full: str, shape: Any, dtype: DType, explicit_dtype: bool
) -> None:
    if shape is not None and not TensorShape(shape).is_compatible_with(variable.shape):
        raise GraphError(
            "shared with another shape",
            subject=f"variable {full!r}",
            rows=[("made", str(variable.shape), _made_at(_table().made[full])),
                  ("asked for", str(TensorShape(shape)), "")],
            site=here(),
        )  # fmt: skip
    if explicit_dtype and dtype is not variable.dtype:
        raise GraphError(
            "shared with another dtype",
            subject=f"variable {full!r}",
            rows=[("made", str(variable.dtype), _made_at(_table().made[full])),
                  ("asked for", str(dtype), "")],
            site=here(),
        )  # fmt: skip


def _made_at(site: Site | None) -> str:
    return site.short if site else ""


def _already_exists(full: str, made: Site | None) -> GraphError:
    rows = [("made", f"at {made.describe()}", "")] if made else []
    return GraphError(
        "exists already, and this scope does not share variables",
        subject=f"variable {full!r}",
        rows=rows,
        hint="to share it: tf.variable_scope(..., reuse=True), or reuse=tf.AUTO_REUSE; "
        "to start over: tf.reset_default_graph(); else give it another name",
        site=here(),
    )


def _does_not_exist(full: str, table: _Table) -> GraphError:
    from difflib import get_close_matches

    near = get_close_matches(full, table.variables, 3)
    rows = [("near", f"'{n}'", f"made at {_made_at(table.made[n])}") for n in near]
    return GraphError(
        "does not exist, and this scope only shares (reuse=True)",
        subject=f"variable {full!r}",
        rows=rows,
        hint="make it first without reuse, or use reuse=tf.AUTO_REUSE; "
        "tf.Variable(...) is not shared",
        site=here(),
    )
