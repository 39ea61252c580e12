"""The HTTP server under load: pages of rows at a steady rate, streams held and refused, and its memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import jwt

from benchmarks import visitors
from benchmarks.cases import Setup
from benchmarks.report import Section, Target
from benchmarks.servers import Bench, Failed, execute

_SECRET, _SIGNING = "shared-by-two-servers-0123456789abcdef", "signs-the-tokens-of-people-0123456789ab"
_OWNERS, _STREAMS_ASKED, _STREAMS_HELD = 20, 1000, 100
_ROWS, _PAGE = 10_000, 50
_RATE = 300
_PROCESSES = 2
_FIRST_S = 3.0
_REST_S = 6.0  # what waits for a next request is let go after four seconds
_TABLE = """
CREATE TABLE public.item (id bigint PRIMARY KEY, name text NOT NULL, amount numeric(12,2), count int, at timestamptz,
                          flag boolean, code uuid, note text);
INSERT INTO public.item SELECT n, 'item ' || n, n / 7.0, n % 100, '2026-01-01'::timestamptz + n * interval '1 minute',
       n % 2 = 0, pg_catalog.md5(n::text)::uuid, pg_catalog.repeat('x', n % 60)
  FROM pg_catalog.generate_series(1, {rows}) n;
CREATE INDEX ON public.item (name);
DROP ROLE IF EXISTS reader;
CREATE ROLE reader LOGIN PASSWORD 'reads-only';
GRANT SELECT ON public.item TO reader;
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs, and the requests that its callers make."""

    host: str
    port: int
    pid: int
    pages: list[list[str]]
    streams: list[str]

    def rss_mb(self) -> float:
        """The resident memory of its processes."""
        found = (re.search(r"VmRSS:\s*(\d+) kB", _proc(pid, "status")) for pid in self._pids())
        return sum(int(one[1]) / 1024 for one in found if one)

    def cpu_s(self) -> float:
        """The processor time that its processes have used."""
        return sum(_cpu_s(pid) for pid in self._pids())

    def _pids(self) -> list[int]:
        return [self.pid, *map(int, _proc(self.pid, f"task/{self.pid}/children").split())]


def _proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")


def _cpu_s(pid: int) -> float:
    fields = _proc(pid, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _backends_cpu_s(bench: Bench) -> float:
    """The processor time of the sessions that are there now: what has ended is not in it."""
    query = "SELECT pid FROM pg_catalog.pg_stat_activity WHERE usename = 'reader'"
    return sum(_cpu_s(pid) for (pid,) in execute(bench.source, "served", query) if Path(f"/proc/{pid}").exists())


def serving(setup: Setup) -> Section:
    """Pages of rows at a steady rate beside held streams, then as fast as they come; memory before and after."""
    table = [
        [
            "situation",
            "requests/s",
            "p50 ms",
            "p99 ms",
            "slowest ms",
            "server CPU ms",
            "Postgres CPU ms",
            "server RSS MB",
        ]
    ]
    seconds = max(3.0, 30 * setup.scale)
    with _served(setup) as served:
        first = _load(setup.bench, served, _RATE, _FIRST_S)
        time.sleep(_REST_S)
        before = served.rss_mb()
        table.append(_row(f"{_RATE} a second for {_FIRST_S:.0f} s, the first requests of all", first, served))
        table.append([f"at rest, {_REST_S:.0f} s later", "-", "-", "-", "-", "-", "-", f"{before:.0f}"])
        with _held(served) as (answered, lost):
            held, refused = answered.get("200", 0), answered.get("429", 0)
            other = _STREAMS_ASKED - held - refused
            setup.say(f"  {held} streams held, {refused} refused, {other} answered otherwise")
            steady = _load(setup.bench, served, _RATE, seconds)
            during = served.rss_mb()
            table.append(_row(f"{_RATE} a second for {seconds:.0f} s, {held} streams held", steady, served))
            fast = _load(setup.bench, served, 0, seconds / 3)
            table.append(_row(f"as fast as they come, {held} streams held", fast, served))
        time.sleep(_REST_S)
        after = served.rss_mb()
        table.append([f"at rest again, {_REST_S:.0f} s later", "-", "-", "-", "-", "-", "-", f"{after:.0f}"])
    bad = sum(number for status, number in steady["answered"].items() if status != "200")
    targets = [
        Target(f"{_RATE} pages/s, {held} streams held, p99", 1000 * steady["p99"], 150, 100, " ms"),
        Target("of these requests not answered, or not with 200", bad + steady["asked"] - _answered(steady), 0, 0),
        Target("streams neither held nor refused with 429, or lost", other + lost(), 0, 0),
        Target("memory after it all, more than before", after - before, 10, 5, " MB"),
    ]
    setup.say(f"  RSS {before:.0f} MB before, {during:.0f} during, {after:.0f} after")
    about = (
        f"{_PROCESSES} processes, their store a SQLite file. A page is {_PAGE} of {setup.rows(_ROWS):,} rows of 8 "
        f"columns, counted exactly, asked for by {_OWNERS} callers with a JWT each, over {_OWNERS} connections; "
        "the role may only read. "
        "The time of a request begins when it was due, and none is left out: opening every caller's session is in it. "
        f"{_STREAMS_ASKED:,} streams are asked for: {held} are held, "
        f"{refused} refused with 429. The clients, the server and Postgres share the machine's cores."
    )
    return Section("The HTTP server", about, table, targets)


CASES: Mapping[str, Callable[[Setup], Section]] = {"serve": serving}


def _row(situation: str, found: Mapping[str, Any], served: Served) -> list[str]:
    number = _answered(found)
    marks = [f"{1000 * found[name]:.1f}" for name in ("p50", "p99", "most")]
    cpu = [f"{1000 * found[name] / max(number, 1):.1f}" for name in ("cpu", "backends")]
    return [situation, f"{number / found['wall']:.0f}", *marks, *cpu, f"{served.rss_mb():.0f}"]


def _answered(found: Mapping[str, Any]) -> int:
    return int(sum(found["answered"].values()))


def _load(bench: Bench, served: Served, rate: float, seconds: float) -> dict[str, Any]:
    used, backends = served.cpu_s(), _backends_cpu_s(bench)
    job = {"work": "load", "host": served.host, "port": served.port, "clients": served.pages}
    with _visitors(job | {"rate": rate, "seconds": seconds}) as process:
        assert process.stdout is not None
        found: dict[str, Any] = json.loads(process.stdout.read())
    if not found.get("p99"):
        raise Failed(f"no request was answered: {found}")
    return found | {"cpu": served.cpu_s() - used, "backends": max(0.0, _backends_cpu_s(bench) - backends)}


@contextmanager
def _held(served: Served) -> Iterator[tuple[Mapping[str, int], Callable[[], int]]]:
    """Ask for the streams and hold them for the block; the second value tells later how many were lost."""
    told: dict[str, Any] = {"lost": 0}
    job = {"work": "hold", "host": served.host, "port": served.port, "requests": served.streams}
    with _visitors(job) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answered: dict[str, int] = json.loads(process.stdout.readline())
        yield answered, lambda: int(told["lost"])
        process.stdin.close()
        told |= json.loads(process.stdout.read())


@contextmanager
def _visitors(job: Mapping[str, Any]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-I", "-S", visitors.__file__]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _served(setup: Setup) -> Iterator[Served]:
    """Run a server over a store of its own, with a table, and callers who have saved their way to it."""
    bench = setup.bench
    bench.new_database(bench.source, "served", _TABLE.format(rows=setup.rows(_ROWS)))
    execute(bench.source, "served", "VACUUM ANALYZE", "CHECKPOINT")
    most = {f"RATE_LIMIT_{kind}": "1000000" for kind in ("READ", "SYNC")}
    environment = (
        bench.environment
        | most
        | {
            "DBSYNC_STORE": f"sqlite:///{bench.directory / 'served.db'}",
            "BACKEND_SHARED_SECRET": _SECRET,
            "SUPABASE_JWT_SECRET": _SIGNING,
            "DBSYNC_ALLOW_HOSTS": "127.0.0.1",
        }
    )
    with open(bench.errors, "w+", encoding="utf-8") as errors:
        command = [bench.dbsync, "serve", "--port", "0", "--processes", str(_PROCESSES)]
        process = subprocess.Popen(command, stderr=errors, env=environment)
        try:
            address = urlsplit(_listening(bench, process))
            host, port = str(address.hostname), int(address.port or 0)
            yield _with_callers(bench, host, port, process.pid)
        finally:
            process.terminate()
            process.wait(30)
    execute(bench.source, "postgres", "DROP DATABASE served WITH (FORCE)", "DROP ROLE reader")


def _listening(bench: Bench, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"listening on (http://\S+)", bench.errors.read_text(errors="replace")):
            return found[1]
        time.sleep(0.05)
    raise Failed(f"the server did not start: {bench.errors.read_text(errors='replace')[-600:]}")


def _with_callers(bench: Bench, host: str, port: int, pid: int) -> Served:
    pages: list[list[str]] = []
    streams: list[str] = []
    url = f"postgresql://reader:reads-only@127.0.0.1:{bench.source.port}/served"
    for number in range(_OWNERS):
        claims = {"sub": f"owner{number}", "aud": "authenticated", "exp": int(time.time()) + 3600}
        headers = {
            "X-Backend-Secret": _SECRET,
            "Authorization": f"Bearer {jwt.encode(claims, _SIGNING, algorithm='HS256')}",
            "Content-Type": "application/json",
        }

        def post(path: str, body: Mapping[str, Any], headers: Mapping[str, str] = headers) -> str:
            request = Request(f"http://{host}:{port}{path}", json.dumps(body).encode(), dict(headers), method="POST")
            with urlopen(request, timeout=30) as reply:
                return str(json.load(reply)["data"]["id"])

        ends = [post("/api/connections", {"name": name, "url": url}) for name in ("here", "there")]
        ids = {"sourceConnectionId": ends[0], "targetConnectionId": ends[1]}
        job = post("/api/sync", ids | {"tables": [{"tableName": "item"}]})
        said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        paths = [f"/api/explorer/{ends[0]}/item/rows?page={page}&limit={_PAGE}" for page in range(1, 11)]
        pages.append([f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{said}\r\n" for path in paths])
        one = f"GET /api/sync/{job}/stream HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n{said}\r\n"
        streams += [one] * (_STREAMS_ASKED // _OWNERS)
    return Served(host, port, pid, pages, streams)
