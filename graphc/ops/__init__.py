"""One class per op, one file per family.  Importing this package registers every op."""

from graphc.ops import (  # noqa: F401
    arithmetic,
    comparison,
    custom,
    functions,
    index,
    joining,
    linear,
    loss,
    random,
    reduction,
    shape,
    slicing,
    source,
    state,
    subscript,
    unary,
)
