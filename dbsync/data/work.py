"""What is done with both sides once they are read. ``services`` loads it while the servers answer, not before."""

from __future__ import annotations

from dbsync.data.ahead import opened_ahead
from dbsync.data.creation import as_made, late_keys
from dbsync.data.drift import drifts_since, heeded
from dbsync.data.ownership import name_the_owner
from dbsync.data.plan_file import PlannedEnd, to_text
from dbsync.data.planner import Draft, draft_plan
from dbsync.data.predict import predict, predict_load
from dbsync.data.problem import Problem, refused
from dbsync.data.resume import keep_finished, take_up
from dbsync.data.run import run_sync
from dbsync.data.sides import Side
from dbsync.data.survey import emptied_by_replace
from dbsync.data.units import Skipped, select_units

__all__ = [
    "Draft",
    "PlannedEnd",
    "Problem",
    "Side",
    "Skipped",
    "as_made",
    "draft_plan",
    "drifts_since",
    "emptied_by_replace",
    "heeded",
    "keep_finished",
    "late_keys",
    "name_the_owner",
    "opened_ahead",
    "predict",
    "predict_load",
    "refused",
    "run_sync",
    "select_units",
    "take_up",
    "to_text",
]
