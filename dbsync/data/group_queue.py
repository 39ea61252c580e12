"""A run's groups over its threads: staged ones in two phases, and what failed together tried again alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait

from dbsync.control import Control
from dbsync.data.group import GroupRun
from dbsync.data.plan import GroupTask
from dbsync.errors import ConnectionFailed, ConnectionLost, Drift, Mismatch, StatementFailed
from dbsync.failpoints import failpoint

_LOOK_S = 0.2


class GroupQueue:
    """Works off groups; ``ended`` is told of each once, in the thread that waits, with what it failed with.

    ``alone`` is told when the tables of a group are tried each by itself: the group counts no more then.
    """

    def __init__(
        self,
        executor: Executor,
        control: Control,
        *,
        make: Callable[[GroupTask], GroupRun],
        ended: Callable[[GroupRun, BaseException | None], None],
        alone: Callable[[GroupRun, Sequence[GroupRun]], None],
    ) -> None:
        self._executor, self._control = executor, control
        self._make, self._ended, self._alone = make, ended, alone
        self._waiting: dict[Future[None], GroupRun] = {}
        self._staging: dict[GroupRun, int] = {}  # tables that are not staged yet; -1 once its end is told
        self._shared: dict[GroupRun, Sequence[GroupTask]] = {}

    def add(self, group: GroupRun, of: Sequence[GroupTask]) -> None:
        """Submit a group, made ``of`` one group of the plan or of several that nothing ties."""
        if len(of) > 1:
            self._shared[group] = of
        if not group.group.staged:
            self._waiting[self._executor.submit(group.replace)] = group
            return
        self._staging[group] = len(group.outcomes)
        for outcome in group.outcomes:
            self._waiting[self._executor.submit(group.stage, outcome)] = group

    def work_off(self) -> None:
        """Wait until all have ended."""
        while self._waiting:
            done, _ = wait(self._waiting, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
            for future in done:
                self._go_on(self._waiting.pop(future), future.exception())

    def _go_on(self, group: GroupRun, error: BaseException | None) -> None:
        """A group is finished when all its tables are staged."""
        if error is None and self._staging.get(group):
            self._staging[group] -= 1
            if self._staging[group] == 0:
                self._waiting[self._executor.submit(group.replace)] = group
        elif group in self._shared and self._is_of_one_table(error):
            failpoint("before_each_alone")
            each = [self._make(task) for task in self._shared.pop(group)]
            self._alone(group, each)
            for one in each:
                self.add(one, [one.group])
        elif self._staging.get(group, 0) >= 0:
            self._staging[group] = -1
            self._ended(group, error)

    def _is_of_one_table(self, error: BaseException | None) -> bool:
        """Whether several tables failed for what may be wrong with one of them."""
        of_one = isinstance(error, (StatementFailed, ConnectionFailed, Mismatch, Drift))
        return of_one and not isinstance(error, ConnectionLost) and self._control.reason is None
