"""Reads what only ``validate`` asks of a database: its collations, and replication that touches its tables."""

from __future__ import annotations

from dbsync.model import Circumstances, Collation, TableName
from dbsync.pg.database import Session
from dbsync.pg.reflect import one_snapshot
from dbsync.pg.sql import load

_SQL = load("circumstances")
_DATABASE_VERSIONS = 15  # since when a database's default collation has a version


def read_circumstances(session: Session, major: int) -> Circumstances:
    """Read them from a server of this major version."""
    with one_snapshot(session):
        provider, locale, version = session.one(_SQL["default_collation"])
        actual = session.one(_SQL["default_collation_actual"])[0] if major >= _DATABASE_VERSIONS else None
        collations = [
            Collation(name=name, provider=kind, locale=where, version=recorded, actual=now, deterministic=deterministic)
            for name, kind, where, recorded, now, deterministic in session.execute(_SQL["collations"])
        ]
        return Circumstances(
            default_collation=Collation(
                name="default", provider=provider, locale=locale, version=version, actual=actual
            ),
            collations={collation.name: collation for collation in collations},
            unidentified=frozenset(TableName(*row) for row in session.execute(_SQL["unidentified"])),
            subscribed=frozenset(TableName(*row) for row in session.execute(_SQL["subscribed"])),
        )
