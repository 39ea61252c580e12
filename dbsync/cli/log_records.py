"""Masks secrets in every record of Python's logging as it is made, so whichever handler takes it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

_KEEPS_ARGUMENTS = ("uvicorn.access",)  # its formatter takes the arguments apart
_formatter = logging.Formatter()


def mask_records(redact: Callable[[str], str]) -> Callable[[], None]:
    """Mask what ``redact`` masks in all records from now on; return what undoes that."""
    before = logging.getLogRecordFactory()
    raised, logging.raiseExceptions = logging.raiseExceptions, False  # it would print the arguments as they are

    def make(*args: Any, **more: Any) -> logging.LogRecord:
        return _masked(before(*args, **more), redact)

    def undo() -> None:
        logging.setLogRecordFactory(before)
        logging.raiseExceptions = raised

    logging.setLogRecordFactory(make)
    return undo


def _masked(record: logging.LogRecord, redact: Callable[[str], str]) -> logging.LogRecord:
    shown = _message(record)
    safe = redact(shown)
    if safe != shown and record.name in _KEEPS_ARGUMENTS and isinstance(record.args, tuple):
        record.args = tuple(redact(each) if isinstance(each, str) else each for each in record.args)
    elif safe != shown:
        record.msg, record.args = safe, None
    if record.exc_info:
        record.exc_text = redact(_formatter.formatException(record.exc_info))  # formatters take it as it is
    if record.stack_info:
        record.stack_info = redact(record.stack_info)
    return record


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError, AttributeError):  # the arguments do not fit: say what was meant
        record.msg, record.args = f"{record.msg} {record.args}", None
        return record.getMessage()
