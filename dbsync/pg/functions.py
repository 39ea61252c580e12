"""Which functions a statement would call, as the server itself resolves them, and which are harmless.

A read-only transaction does not stop a powerful role from calling functions that act outside it. For
such a role the server is asked to parse and rewrite the statement without running it: the tree that
it prints names every function, operator and relation, those inside views included.

The checks of domains are not all in it: they are run wherever a value of the type is read from text,
some of them already while the server parses. Where a database has a domain whose check may not be run,
the statement is parsed without its values first, and may turn nothing into a type with that domain in it.

Nor is in it what the server computes of the tables themselves while it plans: constant parts of the expressions of
indexes, statistics, partition keys and constraints, and predicates of indexes. Those are looked up in the catalogs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import pq

from dbsync.errors import DbsyncError, Refused, StatementFailed
from dbsync.pg.database import Session, translated
from dbsync.pg.parse_tree import is_torn, on_columns, types_made, without_values
from dbsync.pg.sql import load

_SQL = load("execute")
_FUNCTIONS, _DOMAIN_FUNCTIONS = (
    _SQL[name].replace("FACTS", _SQL["function_facts"]) for name in ("functions", "domain_functions")
)
_WRITES = re.compile(r":resultRelation\s+[1-9]")
_OIDS = re.compile(r":(\w+)\s+(\d+)")  # the server wraps the tree into lines, at blanks
_FUNCTION_FIELDS = frozenset({"funcid", "opfuncid", "aggfnoid", "winfnoid", "hashfuncid", "negfuncid"})
_OPERATOR_FIELDS = frozenset({"opno", "eqop", "sortop"})  # the last two: of ORDER BY, DISTINCT, GROUP BY

# Volatile functions of the server that only look. Everything else that is volatile acts.
_LOOKING = re.compile(
    r"random|random_normal|array_sample|array_shuffle|bernoulli|system|gen_random_uuid|uuidv[47]|setseed"
    r"|clock_timestamp|timeofday|pg_sleep|pg_sleep_for|pg_sleep_until|current_query|currval|lastval|lo_get|amvalidate"
    r"|pg_blocking_pids|pg_safe_snapshot_blocking_pids|pg_isolation_test_session_is_blocked"
    r"|pg_(database_)?collation_actual_version|pg_control_\w+|pg_current_(logfile|wal_\w+)|pg_last_\w+"
    r"|pg_(database|indexes|relation|table|tablespace|total_relation)_size|pg_partition_(ancestors|tree)"
    r"|pg_get_(aios|backend_memory_contexts|loaded_modules|multixact_members|sequence_data|shmem_allocations"
    r"|shmem_allocations_numa|wait_events|wal_replay_pause_state|wal_resource_managers|wal_summarizer_state)"
    r"|pg_(available_wal_summaries|wal_summary_contents|hba_file_rules|ident_file_mappings|show_all_file_settings)"
    r"|pg_is_(in_recovery|wal_replay_paused)|pg_jit_available|pg_lock_status|pg_notification_queue_usage"
    r"|pg_prepared_xact|pg_sequence_last_value|pg_stat_get_\w+|pg_stat_have_stats|pg_xact_\w+|txid_status"
    r"|pg_replication_origin_progress|pg_replication_origin_session_(is_setup|progress)"
    r"|pg_show_replication_origin_status"
)
_LOOKING_IN_EXTENSIONS = re.compile(
    r"pg_stat_statements|pg_stat_statements_info|pg_buffercache_\w+|uuid_\w+|gen_random_\w+|gen_salt|pgstat\w+"
)
# Not volatile, yet they run the SQL or read the relations that their arguments name.
_RUNS_SQL = re.compile(r"(table|schema|database|query|cursor)_to_xml\w*|crosstab\w*|connectby\w*|xpath_table|dblink\w*")
# They read text as a type that they are told by a value, or by the columns wanted of them.
_READS_TYPES = re.compile(
    r"pg_input_is_valid|pg_input_error_info|jsonb?_(populate|to)_record\w*|(array|domain|record|range|multirange)_in"
)
_UNDETERMINED = "42P18"  # a parameter that nothing gives a type
_PARAMETER = re.compile(r"\$(\d+)")
_MOST_UNTYPED = 100
# Mistakes that the statement has with its values too: schemas, tables, columns, functions and types that are not there.
_MISTAKES = frozenset({"3F000", "42P01", "42703", "42883", "42704", "42702", "42501"})


@dataclass(frozen=True, slots=True)
class FearedType:
    """A type that text cannot be read as without running a function that is not harmless."""

    name: str
    is_domain: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Role:
    """What the current role can do that no transaction undoes."""

    superuser: bool
    powers: tuple[str, ...]

    @property
    def privileged(self) -> bool:
        """Whether a read-only transaction is not enough to hold this role."""
        return bool(self.powers)


def current_role(session: Session) -> Role:
    """Return the powers of the session's role."""
    superuser, replication, createrole, memberships = session.one(_SQL["role"])
    if superuser:
        return Role(True, ("superuser",))
    flags = (("REPLICATION", replication), ("CREATEROLE", createrole))
    return Role(False, tuple(name for name, has in flags if has) + tuple(memberships))


def require_harmless(session: Session, statement: str, role: Role) -> None:
    """Raise Refused unless everything that the statement calls only looks.

    No function that is not harmless is run to find out: where the values in the statement could run one while the
    server parses it, it is parsed without them first. The session must be in a transaction. A statement that the
    server cannot parse raises its error.
    """
    feared = _feared_types(session)
    if feared:
        _require_no_reading(session, _without_values(session, statement, role, feared), feared)
    tree = _rewritten(session, statement, role)
    fields = _oids(tree)
    for _, schema, name, volatile, built_in, by_superuser, of_extension in _called(session, fields):
        if not _is_harmless(name, volatile, built_in, by_superuser, of_extension):
            raise _refusal(f"{name}()" if built_in else f"{schema}.{name}()", volatile)
    if feared:
        _require_no_reading(session, tree, feared)
    relations = fields.get("relid", set()) - {0}  # which is what is no relation
    _require_harmless_plan(session, sorted(relations), bool(_WRITES.search(tree)), feared)
    programs = session.execute(_SQL["program_tables"], [sorted(fields.get("relid", ()))])
    if programs:
        raise _refusal(f"the foreign table {programs[0][0]} (it runs a program on the server)", True)


def plans_run_others(session: Session) -> bool:
    """Whether planning a read of some table of the database may run a function of another role; one query."""
    try:
        _require_harmless_plan(session, None, False, {})
    except Refused:
        return True
    return False


def _require_harmless_plan(
    session: Session, relations: list[int] | None, writes: bool, feared: Mapping[int, FearedType]
) -> None:
    """Raise Refused where the server would run a function of another role to plan a statement about these relations.

    It runs what is IMMUTABLE where all the arguments are constant; the predicate of an index may also be computed for
    each row, and types be made then.
    """
    if relations == []:
        return
    asked = {"relations": relations, "writes": writes, "feared": bool(feared)}
    for relation, place, by_row, always, tree, field, oid, schema, name, immutable, opens in session.execute(
        _SQL["planned_functions"], asked
    ):
        if by_row and (made := next((feared[made] for made, _ in types_made(tree) if made in feared), None)):
            raise _refused(f"read {relation}, whose {place} makes a value of type {made.name}: {made.reason}")
        if name is None:
            continue
        calls = [on_column for *call, on_column in on_columns(tree) if call == [field, oid]]
        if always or opens or (immutable and not (calls and all(calls))):
            raise _refused(f"read {relation}, whose {place} calls {schema}.{name}(), which {_why(volatile=False)}")


def _feared_types(session: Session) -> dict[int, FearedType]:
    """The types that must not be read from text: domains with a check that is not harmless, and what is made of them.

    One query of the catalog, which locks no type, where there is no such domain.
    """
    reasons: dict[int, str] = {}
    readers: dict[int, str] = {}
    for domain, shown, _, schema, name, volatile, built_in, by_superuser, of_extension in session.execute(
        _DOMAIN_FUNCTIONS
    ):
        called = f"{name}()" if built_in else f"{schema}.{name}()"
        reason = f"the check of domain {shown} calls {called}, which {_why(volatile)}"
        if not _is_harmless(name, volatile, built_in, by_superuser, of_extension):
            reasons[domain] = reason
        elif built_in and _READS_TYPES.fullmatch(name):
            readers[domain] = f"the check of domain {shown} calls {called}, which runs other domains' checks"
    if not reasons:
        return {}
    reasons = readers | reasons
    return {
        oid: FearedType(name, is_domain, reasons[root])
        for oid, root, name, is_domain in session.execute(_SQL["types_made_of"], [sorted(reasons)])
    }


def _without_values(session: Session, statement: str, role: Role, feared: Mapping[int, FearedType]) -> str:
    """Return the tree of the statement with parameters for its strings: they get the types that the strings would get.

    A string that nothing gives a type stays as it is, since it is not read as any.
    """
    kept: set[int] = set()
    while True:
        text, strings = without_values(statement, kept)
        try:
            return _rewritten(session, text, role)
        except StatementFailed as error:
            untyped = _PARAMETER.search(error.message) if error.sqlstate == _UNDETERMINED else None
            if untyped and int(untyped[1]) in strings and len(kept) < _MOST_UNTYPED:
                kept.add(strings[int(untyped[1])])
                continue
            if not strings or error.sqlstate in _MISTAKES:
                raise
            reason = next(iter(feared.values())).reason
            raise _refused(
                "read the strings in this statement, as they cannot be judged beforehand "
                f"({error.message}): {reason}; a type is judged where it is written as 'text'::type"
            ) from error


def _require_no_reading(session: Session, tree: str, feared: Mapping[int, FearedType]) -> None:
    """Raise Refused where something would be turned into one of these types; columns may have them."""
    first = next(iter(feared.values()))
    if is_torn(tree):
        raise _refused(f"use names that are so long: {first.reason}")
    for oid, node in types_made(tree):
        # The result of UNION is a domain only where all its parts are of that domain.
        if (found := feared.get(oid)) and not (found.is_domain and node == "SETOPERATIONSTMT"):
            raise _refused(f"make a value of type {found.name}: {found.reason}")
    fields = _oids(tree)
    for _, _, name, _, built_in, *_ in _called(session, fields):
        if built_in and _READS_TYPES.fullmatch(name):
            raise _refused(f"call {name}(): {first.reason}")
    foreign = session.execute(
        _SQL["foreign_columns"], {"relations": sorted(fields.get("relid", ())), "types": sorted(feared)}
    )
    for table, oid in foreign:
        raise _refused(f"read the foreign table {table}, which has {feared[oid].name}: {feared[oid].reason}")


def _oids(tree: str) -> dict[str, set[int]]:
    fields: dict[str, set[int]] = {}
    for name, number in _OIDS.findall(tree):
        fields.setdefault(name, set()).add(int(number))
    return fields


def _called(session: Session, fields: Mapping[str, set[int]]) -> list[tuple[Any, ...]]:
    """What is known of the functions in a tree, those behind operators and aggregates included."""
    called = set().union(*(fields.get(name, set()) for name in _FUNCTION_FIELDS))
    operators = set().union(*(fields.get(name, set()) for name in _OPERATOR_FIELDS))
    behind = {"operators": sorted(operators), "functions": sorted(called)}
    called |= {oid for (oid,) in session.execute(_SQL["functions_behind"], behind)}
    return session.execute(_FUNCTIONS, [sorted(called)])


def _is_harmless(name: str, volatile: bool, built_in: bool, by_superuser: bool, of_extension: bool) -> bool:
    if _RUNS_SQL.fullmatch(name):
        return False
    if built_in:
        return not volatile or bool(_LOOKING.fullmatch(name))
    if volatile:
        return of_extension and bool(_LOOKING_IN_EXTENSIONS.fullmatch(name))
    # A label is a promise of the function's owner; this session has powers that the owner may lack.
    return by_superuser


def _refusal(what: str, volatile: bool) -> Refused:
    return _refused(f"call {what}: it {_why(volatile)}")


def _why(volatile: bool) -> str:
    return "may change something outside the transaction" if volatile else "belongs to a role that is not a superuser"


def _refused(what: str) -> Refused:
    return Refused(
        f"a read by a role with special powers may not {what}",
        code="FUNCTION",
        hint="use a role that has only SELECT, or add --write",
    )


def _rewritten(session: Session, statement: str, role: Role) -> str:
    """Return the server's own tree of the statement, views expanded, by the protocol's Parse step."""
    trees: list[str] = []

    def keep(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.message_detail and (diagnostic.message_primary or "").startswith("rewritten parse tree"):
            trees.append(diagnostic.message_detail)

    silent = role.superuser or _may_silence_log(session)
    session.execute("SAVEPOINT dbsync_parse")
    session.execute(_SQL["show_parse"], [silent])
    session.raw.add_notice_handler(keep)
    try:
        with translated(session):
            _parse(session, statement)
    finally:
        session.raw.remove_notice_handler(keep)
        session.execute("ROLLBACK TO SAVEPOINT dbsync_parse")
        session.notices.clear()
    if not trees:
        raise DbsyncError("the server does not show how it parses a statement", code="NO_PARSE_TREE")
    return trees[0]


def _parse(session: Session, statement: str) -> None:
    result = session.raw.pgconn.prepare(b"", statement.encode())
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(result, "utf-8")


def _may_silence_log(session: Session) -> bool:
    if session.server_version_num < 150000:
        return False
    (may,) = session.one("SELECT pg_catalog.has_parameter_privilege('log_min_messages', 'SET')")
    return bool(may)
