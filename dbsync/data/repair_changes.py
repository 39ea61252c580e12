"""Rows of a repair that changed: from the temporary table into which they came over those that the target holds."""

from __future__ import annotations

from dataclasses import dataclass

from dbsync.data.actions import is_referred_to, may_change
from dbsync.data.plan import GroupTask, TableTask
from dbsync.data.quarantine import UNIQUE
from dbsync.data.stream import copied_columns
from dbsync.data.switches import Switches
from dbsync.errors import Mismatch, StatementFailed
from dbsync.pg import statements_repair as repair_sql
from dbsync.pg.database import Session
from dbsync.segments import RowKey

_TAKEN = (UNIQUE, "23P01")  # another row has the value, or overlaps it


class Displaced(Mismatch):
    """The action of a foreign key has removed or moved rows that were still to be written."""


def changes_table(number: int) -> str:
    """The temporary table of a group's table."""
    return f"dbsync_changes_{number}"


@dataclass(frozen=True, slots=True)
class Overwriting:
    """Writes changed rows of one group.

    ``by_row``: rows that are refused are left out, so that each must be refused for what it is itself.
    """

    group: GroupTask
    switches: Switches
    by_row: bool

    def update(self, session: Session, number: int, task: TableTask, expected: int, *, hidden: bool) -> int:
        """Write the rows that stand in the table of changes; ``hidden``: --where hid some of those in the target."""
        assert task.key is not None
        updated = self._overwrite(session, number, task, task.key)
        if updated != expected:
            raise (Displaced if may_change(self.group, task) else Mismatch)(
                f"{task.target}: {updated} of {expected} rows could be updated; rolled back",
                hint="rows were changed while the run compared, or a trigger of the target drops updates",
            )
        if hidden:
            _look_inside(session, number, task, task.key)
        return updated

    def _overwrite(self, session: Session, number: int, task: TableTask, key: RowKey) -> int:
        """UPDATE the changed rows; those that swap values of an index that has to stay are deleted and inserted."""
        changes, columns = changes_table(number), copied_columns(task)
        update = repair_sql.update_from(changes, task.target, columns, key=key, only=task.target_only)
        try:
            with session.transaction():
                return session.affected(update)
        except StatementFailed as error:
            if error.sqlstate not in _TAKEN or not self._may_be_rewritten(task):
                raise
        deleted = session.affected(repair_sql.delete_changed(changes, task.target, key=key, only=task.target_only))
        inserted = session.affected(repair_sql.insert_from(changes, task.target, columns))
        if deleted != inserted:
            raise Mismatch(f"{task.target}: {inserted} rows were written in place of {deleted}; rolled back")
        return deleted

    def _may_be_rewritten(self, task: TableTask) -> bool:
        """Whether rows may be deleted and inserted anew.

        Not where the target has columns that the copy does not fill, nor where a foreign key stands that refers to
        the table, whose action or check a DELETE would call.
        """
        dropped = self.switches.dropped_keys()
        return not (task.kept or self.by_row or is_referred_to(self.group, task, dropped=dropped))


def _look_inside(session: Session, number: int, task: TableTask, key: RowKey) -> None:
    """Rows that --where hid were written since they would match then; whatever --verify says, they have to."""
    if task.where is None:
        return
    query = repair_sql.count_outside(
        changes_table(number), task.target, key=key, only=task.target_only, condition=task.where
    )
    (count,) = session.one(query)
    if count:
        raise Mismatch(
            f"{task.target}: {count} updated rows do not match --where; rolled back",
            hint="the condition depends on more than the row, or a trigger of the target changes it",
        )
