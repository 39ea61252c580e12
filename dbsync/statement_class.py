"""What a statement is, judged by its tokens: may it stand in a read, does it steer a transaction.

Pure. This is the first of several layers: it gives a clear refusal before anything is sent. The
server, with its read-only transaction and its own parse of the statement, has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from dbsync.errors import StatementFailed
from dbsync.sqltext import Token, tokens
from dbsync.statements_split import Statement

Kind = Literal["read", "write", "control", "savepoint", "two-phase", "copy-stream", "unknown"]

_CONTROL = {
    ("begin",), ("start", "transaction"), ("commit",), ("end",), ("rollback",), ("abort",), ("prepare", "transaction"),
}  # fmt: skip
_COMMANDS = frozenset(
    {
        "alter", "analyze", "analyse", "call", "checkpoint", "close", "cluster", "comment", "create", "deallocate",
        "declare", "delete", "discard", "do", "drop", "execute", "fetch", "grant", "import", "insert", "listen", "load",
        "lock", "merge", "move", "notify", "prepare", "reassign", "refresh", "reindex", "reset", "revoke", "security",
        "select", "set", "table", "truncate", "unlisten", "update", "vacuum", "values", "with",
    }
)  # fmt: skip
_CHANGES = frozenset({"insert", "update", "delete", "merge"})
# They cannot run in a transaction block, or do what no rollback undoes.
_LASTING = {
    ("vacuum",), ("checkpoint",), ("load",), ("cluster",), ("discard",), ("reindex", "database"), ("reindex", "system"),
    ("alter", "system"), ("create", "database"), ("drop", "database"), ("alter", "database"), ("create", "tablespace"),
    ("drop", "tablespace"), ("create", "subscription"), ("drop", "subscription"), ("alter", "subscription"),
}  # fmt: skip
# Functions whose effect a rollback leaves behind, or that reach outside the database.
LASTING_FUNCTIONS = frozenset(
    {
        "setval", "nextval", "pg_reload_conf", "pg_rotate_logfile", "pg_switch_wal", "pg_logical_emit_message",
        "pg_create_physical_replication_slot", "pg_create_logical_replication_slot", "pg_drop_replication_slot",
        "pg_copy_physical_replication_slot", "pg_copy_logical_replication_slot", "pg_replication_slot_advance",
        "pg_logical_slot_get_changes", "pg_logical_slot_get_binary_changes", "pg_sync_replication_slots",
        "pg_create_restore_point", "pg_backup_start", "pg_backup_stop", "pg_start_backup", "pg_stop_backup",
        "pg_promote", "pg_wal_replay_pause", "pg_wal_replay_resume", "pg_log_backend_memory_contexts",
        "pg_log_standby_snapshot", "pg_terminate_backend", "pg_cancel_backend", "pg_advisory_lock",
        "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared", "pg_stat_reset",
        "pg_stat_reset_shared", "pg_stat_reset_slru", "pg_stat_reset_single_table_counters", "pg_stat_clear_snapshot",
        "pg_stat_reset_single_function_counters", "pg_stat_reset_replication_slot", "pg_stat_statements_reset",
        "pg_replication_origin_create", "pg_replication_origin_drop", "pg_replication_origin_advance",
        "pg_file_write", "pg_file_rename", "pg_file_unlink", "pg_file_sync", "lo_export", "set_config",
    }
)  # fmt: skip
_LASTING_PREFIX = "dblink"


@dataclass(frozen=True, slots=True)
class Judged:
    """A statement's kind, its name for messages, and the statement that an EXPLAIN is about."""

    kind: Kind
    name: str  # "DELETE", "COPY ... TO PROGRAM"
    explained: str | None = None  # the text after EXPLAIN and its options
    lasting: str | None = None  # why a rollback would not undo it
    has_code: bool = False  # a body whose effects its text does not tell for sure: EXECUTE runs any string


def judge(statement: Statement) -> Judged:
    """Return what the statement is."""
    words = _leading(statement.tokens)
    name = _name(words)
    if control := _control(words):
        return Judged(control, name)
    if words[0] == "copy":
        return _copy(statement.tokens, name)
    if words[0] == "explain":
        return _explain(statement)
    lasting = _lasting(statement.tokens, words)
    kind: Kind = "write" if words[0] in _COMMANDS else "unknown"
    has_code = words[0] in ("do", "call") or (words[0] == "create" and _executes(statement.tokens))
    return Judged("read" if _reads(statement.tokens) else kind, name, lasting=lasting, has_code=has_code)


def _leading(found: Sequence[Token], count: int = 3) -> list[str]:
    """The first words; a statement may begin with parentheses."""
    start = 0
    while start < len(found) and found[start].text == "(":
        start += 1
    words = [token.value if token.kind == "word" else "" for token in found[start : start + count]]
    return words or [""]


def _name(words: Sequence[str]) -> str:
    known = [word for word in words[:2] if word.isalpha()]
    many = known[:1] in (["create"], ["drop"], ["alter"], ["set"], ["start"], ["prepare"], ["refresh"])
    return " ".join(known[: 2 if many else 1]).upper() or "this statement"


def _control(words: Sequence[str]) -> Kind | None:
    if words[0] in ("savepoint", "release") or (words[0] == "rollback" and "to" in words[1:3]):
        return "savepoint"
    if words[0] in ("commit", "rollback") and words[1:2] == ["prepared"]:
        return "two-phase"
    return "control" if any(tuple(words[: len(known)]) == known for known in _CONTROL) else None


def _copy(found: Sequence[Token], name: str) -> Judged:
    """COPY writes files, runs programs or speaks a protocol of its own."""
    depth = 0
    for token, after in zip(found, found[1:], strict=False):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.kind == "word" and token.value in ("from", "to"):
            if after.value in ("stdin", "stdout") and after.kind == "word":
                return Judged("copy-stream", f"COPY ... {token.value.upper()} {after.value.upper()}")
            place = "PROGRAM" if after.value == "program" and after.kind == "word" else "a file"
            direction = f"COPY ... {token.value.upper()} {place}"
            return Judged("write", direction, lasting=None if direction == "COPY ... FROM a file" else direction)
    return Judged("write", name)


def _explain(statement: Statement) -> Judged:
    """EXPLAIN is a read unless it runs (ANALYZE) something that is not."""
    rest = list(statement.tokens[1:])
    analyzes = False
    if rest and rest[0].text == "(":
        end = next((place for place, token in enumerate(rest) if token.text == ")"), len(rest) - 1)
        options, rest = rest[1:end], rest[end + 1 :]
        analyzes = any(token.value in ("analyze", "analyse") for token in options)
        # EXPLAIN (SELECT ...): what looked like options is the statement itself
        if options and options[0].value in ("select", "with", "values", "table", "("):
            return Judged("write", "EXPLAIN (...)")
    while rest and rest[0].value in ("analyze", "analyse", "verbose"):
        analyzes = analyzes or rest[0].value != "verbose"
        rest = rest[1:]
    if not rest:
        return Judged("read", "EXPLAIN")
    start = rest[0].start
    inner = Statement(statement.text[start - statement.start :], statement.line, tuple(rest), start)
    judged = judge(inner)
    changes = _leading(inner.tokens)[0] in _CHANGES
    harmless = judged.kind == "read" or (changes and not analyzes)
    name = f"EXPLAIN {'ANALYZE ' if analyzes else ''}{judged.name}"
    return Judged("read" if harmless else "write", name, explained=inner.text, lasting=judged.lasting)


def _reads(found: Sequence[Token]) -> bool:
    """SELECT, VALUES, TABLE and WITH of those; not SELECT INTO, not a changing WITH."""
    first = _leading(found)[0]
    if first == "show":
        return True
    if first not in ("select", "values", "table", "with"):
        return False
    if any(_is_keyword(found, place, "into") for place in range(len(found))):
        return False
    return first != "with" or not _changes_in_with(found)


def _is_keyword(found: Sequence[Token], place: int, word: str) -> bool:
    """Whether this token is the keyword, not a column or an alias of that name."""
    token, before = found[place], found[place - 1].value if place else ""
    return token.kind == "word" and token.value == word and before not in (".", "as")


def _changes_in_with(found: Sequence[Token]) -> bool:
    depth = 0
    for place, token in enumerate(found):
        depth += (token.text == "(") - (token.text == ")")
        if token.kind != "word" or token.value not in _CHANGES:
            continue
        before = found[place - 1]
        opens = before.text == "(" and place > 1 and found[place - 2].value in ("as", "materialized")
        if opens or (depth == 0 and before.text == ")"):
            return True
    return False


def _lasting(found: Sequence[Token], words: Sequence[str]) -> str | None:
    """Why a rollback would not undo the statement, as far as its text tells."""
    if any(tuple(words[: len(known)]) == known for known in _LASTING):
        return _name(words)
    if "concurrently" in (token.value for token in found[:6] if token.kind == "word"):
        return f"{_name(words)} CONCURRENTLY"
    into_strings = words[0] in ("do", "create")  # bodies of DO and of functions
    called = next((f"{name}()" for name in _called(found, into_strings) if is_lasting_function(name)), None)
    return called or (next(_copies(found), None) if into_strings else None)


def is_lasting_function(name: str) -> bool:
    """Whether calling this function has effects that a rollback leaves behind."""
    return name in LASTING_FUNCTIONS or name.startswith(_LASTING_PREFIX)


def _called(found: Iterable[Token], into_strings: bool) -> Iterator[str]:
    """The names that stand before a parenthesis."""
    previous: Token | None = None
    for token in found:
        if token.text == "(" and previous is not None and previous.kind in ("word", "name"):
            yield previous.value
        if into_strings and token.kind == "string" and "(" in token.value:
            yield from _called_in_text(token.value)
        previous = token


def _called_in_text(text: str) -> Iterator[str]:
    yield from _called(_tokens_in(text), True)


def _executes(found: Sequence[Token]) -> bool:
    """Whether a string of the statement, which may be a body, runs text as SQL."""
    bodies = (_tokens_in(token.value) for token in found if token.kind == "string" and "execute" in token.value.lower())
    return any(_is_keyword(inner, place, "execute") for inner in bodies for place in range(len(inner)))


def _copies(found: Sequence[Token]) -> Iterator[str]:
    """What COPY in the strings of a statement, which may be bodies, does that a rollback leaves behind."""
    for token in found:
        if token.kind == "string" and "copy" in token.value.lower():
            inner = _tokens_in(token.value)
            places = (place for place in range(len(inner)) if _is_keyword(inner, place, "copy"))
            yield from (lasting for place in places if (lasting := _lasting_copy(inner[place:])) is not None)
            yield from _copies(inner)


def _lasting_copy(found: Sequence[Token]) -> str | None:
    """Why a rollback would not undo the COPY that begins here; a COPY names its file or program by a string."""
    end = next((place for place, token in enumerate(found) if token.text == ";"), len(found))
    judged = _copy(found[:end], "COPY")
    return judged.lasting if any(token.kind == "string" for token in found[:end]) else None


def _tokens_in(text: str) -> list[Token]:
    try:
        return [token for token in tokens(text) if not token.silent]
    except StatementFailed:  # an ordinary text with a lone quote
        return []
