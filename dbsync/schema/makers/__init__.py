"""How objects of each kind are made, dropped and changed: one maker by kind."""

from __future__ import annotations

from dbsync.schema.makers import (
    columns,
    constraints,
    foreign_data,
    namespaces,
    operators,
    publications,
    reactions,
    relations,
    routines,
    text_search,
    types,
    views,
)
from dbsync.schema.steps import Makers

MAKERS: Makers = {
    **relations.MAKERS,
    **columns.MAKERS,
    **constraints.MAKERS,
    **views.MAKERS,
    **types.MAKERS,
    **routines.MAKERS,
    **reactions.MAKERS,
    **namespaces.MAKERS,
    **publications.MAKERS,
    **foreign_data.MAKERS,
    **operators.MAKERS,
    **text_search.MAKERS,
}
