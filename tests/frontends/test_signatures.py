"""Provided functions take TF1's parameters, in its order, with its defaults.

``tf1_signatures.txt`` was recorded from TensorFlow by ``record_signatures.py``.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from frontends.tf.names.missing import Namespace, resolve

RECORDED = Path(__file__).with_name("tf1_signatures.txt")
TWO_NAMES = "the argument has a second name, so the first may be left out"
SAYS_IT = "None there means the value that is the default here"
LATER = "TensorFlow 2 took its sentinel away"

# name: why it differs
DIFFERENT = {
    **dict.fromkeys(("SparseTensor", "sparse.SparseTensor", "batch_to_space"), TWO_NAMES),
    **dict.fromkeys(("concat", "split"), TWO_NAMES),
    **dict.fromkeys(
        ("assign", "assign_add", "assign_sub", "shape", "size"), SAYS_IT
    ),
    **dict.fromkeys(
        (
            "nn.sigmoid_cross_entropy_with_logits", "nn.softmax_cross_entropy_with_logits",
            "nn.sparse_softmax_cross_entropy_with_logits",
        ),
        LATER,
    ),
    "custom_gradient": "its parameter is called function",
    "flags.FLAGS": "called by the library alone",
    "logical_xor": "the op's name is the default anyway",
    "math.logical_xor": "the op's name is the default anyway",
    "math.reduce_std": "None is False",
    "math.reduce_variance": "None is False",
    "nn.safe_embedding_lookup_sparse": "None is 'mean'",
    "numpy_function": "calling it without a function means nothing",
    "py_function": "calling it without a function means nothing",
    "train.remove_checkpoint": "both formats are removed",
}  # fmt: skip


def recorded() -> Iterator[tuple[str, list[str]]]:
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        name, _, parameters = line.partition(":")
        yield name, parameters.split()


def test_parameters_are_those_of_tf1():
    found = {}
    for name, theirs in recorded():
        ours = signature_of(name)
        if ours is not None and (problem := difference(ours, theirs)):
            found[name] = problem
    unknown = {name: problem for name, problem in found.items() if name not in DIFFERENT}
    assert not unknown, "take TF1's parameters, or say in DIFFERENT why not"
    assert not set(DIFFERENT) - set(found), "no longer different"


def signature_of(name: str) -> inspect.Signature | None:
    """The signature of a name; None where it is not provided or has none."""
    try:
        value = resolve(name)
    except AttributeError:
        return None
    if isinstance(value, Namespace):
        return None
    try:
        return inspect.signature(value)
    except (TypeError, ValueError):
        return None


def difference(ours: inspect.Signature, theirs: list[str]) -> str:
    """How a signature differs from TF1's parameters; more parameters at the end are no
    difference."""
    mine = ours.parameters
    kinds = {parameter.kind for parameter in mine.values()}
    if inspect.Parameter.VAR_KEYWORD in kinds and inspect.Parameter.VAR_POSITIONAL in kinds:
        return ""
    names = [parameter.partition("=")[0] for parameter in theirs]
    absent = [name for name in names if name not in mine]
    if absent and inspect.Parameter.VAR_KEYWORD not in kinds:
        return f"missing: {', '.join(absent)}"
    given = [name for name in names if name in mine]
    if list(mine)[: len(given)] != given and not absent:
        return f"order: {', '.join(mine)}"
    wrong = (
        default_differs(mine[p.partition("=")[0]], p) for p in theirs if p.split("=")[0] in mine
    )
    return "; ".join(filter(None, wrong))


def default_differs(mine: inspect.Parameter, theirs: str) -> str:
    name, equals, written = theirs.partition("=")
    if not equals:
        optional = mine.default is not mine.empty and name != "help"
        return f"{name} is optional" if optional else ""
    if mine.default is mine.empty:
        return f"{name} is required"
    if written == "?":
        return ""
    value: Any = json.loads(written)
    default = getattr(mine.default, "name", mine.default)
    same = default == value or (isinstance(default, tuple) and list(default) == value)
    return "" if same else f"{name}: {default!r}, not {value!r}"
