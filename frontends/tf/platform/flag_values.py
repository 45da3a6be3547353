"""Command-line flags: what a flag is, and how a command line is read.

``--name=value``, ``--name value``, ``--switch``, ``--noswitch``, one dash or two; ``--`` ends the
flags; ``--flagfile=path`` reads more from a file; of a flag given twice the last counts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")
_HELP = ("help", "helpshort", "helpfull", "?")
_OWN = ("flagfile", "undefok", *_HELP)


class Error(Exception):
    """Something is wrong with the flags."""


class DuplicateFlagError(Error):
    """A flag is defined twice."""


class IllegalFlagValueError(Error):
    """A value a flag cannot have."""


class UnrecognizedFlagError(Error):
    """The command line has a flag that nobody defined."""

    def __init__(self, flagname: str, flagvalue: str = "", suggestions: Sequence[str] = ()) -> None:
        self.flagname, self.flagvalue = flagname, flagvalue
        near = f". Did you mean: {', '.join(suggestions)} ?" if suggestions else ""
        super().__init__(f"Unknown command line flag {flagname!r}{near}")


class UnparsedFlagAccessError(Error):
    """A flag is read before the command line was."""


class CantOpenFlagFileError(Error):
    """A file of flags cannot be read."""


class ValidationError(Error):
    """A validator refused a value; raise it with the reason."""


class ArgumentParser:
    """Turns a flag's text into its value; this one keeps the text."""

    syntactic_help = ""

    def parse(self, argument: Any) -> Any:
        """The value of ``argument``; ValueError with the reason where it has none."""
        if not isinstance(argument, str):
            raise TypeError(f"flag value must be a string, found {type(argument).__name__!r}")
        return argument

    def flag_type(self) -> str:
        return "string"


class NumberParser(ArgumentParser):
    """An ``int`` or a ``float`` between two bounds."""

    def __init__(
        self, kind: type, lower_bound: float | None = None, upper_bound: float | None = None
    ) -> None:
        self.kind, self.lower_bound, self.upper_bound = kind, lower_bound, upper_bound
        parts = [
            f">= {lower_bound}" if lower_bound is not None else "",
            f"<= {upper_bound}" if upper_bound is not None else "",
        ]
        name = "an integer" if kind is int else "a number"
        self.syntactic_help = " ".join([name, " and ".join(p for p in parts if p)]).strip()

    def parse(self, argument: Any) -> Any:
        value = self._number(argument)
        low, high = self.lower_bound, self.upper_bound
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"{value} is not {self.syntactic_help}")
        return value

    def _number(self, argument: Any) -> Any:
        if isinstance(argument, str):
            text = argument.lower()
            based = self.kind is int and text.startswith(("0x", "0o"))
            return int(text, 0) if based else self.kind(argument)
        if isinstance(argument, bool) or (self.kind is int and not isinstance(argument, int)):
            raise TypeError(f"Expect argument to be a string or int, found {type(argument)}")
        return self.kind(argument)

    def flag_type(self) -> str:
        return "int" if self.kind is int else "float"


class BooleanParser(ArgumentParser):
    """true, t, 1 or false, f, 0."""

    def parse(self, argument: Any) -> bool:
        if isinstance(argument, str):
            if argument.lower() in _TRUE:
                return True
            if argument.lower() in _FALSE:
                return False
        elif argument in (0, 1):
            return bool(argument)
        raise ValueError("Non-boolean argument to boolean flag", argument)

    def flag_type(self) -> str:
        return "bool"


class EnumParser(ArgumentParser):
    """One of some words."""

    def __init__(self, enum_values: Sequence[str], case_sensitive: bool = True) -> None:
        if not enum_values:
            raise ValueError(f"enum_values cannot be empty, found {enum_values!r}")
        self.enum_values, self.case_sensitive = list(enum_values), case_sensitive
        self.syntactic_help = f"<{'|'.join(self.enum_values)}>"

    def parse(self, argument: Any) -> str:
        for value in self.enum_values:
            if argument == value or (
                not self.case_sensitive and str(argument).lower() == value.lower()
            ):
                return value
        raise ValueError(f"value should be one of {self.syntactic_help}")

    def flag_type(self) -> str:
        return "string enum"


class EnumClassParser(ArgumentParser):
    """A member of an ``enum.Enum``, by its name."""

    def __init__(self, enum_class: Any, case_sensitive: bool = True) -> None:
        self.enum_class, self.case_sensitive = enum_class, case_sensitive
        self.syntactic_help = f"<{'|'.join(m.name for m in enum_class)}>"

    def parse(self, argument: Any) -> Any:
        if isinstance(argument, self.enum_class):
            return argument
        for member in self.enum_class:
            if argument == member.name or (
                not self.case_sensitive and str(argument).lower() == member.name.lower()
            ):
                return member
        raise ValueError(f"value should be one of {self.syntactic_help}")


class ListParser(ArgumentParser):
    """Words with commas between them; or with white space."""

    def __init__(self, separator: str | None = ",") -> None:
        self.separator = separator

    def parse(self, argument: Any) -> list[str]:
        if isinstance(argument, list | tuple):
            return list(argument)
        if not argument:
            return []
        return [word.strip() for word in argument.split(self.separator)]

    def flag_type(self) -> str:
        return "comma separated list of strings" if self.separator else "list of strings"


class Flag:
    """One flag: its value, its default, and whether it was given."""

    def __init__(
        self, parser: ArgumentParser, serializer: Any, name: str, default: Any,
        help_string: str | None, short_name: str | None = None, boolean: bool = False,
        allow_override: bool = False, multiple: bool = False,
    ) -> None:  # fmt: skip
        self.name, self.help, self.short_name = name, help_string or "", short_name
        self.parser, self.boolean, self.multiple = parser, boolean, multiple
        self.allow_override = allow_override
        self.present = 0
        self.validators: list[tuple[Callable[[Any], Any], str]] = []
        self.default = self.converted(default)
        self.value: Any = self.default

    @property
    def using_default_value(self) -> bool:
        return not self.present

    def converted(self, value: Any) -> Any:
        """A value, or the text of one, as the flag holds it."""
        if value is None:
            return None
        try:
            if self.multiple:
                return [self.parser.parse(v) for v in _several(value)]
            return self.parser.parse(value)
        except (TypeError, ValueError) as error:
            reason = " ".join(map(str, error.args))
            raise IllegalFlagValueError(f"flag --{self.name}={value}: {reason}") from None

    def give(self, text: Any) -> None:
        """Take a value from the command line."""
        value = self.converted(text)
        if self.multiple and self.present:
            value = [*self.value, *value]
        self.value = value
        self.present += 1

    def unparse(self) -> None:
        self.value, self.present = self.default, 0

    def check(self) -> None:
        """Ask the validators."""
        for accepts, why in self.validators:
            try:
                fine = accepts(self.value)
            except ValidationError as error:
                fine, why = False, str(error)
            if not fine:
                raise IllegalFlagValueError(f"flag --{self.name}={self.value}: {why}")

    def flag_type(self) -> str:
        return self.parser.flag_type()

    def serialize(self) -> str:
        """The flag as a command line has it."""
        if self.value is None:
            return ""
        if self.boolean:
            return f"--{self.name}" if self.value else f"--no{self.name}"
        values = self.value if self.multiple else [self.value]
        return "\n".join(f"--{self.name}={_written(v)}" for v in values)

    def describe(self) -> str:
        """The lines ``--help`` has for it."""
        short = f"-{self.short_name}," if self.short_name else ""
        kind = f"{self.parser.syntactic_help}: " if self.parser.syntactic_help else ""
        lines = [f"  {short}--{'[no]' if self.boolean else ''}{self.name}: {kind}{self.help}"]
        if self.default is not None:
            lines.append(f"    (default: {_shown(self.default)})")
        if self.multiple:
            lines.append("    repeat this option to specify a list of values")
        return "\n".join(lines)

    def __str__(self) -> str:
        return str(self.value)


def _several(value: Any) -> list:
    return list(value) if isinstance(value, list | tuple) else [value]


def _written(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _shown(value: Any) -> str:
    return repr(str(value).lower() if isinstance(value, bool) else _written(value))


class FlagValues:
    """The flags of a program; ``FLAGS.name`` is a flag's value.

    Reading one before the command line was read reads it first.
    """

    def __init__(self) -> None:
        self.__dict__.update(_held={}, _read=False, _checks=[])

    def define(self, flag: Flag) -> None:
        """Add a flag; one name means one flag."""
        for name in filter(None, (flag.name, flag.short_name)):
            if name in self._held and not (flag.allow_override or self._held[name].allow_override):
                first = self._held[name]
                raise DuplicateFlagError(
                    f"The flag {name!r} is defined twice. Description from first occurrence: "
                    f"{first.help}"
                )
            self._held[name] = flag
        self.__dict__["_read"] = False

    def __call__(self, argv: Sequence[str], known_only: bool = False) -> list[str]:
        """Read a command line (the program's name first); what is no flag comes back.

        A flag that is not defined is an error, or comes back too where ``known_only``.
        """
        if not argv:
            raise ValueError("argv cannot be empty")
        rest, unknown, accepted = [], [], set()
        for flag in self._held.values():  # a second reading starts a list anew
            flag.present = 0 if flag.multiple else flag.present
        waiting = list(argv[1:])
        while waiting:
            word = waiting.pop(0)
            if word == "--":
                rest.append(word) if known_only else None
                rest += waiting
                break
            name, equals, value = word.lstrip("-").partition("=")
            if not word.startswith("-") or not name:
                rest.append(word)
            elif name == "flagfile" and name not in self._held:
                waiting[:0] = _lines_of(value if equals else waiting.pop(0))
            elif name == "undefok" and name not in self._held:
                accepted.update((value if equals else waiting.pop(0)).split(","))
            elif name in _HELP and name not in self._held:
                self.leave_with_help(argv[0])
            elif not self._take(name, value if equals else None, waiting):
                unknown.append((name, word))
                rest.append(word)
        self.__dict__["_read"] = True
        wrong = [(n, w) for n, w in unknown if n not in accepted and n[2:] not in accepted]
        if wrong and not known_only:
            self.__dict__["_read"] = False
            raise UnrecognizedFlagError(wrong[0][0], wrong[0][1], self._near(wrong[0][0]))
        self.validate_all_flags()
        return [argv[0], *(w for w in rest if known_only or w not in {w for _, w in unknown})]

    def _take(self, name: str, value: str | None, waiting: list[str]) -> bool:
        """Give a flag its value, from the words that follow if need be; False if unknown."""
        flag = self._held.get(name) or self._held.get(name.replace("-", "_"))
        if flag is None:
            negated = self._held.get(name.removeprefix("no")) if name.startswith("no") else None
            if negated is None or not negated.boolean:
                return False
            if value is not None:
                raise IllegalFlagValueError(f"flag --{name} does not take a value")
            negated.give("false")
            return True
        if value is None and not flag.boolean:
            if not waiting:
                raise Error(f"Missing value for flag --{name}")
            value = waiting.pop(0)
        flag.give("true" if value is None else value)
        return True

    def _near(self, name: str) -> list[str]:
        from difflib import get_close_matches

        return get_close_matches(name, [*self._held, *_OWN[:2]], 3)

    def leave_with_help(self, program: str) -> None:
        """Write what the flags are, and end the program."""
        sys.stdout.write(f"{self.help_of(program)}\n")
        sys.exit(1)

    def help_of(self, program: str) -> str:
        """The text of ``--help``."""
        doc = getattr(sys.modules.get("__main__"), "__doc__", None)
        head = (doc or f"\nUSAGE: {program} [flags]").rstrip()
        return f"{head}\nflags:\n\n{program}:\n{self.get_help()}"

    def get_help(self) -> str:
        flags = {flag.name: flag for flag in self._held.values()}
        return "\n".join(flags[name].describe() for name in sorted(flags))

    main_module_help = get_help

    # --- asking --------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name == "__flags":
            return dict(self._held)
        if name.startswith("_"):
            raise AttributeError(name)
        if not self._read:  # a notebook's kernel has options of its own
            self(sys.argv, known_only="ipykernel" in sys.argv[0])
        return self._one(name).value

    def _one(self, name: str) -> Flag:
        if name not in self._held:
            near = self._near(name)
            hint = f"; near: {', '.join(near)}" if near else ""
            raise AttributeError(f"no flag {name!r} is defined{hint}")
        return self._held[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._held:
            raise UnrecognizedFlagError(name, str(value), self._near(name))
        flag = self._held[name]
        flag.value = value
        flag.present += 1
        if self._read:
            flag.check()

    def __delattr__(self, name: str) -> None:
        flag = self._one(name)
        for key in [k for k, held in self._held.items() if held is flag]:
            del self._held[key]

    def __getitem__(self, name: str) -> Flag:
        return self._held[name]

    def __setitem__(self, name: str, flag: Flag) -> None:
        self._held[name] = flag

    def __contains__(self, name: object) -> bool:
        return name in self._held

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._held))

    def __len__(self) -> int:
        return len(self._held)

    def __dir__(self) -> list[str]:
        return sorted([*self._held, *(n for n in type(self).__dict__ if not n.startswith("_"))])

    def flag_values_dict(self) -> dict[str, Any]:
        """All flags and their values."""
        return {name: flag.value for name, flag in self._held.items()}

    def flags_into_string(self) -> str:
        """The flags as a file for ``--flagfile`` has them."""
        flags = {flag.name: flag for flag in self._held.values()}
        return "".join(f"{text}\n" for f in flags.values() if (text := f.serialize()))

    def append_flags_into_file(self, filename: Any) -> None:
        with open(filename, "a", encoding="utf-8") as file:
            file.write(self.flags_into_string())

    def is_parsed(self) -> bool:
        return self._read

    def mark_as_parsed(self) -> None:
        self.__dict__["_read"] = True

    def unparse_flags(self) -> None:
        """Forget the command line."""
        for flag in self._held.values():
            flag.unparse()
        self.__dict__["_read"] = False

    def set_default(self, name: str, value: Any) -> None:
        """Change a flag's default, and its value where none was given."""
        flag = self._one(name)
        flag.default = flag.converted(value)
        if not flag.present:
            flag.value = flag.default

    def remove_flag_values(self, flag_values: Any) -> None:
        for name in list(flag_values):
            self.__delattr__(name)

    def add_check(self, check: Callable[[], None]) -> None:
        """Ask ``check`` after the command line was read."""
        self._checks.append(check)

    def validate_all_flags(self) -> None:
        """Ask all validators."""
        for flag in dict.fromkeys(self._held.values()):
            flag.check()
        for check in self._checks:
            check()

    def _parse_flags(self, args: Sequence[str] | None = None) -> list[str]:
        """Read the command line (the name TF1 scripts up to 1.4 use)."""
        return self(list(args) if args is not None else sys.argv, known_only=True)

    def _flags(self) -> dict[str, Flag]:
        return dict(self._held)


def _lines_of(path: str) -> list[str]:
    """The flags in a file: one a line; ``#`` and ``//`` open comments."""
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise CantOpenFlagFileError(f"ERROR:: Unable to open flagfile: {error}") from None
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith(("#", "//"))]
