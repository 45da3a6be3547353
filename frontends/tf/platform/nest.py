"""``tf.nest``: nests of lists, tuples, named tuples, dicts and attrs classes.

A dict's values come in the order of its sorted keys; sets, strings and arrays are leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = [
    "assert_same_structure", "assert_shallow_structure", "flatten", "flatten_up_to", "is_nested",
    "is_nested_or_composite", "is_sequence", "map_structure", "map_structure_up_to",
    "map_structure_with_paths", "pack_sequence_as", "yield_flattened_paths",
]  # fmt: skip


def is_nested(seq: Any) -> bool:
    """Whether it is a list, tuple, dict or attrs object."""
    return isinstance(seq, list | tuple | Mapping) or _is_attrs(seq)


is_sequence = is_nested_or_composite = is_nested


def _is_attrs(value: Any) -> bool:
    return hasattr(type(value), "__attrs_attrs__")


def _is_named_tuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _items(structure: Any) -> list[tuple[Any, Any]]:
    """The parts of a nest with their keys, in order."""
    if isinstance(structure, Mapping):
        try:
            return [(key, structure[key]) for key in sorted(structure)]
        except TypeError:
            raise TypeError("nest only supports dicts with sortable keys.") from None
    if _is_attrs(structure):
        names = [a.name for a in type(structure).__attrs_attrs__]
        return [(name, getattr(structure, name)) for name in names]
    if _is_named_tuple(structure):
        return list(zip(structure._fields, structure, strict=True))
    return list(enumerate(structure))


def _rebuilt(like: Any, parts: list) -> Any:
    """A nest like ``like`` of other parts (in the order of :func:`_items`)."""
    if isinstance(like, Mapping):
        values = dict(zip((key for key, _ in _items(like)), parts, strict=True))
        ordered = [(key, values[key]) for key in like]
        made: Any = type(like)
        if hasattr(like, "default_factory"):
            return made(like.default_factory, ordered)
        return made(ordered)
    if _is_attrs(like) or _is_named_tuple(like):
        return type(like)(*parts)
    return type(like)(parts)


def flatten(structure: Any, expand_composites: bool = False) -> list:
    """The leaves of a nest, from left to right; a leaf alone is a list of one.

    >>> tf.nest.flatten({"b": 2, "a": [1, (3,)]})
    [1, 3, 2]
    """
    return [leaf for _, leaf in _leaves(structure, ())]


def _leaves(structure: Any, path: tuple) -> Iterator[tuple[tuple, Any]]:
    if not is_nested(structure):
        yield path, structure
        return
    for key, part in _items(structure):
        yield from _leaves(part, (*path, key))


def yield_flattened_paths(nest: Any, expand_composites: bool = False) -> Iterator[tuple]:
    """The path of each leaf: keys, indices and field names."""
    return (path for path, _ in _leaves(nest, ()))


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """A nest like ``structure`` with the leaves of a flat list.

    >>> tf.nest.pack_sequence_as({"a": 0, "b": (0, 0)}, [1, 2, 3])
    {'a': 1, 'b': (2, 3)}
    """
    if not isinstance(flat_sequence, list | tuple):
        raise TypeError(f"flat_sequence must be a list or tuple, got {type(flat_sequence)}")
    wanted = len(flatten(structure))
    if not is_nested(structure):
        if len(flat_sequence) != 1:
            raise ValueError(
                "The target structure is of type "
                f"{type(structure)}, a leaf; the flat sequence has {len(flat_sequence)} values"
            )
        return flat_sequence[0]
    if wanted != len(flat_sequence):
        raise ValueError(
            f"Could not pack sequence. Structure had {wanted} atoms, but flat_sequence had "
            f"{len(flat_sequence)} items.  Structure: {structure}, flat_sequence: {flat_sequence}."
        )
    return _packed(structure, iter(flat_sequence))


def _packed(structure: Any, leaves: Iterator) -> Any:
    if not is_nested(structure):
        return next(leaves)
    return _rebuilt(structure, [_packed(part, leaves) for _, part in _items(structure)])


def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """ValueError where two nests are nested in different ways, TypeError where the kinds of
    their sequences differ (unless ``check_types`` is False)."""
    one, other = len(flatten(nest1)), len(flatten(nest2))
    if one != other and is_nested(nest1) == is_nested(nest2):
        raise ValueError(_differ(nest1, nest2, f"the first has {one} atoms, the second {other}"))
    _same(nest1, nest2, check_types, nest1, nest2)


def _same(a: Any, b: Any, check_types: bool, whole_a: Any, whole_b: Any) -> None:
    if is_nested(a) != is_nested(b):
        raise ValueError(_differ(whole_a, whole_b, f"{a!r} stands where {b!r} does"))
    if not is_nested(a):
        return
    mappings = isinstance(a, Mapping) and isinstance(b, Mapping)
    if check_types and not mappings and not _alike(a, b):
        raise TypeError(
            _differ(
                whole_a, whole_b, f"a {type(a).__name__} stands where a {type(b).__name__} does"
            )
        )
    parts_a, parts_b = _items(a), _items(b)
    if mappings and {k for k, _ in parts_a} != {k for k, _ in parts_b}:
        raise ValueError(_differ(whole_a, whole_b, "their dicts have different keys"))
    if len(parts_a) != len(parts_b):
        raise ValueError(_differ(whole_a, whole_b, f"{len(parts_a)} and {len(parts_b)} parts"))
    for (_, x), (_, y) in zip(parts_a, parts_b, strict=True):
        _same(x, y, check_types, whole_a, whole_b)


def _alike(a: Any, b: Any) -> bool:
    if _is_named_tuple(a) and _is_named_tuple(b):
        return type(a).__name__ == type(b).__name__ and a._fields == b._fields
    return type(a) is type(b)


def _differ(a: Any, b: Any, how: str) -> str:
    return (
        "The two structures don't have the same nested structure.\n\n"
        f"First structure: {a}\n\nSecond structure: {b}\n\n{how}"
    )


def map_structure(func: Callable, *structure: Any, **kwargs: Any) -> Any:
    """``func`` of the leaves that stand in the same place, in a nest like the first.

    >>> tf.nest.map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)])
    [11, (22,)]
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    kwargs.pop("expand_composites", None)
    if kwargs:
        raise ValueError(f"Only valid keyword arguments are check_types, got: {sorted(kwargs)}")
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types=check_types)
    results = [func(*leaves) for leaves in zip(*map(flatten, structure), strict=True)]
    return pack_sequence_as(structure[0], results)


def map_structure_with_paths(func: Callable, *structure: Any, **kwargs: Any) -> Any:
    """``func(path, *leaves)``; a path is its keys joined by ``/``."""
    paths = ["/".join(map(str, path)) for path in yield_flattened_paths(structure[0])]
    named = pack_sequence_as(structure[0], paths)
    return map_structure(func, named, *structure, **kwargs)


# --- up to a shallower nest ----------------------------------------------------------------------


def assert_shallow_structure(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Refuse an ``input_tree`` that is not nested at least as ``shallow_tree`` is."""
    if not is_nested(shallow_tree):
        return
    if not is_nested(input_tree):
        raise TypeError(
            "If shallow structure is a sequence, input must also be a sequence. Input has type: "
            f"{type(input_tree)}."
        )
    if check_types and not _alike(shallow_tree, input_tree):
        raise TypeError(
            "The two structures don't have the same sequence type. Input structure has type "
            f"{type(input_tree)}, while shallow structure has type {type(shallow_tree)}."
        )
    above, below = _items(shallow_tree), dict(_items(input_tree))
    if len(above) != len(below) or any(key not in below for key, _ in above):
        raise ValueError(
            "The two structures don't have the same sequence length. Input structure has length "
            f"{len(below)}, while shallow structure has length {len(above)}."
        )
    for key, part in above:
        assert_shallow_structure(part, below[key], check_types)


def flatten_up_to(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> list:
    """The parts of ``input_tree`` that stand where ``shallow_tree`` has leaves."""
    assert_shallow_structure(shallow_tree, input_tree, check_types)
    return _up_to(shallow_tree, input_tree)


def _up_to(shallow: Any, deep: Any) -> list:
    if not is_nested(shallow):
        return [deep]
    below = dict(_items(deep))
    return [leaf for key, part in _items(shallow) for leaf in _up_to(part, below[key])]


def map_structure_up_to(shallow_tree: Any, func: Callable, *inputs: Any, **kwargs: Any) -> Any:
    """``func`` of the parts of ``inputs`` that stand where ``shallow_tree`` has leaves."""
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    flat = [flatten_up_to(shallow_tree, given, kwargs.get("check_types", True)) for given in inputs]
    return pack_sequence_as(shallow_tree, [func(*parts) for parts in zip(*flat, strict=True)])


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import missing

    raise missing("nest", name, __all__)
