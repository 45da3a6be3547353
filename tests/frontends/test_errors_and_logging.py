"""``tf.errors`` and ``tf.logging``."""

import logging

import pytest

import graphc as tf


def test_errors_are_made_as_tf1_makes_them():
    error = tf.errors.OutOfRangeError(None, None, "nothing left")
    assert (error.message, error.error_code, error.op) == ("nothing left", 11, None)
    assert tf.errors.OpError(None, None, "x", 7).error_code == 7
    with pytest.raises(tf.OpError):
        raise error


def test_every_code_has_its_class_and_back():
    for code in range(1, 17):
        kind = tf.errors.exception_type_from_error_code(code)
        assert tf.errors.error_code_from_exception_type(kind) == code
    with pytest.raises(KeyError):
        tf.errors.exception_type_from_error_code(99)


def test_a_failed_run_names_its_operation(session):
    x = tf.placeholder(tf.float32, [])
    checked = tf.check_numerics(x, "bad", name="check")
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session().run(checked, {x: float("nan")})
    assert caught.value.op is checked.op
    assert caught.value.error_code == tf.errors.INVALID_ARGUMENT


@pytest.fixture
def lines(caplog) -> list[str]:
    logger = logging.getLogger("graphc")
    before, level = logger.propagate, logger.level
    logger.propagate = True
    tf.logging.set_verbosity(tf.logging.INFO)
    yield caplog.messages
    logger.propagate = before
    logger.setLevel(level)


def test_messages_below_the_verbosity_are_dropped(lines, caplog):
    tf.logging.debug("hidden")
    tf.logging.info("shown %d", 1)
    tf.logging.set_verbosity("ERROR")
    tf.logging.warn("hidden")
    tf.logging.error("an error")
    assert caplog.messages == ["shown 1", "an error"]
    assert tf.logging.get_verbosity() == tf.logging.ERROR


def test_messages_every_now_and_then_count_by_line(lines, caplog):
    for k in range(5):
        tf.logging.log_every_n(tf.logging.INFO, "every %d", 2, k)
        tf.logging.log_first_n(tf.logging.INFO, "first %d", 2, k)
        tf.logging.log_if(tf.logging.INFO, "if %d", k == 4, k)
    assert caplog.messages == ["every 0", "first 0", "first 1", "every 2", "every 4", "if 4"]
