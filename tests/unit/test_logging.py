"""No record of Python's logging shows a secret, whichever logger makes it and whichever handler takes it."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from uvicorn.logging import AccessFormatter

from dbsync.cli.journal import Journal
from dbsync.cli.options import GlobalOptions
from dbsync.cli.redaction import Redactor
from dbsync.cli.terminal import Terminal

CANARY = "s3cr3t/C@nary"
URL = f"postgresql://u:{CANARY}@h/d"
SPELLINGS = (CANARY, "s3cr3t%2FC%40nary", json.dumps(CANARY)[1:-1], "czNjcjN0L0NAbmFyeQ==")
LIBRARIES = (
    "sqlalchemy.engine.Engine",
    "procrastinate.worker",
    "uvicorn.error",
    "alembic",
    "dbsync",
    "dbsync.jobs.runner",
    "py.warnings",
)


class Told:
    """A journal with a stream and a file, and a handler of a library's own on the root logger."""

    def __init__(self, place: Path, options: GlobalOptions) -> None:
        self.stderr, self.foreign, self.place = io.StringIO(), io.StringIO(), place
        self.journal = Journal(options, Terminal(self.stderr), Redactor([URL]))
        self.handler = logging.StreamHandler(self.foreign)
        logging.getLogger().addHandler(self.handler)

    def close(self) -> None:
        logging.getLogger().removeHandler(self.handler)
        self.journal.close()

    @property
    def file(self) -> str:
        return self.place.read_text()

    def everything(self) -> str:
        return self.stderr.getvalue() + self.file + self.foreign.getvalue()


@pytest.fixture(params=["text", "json"])
def told(request, tmp_path: Path) -> Iterator[Told]:
    options = GlobalOptions(verbose=2, log_format=request.param, log_file=tmp_path / "log")
    told = Told(tmp_path / "log", options)
    yield told
    told.close()


def make_noise(logger: logging.Logger) -> None:
    logger.warning("cannot open %s", URL)
    logger.warning("cannot open %(url)s", {"url": URL})
    logger.error("values: %r, %d", {"password": CANARY, "other": [URL]}, 5)
    logger.error(f"base64 {SPELLINGS[3]} percent {SPELLINGS[1]}")
    logger.error("too few %s %s", URL)
    logger.error(ValueError(URL))
    try:
        raise RuntimeError(f"connection to {URL} failed")
    except RuntimeError:
        logger.exception("it failed", stack_info=True)


@pytest.mark.parametrize("name", LIBRARIES)
def test_no_logger_gives_a_secret_to_any_handler(told: Told, name, capfd):
    own = io.StringIO()
    handler = logging.StreamHandler(own)
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        make_noise(logger)
    finally:
        logger.removeHandler(handler)
    out, err = capfd.readouterr()
    shown = told.everything() + own.getvalue() + out + err
    for spelling in SPELLINGS:
        assert spelling not in shown
    for text in (told.file, told.stderr.getvalue(), own.getvalue()):
        assert "cannot open postgresql://u:***@h/d" in text
        assert "RuntimeError" in text
    assert "Traceback" in own.getvalue()


def test_uvicorns_access_lines_stay_readable_and_secret(told: Told):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(AccessFormatter('%(client_addr)s "%(request_line)s" %(status_code)s', use_colors=False))
    logger = logging.getLogger("uvicorn.access")
    logger.addHandler(handler)
    try:
        logger.warning('%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", f"/test?url={URL}", "1.1", 200)
    finally:
        logger.removeHandler(handler)
    assert stream.getvalue() == '127.0.0.1:5 "GET /test?url=postgresql://u:***@h/d HTTP/1.1" 200 OK\n'
    assert CANARY not in told.everything()


def test_a_json_log_is_json_on_every_line_and_names_the_logger(tmp_path: Path):
    told = Told(tmp_path / "log", GlobalOptions(log_format="json", log_file=tmp_path / "log"))
    try:
        make_noise(logging.getLogger("sqlalchemy.pool"))
        told.journal.warning("our own")
    finally:
        told.close()
    lines = [json.loads(line) for line in told.file.splitlines()]
    assert {line.get("logger") for line in lines} == {"sqlalchemy.pool", None}
    assert {"time", "level", "message"} <= set(lines[0])
    assert [line["message"] for line in lines if "logger" not in line] == ["our own"]
    assert all(json.loads(line) for line in told.stderr.getvalue().splitlines())


def test_what_libraries_warn_of_is_masked(told: Told):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)  # catch_warnings put the printing of warnings back
        warnings.warn(f"odd parameter in {URL}", stacklevel=1)
        logging.captureWarnings(False)
    assert "odd parameter in postgresql://u:***@h/d" in told.file
    assert CANARY not in told.everything()


def test_a_journal_that_is_closed_leaves_logging_as_it_was(tmp_path: Path):
    factory, handlers, raising = (
        logging.getLogRecordFactory(),
        list(logging.getLogger().handlers),
        logging.raiseExceptions,
    )
    told = Told(tmp_path / "log", GlobalOptions(log_file=tmp_path / "log"))
    assert logging.getLogRecordFactory() is not factory
    told.close()
    assert logging.getLogRecordFactory() is factory
    assert logging.getLogger().handlers == handlers
    assert logging.raiseExceptions is raising
