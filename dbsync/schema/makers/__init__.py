"""How objects of each kind are made, dropped and changed: one maker by kind."""

from __future__ import annotations

from dbsync.schema.makers import columns, constraints, relations, views
from dbsync.schema.steps import Makers

MAKERS: Makers = {**relations.MAKERS, **columns.MAKERS, **constraints.MAKERS, **views.MAKERS}
