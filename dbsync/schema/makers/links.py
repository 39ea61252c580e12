"""A partition and its parent: how they come together and part."""

from __future__ import annotations

from dbsync.pg.quoting import name
from dbsync.schema.objects import SchemaObject


def attaching(link: SchemaObject) -> str:
    """Return the statement that makes a table a partition."""
    parent, child = name(link.parts["parent_schema"], link.parts["parent"]), name(link.ref.schema, link.ref.name)
    return f"ALTER TABLE ONLY {parent} ATTACH PARTITION {child} {link.parts['bound']}"


def detaching(link: SchemaObject) -> str:
    """Return the statement that makes a partition a table of its own."""
    parent, child = name(link.parts["parent_schema"], link.parts["parent"]), name(link.ref.schema, link.ref.name)
    return f"ALTER TABLE ONLY {parent} DETACH PARTITION {child}"
