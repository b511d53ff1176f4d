"""Lines for people reach the answer and the standard logging."""

import logging
from collections.abc import Iterator

import pytest

from segue_sdk import AdminLogHandler, Message, Worker
from segue_sdk.logs import MAX_CHARACTERS, MAX_LINES
from segue_sdk.testing import run_action


@pytest.fixture
def crm_logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("test_sdk_crm")
    handler = AdminLogHandler(logging.INFO)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.removeHandler(handler)
    logger.propagate = True


def lines_of(outcome_logs: tuple[object, ...]) -> list[tuple[str, str]]:
    return [(one.level, one.message) for one in outcome_logs]  # type: ignore[attr-defined]


def test_lines_come_with_the_answer_in_their_order() -> None:
    worker = Worker("crm")

    @worker.connector("create")
    async def create(message: Message) -> None:
        message.log.debug("looking")
        message.log.info("created %s of %d", "ann", 2)
        message.log.warning("100% sure")
        message.log.error("odd: %d", "text")

    outcome = run_action(worker, "create")
    assert lines_of(outcome.logs) == [
        ("debug", "looking"),
        ("info", "created ann of 2"),
        ("warning", "100% sure"),
        ("error", "odd: %d ('text',)"),
    ]
    assert all(abs(one.at - outcome.logs[0].at) < 60_000 for one in outcome.logs)
    assert outcome.logs[0].at > 1_700_000_000_000


def test_lines_reach_the_standard_logging_with_their_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    message = Message("", {"message-id": "m1", "node-name": "crm"})
    message.log.info("hello %s", "you")
    message.log.debug("too fine")
    assert [record.getMessage() for record in caplog.records] == ["hello you"]
    record = caplog.records[0]
    assert (record.segue_message, record.segue_node) == ("m1", "crm")  # type: ignore[attr-defined]
    assert record.funcName == "test_lines_reach_the_standard_logging_with_their_message"


@pytest.mark.parametrize("is_async", [True, False])
def test_other_loggers_reach_the_message_that_is_handled(crm_logger: logging.Logger, is_async: bool) -> None:
    worker = Worker("crm")

    def write(message: Message) -> None:
        crm_logger.info("sent %s", message.text)
        crm_logger.debug("below the handler's level")
        try:
            raise LookupError("nobody")
        except LookupError:
            crm_logger.exception("failed")

    async def write_async(message: Message) -> None:
        write(message)

    worker.connector("write")(write_async if is_async else write)
    for body in ("1", "2"):
        levels, lines = zip(*lines_of(run_action(worker, "write", body=body).logs), strict=True)
        assert levels == ("info", "error")
        assert lines[0] == f"sent {body}"
        assert lines[1].startswith("failed\nTraceback")
        assert lines[1].endswith("LookupError: nobody")


def test_a_handler_on_the_root_logger_does_not_double_the_message_s_own_lines() -> None:
    worker = Worker("crm")

    @worker.connector("write")
    async def write(message: Message) -> None:
        message.log.warning("once")

    handler = AdminLogHandler()
    logging.getLogger().addHandler(handler)
    try:
        assert lines_of(run_action(worker, "write").logs) == [("warning", "once")]
    finally:
        logging.getLogger().removeHandler(handler)


def test_outside_of_a_message_the_handler_does_nothing(crm_logger: logging.Logger) -> None:
    crm_logger.error("nobody listens")


def test_a_broken_format_in_other_code_does_not_break_the_action(
    crm_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = Worker("crm")

    @worker.connector("write")
    async def write(message: Message) -> None:
        crm_logger.info("%d", "text")

    crm_logger.propagate = False  # pytest's own handler raises
    outcome = run_action(worker, "write")
    assert (outcome.ok, outcome.logs) == (True, ())
    assert "--- Logging error ---" in capsys.readouterr().err


def test_lines_are_bounded() -> None:
    message = Message()
    for number in range(MAX_LINES + 10):
        message.log.info("line %d", number)
    lines = message.log.lines()
    assert len(lines) == MAX_LINES
    assert lines[-2].message == f"line {MAX_LINES - 2}"
    assert (lines[-1].level, lines[-1].message) == ("warning", "11 more lines were left out")
    other = Message()
    other.log.info("x" * (MAX_CHARACTERS + 7))
    assert other.log.lines()[0].message == "x" * MAX_CHARACTERS + "… (7 more characters left out)"


def test_a_line_that_utf8_cannot_carry_still_travels() -> None:
    worker = Worker("crm")

    @worker.connector("write")
    async def write(message: Message) -> None:
        message.log.info("file %s", "bad\udcff.csv")

    assert lines_of(run_action(worker, "write").logs) == [("info", "file bad\\udcff.csv")]
