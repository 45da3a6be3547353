"""Variable scopes: the prefix, sharing and defaults of what ``get_variable`` makes.

Each graph has one table of the variables ``get_variable`` made.  The current scope gives a prefix,
whether to share (``reuse``), and defaults.  Opening a scope also opens a name scope; opening the
same variable scope again numbers the name scope but not the variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from frontends.tf.graph.building import GraphKeys, get_collection
from graphc.ir.dtype import as_dtype, float32
from graphc.ir.graph import default_graph
from graphc.ir.source import Site


class _AutoReuse:
    def __repr__(self) -> str:
        return "tf.AUTO_REUSE"

    def __bool__(self) -> bool:
        return True


AUTO_REUSE = _AutoReuse()
_DEFAULTS = (
    "initializer", "regularizer", "caching_device", "partitioner", "custom_getter", "dtype",
    "use_resource", "constraint",
)  # fmt: skip


def _default(name: str) -> Any:
    return property(lambda self: self.defaults[name])


class VariableScope:
    """A prefix for variable names, whether they are shared, and defaults for new ones."""

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Callable | None = None,
        caching_device: Any = None,
        partitioner: Callable | None = None,
        custom_getter: Callable | None = None,
        name_scope: str = "",
        dtype: Any = float32,
        use_resource: bool | None = None,
        constraint: Callable | None = None,
    ) -> None:
        self.reuse = reuse
        self.name = name
        self.original_name_scope = name_scope
        self.defaults: dict[str, Any] = {
            "initializer": initializer,
            "regularizer": regularizer,
            "caching_device": caching_device,
            "partitioner": partitioner,
            "custom_getter": custom_getter,
            "dtype": as_dtype(dtype),
            "use_resource": use_resource,
            "constraint": constraint,
        }

    initializer, regularizer = _default("initializer"), _default("regularizer")
    caching_device, partitioner = _default("caching_device"), _default("partitioner")
    custom_getter, dtype = _default("custom_getter"), _default("dtype")
    use_resource, constraint = _default("use_resource"), _default("constraint")

    def reuse_variables(self) -> None:
        """Share variables from here on, in this scope and those inside it."""
        self.reuse = True

    def set_initializer(self, initializer: Any) -> None:
        self.defaults["initializer"] = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        self.defaults["regularizer"] = regularizer

    def set_caching_device(self, caching_device: Any) -> None:
        self.defaults["caching_device"] = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        self.defaults["partitioner"] = partitioner

    def set_custom_getter(self, custom_getter: Any) -> None:
        self.defaults["custom_getter"] = custom_getter

    def set_dtype(self, dtype: Any) -> None:
        self.defaults["dtype"] = as_dtype(dtype)

    def set_use_resource(self, use_resource: bool) -> None:
        self.defaults["use_resource"] = use_resource

    def global_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def trainable_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def get_collection(self, name: Any) -> list:
        return get_collection(name, f"{re.escape(self.name)}/" if self.name else None)

    def get_variable(self, name: str, *args: Any, **kwargs: Any) -> Any:
        from frontends.tf.variables.variable_getting import get_variable

        with variable_scope(self, auxiliary_name_scope=False):
            return get_variable(name, *args, **kwargs)

    def child(self, name: str, reuse: Any, given: dict[str, Any]) -> VariableScope:
        """The scope ``name`` inside this one; sharing is inherited."""
        full = f"{self.name}/{name}" if self.name else name
        return VariableScope(reuse or self.reuse, full, **self._with(given))

    def reopened(self, reuse: Any, given: dict[str, Any]) -> VariableScope:
        """This scope, entered again: whether it shares is its own, unless said."""
        return VariableScope(
            reuse or self.reuse, self.name, name_scope=self.original_name_scope, **self._with(given)
        )

    def _with(self, given: dict[str, Any]) -> dict[str, Any]:
        """The defaults, with those ``given``; a getter is asked before the one it stands in."""
        said = {key: value for key, value in given.items() if value is not None}
        outer, inner = self.custom_getter, said.get("custom_getter")
        if outer is not None and inner is not None:

            def nested(getter: Callable, *args: Any, **kwargs: Any) -> Any:
                return inner(partial(outer, getter), *args, **kwargs)

            said["custom_getter"] = nested
        return {**self.defaults, **said}


class _Table:
    """What one graph knows of its variables: by name, where each was made, and the current
    scope."""

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}
        self.made: dict[str, Site | None] = {}
        self.partitioned: dict[str, Any] = {}
        self.scope = VariableScope(False)
        self.opened: dict[str, int] = {}


def _table() -> _Table:
    """The default graph's table, which loops and branches inside it share.

    The graph itself holds it: variables refer to their graph, so a table of tables would keep every
    graph alive.
    """
    held = default_graph().root.__dict__
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
            "partitioner": partitioner,
            "custom_getter": custom_getter,
            "dtype": as_dtype(dtype) if dtype is not None else None,
            "use_resource": use_resource,
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
            inner = self._wanted.reopened(self._reuse, self._given)
            name = self._wanted.name.rpartition("/")[2]
        else:
            if self._wanted is None and self._reuse:
                raise ValueError(
                    "reuse=True needs the name of a scope; default_name makes a new one"
                )
            name = (self._default_name if self._wanted is None else self._wanted) or ""
            title = self._fresh_name(table) if self._wanted is None else name
            inner = outer.child(title, self._reuse, self._given)
        table.opened[inner.name] = table.opened.get(inner.name, 0) + 1
        before = dict(table.opened)
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
