"""Every case gives what TensorFlow gave: values, dtypes, static shapes, gradients, refusals."""

from __future__ import annotations

import gzip
import importlib
import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.against_tensorflow import families
from tests.against_tensorflow.differences import why
from tests.against_tensorflow.outcome import Case, outcome, titles, unpacked
from tests.against_tensorflow.record import FAMILIES, RECORDED

TOLERANCE = {"float16": 4e-3, "float32": 2e-5, "float64": 1e-9, "complex64": 2e-5}


@cache
def cases_of(family: str) -> dict[str, Case]:
    return titles(importlib.import_module(f"{families.__name__}.{family}").cases())


@cache
def recorded(family: str) -> dict[str, Any]:
    path: Path = RECORDED / f"{family}.json.gz"
    return json.loads(gzip.decompress(path.read_bytes()))["cases"]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_case_is_recorded(family):
    assert set(cases_of(family)) == set(recorded(family)), "run tests.against_tensorflow.record"


ALL = [(family, title) for family in FAMILIES for title in cases_of(family)]
# Compiling takes longer than all else: every eighth case, by its title, is compiled every time.
SOME = [(family, title) for family, title in ALL if zlib.crc32(title.encode()) % 8 == 0]
REST = [row for row in ALL if row not in set(SOME)]


def check(family: str, title: str, device: str) -> None:
    case = cases_of(family)[title]
    wanted = unpacked(recorded(family)[title])
    with np.errstate(all="ignore"):
        found = outcome(tf, case, device=device)
    if found.get("error") == "absent":
        pytest.skip(found["says"])
    complaint = disagreement(found, wanted, case)
    if (reason := why(family, title)) is not None:
        assert complaint is not None, f"agrees now; drop the row that says: {reason}"
    else:
        assert complaint is None, complaint


def by_title(rows: list[tuple[str, str]]) -> Any:
    return pytest.mark.parametrize(("family", "title"), rows, ids=[title for _, title in rows])


@by_title(ALL)
def test_agrees(family, title):
    check(family, title, "/reference:0")


@by_title(SOME)
def test_agrees_compiled(family, title):
    check(family, title, "/cpu:0")


@pytest.mark.slow
@by_title(REST)
def test_all_agree_compiled(family, title):
    check(family, title, "/cpu:0")


def disagreement(found: dict[str, Any], wanted: dict[str, Any], case: Case) -> str | None:
    if "error" in wanted or "error" in found:
        if ("error" in wanted) == ("error" in found):
            return None
        return f"TensorFlow: {wanted.get('error', 'runs')}\ngraphc: {found.get('says', 'runs')}"
    if found["dtypes"] != wanted["dtypes"]:
        return f"dtypes {found['dtypes']}, not {wanted['dtypes']}"
    for mine, theirs in zip(found["static"], wanted["static"], strict=True):
        if theirs is not None and (
            mine is None
            or len(mine) != len(theirs)
            or any(t is not None and m != t for m, t in zip(mine, theirs, strict=True))
        ):
            return f"static shape {mine}, not {theirs}"
    if case.drawn:
        return None
    defined = [what for what in ("gradients", "second", "hessians") if wanted.get(what) is not None]
    for what in ["outputs", *defined]:
        for k, (mine, theirs) in enumerate(zip(found[what], wanted[what], strict=True)):
            if (mine is None) != (theirs is None):
                return f"{what}[{k}] is {mine}, not {theirs}"
            if mine is not None and not close(mine, theirs, case):
                return f"{what}[{k}]:\n{mine}\nnot\n{theirs}"
    return None


def close(mine: np.ndarray, theirs: np.ndarray, case: Case) -> bool:
    if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
        return False
    if mine.dtype.kind not in "fc":
        return bool(np.all(mine == theirs))
    tolerance = case.tolerance or TOLERANCE.get(mine.dtype.name, 1e-9)
    finite = np.abs(theirs[np.isfinite(theirs)])
    scale = float(finite.max(initial=0.0)) if finite.size else 0.0
    small = min(scale, 1.0) * tolerance
    return bool(np.allclose(mine, theirs, rtol=tolerance, atol=small, equal_nan=True))
