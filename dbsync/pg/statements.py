"""Statements with identifiers, built with psycopg.sql: pure, tested by comparing text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from psycopg import sql

from dbsync.model import ForeignKey, Index, TableName, Trigger

Statement = sql.Composed
DigestColumn = tuple[str, Literal["plain", "measured", "row", "timestamp", "timestamptz"], bool]  # name, form, nullable

# A call takes at most 100 arguments; a column may need two.
_ARGUMENTS = 45
# What a type's binary form holds, printed as hex: as exact as its text and cheaper to make.
_SENT = {
    "timestamp": sql.SQL("pg_catalog.timestamp_send({})"),
    "timestamptz": sql.SQL("pg_catalog.timestamptz_send({})"),
}
# Beside an expression in a subquery: keeps the planner from copying the expression to each place that names it.
# OFFSET 0 does that too, but then one process alone reads. This function is the cheapest that is called volatile
# and safe for parallel workers.
ONCE = sql.SQL("pg_catalog.pg_is_in_recovery()")
_FORMS = (  # by attstorage and attcompression
    {"p": sql.SQL("PLAIN"), "e": sql.SQL("EXTERNAL"), "m": sql.SQL("MAIN"), "x": sql.SQL("EXTENDED")},
    {"p": sql.SQL("pglz"), "l": sql.SQL("lz4")},
)
_TRIGGER_VERB = {
    "enabled": sql.SQL("ENABLE"),
    "disabled": sql.SQL("DISABLE"),
    "replica": sql.SQL("ENABLE REPLICA"),
    "always": sql.SQL("ENABLE ALWAYS"),
}


def qualified(table: TableName) -> sql.Identifier:
    """The schema-qualified, quoted name."""
    return sql.Identifier(table.schema, table.name)


def relation(table: TableName, *, only: bool) -> sql.Composed:
    """A relation in FROM, TRUNCATE or LOCK; ``only`` leaves out what inherits from it."""
    return sql.SQL("ONLY {}" if only else "{}").format(qualified(table))


def names(columns: Sequence[str]) -> sql.Composed:
    """A comma-separated list of quoted column names."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def select_rows(
    table: TableName,
    columns: Sequence[str],
    *,
    only: bool,
    where: str | None,
    pages: tuple[int, int | None] | None = None,
) -> sql.Composed:
    """SELECT the columns, of a page range [first, end) where one is given; ``where`` is the user's own expression."""
    query = sql.SQL("SELECT {} FROM {}").format(names(columns), relation(table, only=only))
    return query + _conditions(where, pages)


def copy_out(query: sql.Composed, *, binary: bool) -> sql.Composed:
    """COPY a query's rows to the client."""
    return sql.SQL("COPY ({}) TO STDOUT (FORMAT {})").format(query, _format(binary))


def copy_table_out(table: TableName, columns: Sequence[str], *, binary: bool) -> sql.Composed:
    """COPY a table's own rows to the client, not those of its children; less work for the server than a query."""
    return sql.SQL("COPY {} ({}) TO STDOUT (FORMAT {})").format(qualified(table), names(columns), _format(binary))


def copy_in(table: TableName, columns: Sequence[str], *, binary: bool, freeze: bool = False) -> sql.Composed:
    """COPY rows from the client into a table. Without columns the list is left out: `()` is no syntax.

    ``freeze``: older snapshots see the rows too; for a table that this transaction has truncated.
    """
    listed = sql.SQL(" ({})").format(names(columns)) if columns else sql.SQL("")
    how = _format(binary) + sql.SQL(", FREEZE") if freeze else _format(binary)
    return sql.SQL("COPY {}{} FROM STDIN (FORMAT {})").format(qualified(table), listed, how)


def digest_rows(
    table: TableName, columns: Sequence[DigestColumn], *, only: bool, where: str | None, recode: bool
) -> sql.Composed:
    """Count the rows and sum two 64-bit hashes of each row's text: a 128-bit digest of the multiset.

    The row's text is built once (``ONCE``), by as many workers as the server grants, and is unambiguous: values
    that can hold the separator are preceded by their length, end where their syntax says or come last, NULLs
    are marked in front, and the rest is a record, which quotes. ``recode`` hashes the UTF-8 form, for servers
    whose encodings differ. A record hash would be faster, but it folds 64-bit values to 32 bits and adds up
    column by column, so that values swapped between rows would go unseen.
    """
    text = row_text(columns, recode=recode)
    hashed = sql.SQL('r COLLATE pg_catalog."C"')
    rows = sql.SQL("SELECT {} AS r, {} FROM {}").format(text, ONCE, relation(table, only=only))
    return sql.SQL(
        "SELECT pg_catalog.count(*), "
        "COALESCE(pg_catalog.sum(pg_catalog.hashtextextended({hashed}, 0)), 0)::pg_catalog.text, "
        "COALESCE(pg_catalog.sum(pg_catalog.hashtextextended({hashed}, 1)), 0)::pg_catalog.text "
        "FROM ({rows}) AS s"
    ).format(hashed=hashed, rows=rows + _conditions(where, None))


def count_rows(table: TableName, *, only: bool, where: str | None = None, most: int | None = None) -> sql.Composed:
    """Count a relation's rows, or no more than ``most`` of them."""
    if most is not None:
        some = sql.SQL("SELECT FROM {}{} LIMIT {}").format(
            relation(table, only=only), _conditions(where, None), sql.Literal(most)
        )
        return sql.SQL("SELECT pg_catalog.count(*) FROM ({}) s").format(some)
    return sql.SQL("SELECT pg_catalog.count(*) FROM {}").format(relation(table, only=only)) + _conditions(where, None)


def any_rows(tables: Sequence[tuple[TableName, bool]]) -> sql.Composed:
    """For each (table, only), one row: its number in the list and whether it holds rows."""
    return sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {}::pg_catalog.int4, EXISTS (SELECT FROM {})").format(
            sql.Literal(number), relation(table, only=only)
        )
        for number, (table, only) in enumerate(tables)
    )


def lock_tables(
    tables: Sequence[TableName], mode: Literal["ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE", "ROW EXCLUSIVE"]
) -> sql.Composed:
    """Lock tables in the order given."""
    listed = sql.SQL(", ").join(relation(table, only=True) for table in tables)
    return sql.SQL("LOCK TABLE {} IN {} MODE").format(listed, sql.SQL(mode))


def lock_to_read(tables: Sequence[tuple[TableName, bool]]) -> sql.Composed:
    """Lock tables against whoever would alter them; with one that is not read alone (ONLY) its partitions, too."""
    listed = sql.SQL(", ").join(relation(table, only=only) for table, only in tables)
    return sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(listed)


def truncate(tables: Sequence[tuple[TableName, bool]]) -> sql.Composed:
    """Empty the tables in one command, without CASCADE."""
    return sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(relation(table, only=only) for table, only in tables))


def delete_all(table: TableName, *, only: bool) -> sql.Composed:
    """Delete every row."""
    return sql.SQL("DELETE FROM {}").format(relation(table, only=only))


def create_staging(staging: TableName, table: TableName, columns: Sequence[str], *, only: bool) -> list[sql.Composed]:
    """Create an unlogged table with the columns and types of the target's, without constraints, marked as ours."""
    create = sql.SQL("CREATE UNLOGGED TABLE {} WITH (autovacuum_enabled = off) AS SELECT {} FROM {} WITH NO DATA")
    return [
        create.format(qualified(staging), names(columns), relation(table, only=only)),
        sql.SQL("COMMENT ON TABLE {} IS 'staging table of dbsync sync'").format(qualified(staging)),
    ]


def set_forms(table: TableName, forms: Sequence[tuple[str, str | None, str | None]]) -> sql.Composed:
    """Let columns store their values so: each by its name, attstorage and attcompression, None for what may stay."""
    column = sql.SQL("ALTER COLUMN {} SET {} {}")
    changes = [
        column.format(sql.Identifier(name), kind, known[code])
        for name, *codes in forms
        for kind, known, code in zip((sql.SQL("STORAGE"), sql.SQL("COMPRESSION")), _FORMS, codes, strict=True)
        if code is not None
    ]
    return sql.SQL("ALTER TABLE {} {}").format(qualified(table), sql.SQL(", ").join(changes))


def move_staged(staging: TableName, table: TableName, columns: Sequence[str]) -> sql.Composed:
    """Insert the staged rows; identity columns take the source's values."""
    return sql.SQL("INSERT INTO {} ({cols}) OVERRIDING SYSTEM VALUE SELECT {cols} FROM ONLY {}").format(
        qualified(table), qualified(staging), cols=names(columns)
    )


def drop_staging(staging: TableName) -> sql.Composed:
    """Drop a staging table."""
    return sql.SQL("DROP TABLE {}").format(qualified(staging))


def drop_foreign_key(key: ForeignKey) -> sql.Composed:
    """Drop a foreign key (never with CASCADE)."""
    return sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(qualified(key.table), sql.Identifier(key.name))


def add_foreign_key(key: ForeignKey, *, valid: bool = True) -> list[sql.Composed]:
    """Add a foreign key again as the server printed it, NOT VALID included, and its comment.

    Without ``valid`` the rows are not looked at: ``validate_foreign_key`` is to follow.
    """
    # The definition is the server's own text (pg_get_constraintdef), not user input.
    definition = sql.SQL(key.definition if valid else f"{key.definition} NOT VALID")
    statements = [
        sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
            qualified(key.table), sql.Identifier(key.name), definition
        )
    ]
    if key.comment is not None:
        statements.append(_comment_on_constraint(key.table, key.name, key.comment))
    return statements


def in_one_message(several: Sequence[sql.Composed]) -> sql.Composed:
    """Statements without parameters as one text, for one round trip; the first that fails ends it."""
    return sql.SQL(";\n").join(several)


def validate_foreign_key(key: ForeignKey) -> sql.Composed:
    """Check the rows of a foreign key that was added without a look at them."""
    return sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(qualified(key.table), sql.Identifier(key.name))


def drop_index(table: TableName, index: Index) -> sql.Composed:
    """Drop an index, or the constraint that owns it."""
    if index.constraint is not None:
        return sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(qualified(table), sql.Identifier(index.constraint))
    return sql.SQL("DROP INDEX {}").format(qualified(index.name))


def create_index(table: TableName, index: Index) -> list[sql.Composed]:
    """Build an index again as the server printed it, then its constraint and comments."""
    definition = sql.SQL(index.definition)  # pg_get_indexdef: the server's own text
    statements = [sql.Composed([definition])]
    if index.tablespace is not None:
        statements.append(
            sql.SQL("ALTER INDEX {} SET TABLESPACE {}").format(qualified(index.name), sql.Identifier(index.tablespace))
        )
    if index.comment is not None:
        statements.append(
            sql.SQL("COMMENT ON INDEX {} IS {}").format(qualified(index.name), sql.Literal(index.comment))
        )
    if index.constraint is not None:
        suffix = _deferrability(index.constraint_definition or "")
        kind = sql.SQL("PRIMARY KEY" if index.primary else "UNIQUE")
        statements.append(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} USING INDEX {}{}").format(
                qualified(table), sql.Identifier(index.constraint), kind, sql.Identifier(index.name.name), suffix
            )
        )
        if index.constraint_comment is not None:
            statements.append(_comment_on_constraint(table, index.constraint, index.constraint_comment))
    return statements


def set_trigger(table: TableName, trigger: Trigger, state: str) -> sql.Composed:
    """Put a trigger into a state: enabled, disabled, replica or always."""
    return sql.SQL("ALTER TABLE ONLY {} {} TRIGGER {}").format(
        qualified(table), _TRIGGER_VERB[state], sql.Identifier(trigger.name)
    )


def set_identity(table: TableName, column: str, *, always: bool) -> sql.Composed:
    """Let an identity column take values in an UPDATE, or no longer."""
    return sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET GENERATED {}").format(
        qualified(table), sql.Identifier(column), sql.SQL("ALWAYS" if always else "BY DEFAULT")
    )


def sequence_states(sequences: Sequence[TableName]) -> sql.Composed:
    """For each sequence, one row: its number in the list, last_value and is_called."""
    return sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {}::pg_catalog.int4, last_value, is_called FROM {}").format(
            sql.Literal(number), qualified(name)
        )
        for number, name in enumerate(sequences)
    )


def furthest_values(columns: Sequence[tuple[TableName, str, bool, bool]]) -> sql.Composed:
    """For each (table, column, ascending, numeric), one row: its number and the largest (or smallest) value, or NULL.

    Of a numeric column, the largest that a sequence could have made: no fraction, NaN or infinity.
    """
    return sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {}::pg_catalog.int4, ({})::pg_catalog.int8 FROM {}").format(
            sql.Literal(number), _furthest(column, ascending=ascending, numeric=numeric), qualified(table)
        )
        for number, (table, column, ascending, numeric) in enumerate(columns)
    )


def _furthest(column: str, *, ascending: bool, numeric: bool) -> sql.Composed:
    function = sql.SQL("pg_catalog.max({})" if ascending else "pg_catalog.min({})").format(sql.Identifier(column))
    if numeric:
        function += sql.SQL(
            " FILTER (WHERE {0} BETWEEN -9223372036854775808 AND 9223372036854775807"
            " AND {0} OPERATOR(pg_catalog.=) pg_catalog.trunc({0}))"
        ).format(sql.Identifier(column))
    return function


def set_sequences(states: Sequence[tuple[TableName, int, bool]]) -> sql.Composed:
    """Set each sequence's last_value and is_called."""
    return sql.SQL("SELECT {}").format(
        sql.SQL(", ").join(
            sql.SQL("pg_catalog.setval({}::pg_catalog.regclass, {}, {})").format(
                sql.Literal(qualified(name).as_string(None)), sql.Literal(last_value), sql.Literal(is_called)
            )
            for name, last_value, is_called in states
        )
    )


def analyze(table: TableName) -> sql.Composed:
    """Refresh the planner's statistics."""
    return sql.SQL("ANALYZE {}").format(qualified(table))


def refresh_view(view: TableName) -> sql.Composed:
    """Refresh a materialised view."""
    return sql.SQL("REFRESH MATERIALIZED VIEW {}").format(qualified(view))


def _format(binary: bool) -> sql.SQL:
    return sql.SQL("binary" if binary else "text")


def _conditions(where: str | None, pages: tuple[int, int | None] | None) -> sql.Composed:
    conditions: list[sql.Composable] = []
    if pages is not None:
        first, end = pages
        conditions.append(sql.SQL("ctid >= {}::pg_catalog.tid").format(sql.Literal(f"({first},0)")))
        if end is not None:
            conditions.append(sql.SQL("ctid < {}::pg_catalog.tid").format(sql.Literal(f"({end},0)")))
    if where is not None:
        # The user's own SQL, checked as one expression before the run (data.run) on a read-only session.
        conditions.append(sql.SQL("({}\n)").format(sql.SQL(where)))
    return sql.SQL(" WHERE ").join([sql.SQL(""), sql.SQL(" AND ").join(conditions)]) if conditions else sql.Composed([])


def row_text(columns: Sequence[DigestColumn], *, recode: bool) -> sql.Composed:
    if recode:
        record = sql.SQL("ROW({})::pg_catalog.text").format(names([name for name, _, _ in columns]))
        return sql.SQL("pg_catalog.encode(pg_catalog.convert_to({}, 'UTF8'), 'hex')").format(record)
    rest = [name for name, form, _ in columns if form == "row"]
    spelled = [(name, form, nullable) for name, form, nullable in columns if form != "row"]
    # Text at the very end needs no length, but must not stand alone: marks are told by their first character.
    measured = [name for name, form, _ in spelled if form == "measured"]
    last = measured[-1] if measured and len(columns) > 1 else None
    items: list[sql.Composable] = []
    nullable = [name for name, _, may_be_null in spelled if may_be_null]
    if nullable:
        items.append(_null_marks(nullable))
    for name, form, _ in spelled:
        column = sql.Identifier(name)
        if name == last:
            continue
        if form == "measured":
            items.append(sql.SQL("pg_catalog.octet_length({})").format(column))
        items.append(_SENT[form].format(column) if form in _SENT else column)
    if rest or not columns:
        items.append(sql.SQL("ROW({})::pg_catalog.text").format(names(rest)))
    if last is not None:
        items.append(sql.Identifier(last))
    return _joined(items)


def _null_marks(columns: Sequence[str]) -> sql.Composed:
    """Name the NULLs in front of a row that has any: concat_ws would leave them out without a trace.

    They begin with a character that begins no other item; an array may begin with a brace and go on like marks.
    A composite of nothing but NULLs is a value, though it IS NULL: IS NOT DISTINCT FROM NULL tells them apart.
    """
    tests = [sql.SQL("{} IS NOT DISTINCT FROM NULL").format(sql.Identifier(name)) for name in columns]
    return sql.SQL("CASE WHEN {} THEN pg_catalog.concat('|', {}) END").format(
        sql.SQL(" OR ").join(tests), _joined(tests) if len(tests) > _ARGUMENTS else sql.SQL(", ").join(tests)
    )


def _joined(items: Sequence[sql.Composable]) -> sql.Composed:
    """concat_ws over any number of items."""
    while len(items) > _ARGUMENTS:
        items = [_joined(items[start : start + _ARGUMENTS]) for start in range(0, len(items), _ARGUMENTS)]
    return sql.SQL("pg_catalog.concat_ws('|', {})").format(sql.SQL(", ").join(items))


def _deferrability(definition: str) -> sql.SQL:
    if definition.endswith("DEFERRABLE INITIALLY DEFERRED"):
        return sql.SQL(" DEFERRABLE INITIALLY DEFERRED")
    return sql.SQL(" DEFERRABLE" if definition.endswith("DEFERRABLE") else "")


def _comment_on_constraint(table: TableName, name: str, comment: str) -> sql.Composed:
    return sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
        sql.Identifier(name), qualified(table), sql.Literal(comment)
    )
