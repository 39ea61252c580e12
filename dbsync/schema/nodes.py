"""PURE: what a migration consists of: something to be done to an object."""

from __future__ import annotations

from typing import Literal, NamedTuple

from dbsync.schema.objects import Ref


class Node(NamedTuple):
    """Something to be done to an object. ``own`` ties a sequence to its column; ``access``: owner, rights, comment.

    ``free`` lets a sequence go that would be dropped with the column it belongs to, which is made anew. Of tables they
    are the ties to a composite type.

    ``shell`` and ``hollow`` are of views that need what needs them: the columns come before the query, and go after it.
    """

    action: Literal["drop", "hollow", "alter", "shell", "create", "free", "own", "access"]
    ref: Ref
