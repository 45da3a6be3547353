"""``tf.flags`` and ``tf.app.run``: what a command line may say."""

import subprocess
import sys

import pytest

from frontends.tf.platform import flags
from frontends.tf.platform.flag_values import FlagValues
from tests.conftest import TESTS


@pytest.fixture
def values() -> FlagValues:
    made = FlagValues()
    how = {"flag_values": made}
    flags.DEFINE_integer("steps", 5, "how many", lower_bound=0, **how)
    flags.DEFINE_float("rate", "0.5", "how fast", **how)
    flags.DEFINE_bool("verbose", False, "say more", **how)
    flags.DEFINE_string("name", None, "who", **how)
    flags.DEFINE_list("layers", "a,b", "which", **how)
    flags.DEFINE_enum("mode", "train", ["train", "test"], "what", **how)
    flags.DEFINE_multi_integer("size", [1], "sizes", **how)
    return made


def read(values: FlagValues, *words: str, **how: bool) -> list[str]:
    return values(["prog", *words], **how)


def test_every_spelling_of_a_flag_is_read(values):
    words = ["--steps=7", "in", "-rate", "2", "--verbose", "--size", "3", "--size=4", "--mode=test"]
    rest = read(values, *words, "--layers=x, y", "--", "--steps=1")
    assert rest == ["prog", "in", "--steps=1"]
    assert values.flag_values_dict() == {
        "steps": 7, "rate": 2.0, "verbose": True, "name": None, "layers": ["x", "y"],
        "mode": "test", "size": [3, 4],
    }  # fmt: skip
    assert read(values, "--noverbose", "--steps=0x10", "--steps=9") == ["prog"]
    assert (values.verbose, values.steps) == (False, 9)


def test_a_switch_takes_no_separate_word(values):
    assert read(values, "--verbose", "false") == ["prog", "false"]
    assert values.verbose is True


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--stesp=3", r"Unknown command line flag 'stesp'\. Did you mean: steps \?"),
        ("--steps=x", r"flag --steps=x: invalid literal for int"),
        ("--steps=-1", r"flag --steps=-1: -1 is not an integer >= 0"),
        ("--steps", "Missing value for flag --steps"),
        ("--verbose=maybe", "flag --verbose=maybe: Non-boolean argument"),
        ("--noverbose=1", "flag --noverbose does not take a value"),
        ("--mode=dream", r"value should be one of <train\|test>"),
    ],
)
def test_a_wrong_command_line_is_refused(values, word, message):
    with pytest.raises(flags.Error, match=message):
        read(values, word)


def test_unknown_flags_stay_where_only_known_ones_are_wanted(values):
    assert read(values, "--other=1", "x", "--steps=2", known_only=True) == [
        "prog",
        "--other=1",
        "x",
    ]
    assert read(values, "--undefok=other", "--other=1", "x") == ["prog", "x"]


def test_a_flag_defined_twice_is_an_error(values):
    with pytest.raises(flags.DuplicateFlagError, match="The flag 'steps' is defined twice"):
        flags.DEFINE_integer("steps", 1, "again", flag_values=values)


def test_the_parameters_have_their_older_names():
    made = FlagValues()
    flags.DEFINE_string(flag_name="who", default_value="me", docstring="x", flag_values=made)
    made(["prog"])
    assert made.who == "me"


def test_reading_a_flag_reads_the_command_line_first(values, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["prog", "--steps=8"])
    assert values.steps == 8
    with pytest.raises(AttributeError, match="no flag 'stpes' is defined; near: steps"):
        values.stpes  # noqa: B018
    with pytest.raises(flags.UnrecognizedFlagError, match="Did you mean: steps"):
        values.stpes = 3


def test_validators_are_asked_at_the_command_line_and_at_changes(values):
    flags.register_validator("steps", lambda v: v % 2 == 0, "must be even", flag_values=values)
    with pytest.raises(flags.IllegalFlagValueError, match="flag --steps=5: must be even"):
        read(values)
    read(values, "--steps=4")
    with pytest.raises(flags.IllegalFlagValueError, match="must be even"):
        values.steps = 3


def test_a_required_flag_must_be_given(values):
    flags.mark_flag_as_required("name", values)
    with pytest.raises(flags.IllegalFlagValueError, match="must have a value other than None"):
        read(values)
    read(values, "--name=x")


def test_flags_that_exclude_each_other(values):
    flags.DEFINE_string("title", None, "", flag_values=values)
    flags.mark_flags_as_mutual_exclusive(["name", "title"], required=True, flag_values=values)
    with pytest.raises(flags.IllegalFlagValueError, match="Exactly one of"):
        read(values)
    with pytest.raises(flags.IllegalFlagValueError, match="Exactly one of"):
        read(values, "--name=a", "--title=b")


def test_a_flagfile_gives_more_flags(values, tmp_path):
    file = tmp_path / "flags.txt"
    file.write_text("# sizes\n--steps=3\n\n--noverbose\n")
    read(values, f"--flagfile={file}", "--rate=1")
    assert (values.steps, values.rate) == (3, 1.0)
    again = values.flags_into_string()
    assert "--steps=3\n" in again
    assert "--layers=a,b\n" in again


def test_older_scripts_find_the_flags_by_their_inner_names(values):
    assert values._parse_flags(["prog", "--steps=6"]) == ["prog"]
    assert {name: flag.value for name, flag in getattr(values, "__flags").items()}["steps"] == 6


PROGRAM = """
import graphc as tf
tf.app.flags.DEFINE_integer("steps", 5, "how many")
def main(argv):
    print(argv[1:], tf.flags.FLAGS.steps)
    return 3
if __name__ == "__main__":
    tf.app.run()
"""


def run(tmp_path, *words: str) -> subprocess.CompletedProcess:
    script = tmp_path / "script.py"
    script.write_text(PROGRAM)
    return subprocess.run(
        [sys.executable, str(script), *words], capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(TESTS.parent), "PATH": ""},
    )  # fmt: skip


def test_run_gives_main_what_is_no_flag_and_exits_with_its_result(tmp_path):
    done = run(tmp_path, "--steps=2", "x", "--other")
    assert (done.stdout, done.returncode) == ("['x', '--other'] 2\n", 3)


def test_run_ends_with_one_and_a_line_at_a_wrong_value(tmp_path):
    done = run(tmp_path, "--steps=many")
    assert done.returncode == 1
    assert done.stderr.startswith("FATAL Flags parsing error: flag --steps=many: invalid literal")


def test_help_lists_the_flags(tmp_path):
    done = run(tmp_path, "--help")
    assert done.returncode == 1
    assert "--steps: an integer: how many\n    (default: '5')" in done.stdout
