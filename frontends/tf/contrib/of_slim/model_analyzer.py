"""``slim.model_analyzer``: how large the variables and operations of a model are."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any

from graphc.ir.graph import Graph

_LINE = "---------"


def analyze_vars(variables: Iterable[Any], print_info: bool = False) -> tuple[int, int]:
    """(elements, bytes) of variables; ``print_info`` prints a line for each."""
    listed = list(variables)
    counts = [math.prod(v.get_shape().as_list()) for v in listed]
    sizes = [n * v.dtype.base_dtype.size for n, v in zip(counts, listed, strict=True)]
    if print_info:
        lines = [_LINE, "Variables: name (type shape) [size]", _LINE]
        for v, count, size in zip(listed, counts, sizes, strict=True):
            shape = "x".join(map(str, v.get_shape().as_list()))
            lines.append(f"{v.name} ({v.dtype.base_dtype.name} {shape}) [{count}, bytes: {size}]")
        total = f"Total size of variables: {sum(counts)}\nTotal bytes of variables: {sum(sizes)}"
        sys.stdout.write("\n".join([*lines, total]) + "\n")
    return sum(counts), sum(sizes)


def analyze_ops(graph: Graph, print_info: bool = False) -> int:
    """The elements of all outputs of a graph whose sizes are known; ``print_info`` prints them."""
    lines = [_LINE, "Operations: name -> (type shapes) [size]", _LINE]
    total = 0
    for node in graph.nodes:
        size, told = 0, []
        for output in node.outputs:
            known = [n for n in output.type.shape or () if isinstance(n, int)]
            if known and len(known) == len(output.type.dims):
                size += math.prod(known)
                told.append(f"{output.dtype.name} {'x'.join(map(str, known))}")
        total += size
        lines.append(f"{node.name}\t->\t{', '.join(told)}\t[{size}]")
    if print_info:
        sys.stdout.write("\n".join([*lines, f"Total size: {total}"]) + "\n")
    return total
