"""Fixtures and options every test may use: golden files and hypothesis profiles.

A golden test ends in ``assert text == golden``. The file belongs to the test and to nothing else:
``tests/golden/<module>/<test name>.txt``. A mismatch prints a diff; ``--update-golden`` accepts the
new text. Generated kernels are cached inside the checkout, away from the user's own cache.
"""

import difflib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

TESTS = Path(__file__).parent
UPDATE_FLAG = "--update-golden"

hypothesis.settings.register_profile("dev", max_examples=20, deadline=None)
hypothesis.settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, print_blob=True
)

os.environ.setdefault("GRAPHC_CACHE_DIR", str(TESTS.parent / ".pytest_cache" / "graphc"))


class Golden:
    """The text a test expects, kept in a file; equal to a string that has the same text.

    Compared in update mode, it takes the other side's text and is equal. What was compared last is
    kept, so that the assertion's message can show how the two differ.
    """

    __hash__ = None  # type: ignore[assignment]  # equality may write, so it is no key

    def __init__(self, path: Path, update: bool = False) -> None:
        self.path = path
        self.update = update
        self.compared = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str):
            return NotImplemented
        self.compared = True
        text = ended(other)
        if self.expected() == text:
            return True
        if self.update:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(text, encoding="utf-8")
        return self.update

    def __repr__(self) -> str:
        return f"<golden {shown(self.path)}>"

    def expected(self) -> str | None:
        """The accepted text; None where none has been accepted yet."""
        return self.path.read_text(encoding="utf-8") if self.path.exists() else None

    def difference(self, text: str) -> list[str]:
        """A unified diff from the accepted text to ``text``, then how to accept it."""
        expected = self.expected()
        accept = f"to accept the new text: make golden, or pytest {UPDATE_FLAG}"
        if expected is None:
            return ["no golden file yet; the test produced", *ended(text).splitlines(), accept]
        lines = difflib.unified_diff(
            expected.splitlines(),
            ended(text).splitlines(),
            fromfile=shown(self.path),
            tofile="what the test produced",
            lineterm="",
        )
        return [*lines, accept]


def ended(text: str) -> str:
    """The text as a file holds it: one newline at its end."""
    return text.rstrip("\n") + "\n"


def shown(path: Path) -> str:
    """The path as a person in the checkout would type it."""
    root = TESTS.parent
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def golden_path(test_file: Path, test_name: str) -> Path:
    """``passes/test_cse.py``, ``test_x[a b]`` -> ``golden/passes/test_cse/test_x[a_b].txt``."""
    module = test_file.relative_to(TESTS).with_suffix("")
    return TESTS / "golden" / module / (re.sub(r"[^\w.,=+\[\]-]", "_", test_name) + ".txt")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Iterator[Golden]:
    path = golden_path(request.path, request.node.name)
    fixture = Golden(path, update=request.config.getoption(UPDATE_FLAG))
    yield fixture
    # A test that asks for a golden and never looks at it would pass whatever it produced.
    assert fixture.compared, f"{request.node.name} takes golden and compares nothing with it"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        UPDATE_FLAG, action="store_true", help="accept the text of golden tests as it is now"
    )


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    if op != "==":
        return None
    if isinstance(left, str) and isinstance(right, Golden):
        return [f"text differs from {right!r}", *right.difference(left)]
    if isinstance(left, Golden) and isinstance(right, str):
        return [f"text differs from {left!r}", *left.difference(right)]
    return None
