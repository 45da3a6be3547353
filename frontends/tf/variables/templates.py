"""``tf.make_template``: a function whose variables are made at its first call and shared after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.graph.building import GraphKeys, get_collection
from frontends.tf.variables.scopes import VariableScope, variable_scope


def make_template(
    name_: str,
    func_: Callable,
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Callable | None = None,
    **kwargs: Any,
) -> Template:
    """``func_`` in a variable scope of its own: every call uses the variables of the first.

    The scope is made at the first call, or now; it is called ``name_``, numbered where that is
    taken, or exactly ``unique_name_``.  ``kwargs`` are given to every call.

    >>> layer = tf.make_template("layer", lambda x: tf.layers.dense(x, 3))
    >>> a, b = layer(x), layer(y)            # one kernel and bias
    """
    return Template(name_, func_, create_scope_now_, unique_name_, custom_getter_, kwargs)


class Template:
    """What :func:`make_template` gives; called as the function it was made of."""

    def __init__(
        self, name: str, function: Callable, now: bool, unique_name: str | None,
        custom_getter: Callable | None, always: dict[str, Any],
    ) -> None:  # fmt: skip
        if unique_name is None and not name:
            raise ValueError("make_template needs a name")
        self._name, self._unique_name, self._getter = name, unique_name, custom_getter
        self._function, self._always = function, always
        self._scope: VariableScope | None = None
        self._was_called = False
        if now:
            with self._new_scope() as scope:
                self._scope = scope

    def _new_scope(self) -> variable_scope:
        return variable_scope(self._unique_name, self._name, custom_getter=self._getter)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._scope is None:
            with self._new_scope() as self._scope:
                return self._call(args, kwargs)
        with variable_scope(self._scope, reuse=self._was_called or None):
            return self._call(args, kwargs)

    def _call(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        result = self._function(*args, **{**self._always, **kwargs})
        self._was_called = True
        return result

    @property
    def name(self) -> str:
        return self._name

    @property
    def func(self) -> Callable:
        return self._function

    @property
    def variable_scope(self) -> VariableScope | None:
        return self._scope

    var_scope = variable_scope

    @property
    def variable_scope_name(self) -> str | None:
        return f"{self._scope.name}/" if self._scope else None

    @property
    def global_variables(self) -> list[Any]:
        """The variables of its scope that are saved."""
        return self._inside(GraphKeys.GLOBAL_VARIABLES)

    @property
    def local_variables(self) -> list[Any]:
        return self._inside(GraphKeys.LOCAL_VARIABLES)

    @property
    def trainable_variables(self) -> list[Any]:
        return self._inside(GraphKeys.TRAINABLE_VARIABLES)

    @property
    def variables(self) -> list[Any]:
        return self.global_variables + self.local_variables

    trainable_weights, weights = trainable_variables, variables

    def _inside(self, collection: str) -> list[Any]:
        return get_collection(collection, f"{self._scope.name}/") if self._scope else []
