"""The golden fixture: where its file lies, what a mismatch prints, what accepting does."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).with_name("conftest.py")

GREETING = """
    def test_greeting(golden):
        assert "hello\\nworld" == golden
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """An empty project with this project's conftest in its tests folder."""
    pytester.mkdir("tests")
    (pytester.path / "tests" / "conftest.py").write_text(CONFTEST.read_text())
    return pytester


def write_test(project: pytest.Pytester, source: str, path: str = "tests/test_words.py") -> Path:
    target = project.path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(line[4:] for line in source.splitlines()))
    return target


def accept(project: pytest.Pytester) -> pytest.RunResult:
    return project.runpytest("--update-golden", "-p", "no:cacheprovider")


def test_the_first_run_shows_the_text_and_how_to_accept_it(project):
    write_test(project, GREETING)
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no golden file yet*", "*hello*", "*world*", "*--update-golden*"])
    assert not (project.path / "tests" / "golden").exists()


def test_update_golden_writes_the_file_named_after_the_test(project):
    write_test(project, GREETING)
    accept(project).assert_outcomes(passed=1)
    written = project.path / "tests" / "golden" / "test_words" / "test_greeting.txt"
    assert written.read_text() == "hello\nworld\n"
    project.runpytest().assert_outcomes(passed=1)


def test_a_module_in_a_folder_keeps_its_folder(project):
    write_test(project, GREETING, "tests/passes/test_words.py")
    accept(project).assert_outcomes(passed=1)
    assert (project.path / "tests/golden/passes/test_words/test_greeting.txt").exists()


def test_each_parameter_has_its_own_file(project):
    write_test(
        project,
        """
    import pytest

    @pytest.mark.parametrize("word", ["a/b", "c"])
    def test_word(word, golden):
        assert word == golden
    """,
    )
    accept(project).assert_outcomes(passed=2)
    folder = project.path / "tests" / "golden" / "test_words"
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        "test_word[a_b].txt": "a/b\n",
        "test_word[c].txt": "c\n",
    }


def test_a_mismatch_prints_a_unified_diff_and_the_flag(project):
    write_test(project, GREETING)
    accept(project)
    write_test(project, GREETING.replace("world", "there"))
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*--- tests/golden/test_words/test_greeting.txt*",
            "*-world*",
            "*+there*",
            "*--update-golden*",
        ]
    )


def test_the_golden_may_stand_on_the_left(project):
    write_test(project, 'x = 1\n    def test_left(golden):\n        assert golden == "new"\n')
    result = project.runpytest()
    result.stdout.fnmatch_lines(["*no golden file yet*", "*new*"])
    accept(project).assert_outcomes(passed=1)


def test_only_text_equals_a_golden(project):
    write_test(project, GREETING.replace('"hello\\nworld"', "3"))
    accept(project).assert_outcomes(failed=1, errors=1)


def test_a_golden_that_is_not_compared_fails_the_test(project):
    write_test(project, "\n    def test_idle(golden):\n        pass\n")
    result = project.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*test_idle takes golden and compares nothing with it*"])
