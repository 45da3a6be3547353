"""``tf.app.run``: parse the flags, then call ``main``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from frontends.tf import flags

__all__ = ["flags", "run"]


def run(
    main: Callable[[list[str]], Any] | None = None, argv: Sequence[str] | None = None
) -> NoReturn:
    """Call ``main(argv)`` (default: the program's) with the flags parsed and taken out; then exit.

    >>> if __name__ == "__main__":
    ...     tf.app.run()
    """
    rest = flags.FLAGS(list(argv) if argv is not None else sys.argv)
    chosen = main if main is not None else sys.modules["__main__"].main
    sys.exit(chosen(rest))
