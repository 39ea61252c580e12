"""Bugs planted on purpose, one at a time, in a copy of dbsync: the campaign must catch every one.

A bug is a text of the source that is replaced by another; one whose text is no longer there is an error.
Each has a trial that an unharmed dbsync passes, or a test of this suite that it passes. It is caught by the
invariants that it breaks, named beside it, or by an assertion of the test: dbsync that crashes is caught by anybody.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

from tests.faults.campaign import job
from tests.faults.campaign.draw import PACKAGE, Trial
from tests.faults.campaign.faults import Fault
from tests.faults.campaign.run import Runner
from tests.faults.campaign.world import World


@dataclass(frozen=True, slots=True)
class Bug:
    """One planted bug: what is replaced in which file, and what has to notice it (a trial, or a test's address)."""

    name: str
    changes: tuple[tuple[str, str, str], ...]  # file, old text, new text
    caught_by: Trial | str
    breaks: str = "I1:"  # how a line of the trial's judge begins that has to be there


def _trial(
    mode: str = "replace",
    *args: str,
    fault: Fault | None = None,
    failpoint: str = "",
    before: str = "",
    expects: tuple[int, ...] = (),
    guest: bool = False,
) -> Trial:
    setting = job.Setting(mode, 1, guest, ("-j", "2", *args))
    return Trial("planted", 0, setting, fault or Fault(), failpoint, before=before, expects=expects)


def _tampering(name: str, table: str, change: str, *args: str) -> Trial:
    """A trigger of the target that stays on and changes rows on their way in: the run has to see it."""
    before = f"""
        CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {change} END$$;
        CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}();
        DROP TRIGGER loud ON heap; DROP TRIGGER loud ON small;
        DROP TRIGGER asleep ON wide; DROP TRIGGER echo ON wide;"""
    return _trial("fill", "--triggers", "keep", *args, before=before, expects=(1,))


PLAIN = _trial()
UNVERIFIED = _trial("fill", "--verify", "none")  # where a bug would be refused by what verifies, and be no secret
CREATE = _trial("create")
INDEXES = _trial("replace", "--drop-indexes")
NO_LEDGER = _trial("replace", job.NO_LEDGER)
CHANGED = _tampering("tamper", "wide", "IF NEW.id % 10 = 0 THEN NEW.text1 := 'changed'; END IF; RETURN NEW;")
CHANGED_PAIRS = _tampering("pairs", "heap", "IF NEW.a = 3 THEN NEW.b := 'changed'; END IF; RETURN NEW;")
CHANGED_NULLS = _tampering("fill_in", "card", "NEW.pan := coalesce(NEW.pan, ''); RETURN NEW;")
SWALLOWED = _tampering(
    "swallow", "wide", "IF NEW.id % 10 = 0 THEN RETURN NULL; END IF; RETURN NEW;", "--verify", "none"
)
FAILED_LATE = _trial(failpoint="before_commit=raise")
LOST_REPLY = _trial(fault=Fault("lose the reply to COMMIT", "target", "group commits", 0.5))
LOST_ORDER = _trial(fault=Fault("cut before COMMIT", "target", "group orders", 0.5))
CUT = _trial(fault=Fault("cut", "source", "rows", 0.5))
HALF_CLOSE = _trial("fill", "--verify", "none", fault=Fault("half-close", "source", "rows", 0.5))
DELTA = _trial("delta")
UNVERIFIED_DELTA = _trial("delta", "--verify", "none")
LISTENED_TO = _trial(
    before="""
    CREATE TABLE heard (what text);
    CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN INSERT INTO public.heard VALUES (TG_TABLE_NAME); RETURN coalesce(NEW, OLD); END$$;"""
)
OTHER_KEYS = _trial(
    "replace",
    *("--verify", "none"),
    guest=True,
    before="TRUNCATE account, card, payment, event; DELETE FROM wide WHERE id <= 200000;",
)
LIMITED = _trial("delta", "--max-delete", "1", expects=(4,))
CHANGED_BY_REPAIR = replace(
    _tampering("tamper", "wide", "IF NEW.id % 10 = 0 THEN NEW.text1 := 'changed'; END IF; RETURN NEW;"),
    setting=job.Setting("delta", 1, args=("-j", "2", "--triggers", "keep")),
)
STOPPED_HALFWAY = _trial(failpoint="before_commit@3=kill")
STALLED = _trial(fault=Fault("stall, then SIGTERM", "source", "rows", 0.5, 0.2))

REPAIR = "data/repair.py"
GROUP, RUN, COPY, RUNS = "data/group.py", "data/run.py", "pg/copy.py", "pg/runs.py"
AFTERWARDS = "data/afterwards.py"
BUNDLES, LATE_KEYS = "data/bundles.py", "data/late_keys.py"
SWITCHES, STREAM = "data/switches.py", "data/stream.py"
STATEMENTS, REPORT, CONTEXT = "pg/statements.py", "data/report.py", "data/context.py"
_NO_TRIGGER_CHECK = (SWITCHES, "if now.get((task.table, trigger.name)) != trigger.state:", "if False:")
_NO_ROW_COUNT = (COPY, "if rows_sent != rows_received:", "if False:")

BUGS = (
    Bug("rows that both servers counted are not compared", (_NO_ROW_COUNT,), SWALLOWED),
    Bug("the target's count of rows is made up", ((COPY, "rows_received = pump.finish()", "pump.finish(); rows_received = rows_sent"),), SWALLOWED),
    Bug("the last block is lost", (_NO_ROW_COUNT, (COPY, "while live or block or ready or unsent:", "while live or ready or unsent:")), UNVERIFIED),
    Bug("a COPY that was cut short is taken for complete", (
        _NO_ROW_COUNT,
        (COPY, "    def receive(self) -> None:\n        with translated(self.session):\n            self.pgconn.consume_input()\n", "    def receive(self) -> None:\n        try:\n            self.pgconn.consume_input()\n        except psycopg.Error:\n            self.open, self.read_into = False, lambda *_: 0\n"),
    ), HALF_CLOSE),
    Bug("rows are not verified", ((GROUP, "if theirs != ours:", "if False:"),), CHANGED),
    Bug("the source's digest is not asked", ((GROUP, "ours = self.run.wait_for(self._digests[outcome.task.target])", "ours = theirs"),), CHANGED),
    Bug("only rows are counted", ((CONTEXT, "return Digest(*session.one(query))", 'return Digest(session.one(query)[0], "0", "0")'),), CHANGED),
    Bug("rows are verified after the commit", ((GROUP, "                    self._verify(session)\n                    self._before_commit(session)\n", '                    self._before_commit(session)\n                    session.execute("COMMIT")\n                    self._verify(session)\n'),), CHANGED, "I4:"),
    Bug("hashes are combined by XOR, where pairs cancel", (
        (STATEMENTS, '"COALESCE(pg_catalog.sum(pg_catalog.hashtextextended({hashed}, 0)), 0)', '"COALESCE(pg_catalog.bit_xor(pg_catalog.hashtextextended({hashed}, 0)), 0)'),
        (STATEMENTS, '"COALESCE(pg_catalog.sum(pg_catalog.hashtextextended({hashed}, 1)), 0)', '"COALESCE(pg_catalog.bit_xor(pg_catalog.hashtextextended({hashed}, 1)), 0)'),
    ), CHANGED_PAIRS),
    Bug("NULL and the empty text hash alike", ((STATEMENTS, "    if nullable:\n        items.append(_null_marks(nullable))\n", "    items += [sql.SQL(\"'.'\")]\n"), (STATEMENTS, "items.append(sql.Identifier(last))", "items.append(sql.SQL(\"coalesce({}, '')\").format(sql.Identifier(last)))"), (STATEMENTS, "pg_catalog.octet_length({})", "coalesce(pg_catalog.octet_length({}), 0)")), CHANGED_NULLS),
    Bug("foreign keys that come after the rows are not validated", ((LATE_KEYS, "session.execute(statements.validate_foreign_key(each.key))", "pass"),), CREATE, "I3:"),
    Bug("of tables that are filled together one is forgotten", ((BUNDLES, "tables=_all(group.tables for group in groups)", "tables=_all(group.tables for group in groups)[:-1]"),), CREATE, "I4:"),
    Bug("of tables that are filled together only the first has its sequence set", ((BUNDLES, "sequences=_all(group.sequences for group in groups)", "sequences=groups[0].sequences"),), CREATE),
    Bug("triggers stay off", (_NO_TRIGGER_CHECK, (SWITCHES, "session.execute(statements.set_trigger(task.table, trigger, trigger.state))", "pass")), PLAIN, "I3:"),
    Bug("triggers are switched on, whatever they were", (_NO_TRIGGER_CHECK, (SWITCHES, "session.execute(statements.set_trigger(task.table, trigger, trigger.state))", 'session.execute(statements.set_trigger(task.table, trigger, "enabled"))')), PLAIN, "I3:"),
    Bug("triggers are not switched off", ((SWITCHES, 'session.execute(statements.set_trigger(task.table, trigger, "disabled"))', "pass"),), LISTENED_TO),
    Bug("foreign keys are not added again", ((SWITCHES, "for key in self._keys:", "for key in ():"),), PLAIN, "I3:"),
    Bug("a foreign key loses its comment", ((STATEMENTS, "    if key.comment is not None:\n        statements.append(_comment_on_constraint(key.table, key.name, key.comment))\n    return statements", "    return statements"),), PLAIN, "I3:"),
    Bug("indexes are not built again", ((SWITCHES, "for table, index in self._indexes:", "for table, index in ():"),), INDEXES, "I3:"),
    Bug("a table is left unlogged", ((GROUP, 'failpoint("after_clear")', 'session.execute("ALTER TABLE public.wide SET UNLOGGED")'),), PLAIN, "I3:"),
    Bug("tables are emptied in a transaction of their own", ((GROUP, 'failpoint("after_clear")', 'session.execute("COMMIT")\n        failpoint("after_clear")'),), _trial(failpoint="after_clear=kill")),
    Bug("rows of the target are not deleted where it cannot be truncated", ((GROUP, "for outcome in reversed(held):", "for outcome in ():"),), OTHER_KEYS),
    Bug("sequences start again with TRUNCATE", ((STATEMENTS, 'sql.SQL("TRUNCATE {}")', 'sql.SQL("TRUNCATE {} RESTART IDENTITY")'),), PLAIN),
    Bug("sequences of a group are not set", ((GROUP, "set_sequences(session, self.run, self.group.sequences)", "pass"),), PLAIN),
    Bug("sequences that no group owns are not set", ((AFTERWARDS, "set_sequences(session, context, plan.sequences)", "pass"),), PLAIN),
    Bug("a sequence gets the smallest value, not the largest", (("data/sequences.py", "best = max(candidates", "best = min(candidates"),), PLAIN),
    Bug("materialised views are not refreshed", ((AFTERWARDS, "session.execute(statements.refresh_view(view))", "pass"),), PLAIN, "I4:"),
    Bug("a connection lost before COMMIT is taken for a success", ((GROUP, "if not committed:", "if False:"),), LOST_ORDER, "I4:"),
    Bug("a commit whose reply was lost is taken for a failure", ((GROUP, "if not committed:", "if True:"),), LOST_REPLY, "I4:"),
    Bug("nobody asks whether COMMIT took place", ((GROUP, "if not self._committing:", "if True:"),), LOST_REPLY, "I4:"),
    Bug("the ledger is not told", ((GROUP, "self._number = self.run.books.seal(session, records, only_books=self._kept_only_books())", "pass"),), LOST_REPLY, "I4:"),
    Bug("the ledger is told in a transaction of its own", ((GROUP, "self._number = self.run.books.seal(session, records, only_books=self._kept_only_books())", 'with self.run.target_session("seal") as other, other.transaction():\n            self.run.books.seal(other, records)'),), LOST_ORDER, "I4:"),
    Bug("staging tables of dead runs stay", ((RUNS, "    found = dead_staging(session)\n    failpoint", "    found: list[TableName] = []\n    failpoint"),), _trial(failpoint="before_move=kill"), "I3:"),
    Bug("the schema of a run without a ledger stays", ((RUNS, 'session.execute("DROP SCHEMA dbsync")', "pass"),), NO_LEDGER, "I3:"),
    Bug("something is written on the source", (("pg/snapshot.py", "holder.execute(_BEGIN)", 'holder.execute(_BEGIN)\n    holder.execute("SELECT pg_catalog.pg_current_xact_id()")'),), PLAIN, "I2:"),
    Bug("a password is told", (("pg/dial.py", 'conninfo = make_conninfo("", **parameters).encode()', 'conninfo = make_conninfo("", **parameters).encode(); print(conninfo, file=__import__("sys").stderr)'),), PLAIN, "I9:"),
    Bug("a signal is not heard", (("cli/signals.py", "    call.signals += isinstance(reason, Interrupted)\n", "    return\n"),), STALLED, "I8a:"),
    Bug("a failure ends with exit code 0", (("cli/sync.py", "return error.status if error is not None else 0", "return 0"), ), CUT, "I4: state failed with exit code 0"),
    Bug("the failure of a table is forgotten", ((RUN, "        self._errors.append(error)\n        if isinstance", "        if isinstance"),), FAILED_LATE, "I4:"),
    Bug("tables are called done, whatever happened", ((GROUP, 'outcome.state = "done" if error is None else', 'outcome.state = "done" if True else'),), FAILED_LATE, "I4:"),
    Bug("rows that were rolled back are reported", ((REPORT, '"rows_inserted": self.rows_inserted if done else 0', '"rows_inserted": self.rows_inserted'),), FAILED_LATE, "I10:"),
    Bug("events count rows that were rolled back", ((GROUP, "rows=outcome.rows_inserted if error is None else 0", "rows=outcome.rows_inserted"),), FAILED_LATE, "I10:"),
    Bug("progress counts rows twice", ((STREAM, "self._rows += rows", "self._rows += 2 * rows"),), PLAIN, "I10:"),
    Bug("a segment that differs is not looked at", (("data/compare.py", "segments=source.differing(target)", "segments=source.differing(target)[1:]"),), DELTA, "I4:"),
    Bug("only counts of segments are compared", (("segments.py", "if self.contents(number) != other.contents(number)]", "if self.rows[number] != other.rows[number]]"),), DELTA),
    Bug("changed rows are not updated", ((REPAIR, "        if self._updates and delta.changed.count:\n            outcome.rows_updated", "        if False:\n            outcome.rows_updated"),), UNVERIFIED_DELTA),
    Bug("missing rows are not inserted", ((REPAIR, "        if delta.missing.count:\n            outcome.rows_inserted = self._fetch", "        if False:\n            outcome.rows_inserted = self._fetch"),), UNVERIFIED_DELTA),
    Bug("surplus rows are not deleted", ((REPAIR, "        if not self._deletes:\n            return\n", "        return\n"),), UNVERIFIED_DELTA),
    Bug("what was repaired is not verified", ((REPAIR, "        if found is not None:\n            outcome.error = Mismatch(", "        if False:\n            outcome.error = Mismatch("),), CHANGED_BY_REPAIR),
    Bug("rows that an action takes along are given up", ((REPAIR, "            elif found is not None:\n                raise (Mismatch if last", "            elif False:\n                raise (Mismatch if last"),), "tests/acceptance/test_delta_actions.py::test_rows_that_refer_to_what_is_handed_on_stay"),
    Bug("rows that others wrote beside a repair are not looked for", (("data/repair_check.py", "    if strangers:\n", "    if False:\n"),), "tests/acceptance/test_delta_races.py::test_what_is_written_meanwhile_is_found"),
    Bug("a table that stood in another's place while it was compared is not missed", (("data/sides.py", "    names = [name for name, _ in tables]\n", "    tables = []\n    names = [name for name, _ in tables]\n"), ("pg/snapshot.py", "    session.execute(lock_to_read(tables))\n", "")), "tests/acceptance/test_delta_races.py::test_a_table_in_whose_place_another_was_compared_is_found"),
    Bug("rows that others took away beside a repair are not missed", (("data/repair_check.py", "return now if now.total_rows() == rows else None", "return now"),), "tests/acceptance/test_delta_races.py::test_what_is_written_meanwhile_is_found"),
    Bug("rows with keys below all others are in no segment that is read", (("pg/statements_compare.py", "low = base + first * width if first else base - width + 1", "low = base + first * width"),), "tests/acceptance/test_delta_races.py::test_what_is_written_meanwhile_is_found"),
    Bug("what the numbers of transactions do not prove is taken for written", (("data/repair_check.py", "    return _told_by_numbers(session, side, delta, check) or read_sums(", "    if _told_by_numbers(session, side, delta, check) is None:\n        return Sums(delta.segmentation.count)\n    return read_sums("),), "tests/acceptance/test_delta_races.py::test_rows_that_are_left_alone_are_told_from_those_that_others_wrote"),
    Bug("rows that are gone beside rows that were written are not missed", (("data/compare.py", "rows is None or sums.total_rows() != count for", "rows is None for"),), "tests/acceptance/test_signatures.py::test_rows_that_are_gone_are_found_beside_segments_that_were_written_to"),
    Bug("an identity column is left open", ((SWITCHES, "session.execute(statements.set_identity(table, column, always=True))", "pass"),), DELTA, "I3:"),
    Bug("the limit of deletes is not kept", (("data/limits.py", "if limit is not None and not limit.allows(table.deleted, table.held):", "if False:"), ("data/limits.py", "if limit is not None and not problems and not limit.allows(deleted, held):", "if False:")), LIMITED, "I7: exit code 0"),
    Bug("a run that was taken up does all of it again", (("data/resume.py", "    if not all(task.strategy", "    if True or not all(task.strategy"),), STOPPED_HALFWAY, "I6:"),
    Bug("numbers that others had between a run's own are overlooked", (("data/bookkeeping.py", "following = self.quiet.until + len(self.numbers) + 1", "following = max(self.numbers) + 1"), ("data/bookkeeping.py", "if self.numbers != set(range(self.quiet.until + 1, following)):", "if False:")), "tests/acceptance/test_delta_races.py::test_what_is_written_while_a_run_keeps_its_books_is_found_by_the_next"),
    Bug("who was writing when the rows were looked at is forgotten", (("data/signatures.py", "quiet is not None and quiet.since <= target", "quiet is not None"),), "tests/acceptance/test_signatures.py::test_a_target_in_which_only_runs_kept_their_books_since_is_not_read"),
    Bug("what hangs on the ledger's tables is overlooked", (("pg/sql/ledger.sql", "WHERE NOT (t.tgisinternal AND t.tgconstrrelid IN (SELECT o.oid FROM books o))", "WHERE false"),), "tests/acceptance/test_signatures.py::test_what_hangs_on_the_tables_of_the_books_writes_unseen_by_no_run"),
    Bug("what a dump brought along is believed of this server", (("pg/sql/ledger.sql", " WHERE q.xmin = (q.until & 4294967295)::pg_catalog.text::pg_catalog.xid;", ";"),), "tests/acceptance/test_signatures.py::test_what_a_dump_brought_along_says_nothing_of_the_numbers_of_this_server"),
    Bug("a run that was overtaken may still write", (("pg/ledger.py", "    if now != fence:", "    if False:"), ("data/bookkeeping.py", "runs.check_run_lock(session, self.lock_pid)", "pass"), ("data/watch.py", 'control.stop(ConnectionLost(message, hint="run the command again"))', "pass")), "tests/faults/test_ledger_runs.py::test_a_run_that_stood_still_writes_nothing_when_it_wakes_up"),
    Bug("each reader has a snapshot of its own", (("pg/snapshot.py", 'session.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot_id)))', "pass"),), "tests/faults/test_concurrency.py::test_money_that_moves_between_tables_is_neither_made_nor_lost"),
    Bug("the run lock is not taken", ((RUNS, "return bool(taken)", "return True"),), "tests/faults/test_concurrency.py::test_a_second_run_on_the_target_is_refused_naming_the_holder"),
)  # fmt: skip


def plant(bug: Bug, place: Path, package: Path = PACKAGE) -> Path:
    """Make a copy of dbsync with the bug; return the directory to put in front of the path."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(package, place / package.name)
    for file, old, new in bug.changes:
        path = place / package.name / file
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(
                f"planted bug {bug.name!r}: {file} has this text {text.count(old)} times, not once: {old!r}"
            )
        path.write_text(text.replace(old, new), encoding="utf-8")
    return place


def digest(bug: Bug) -> str:
    """Names all of a bug, so that one that was changed is planted again."""
    return hashlib.sha256(repr(bug).encode()).hexdigest()[:10]


def caught(bug: Bug, world: World) -> str:
    """Plant a bug and return by what it was noticed, "" when it was not, or only by a crash."""
    return catch(bug, said(bug, world))


def said(bug: Bug, world: World) -> list[str]:
    """Run what has to notice the bug; return what it said."""
    package = plant(bug, world.place / "planted")
    if isinstance(bug.caught_by, str):
        return told_by_test(bug.caught_by, package, "-x")
    try:
        return Runner(world, package=package).run(_measured(bug.caught_by, world)).wrong
    except AssertionError as error:  # it could not even be run to its end
        return [f"not run: {error}"]


def catch(bug: Bug, lines: list[str]) -> str:
    """The line that shows what the bug breaks; "" where none does, or where anything crashed."""
    if any(sign in line for line in lines for sign in _CRASHES):
        return ""
    breaks = _ASSERTION if isinstance(bug.caught_by, str) else bug.breaks
    return next((line for line in lines if line.startswith(breaks)), "")


def unharmed(caught_by: Trial | str, world: World) -> list[str]:
    """What a trial or a test says of dbsync as it is: nothing, else it proves nothing about a bug."""
    if caught_by not in _unharmed:
        _unharmed[caught_by] = _said_of_unharmed(caught_by, world)
    return _unharmed[caught_by]


_unharmed: dict[Trial | str, list[str]] = {}


def _said_of_unharmed(caught_by: Trial | str, world: World) -> list[str]:
    if isinstance(caught_by, str):
        return told_by_test(caught_by, PACKAGE.parent)
    record = Runner(world).run(_measured(caught_by, world))
    missed = [] if record.struck or not caught_by.what else [f"the fault of {caught_by.what} did not strike"]
    return record.wrong + missed


_moments: dict[Trial, float | None] = {}


def _measured(trial: Trial, world: World) -> Trial:
    """The trial with its moment, measured with dbsync as it is."""
    if trial not in _moments:
        _moments[trial] = Runner(world).moment(trial)
    return replace(trial, at=_moments[trial])


_ASSERTION = "a failing assertion"
_CRASHES = ("exit code 70", "exit 70 after", "Traceback (most recent call last)", "I7: a traceback")


def told_by_test(address: str, package: Path, *options: str) -> list[str]:
    """Run a test with a copy of dbsync; tell of each of its failures whether an assertion failed, or something else."""
    report = package / "junit.xml" if package != PACKAGE.parent else Path(tempfile.mkstemp(suffix=".xml")[1])
    root = PACKAGE.parent
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--timeout",
        "60",
        "-p",
        "no:cacheprovider",
        *options,
        "--junitxml",
    ]
    path = os.pathsep.join([str(package), str(root)])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([*command, str(report), address], cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode == 0:
        return []
    if done.returncode != 1:
        return [f"pytest ended with {done.returncode}: {done.stdout[-1000:]}"]
    found = []
    for outcome in ElementTree.parse(report).iter():
        if outcome.tag in ("failure", "error"):
            message = outcome.get("message", "")
            asserted = outcome.tag == "failure" and message.startswith(_ASSERTED)
            found.append(f"{_ASSERTION if asserted else outcome.tag}: {message}\n{outcome.text}")
    return found


_ASSERTED = ("AssertionError", "assert ", "Failed: DID NOT RAISE")
