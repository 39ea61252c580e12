"""How a run ended, for the machines around it: facts, and the forms and ways in which they are told."""

from __future__ import annotations

from dbsync.outcome.facts import Outcome

__all__ = ["Outcome"]
