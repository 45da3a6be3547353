"""``tf.flags``: command-line options declared one by one, read as ``FLAGS.name``.

>>> tf.flags.DEFINE_float("learning_rate", 0.1, "step size")
>>> FLAGS = tf.flags.FLAGS
>>> FLAGS.learning_rate
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from frontends.tf.platform.flag_values import (
    ArgumentParser,
    BooleanParser,
    CantOpenFlagFileError,
    DuplicateFlagError,
    EnumClassParser,
    EnumParser,
    Error,
    Flag,
    FlagValues,
    IllegalFlagValueError,
    ListParser,
    NumberParser,
    UnparsedFlagAccessError,
    UnrecognizedFlagError,
    ValidationError,
)

FLAGS = FlagValues()

__all__ = [
    "DEFINE",
    "FLAGS",
    "ArgumentParser",
    "BooleanParser",
    "CantOpenFlagFileError",
    "DEFINE_alias",
    "DEFINE_bool",
    "DEFINE_boolean",
    "DEFINE_enum",
    "DEFINE_enum_class",
    "DEFINE_flag",
    "DEFINE_float",
    "DEFINE_integer",
    "DEFINE_list",
    "DEFINE_multi_enum",
    "DEFINE_multi_float",
    "DEFINE_multi_integer",
    "DEFINE_multi_string",
    "DEFINE_spaceseplist",
    "DEFINE_string",
    "DuplicateFlagError",
    "EnumClassParser",
    "EnumParser",
    "Error",
    "Flag",
    "FlagHolder",
    "FlagValues",
    "IllegalFlagValueError",
    "ListParser",
    "NumberParser",
    "UnparsedFlagAccessError",
    "UnrecognizedFlagError",
    "ValidationError",
    "adopt_module_key_flags",
    "declare_key_flag",
    "disclaim_key_flags",
    "mark_bool_flags_as_mutual_exclusive",
    "mark_flag_as_required",
    "mark_flags_as_mutual_exclusive",
    "mark_flags_as_required",
    "multi_flags_validator",
    "override_value",
    "register_multi_flags_validator",
    "register_validator",
    "set_default",
    "validator",
]  # fmt: skip


class FlagHolder:
    """What defining a flag gives: its value, when asked."""

    def __init__(self, flag_values: FlagValues, flag: Flag) -> None:
        self._flag_values, self._flag = flag_values, flag

    @property
    def name(self) -> str:
        return self._flag.name

    @property
    def value(self) -> Any:
        return getattr(self._flag_values, self._flag.name)

    @property
    def default(self) -> Any:
        return self._flag.default

    @property
    def present(self) -> bool:
        return bool(self._flag.present)


_OLDER = {"flag_name": "name", "default_value": "default", "docstring": "help"}


def _older_names(define: Callable) -> Callable:
    """Take the parameters by their names of TensorFlow 0.x too."""

    @wraps(define)
    def with_either(*args: Any, **kwargs: Any) -> Any:
        return define(*args, **{_OLDER.get(key, key): value for key, value in kwargs.items()})

    return with_either


def DEFINE(
    parser: ArgumentParser, name: str, default: Any, help: str | None,
    flag_values: FlagValues = FLAGS, serializer: Any = None, module_name: str | None = None,
    required: bool = False, **args: Any,
) -> FlagHolder:  # fmt: skip
    """Declare a flag whose text ``parser`` reads."""
    return DEFINE_flag(Flag(parser, serializer, name, default, help, **args), flag_values,
                       module_name, required)  # fmt: skip


def DEFINE_flag(
    flag: Flag, flag_values: FlagValues = FLAGS, module_name: str | None = None,
    required: bool = False,
) -> FlagHolder:  # fmt: skip
    """Declare a flag made by hand."""
    flag_values.define(flag)
    if required:
        mark_flag_as_required(flag.name, flag_values)
    return FlagHolder(flag_values, flag)


@_older_names
def DEFINE_string(
    name: str, default: str | None, help: str | None = None, flag_values: FlagValues = FLAGS,
    required: bool = False, **args: Any,
) -> FlagHolder:  # fmt: skip
    """Declare a flag that is text."""
    return DEFINE(ArgumentParser(), name, default, help, flag_values, required=required, **args)


@_older_names
def DEFINE_integer(
    name: str, default: int | None, help: str | None = None, lower_bound: int | None = None,
    upper_bound: int | None = None, flag_values: FlagValues = FLAGS, required: bool = False,
    **args: Any,
) -> FlagHolder:  # fmt: skip
    """Declare a flag that is an integer."""
    parser = NumberParser(int, lower_bound, upper_bound)
    return DEFINE(parser, name, default, help, flag_values, required=required, **args)


@_older_names
def DEFINE_float(
    name: str, default: float | None, help: str | None = None, lower_bound: float | None = None,
    upper_bound: float | None = None, flag_values: FlagValues = FLAGS, required: bool = False,
    **args: Any,
) -> FlagHolder:  # fmt: skip
    """Declare a flag that is a number."""
    parser = NumberParser(float, lower_bound, upper_bound)
    return DEFINE(parser, name, default, help, flag_values, required=required, **args)


@_older_names
def DEFINE_boolean(
    name: str, default: bool | None, help: str | None = None, flag_values: FlagValues = FLAGS,
    module_name: str | None = None, required: bool = False, **args: Any,
) -> FlagHolder:  # fmt: skip
    """Declare a flag that is true or false: ``--name``, ``--name=false``, ``--noname``."""
    return DEFINE(
        BooleanParser(), name, default, help, flag_values, required=required, boolean=True, **args
    )


DEFINE_bool = DEFINE_boolean


@_older_names
def DEFINE_enum(
    name: str, default: str | None, enum_values: Sequence[str], help: str | None = None,
    flag_values: FlagValues = FLAGS, module_name: str | None = None, required: bool = False,
    case_sensitive: bool = True, **args: Any,
) -> FlagHolder:  # fmt: skip
    """Declare a flag that is one of some words."""
    parser = EnumParser(enum_values, case_sensitive)
    return DEFINE(parser, name, default, help, flag_values, required=required, **args)


def DEFINE_enum_class(
    name: str, default: Any, enum_class: Any, help: str | None = None,
    flag_values: FlagValues = FLAGS, module_name: str | None = None,
    case_sensitive: bool = False, required: bool = False, **args: Any,
) -> FlagHolder:  # fmt: skip
    """Declare a flag that is a member of an ``enum.Enum``, by its name."""
    parser = EnumClassParser(enum_class, case_sensitive)
    return DEFINE(parser, name, default, help, flag_values, required=required, **args)


@_older_names
def DEFINE_list(
    name: str, default: Any, help: str | None = None, flag_values: FlagValues = FLAGS,
    required: bool = False, **args: Any,
) -> FlagHolder:  # fmt: skip
    """Declare a flag that is a list of words with commas between them."""
    return DEFINE(ListParser(), name, default, help, flag_values, required=required, **args)


def DEFINE_spaceseplist(
    name: str, default: Any, help: str | None = None, comma_compat: bool = False,
    flag_values: FlagValues = FLAGS, required: bool = False, **args: Any,
) -> FlagHolder:  # fmt: skip
    """Declare a flag that is a list of words with white space between them."""
    return DEFINE(ListParser(None), name, default, help, flag_values, required=required, **args)


def _multiple(parser: ArgumentParser, kind: str) -> Callable[..., FlagHolder]:
    def define(
        name: str, default: Any, help: str | None = None, flag_values: FlagValues = FLAGS,
        required: bool = False, **args: Any,
    ) -> FlagHolder:  # fmt: skip
        return DEFINE(
            parser, name, default, help, flag_values, required=required, multiple=True, **args
        )

    define.__name__ = define.__qualname__ = f"DEFINE_multi_{kind}"
    define.__doc__ = "Declare a flag that may be given several times; its value is a list."
    return _older_names(define)


DEFINE_multi_string = _multiple(ArgumentParser(), "string")
DEFINE_multi_integer = _multiple(NumberParser(int), "integer")
DEFINE_multi_float = _multiple(NumberParser(float), "float")


def DEFINE_multi_enum(
    name: str, default: Any, enum_values: Sequence[str], help: str | None = None,
    flag_values: FlagValues = FLAGS, case_sensitive: bool = True, required: bool = False,
    **args: Any,
) -> FlagHolder:  # fmt: skip
    """Declare a flag that may be given several times, each time one of some words."""
    parser = EnumParser(enum_values, case_sensitive)
    return DEFINE(
        parser, name, default, help, flag_values, required=required, multiple=True, **args
    )


def DEFINE_alias(
    name: str, original_name: str, flag_values: FlagValues = FLAGS, module_name: str | None = None
) -> FlagHolder:
    """Another name for a flag."""
    if original_name not in flag_values:
        raise UnrecognizedFlagError(original_name)
    if name in flag_values:
        raise DuplicateFlagError(f"The flag {name!r} is defined twice.")
    flag = flag_values[original_name]
    flag_values[name] = flag
    return FlagHolder(flag_values, flag)


# --- validators ----------------------------------------------------------------------------------


def register_validator(
    flag_name: str, checker: Callable[[Any], Any], message: str = "Flag validation failed",
    flag_values: FlagValues = FLAGS,
) -> None:  # fmt: skip
    """Refuse values of a flag for which ``checker`` is false or raises ``ValidationError``."""
    flag_values[flag_name].validators.append((checker, message))


def validator(
    flag_name: str, message: str = "Flag validation failed", flag_values: FlagValues = FLAGS
) -> Callable[[Callable], Callable]:
    """:func:`register_validator` as a decorator."""

    def register(checker: Callable) -> Callable:
        register_validator(flag_name, checker, message, flag_values)
        return checker

    return register


def register_multi_flags_validator(
    flag_names: Sequence[str], multi_flags_checker: Callable[[dict], Any],
    message: str = "Flags validation failed", flag_values: FlagValues = FLAGS,
) -> None:  # fmt: skip
    """Refuse values of several flags together; the checker gets them in a dict."""

    def check() -> None:
        values = {name: flag_values[name].value for name in flag_names}
        try:
            fine, why = multi_flags_checker(values), message
        except ValidationError as error:
            fine, why = False, str(error)
        if not fine:
            shown = ", ".join(f"--{name}={value}" for name, value in values.items())
            raise IllegalFlagValueError(f"flags {shown}: {why}")

    flag_values.add_check(check)


def multi_flags_validator(
    flag_names: Sequence[str], message: str = "Flag validation failed",
    flag_values: FlagValues = FLAGS,
) -> Callable[[Callable], Callable]:  # fmt: skip
    """:func:`register_multi_flags_validator` as a decorator."""

    def register(checker: Callable) -> Callable:
        register_multi_flags_validator(flag_names, checker, message, flag_values)
        return checker

    return register


def mark_flag_as_required(flag_name: str, flag_values: FlagValues = FLAGS) -> None:
    """Refuse a command line without this flag."""
    register_validator(
        flag_name, lambda value: value is not None,
        f"Flag --{flag_name} must have a value other than None.", flag_values,
    )  # fmt: skip


def mark_flags_as_required(flag_names: Sequence[str], flag_values: FlagValues = FLAGS) -> None:
    """Refuse a command line without these flags."""
    for name in flag_names:
        mark_flag_as_required(name, flag_values)


def _one_at_most(
    names: Sequence[str], required: bool, flag_values: FlagValues, given: Callable[[Any], bool]
) -> None:
    def check(values: dict[str, Any]) -> bool:
        count = sum(map(given, values.values()))
        if count == 1 or (not required and count == 0):
            return True
        least = "Exactly" if required else "At most"
        raise ValidationError(f"{least} one of ({', '.join(names)}) must have a value.")

    register_multi_flags_validator(names, check, flag_values=flag_values)


def mark_flags_as_mutual_exclusive(
    flag_names: Sequence[str], required: bool = False, flag_values: FlagValues = FLAGS
) -> None:
    """Refuse a command line with more than one of these flags."""
    _one_at_most(flag_names, required, flag_values, lambda value: value is not None)


def mark_bool_flags_as_mutual_exclusive(
    flag_names: Sequence[str], required: bool = False, flag_values: FlagValues = FLAGS
) -> None:
    """Refuse a command line that has more than one of these true."""
    _one_at_most(flag_names, required, flag_values, bool)


# --- changes -------------------------------------------------------------------------------------


def set_default(flag_holder: Any, value: Any) -> None:
    """Change a flag's default (the flag as its definition gave it, or its name)."""
    name = flag_holder if isinstance(flag_holder, str) else flag_holder.name
    FLAGS.set_default(name, value)


def override_value(flag_holder: FlagHolder, value: Any) -> None:
    """Change a flag's value."""
    setattr(FLAGS, flag_holder.name, value)


def adopt_module_key_flags(module: Any, flag_values: FlagValues = FLAGS) -> None:
    """Nothing to do: ``--help`` shows all flags."""


def declare_key_flag(flag_name: str, flag_values: FlagValues = FLAGS) -> None:
    """Nothing to do: ``--help`` shows all flags."""


def disclaim_key_flags() -> None:
    """Nothing to do: ``--help`` shows all flags."""


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import missing

    raise missing("flags", name, __all__)
