"""What stands in the way of writing rows to a group of tables: triggers, foreign keys, indexes.

They are switched off or dropped in the group's transaction, and are as they were before it commits.
"""

from __future__ import annotations

from collections.abc import Iterable

from dbsync.data.context import RunContext
from dbsync.data.plan import GroupTask, TableTask
from dbsync.errors import StatementFailed
from dbsync.events import TablePhase
from dbsync.failpoints import failpoint
from dbsync.model import ForeignKey, Index, TableName
from dbsync.pg import runs, statements
from dbsync.pg.database import Session

_IDENTITY_OF_ROOT = 170000
_DEPENDENT_OBJECTS = "2BP01"
# Workers that help to build an index write what they sorted to files. Below this size that costs more processor time
# than it wins: 64 in place of 46 ms for 10 MB (medians of three), and no less wall time even where nothing else runs.
_WORTH_WORKERS = 32 * 1024 * 1024


class Switches:
    """Switches a group's triggers, foreign keys and indexes off and on."""

    def __init__(self, group: GroupTask, run: RunContext) -> None:
        self.group, self.run = group, run
        self._keys: list[ForeignKey] = []  # dropped, to be added again in this order
        self._indexes: list[tuple[TableName, Index]] = []  # likewise
        self._identities: list[tuple[TableName, str]] = []  # BY DEFAULT now, to be ALWAYS again

    def off(self, session: Session) -> None:
        """Switch the triggers off, at the beginning of a transaction."""
        self.forget()
        for task in self.group.triggers:
            for trigger in task.triggers:
                session.execute(statements.set_trigger(task.table, trigger, "disabled"))
                failpoint("after_trigger_off")

    def forget(self) -> None:
        """What was dropped is there again: a rollback brought it back."""
        self._keys.clear()
        self._indexes.clear()
        self._identities.clear()

    def altered(self) -> bool:
        """Whether tables of the group were altered, if only for a time."""
        return bool(self.group.triggers or self._keys or self._indexes or self._identities)

    def dropped_keys(self) -> set[str]:
        """The names of the foreign keys that do not stand now."""
        return {key.name for key in self._keys}

    def drop_keys(self, session: Session) -> None:
        """Drop the group's foreign keys, to be added again before the commit."""
        keys = self.group.foreign_keys
        oids = self.run.target_oids(key.table for key in keys)
        # Partitions may call their part of the key otherwise: added first, the root's key takes them over.
        below = runs.partition_keys(session, [(oids[key.table], key) for key in keys])
        for key, parts in zip(keys, below, strict=True):
            self._keys += [*parts, key]
            session.execute(statements.drop_foreign_key(key))
            failpoint("after_key_dropped")

    def free_identities(self, session: Session, tasks: Iterable[TableTask]) -> None:
        """Let an UPDATE write columns GENERATED ALWAYS. Before any write: what has checks outstanding is not altered.

        Since version 17 a partition has its identity from the root, and only there it can be changed.
        """
        inherited = session.server_version_num >= _IDENTITY_OF_ROOT
        places = [
            (task.above[-1] if task.above and inherited else task.target, column)
            for task in tasks
            for column in task.identities
        ]
        for table, column in dict.fromkeys(places):
            session.execute(statements.set_identity(table, column, always=False))
            self._identities.append((table, column))

    def drop_index(self, session: Session, table: TableName, index: Index) -> None:
        """Drop an index to build it again later; one that a view or the like depends on stays."""
        try:
            with session.transaction():
                session.execute(statements.drop_index(table, index))
        except StatementFailed as error:
            if error.sqlstate != _DEPENDENT_OBJECTS:
                raise
            self.run.warn(f"{table}: the index {index.name} is kept during the load: other objects depend on it")
        else:
            self._indexes.append((table, index))
            failpoint("after_index_dropped")

    def on(self, session: Session) -> None:
        """Build indexes, add foreign keys (which validates them), restore and check each trigger's former state.

        What is deferred is checked first: no table with checks outstanding can be altered.
        """
        session.execute("SET CONSTRAINTS ALL IMMEDIATE")
        failpoint("after_constraints_checked")
        if self._indexes:  # a role's or database's preference is for what is new, not for what comes back
            session.execute("SET LOCAL default_tablespace = ''")
            if self.group.method == "load" and all(task.bytes < _WORTH_WORKERS for task in self.group.tables):
                session.execute("SET LOCAL max_parallel_maintenance_workers = 0")
        for table, index in self._indexes:
            self.run.emit(TablePhase(table=table, phase="index"))
            failpoint("before_index")
            for statement in statements.create_index(table, index):
                session.execute(statement)
        for key in self._keys:
            self.run.emit(TablePhase(table=key.table, phase="constraint"))
            failpoint("before_key")
            for statement in statements.add_foreign_key(key):
                session.execute(statement)
        for table, column in self._identities:
            session.execute(statements.set_identity(table, column, always=True))
        for task in self.group.triggers:
            for trigger in task.triggers:
                session.execute(statements.set_trigger(task.table, trigger, trigger.state))
                failpoint("after_trigger_on")
        oids = self.run.target_oids(task.table for task in self.group.triggers)
        now = runs.trigger_states(session, list(oids.values()))
        for task in self.group.triggers:
            for trigger in task.triggers:
                if now.get((task.table, trigger.name)) != trigger.state:
                    raise StatementFailed(f"trigger {trigger.name} on {task.table} did not get its state back")
