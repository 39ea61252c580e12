"""The invariants of a trial: what must hold after the fault, and after the run that repairs it.

I1 old or new   I2 source untouched   I3 nothing left   I4 reports agree   I5 repaired   I6 no work twice
I7 exit code and words   I8a a signal, I8b a dead peer in time   I9 no secrets   I10 honest counters

A run that was killed says nothing, one that nobody signals cannot be late for it: a verdict tells what was tried.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.faults.campaign import job
from tests.faults.campaign.draw import Trial
from tests.faults.campaign.world import Scene, World
from tests.fixtures import oracle, photograph
from tests.fixtures.command import Result

INVARIANTS = {
    "I1": "each group of tables is as before, or as the source's snapshot: never empty, half or mixed",
    "I2": "the source's server saw no write",
    "I3": "nothing is left: no session, lock, slot, staging table, changed trigger, key, index, setting or grant",
    "I4": "JSON, events, exit code and the target tell the same",
    "I5": "the next run ends with the source's rows, sequences ahead",
    "I6": "what was done and is still equal is not copied again",
    "I7": "a documented exit code, one plain reason, no traceback, whole JSON",
    "I8a": "a signal ends it within 5 s (6.2 s where a server does not answer either), no process is left",
    "I8b": "a dead peer is noticed within 15 s, no process is left",
    "I9": "no password in any output",
    "I10": "no counter counts rows twice, or rows that were rolled back",
}
_KILLED = -9
_OWNERS = {
    "public.payment_id_seq": ("public.payment",),
    "public.event_id_seq": ("public.event_old", "public.event_new"),
    "public.small_number_seq": ("public.small",),
}
_NOTHING = oracle.Rows(0, 0)  # also what a table holds that is not there yet
# A table's number; and whether a partition's key is inherited by others, which differs by how it came to be one.
_HOW_MADE = re.compile(r"^(relation) \| \d+|^(constraint \| [^|]+ \| [^|]+ \| [pu] \|(?: [^|]+ \|){6}) (?:True|False)")
# What a run that made the schema, and did not get through, has still to do: keys, and the view's rows.
_LATE = re.compile(
    r"- (constraint \| [^|]+ \| [^|]+ \| f|internal trigger) \||[+] constraint \| .* NOT VALID \||[+-] relation \| public.summary \|"
)
_DONE = 0.98  # of what passes a proxy: the last table is committed
_SIGNAL_CODES = {"SIGINT": 130, "SIGTERM": 143, "stall, then SIGTERM": 143}
_LONGEST = {"SIGINT": 5.0, "SIGTERM": 5.0, "stall, then SIGTERM": 5.6 + 0.6}
_DEAD_PEER_S = 15.0
_DEAD_PEERS = {
    *(
        "cut",
        "cut inside a message",
        "cut before COMMIT",
        "half-close",
        "swallow, then cut",
        "lose the reply to COMMIT",
    ),
    *("refuse", "terminate a backend", "kill -9 a backend", "stop the server"),
}
# What a run has to say that lost its connection in COMMIT and could not ask again.
_NOT_KNOWN = "holds either its old or its new content"


@dataclass(frozen=True, slots=True)
class Case:
    """One run of a trial, over: what there was, and what it did."""

    world: World
    trial: Trial
    scene: Scene
    url: str  # of the target, as a superuser
    result: Result
    log: str
    took: float  # seconds from the strike to the end
    struck: bool
    recovering: bool = False
    may_leave: bool = False  # staging in dbsync's own schema, until the next run

    @property
    def resumed(self) -> str | None:
        """The run that this one says it took up."""
        found = ((_document(self.result.stdout) or {}).get("result") or {}).get("resumed")
        return str(found) if found else None


@dataclass(slots=True)
class Verdict:
    """What was found wrong, each line with its invariant; which groups hold the new rows; what could have been broken."""

    wrong: list[str]
    new: list[bool]
    tried: set[str]


def judge(case: Case) -> Verdict:
    """Check every invariant."""
    wrong = [f"I3: left on the target: {what}" for what in oracle.leftovers(case.url, excuse=_excuse(case))]
    wrong += [f"I3: left on the source: {what}" for what in oracle.leftovers(case.scene.source)]
    now = oracle.take(case.url)
    wrong += [f"I3: {line}" for line in _structure(case, now) if not _excused(case, line)]
    states = list(_states(case, now))
    for group, (old, new) in zip(case.trial.setting.groups, states, strict=True):
        if not old and not new:
            wrong.append(f"I1: {', '.join(group)}: neither old nor new")
    wrong += _untouched(case, now)
    wrong += _sequences(case, now, [new for _, new in states])
    wrong += _ending(case)
    wrong += _reports(case, states, now)
    wrong += _counters(case)
    secrets = [canary for canary in case.world.canaries if canary in case.result.stdout + case.result.stderr + case.log]
    wrong += ["I9: a password was told"] * len(secrets)
    if case.result.exit_code == 0 or _said_all(case):
        wrong += [f"{'I5' if case.recovering else 'I4'}: {line}" for line in _final(case, now, states)]
    elif case.recovering:
        wrong.append(f"I5: the next run failed\n{_shown(case.result)}")
    return Verdict(wrong, [new for _, new in states], set(_tried(case)))


def _tried(case: Case) -> Iterator[str]:
    """The invariants that this run was able to break, as far as one run tells; I2 and I6 are the trial's."""
    result, kind = case.result, "none" if case.recovering else case.trial.fault.kind
    document, killed = _document(result.stdout), result.exit_code == _KILLED
    yield from ("I1", "I3")
    if document is not None:
        yield "I4"
    if case.recovering:
        yield "I5"
    if not killed:
        yield "I7"
    if case.struck and not killed and kind in _LONGEST:
        yield "I8a"
    if case.struck and not killed and kind in _DEAD_PEERS:
        yield "I8b"
    if result.stdout + result.stderr + case.log:
        yield "I9"
    if ((document or {}).get("result") or {}).get("tables") or any("rows" in event for event in _events(result.stderr)):
        yield "I10"


def late(trial: Trial) -> str:
    """The invariant that a run breaks which does not end."""
    return "I8a" if trial.fault.kind in _LONGEST else "I8b"


def _structure(case: Case, now: oracle.Photograph) -> list[str]:
    """What is not as it was; of a run that makes the schema, what is neither that nor as it has to be in the end."""
    changes = oracle.structure_changes(case.scene.old, now)
    if case.scene.made is None or all(_excused(case, line) for line in changes):
        return changes
    changes = photograph.changes(_however_made(case.scene.made), _however_made(now))
    if case.result.exit_code == 0 or _said_all(case):
        return changes
    return [line for line in changes if not _LATE.match(line)]


def _however_made(photo: oracle.Photograph) -> Counter[str]:
    return Counter(_HOW_MADE.sub(r"\1\2", line) for line in photo.structure.elements())


def _states(case: Case, now: oracle.Photograph) -> Iterator[tuple[bool, bool]]:
    for group in case.trial.setting.groups:
        yield (
            all(now.content.get(name, _NOTHING) == case.scene.old.content.get(name, _NOTHING) for name in group),
            all(now.content.get(name) == case.scene.new.content[name] for name in group),
        )


def _final(case: Case, now: oracle.Photograph, states: list[tuple[bool, bool]]) -> Iterator[str]:
    """What differs from the source after a run that said that it succeeded."""
    for group, (_, new) in zip(case.trial.setting.groups, states, strict=True):
        if not new:
            yield f"exit 0, but {', '.join(group)} does not hold the source's rows"
    if not case.trial.setting.guest:  # only its owner refreshes a view
        for view in job.VIEWS:
            if now.content.get(view) != case.scene.new.content[view]:
                yield f"exit 0, but {view} does not show the source's rows"


def _untouched(case: Case, now: oracle.Photograph) -> Iterator[str]:
    """Tables and views that were not chosen keep what they held."""
    chosen = {name for group in case.trial.setting.groups for name in group} | set(job.VIEWS)
    for name in case.scene.old.content.keys() - chosen:
        if now.content[name] != case.scene.old.content[name]:
            yield f"I1: {name} was not chosen, and changed"


def _sequences(case: Case, now: oracle.Photograph, new: list[bool]) -> Iterator[str]:
    """A sequence never goes back; where the new rows are, it is ahead of the source's too."""
    succeeded = case.result.exit_code == 0 or _said_all(case)
    filled: dict[str, bool] = {}
    for group, is_new in zip(case.trial.setting.groups, new, strict=True):
        filled |= dict.fromkeys(group, is_new)
    for name, position in now.sequences.items():
        owners = _OWNERS.get(name, ())
        if name not in case.scene.new.sequences or not filled.keys() >= set(owners):
            continue  # the ledger's, or of a table that was not chosen
        before, source = case.scene.old.sequences.get(name), case.scene.new.sequences[name]
        if before is not None and position.next_value < before.next_value:
            yield f"I1: the sequence {name} went back"
        if (
            succeeded or (owners and all(filled[table] for table in owners))
        ) and position.next_value < source.next_value:
            yield f"I1: the sequence {name} is behind the source's"


def _ending(case: Case) -> Iterator[str]:
    """The exit code, what is on stdout and stderr, and how long it took."""
    result, trial = case.result, case.trial
    kind = "none" if case.recovering else trial.fault.kind
    if "Traceback" in result.stderr + result.stdout:
        yield f"I7: a traceback\n{_shown(result)}"
    killed = result.exit_code == _KILLED
    if result.exit_code not in _codes(case, kind):
        yield f"I7: exit code {result.exit_code}\n{_shown(result)}"
    document = _document(result.stdout)
    if document is None and not (killed and not result.stdout):
        yield f"I7: stdout is not one JSON document\n{_shown(result)}"
    if document is not None and not killed:
        if document["exit_code"] != result.exit_code or document["ok"] is not (result.exit_code == 0):
            yield f"I4: the document has another exit code\n{_shown(result)}"
        if result.exit_code and not (document["error"] or {}).get("message"):
            yield f"I7: no reason was given\n{_shown(result)}"
        plain = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        if len(plain) != (result.exit_code != 0):
            yield f"I7: stderr has {len(plain)} reasons\n{_shown(result)}"
    if case.struck and not killed and kind in _LONGEST and case.took > _LONGEST[kind]:
        yield f"I8a: it took {case.took:.1f} s to stop"
    if case.struck and not killed and case.took > _DEAD_PEER_S:
        yield f"I8b: it took {case.took:.1f} s to end\n{_shown(result)}"


def _codes(case: Case, kind: str) -> tuple[int, ...]:
    point, _, action = case.trial.failpoint.partition("=")
    if case.recovering or (kind == "none" and not point):
        return case.trial.expects if case.trial.expects and not case.recovering else (0,)
    if kind in _SIGNAL_CODES:
        code = _SIGNAL_CODES[kind]
        # A signal that comes at the very end may come too late. A stalled run cannot end by itself, but where all is
        # done and what stalls is the tidying up: then it may say so within the time that it has to stop.
        fault = case.trial.fault
        at_the_end = fault.count in ("all", "edges") and fault.share > _DONE
        late = (0,) if (at_the_end if kind.startswith("stall") else case.took < 2) else ()
        return (*late, code) if case.struck else (0,)
    if kind == "kill -9" or action == "kill":
        return (0, 3, 6, -9) if point else (0, -9)
    if kind in ("none", "delay", "deadlock") and action.partition(":")[0] in ("", "sleep"):
        return (0,)
    if kind == "flip a bit":
        return (0, 1, 6)
    return (0, 3, 6)


def _said_all(case: Case) -> bool:
    """Whether it was killed when the whole of its answer stood there, and said that it had succeeded."""
    result = (_document(case.result.stdout) or {}).get("result")
    return case.result.exit_code == _KILLED and result is not None and result["state"] == "succeeded"


def _reports(case: Case, states: list[tuple[bool, bool]], now: oracle.Photograph) -> Iterator[str]:
    """A table that is reported as done holds the new rows, any other the old ones; the events say the same."""
    document, events = _document(case.result.stdout), list(_events(case.result.stderr))
    told = {event["table"]: event["state"] for event in events if event["event"] == "table_finished"}
    ended = [event["state"] for event in events if event["event"] == "run_finished"]
    found = (document or {}).get("result")
    if document is not None and found is None:
        # Work that would not stop was cut off: what it had committed is named in a warning.
        said = any("; committed before: " in text for text in document["warnings"])
        if any(new and not old for old, new in states) and not (said and told):
            yield f"I4: rows changed, and there is no report of it\n{_shown(case.result)}"
        return
    if found is None:
        return
    if ended != [found["state"]]:
        yield f"I4: the events say {ended}, the result {found['state']}"
    if (found["state"] == "succeeded") != (case.result.exit_code == 0 or _said_all(case)):
        yield f"I4: state {found['state']} with exit code {case.result.exit_code}"
    yield from _created(case, found, now)
    reported = {job.REPORTED_AS.get(table["table"], table["table"]): table for table in found["tables"]}
    for group, (old, new) in zip(case.trial.setting.groups, states, strict=True):
        for name in group:
            if name not in reported:
                continue
            table = reported[name]
            done = table["state"] == "done"
            if _NOT_KNOWN in ((table["error"] or {}).get("message") or ""):
                continue
            if not (new if done else old or (case.recovering and new)):
                yield f"I4: {name} is reported as {table['state']} but does not hold the {'new' if done else 'old'} rows"
            if table["verified"] and not done:
                yield f"I4: {name} is reported as verified and {table['state']}"
            if told.get(table["table"], table["state"]) != table["state"]:
                yield f"I4: the events say {told[table['table']]} of {name}, the result {table['state']}"
    if (
        case.result.exit_code == 0
        and not case.recovering
        and set(reported) != {name for group in case.trial.setting.groups for name in group}
    ):
        yield f"I4: the report names {sorted(reported)}"


def _created(case: Case, found: dict[str, Any], now: oracle.Photograph) -> Iterator[str]:
    """What a run says that it made is there; after one that succeeded nothing of it is missing."""
    made = found.get("created")
    if case.scene.made is None or made is None:
        return
    keys = [line for line in now.structure if line.startswith("constraint | ") and " NOT VALID |" not in line]
    for label in made["foreign_keys"]:
        table, _, name = label.partition(": ")
        if not any(line.startswith(f"constraint | {table} | {name} | f |") for line in keys):
            yield f"I4: the foreign key {label} is said to be there and valid, and is not"
    unlike = made["schema_equal"] is False or (case.recovering and not made["schema_equal"])  # None: not compared
    if found["state"] == "succeeded" and (made["foreign_keys_missing"] or unlike):
        yield f"I4: succeeded, and yet: {made}"
    if found["state"] == "succeeded" and not case.recovering and not made["schema"]:
        yield "I4: succeeded without having made the schema"


def _counters(case: Case) -> Iterator[str]:
    """Progress never passes what there is; what was rolled back counts as nothing."""
    rows: dict[str, int] = {}
    for event in _events(case.result.stderr):
        if event["event"] == "table_started":
            rows[event["table"]] = 0
        elif event["event"] == "table_progress":
            rows[event["table"]] = rows.get(event["table"], 0) + event["rows"]
            if event["rows"] < 0 or event["bytes"] < 0:
                yield f"I10: progress of {event['table']} went back"
        elif event["event"] == "table_finished" and event["state"] != "done" and event["rows"]:
            yield f"I10: {event['table']} is {event['state']} and counts {event['rows']} rows"
    for name, count in rows.items():
        there = case.scene.new.content.get(job.REPORTED_AS.get(name, name))
        if there is not None and count > there.count:
            yield f"I10: {count} rows of {there.count} were copied to {name}"
    document = _document(case.result.stdout)
    for table in ((document or {}).get("result") or {}).get("tables", []):
        if table["state"] != "done" and (table["rows_inserted"] or table["rows_deleted"] or table["bytes_copied"]):
            yield f"I10: {table['table']} is {table['state']} and counts rows"


def _document(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _events(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        if line.startswith("{") and line.endswith("}"):
            yield json.loads(line)


def _shown(result: Result) -> str:
    """What a run said, without the stream of its progress."""
    noise = ('{"event": "table_progress"', '{"event": "table_phase"', '{"event": "table_started"')
    lines = [line for line in result.stderr.splitlines() if not line.startswith(noise)]
    return f"exit {result.exit_code} after {result.elapsed_s:.1f} s\n{result.stdout[:1500]}\n" + "\n".join(lines[-40:])


def _excuse(case: Case) -> Callable[[str], bool]:
    return _own if case.may_leave else lambda line: False


def _excused(case: Case, line: str) -> bool:
    """The ledger is meant to stay; staging may stay until the next run."""
    return _own(line) and (case.may_leave or (case.trial.setting.has_ledger and ".stage_" not in line))


def _own(line: str) -> bool:
    """Staging in dbsync's own schema, which a run that died may leave to the next one."""
    return " dbsync." in line or line == "schema dbsync" or "schema | dbsync |" in line
