"""``tf.app.run``: read the flags, then call ``main``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from frontends.tf.platform import flags

__all__ = ["flags", "run"]


def run(
    main: Callable[[list[str]], Any] | None = None, argv: Sequence[str] | None = None
) -> NoReturn:
    """Call ``main(argv)`` (default: the program's) with the flags taken out, and exit with what it
    returns.

    Options that are no flag stay in ``argv``.  A value a flag cannot have ends the program with
    status 1 and says which.

    >>> if __name__ == "__main__":
    ...     tf.app.run()
    """
    words = list(argv) if argv is not None else sys.argv
    try:
        rest = flags.FLAGS(words, known_only=True)
    except flags.Error as error:
        sys.stderr.write(
            f"FATAL Flags parsing error: {error}\n"
            "Pass --helpshort or --helpfull to see help on flags.\n"
        )
        sys.exit(1)
    chosen = main if main is not None else sys.modules["__main__"].main
    sys.exit(chosen(rest))
