"""What SQL calls an object: ``TABLE public.t``, ``TRIGGER a ON public.t``, ``OPERATOR public.=== (a, b)``."""

from __future__ import annotations

import re

from dbsync.pg.quoting import name
from dbsync.schema.objects import Ref, SchemaObject

_WORDS = {
    "table": "TABLE", "view": "VIEW", "matview": "MATERIALIZED VIEW", "index": "INDEX", "sequence": "SEQUENCE",
    "column": "COLUMN", "schema": "SCHEMA", "extension": "EXTENSION", "event_trigger": "EVENT TRIGGER",
    "statistics": "STATISTICS", "publication": "PUBLICATION", "foreign_data_wrapper": "FOREIGN DATA WRAPPER",
    "server": "SERVER", "collation": "COLLATION", "ts_configuration": "TEXT SEARCH CONFIGURATION",
    "ts_dictionary": "TEXT SEARCH DICTIONARY", "ts_parser": "TEXT SEARCH PARSER",
    "ts_template": "TEXT SEARCH TEMPLATE", "language": "LANGUAGE", "access_method": "ACCESS METHOD",
    "conversion": "CONVERSION", "enum": "TYPE", "composite": "TYPE", "range": "TYPE", "base_type": "TYPE",
    "domain": "DOMAIN", "function": "FUNCTION", "procedure": "PROCEDURE", "aggregate": "AGGREGATE",
    "operator": "OPERATOR", "operator_class": "OPERATOR CLASS", "operator_family": "OPERATOR FAMILY",
    "constraint": "CONSTRAINT", "domain_constraint": "CONSTRAINT", "trigger": "TRIGGER", "rule": "RULE",
    "policy": "POLICY", "cast": "CAST", "transform": "TRANSFORM",
}  # fmt: skip
_OPERATOR = re.compile(r"[-+*/<>=~!@#%^&|`?]+")


def has_address(ref: Ref) -> bool:
    """Whether statements can name the object: a default or a partition's place is only said of its table."""
    return ref.kind in _WORDS


def address(made: SchemaObject) -> str:
    """Return the object as COMMENT ON and, for what stands alone, DROP and ALTER name it."""
    return f"{word(made)} {place(made)}"


def word(made: SchemaObject) -> str:
    """Return the kind in SQL."""
    if made.ref.kind == "table" and made.parts["variant"] == "foreign":
        return "FOREIGN TABLE"
    return _WORDS[made.ref.kind]


def place(made: SchemaObject) -> str:
    """Return the name in SQL, with the arguments or the table that it takes."""
    ref = made.ref
    if ref.kind == "column":
        return name(ref.schema, ref.name, ref.sub)
    if ref.kind in ("constraint", "trigger", "rule", "policy"):
        return f"{name(ref.sub)} ON {name(ref.schema, ref.name)}"
    if ref.kind == "domain_constraint":
        return f"{name(ref.sub)} ON DOMAIN {name(ref.schema, ref.name)}"
    if ref.kind in ("function", "procedure"):
        return f"{name(ref.schema, ref.name)}({ref.arguments})"
    if ref.kind == "aggregate":
        return f"{name(ref.schema, ref.name)}({made.parts['identity'] or '*'})"
    if ref.kind == "operator":
        return f"{operator_name(ref.schema, ref.name)} ({ref.arguments})"
    if ref.kind in ("operator_class", "operator_family"):
        return f"{name(ref.schema, ref.name)} USING {name(ref.sub)}"
    if ref.kind == "cast":
        return f"({ref.name} AS {ref.sub})"
    if ref.kind == "transform":
        return f"FOR {ref.name} LANGUAGE {name(ref.sub)}"
    return name(ref.schema, ref.name)


def operator_name(schema: str, symbol: str) -> str:
    """Return an operator with its schema. Its symbol cannot be quoted, so it is looked at."""
    if not _OPERATOR.fullmatch(symbol):
        raise AssertionError(f"Postgres has no operator of the name {symbol!r}")
    return f"{name(schema)}.{symbol}"


def table_name(ref: Ref) -> str:
    """The qualified name of the table that a member belongs to."""
    return name(ref.schema, ref.name)


def altering(made: SchemaObject, *, only: bool = False) -> str:
    """Return ``ALTER TABLE x`` in the words for the relation that a member belongs to."""
    of = made.parts.get("of", "r")
    words = {"v": "ALTER VIEW", "m": "ALTER MATERIALIZED VIEW", "f": "ALTER FOREIGN TABLE"}.get(of, "ALTER TABLE")
    return f"{words} {'ONLY ' if only else ''}{table_name(made.ref)}"
