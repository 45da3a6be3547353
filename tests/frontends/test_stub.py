"""The stub that editors read lists the names that are there."""

from tests.tools.write_stub import STUB, stub_text


def test_the_stub_is_what_the_tables_say():
    assert STUB.read_text(encoding="utf-8") == stub_text(), (
        "out of date: python -m tests.tools.write_stub"
    )
