"""Several statements in one round trip; answers are the server's own text.

What answers nothing (settings, the ends of blocks) need not be waited for: a ``GatheringSession`` sends it along with
the next question.
"""

from __future__ import annotations

import re
import select
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Protocol

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from dbsync.pg.database import Parameters, Query, Session, legible, translated

_BEGIN = b"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# Its rows are of no use to anybody, so they are not waited for.
_SETTING = re.compile(r"SELECT pg_catalog\.set_config\('[a-z_]+', (%s|'on'), true\)")
MOST_PREPARED = 12  # what tells whether a table has changed has a plan of 600 kB, which the server keeps
_SINGLE_ROW, _ERROR = int(pq.ExecStatus.SINGLE_TUPLE), int(pq.ExecStatus.FATAL_ERROR)


@dataclass(frozen=True, slots=True)
class Question:
    """One statement, and the values of $1, $2, ...; ``again``: it will come again, with columns of the same types."""

    text: bytes
    values: tuple[bytes | None, ...] = ()
    again: bool = field(default=False, compare=False)


_COMMIT = Question(b"COMMIT")


class Reader(Protocol):
    """Takes the rows of one question as they come, instead of all of them at the end."""

    @property
    def question(self) -> Question:
        """Whose rows it takes."""

    def take(self, row: PGresult) -> None:
        """Take the next row."""


class GatheringSession(Session):
    """A session for one read-only snapshot after another, each in a few round trips.

    What ``begin`` was told to ask is answered at once when it is asked.
    """

    def __init__(self, opened: Session) -> None:  # the base's would listen to the driver's notices once more
        self._connection = opened.raw
        self._backend_pid = opened.backend_pid
        self.url, self.warnings, self.notices = opened.url, opened.warnings, opened.notices
        self._waiting: list[Question] = []
        self._answers: dict[Question, PGresult] = {}
        self._prepared = _Prepared()
        self._depth = 0
        self._ends = False

    def begin(self, ahead: Sequence[Question] = ()) -> None:
        """Begin a snapshot, and ask what will be asked anyway."""
        found = self.ask([Question(_BEGIN), *ahead])
        self._answers = dict(zip(ahead, found[1:], strict=True))

    def end(self) -> None:
        """End the snapshot, unless the last question has; what still waits would have ended with it."""
        self._waiting.clear()
        self._answers.clear()
        if not self.at_rest:
            self.ask([_COMMIT])

    def end_with_next(self) -> None:
        """Let the snapshot end with the next question: nothing else will be asked in it, unless that fails."""
        self._ends = True

    def ask(self, questions: Sequence[Question], reader: Reader | None = None) -> list[PGresult]:
        """Send what waits and then the questions, all at once; return their answers. Raises StatementFailed."""
        waiting, self._waiting = self._waiting, []
        last = [_COMMIT] if self._ends else []
        self._ends = False
        with translated(self):
            found = _asked(self, [*waiting, *questions, *last], reader, self._prepared)
        return found[len(waiting) :][: len(questions)]

    def answered(self, question: Question) -> PGresult | None:
        """The answer that ``begin`` has got; it holds as long as the snapshot does."""
        return self._answers.get(question)

    def execute(self, query: Query, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; those of a setting are not waited for."""
        if isinstance(query, str):
            if _SETTING.fullmatch(query):
                values = [str(value).encode() for value in parameters or ()]
                self._waiting.append(Question(query.replace("%s", "$1").encode(), tuple(values)))
                return []
            if not parameters and (found := self.answered(Question(query.encode()))) is not None:
                with legible(self.url.name):
                    return typed_rows(self, found)
        self._send()
        return super().execute(query, parameters)

    def execute_single(self, query: Query, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Like ``execute``, by the extended protocol: a second statement in the text is an error."""
        self._send()
        return super().execute_single(query, parameters)

    def affected(self, query: Query, parameters: Parameters = None) -> int:
        """Run one statement and return how many rows it touched."""
        self._send()
        return super().affected(query, parameters)

    def stream(self, query: Query, parameters: Parameters = None, *, size: int = 1000) -> Iterator[tuple[Any, ...]]:
        """Yield a query's rows, a few at a time."""
        self._send()
        return super().stream(query, parameters, size=size)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo what the block did on any exception; between snapshots it is a transaction of its own."""
        if self.at_rest:
            with super().transaction():
                yield
            return
        self._depth += 1
        name = b"dbsync_block_%d" % self._depth
        start = Question(b"SAVEPOINT " + name)
        self._waiting.append(start)
        try:
            yield
        except BaseException:
            waits = [number for number, question in enumerate(self._waiting) if question is start]
            if waits:  # nothing in the block was asked yet
                del self._waiting[waits[0] :]
            elif not self._connection.closed:
                self._waiting.clear()
                self.ask(undone(name))
            raise
        else:
            self._waiting.append(Question(b"RELEASE SAVEPOINT " + name))
        finally:
            self._depth -= 1

    def _send(self) -> None:
        if self._waiting:
            self.ask(())


def ask(session: Session, questions: Sequence[Question], reader: Reader | None = None) -> list[PGresult]:
    """Send all of it at once, and return the answer to each; rows that the reader takes are not kept.

    Raises StatementFailed for the first that failed: what came after it was not carried out.
    """
    if isinstance(session, GatheringSession):
        return session.ask(questions, reader)
    with translated(session):
        return _asked(session, questions, reader, None)


def undone(savepoint: bytes) -> list[Question]:
    """What undoes everything since a savepoint, and forgets it."""
    return [Question(b"ROLLBACK TO SAVEPOINT " + savepoint), Question(b"RELEASE SAVEPOINT " + savepoint)]


def row_of(result: PGresult, number: int) -> list[bytes | None]:
    """One row of an answer."""
    value = result.get_value
    return [value(number, column) for column in range(result.nfields)]


class _Prepared:
    """What one session has been asked and will be asked again: planned once, not each time anew."""

    def __init__(self) -> None:
        self._names: OrderedDict[bytes, bytes] = OrderedDict()  # by text; what was asked longest ago comes first
        self._over: list[bytes] = []  # the server still has them
        self._count = 0

    def send(self, connection: PGconn, question: Question) -> int:
        """Send a question; return how many answers that makes, the last of which is its own."""
        if not question.again:
            return _send_once(connection, question)
        answers = 1
        if (name := self._names.pop(question.text, None)) is None:
            if len(self._names) >= MOST_PREPARED:
                self._over.append(self._names.popitem(last=False)[1])
            for over in self._over:
                connection.send_query_params(b"DEALLOCATE " + over, None)
            answers += len(self._over) + 1
            self._over.clear()
            self._count += 1
            name = b"dbsync_%d" % self._count
            connection.send_prepare(name, question.text)
        self._names[question.text] = name
        connection.send_query_prepared(name, list(question.values))
        return answers

    def failed(self, questions: Sequence[Question], answers: Sequence[int], number: int) -> None:
        """Forget what failed, which was answer ``number``, and what the server has not prepared because of that."""
        for question, made, end in zip(questions, answers, accumulate(answers), strict=True):
            if made > 1 and number <= end - 2:
                self._names.pop(question.text, None)
            elif number == end - 1 and (name := self._names.pop(question.text, None)) is not None:
                self._over.append(name)


def _send_once(connection: PGconn, question: Question) -> int:
    connection.send_query_params(question.text, list(question.values))
    return 1


def _asked(
    session: Session, questions: Sequence[Question], reader: Reader | None, prepared: _Prepared | None
) -> list[PGresult]:
    connection, found = session.raw.pgconn, list[PGresult]()
    send = prepared.send if prepared is not None else _send_once
    try:
        connection.enter_pipeline_mode()
        answers = [send(connection, question) for question in questions]
        connection.pipeline_sync()
        _receive(connection, zip(questions, answers, strict=True), reader, found)
        connection.exit_pipeline_mode()
    except BaseException as error:
        session.raw.close()  # an answer of which one half was read would be taken for another question's
        if not isinstance(error, psycopg.OperationalError) or not any(map(_failed, found)):
            raise
    failed = next((number for number, result in enumerate(found) if _failed(result)), None)
    if failed is not None:
        if prepared is not None:
            prepared.failed(questions, answers, failed)
        raise psycopg.errors.error_from_result(found[failed])
    return [found[number - 1] for number in accumulate(answers)]


def _receive(
    connection: PGconn, asked: Iterable[tuple[Question, int]], reader: Reader | None, found: list[PGresult]
) -> None:
    """Put the answers into ``found``; the rows of the reader's question go to the reader, one by one."""
    waiting = select.poll()
    waiting.register(connection.socket, select.POLLIN | select.POLLOUT)
    while connection.flush():
        if any(what & ~select.POLLOUT for _, what in waiting.poll()):
            connection.consume_input()
    waiting.modify(connection.socket, select.POLLIN)

    def received() -> PGresult | None:
        """The next result, None after the last one of an answer."""
        while connection.is_busy():
            waiting.poll()
            connection.consume_input()
        return connection.get_result()

    for question, answers in asked:
        if reader is not None and question is reader.question and not any(map(_failed, found)):
            connection.set_single_row_mode()
        for _ in range(answers):
            while (result := received()) is not None:
                if reader is not None and result.status == _SINGLE_ROW:
                    reader.take(result)
                else:
                    found.append(result)
    received()  # the mark at the end of all


def _failed(result: PGresult) -> bool:
    return result.status == _ERROR


def typed_rows(session: Session, result: PGresult) -> list[tuple[Any, ...]]:
    """The rows of an answer as Python values."""
    adapters, loads = session.raw.adapters, []
    for column in range(result.nfields):
        oid = result.ftype(column)
        loader = adapters.get_loader(oid, pq.Format.TEXT) or adapters.get_loader(0, pq.Format.TEXT)
        assert loader is not None
        loads.append(loader(oid, session.raw).load)
    return [
        tuple(None if value is None else load(value) for load, value in zip(loads, row_of(result, number), strict=True))
        for number in range(result.ntuples)
    ]
