"""One class per op, one file per family.  Importing this package registers every op."""

from graphc.ops import (  # noqa: F401
    arithmetic,
    checks,
    comparison,
    custom,
    functions,
    host,
    index,
    joining,
    linear,
    loss,
    optimize,
    partial,
    random,
    reduction,
    shape,
    slicing,
    source,
    state,
    subscript,
    unary,
)
