"""The demo: two embedded servers, a shop full of odd data, a sync, and a proof that is not dbsync's own.

It runs the same commands that a user types, in processes of their own, and shows each of them.
"""

from dbsync.demo.places import Place, open_places
from dbsync.demo.story import DemoReport, DemoTable, tell

__all__ = ["DemoReport", "DemoTable", "Place", "open_places", "tell"]
