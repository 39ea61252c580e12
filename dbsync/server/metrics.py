"""Counters for Prometheus: of this server what it served, of the store what its jobs are doing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from dbsync import __version__
from dbsync.errors import DbsyncError
from dbsync.store import Store
from dbsync.store.figures import job_counts

if TYPE_CHECKING:
    from dbsync.server.core import Core

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # the library reads it when it is loaded: a directory for the figures of processes
_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class Meters:
    """What this server counts. Labels hold no names of users, databases or tables."""

    def __init__(self, store: Store) -> None:
        self.registry = CollectorRegistry()
        self._served = Counter(
            "dbsync_http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._took = Histogram(
            "dbsync_http_request_seconds", "Time to an answer.", ["route"], buckets=_SECONDS, registry=self.registry
        )
        self.streams = Gauge(
            "dbsync_streams", "Streams held open.", registry=self.registry, multiprocess_mode="livesum"
        )
        info = Gauge(
            "dbsync_info", "Which dbsync this is.", ["version"], registry=self.registry, multiprocess_mode="max"
        )
        info.labels(__version__).set(1)
        self._jobs = _Jobs(store)
        self.registry.register(self._jobs)

    def served(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request; ``route`` is its template, not its path."""
        self._served.labels(method, route, str(status)).inc()
        self._took.labels(route).observe(seconds)

    def collected(self) -> CollectorRegistry:
        """What is shown: where several processes serve one port, the sum of what they have counted."""
        if SHARED not in os.environ:
            return self.registry
        found = CollectorRegistry()
        MultiProcessCollector(found)  # type: ignore[no-untyped-call]  # the library has no types for it
        found.register(self._jobs)
        return found


class _Jobs:
    """Jobs by state, asked for when somebody looks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the one metric; nothing where the store does not answer."""
        found = GaugeMetricFamily("dbsync_jobs", "Jobs in the store by state.", labels=["state"])
        try:
            counts = job_counts(self._store)
        except DbsyncError:
            return
        for state, number in sorted(counts.items()):
            found.add_metric([state], number)
        yield found


def render_metrics(core: Core) -> tuple[bytes, str]:
    """Everything in Prometheus' text format, and its content type."""
    return generate_latest(core.meters.collected()), CONTENT_TYPE_LATEST
