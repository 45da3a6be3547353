"""``tf.flags``: command-line options declared one by one, read as ``FLAGS.name``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any


class _Flags:
    """The declared flags; reading one parses the command line first.  Unknown options are left
    alone."""

    def __init__(self) -> None:
        self.__dict__.update(_declared={}, _values={}, _parsed=False, _required=[])

    def declare(
        self, name: str, default: Any, text: str | None, kind: Callable, **how: Any
    ) -> None:
        self._declared[name] = {"default": default, "help": text, "type": kind, **how}
        self._values[name] = default
        self.__dict__["_parsed"] = False

    def __call__(self, argv: Sequence[str]) -> list[str]:
        """Parse ``argv`` (program name first); what is no flag comes back."""
        parser = argparse.ArgumentParser(allow_abbrev=False)
        for name, how in self._declared.items():
            spellings = dict.fromkeys([f"--{name}", f"--{name.replace('_', '-')}"])
            parser.add_argument(*spellings, dest=name, **how)
            if how["type"] is _truth:
                parser.add_argument(
                    f"--no{name}", dest=name, action="store_const", const=False,
                    default=argparse.SUPPRESS, help=argparse.SUPPRESS,
                )  # fmt: skip
        known, rest = parser.parse_known_args(list(argv)[1:])
        self._values.update(vars(known))
        self.__dict__["_parsed"] = True
        for name in self._required:
            if self._values[name] is None:
                parser.error(f"--{name} must be given")
        return [*list(argv)[:1], *rest]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if not self._parsed:
            self(sys.argv)
        if name not in self._values:
            raise AttributeError(f"there is no flag {name!r}; declared: {', '.join(self._values)}")
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if not self._parsed:
            self(sys.argv)
        self._values[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Any:
        return iter(self._values)

    def flag_values_dict(self) -> dict[str, Any]:
        """All flags and their values."""
        return {name: getattr(self, name) for name in list(self._values)}


FLAGS = _Flags()


def DEFINE_string(name: str, default: str | None, help: str | None = None, **rest: Any) -> None:
    """Declare a flag that is text."""
    FLAGS.declare(name, default, help, str)


def DEFINE_integer(name: str, default: int | None, help: str | None = None, **rest: Any) -> None:
    """Declare a flag that is an integer."""
    FLAGS.declare(name, default, help, int)


def DEFINE_float(name: str, default: float | None, help: str | None = None, **rest: Any) -> None:
    """Declare a flag that is a number."""
    FLAGS.declare(name, default, help, float)


def DEFINE_boolean(name: str, default: bool | None, help: str | None = None, **rest: Any) -> None:
    """Declare a flag that is true or false: ``--name``, ``--name=false``, ``--noname``."""
    FLAGS.declare(name, default, help, _truth, nargs="?", const=True)


DEFINE_bool = DEFINE_boolean


def DEFINE_enum(
    name: str, default: str | None, enum_values: Sequence[str], help: str | None = None, **rest: Any
) -> None:
    """Declare a flag that is one of some words."""
    FLAGS.declare(name, default, help, str, choices=list(enum_values))


def DEFINE_list(name: str, default: Any, help: str | None = None, **rest: Any) -> None:
    """Declare a flag that is a list of words with commas between them."""
    given = default.split(",") if isinstance(default, str) else default
    FLAGS.declare(name, given, help, lambda text: text.split(","))


def mark_flag_as_required(name: str) -> None:
    """Refuse a command line without this flag."""
    FLAGS._required.append(name)


def mark_flags_as_required(names: Sequence[str]) -> None:
    for name in names:
        mark_flag_as_required(name)


def _truth(text: str) -> bool:
    word = text.lower()
    if word in ("true", "t", "1", "yes", "y"):
        return True
    if word in ("false", "f", "0", "no", "n"):
        return False
    raise argparse.ArgumentTypeError(f"true or false is needed, got {text!r}")
