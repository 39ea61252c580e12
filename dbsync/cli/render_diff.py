"""What a comparison of rows says to people, to GitHub and to CI systems."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping

from dbsync.cli.annotations import AnnotationLevel, annotation
from dbsync.cli.junit import Case, Outcome
from dbsync.cli.tables import markdown_table, text_table
from dbsync.cli.terminal import escape
from dbsync.data.differences import CompareReport, RowDifference, TableComparison
from dbsync.data.findings import difference
from dbsync.data.sequences import SkippedSequence
from dbsync.model import quote_identifier

_HEADER = ("table", "result", "source", "target", "only in source", "only in target", "different")
_WORDS = {"same": "same", "differs": "differs", "not_compared": "not compared"}
_KINDS = {"only_in_source": "only in the source", "only_in_target": "only in the target", "different": "different"}
_WIDEST = 200  # characters of a value
_BEFORE = 20  # characters that are shown before the first difference


def diff_text(report: CompareReport, *, stat: bool) -> Iterator[str]:
    """Yield one line for each table, then its samples."""
    yield from text_table(_HEADER, map(_cells, report.tables), right=range(2, 7))
    for table in report.tables:
        if table.samples and not stat:
            yield f"{escape(str(table.target))}\n"
            yield from (f"  {line}\n" for sample in table.samples for line in sample_lines(sample))
    for sequence in report.sequences:
        if sequence.state != "same":
            yield f"sequence {escape(str(sequence.target))} {_WORDS[sequence.state]}: {escape(sequence.reason)}\n"
    for table in report.tables:
        if table.state == "not_compared":
            yield f"not compared {escape(str(table.target))}: {escape(table.reason)}\n"
    for column in report.columns:
        yield f"not compared {escape(str(column.table))}: {escape(column.reason)}\n"
    for entry in report.skipped:
        yield f"skipped {escape(entry.table)}: {escape(entry.reason)}\n"
    yield summary(report) + "\n"


def diff_markdown(report: CompareReport, *, stat: bool) -> Iterator[str]:
    """Yield a table, and the samples as lists."""
    yield from markdown_table(_HEADER, map(_cells, report.tables), right=range(2, 7))
    for table in report.tables:
        if not stat:
            yield from samples_markdown(table)
    if behind := [(str(one.target), one.reason) for one in report.sequences if one.state == "differs"]:
        yield "\n"
        yield from markdown_table(("sequence", "difference"), behind)
    left_out = [(str(table.target), table.reason) for table in report.tables if table.state == "not_compared"]
    left_out += [(str(one.target), one.reason) for one in report.sequences if one.state == "not_compared"]
    left_out += [(str(one.table), one.reason) for one in report.columns]
    left_out += [(entry.table, entry.reason) for entry in report.skipped]
    if left_out:
        yield "\n"
        yield from markdown_table(("not compared", "reason"), left_out)
    yield f"\n{summary(report)}\n"


def diff_github(report: CompareReport, *, stat: bool, strict: bool = False) -> Iterator[str]:
    """Yield an annotation for each table that differs or was not compared, and one with the result.

    What was left out is an error where it alone makes the command fail: under ``strict``.
    """
    left_out: AnnotationLevel = "error" if strict else "warning"
    for table in report.tables:
        name = str(table.target)
        if table.state == "not_compared":
            yield annotation("error", table.reason, title="not compared", file=name)
        elif table.state == "differs":
            lines = [difference(table)] + ([] if stat else [sample_line(sample) for sample in table.samples])
            yield annotation("error", "\n".join(lines), title="rows differ", file=name)
    for sequence in report.sequences:
        if sequence.state != "same":
            level: AnnotationLevel = "error" if sequence.state == "differs" else left_out
            title = f"sequence {_WORDS[sequence.state]}"
            yield annotation(level, sequence.reason, title=title, file=str(sequence.target))
    for column in report.columns:
        yield annotation(left_out, column.reason, title="not compared", file=str(column.table))
    for entry in report.skipped:
        yield annotation("warning" if entry.wanted else left_out, entry.reason, title="skipped", file=entry.table)
    yield annotation("notice", summary(report), title="dbsync diff")


def diff_cases(report: CompareReport, *, stat: bool, strict: bool = False) -> list[Case]:
    """Return one test case for each table; what was left out fails where it alone makes the command fail."""
    left_out: Outcome = "failure" if strict else "skipped"
    outcomes: dict[str, Outcome] = {"same": "passed", "differs": "failure", "not_compared": left_out}
    cases = [_case(table, stat=stat) for table in report.tables]
    cases += [
        Case(name=str(one.target), outcome=outcomes[one.state], message="" if one.state == "same" else one.reason)
        for one in report.sequences
    ]
    cases += [
        Case(name=f"{one.table}.{quote_identifier(one.column)}", outcome=left_out, message=one.reason)
        for one in report.columns
    ]
    return cases + [
        Case(name=entry.table, outcome="skipped" if entry.wanted else left_out, message=entry.reason)
        for entry in report.skipped
    ]


def summary(report: CompareReport) -> str:
    """The whole comparison in one sentence."""
    differing = [table for table in report.tables if table.state == "differs"]
    missed = sum(table.state == "not_compared" for table in report.tables)
    behind, unknown = (sum(one.state == state for one in report.sequences) for state in ("differs", "not_compared"))
    unknown += sum(isinstance(entry, SkippedSequence) and not entry.wanted for entry in report.skipped)
    compared = len(report.tables) - missed
    told = f"{compared} {'table is' if compared == 1 else 'tables are'} the same"
    if differing:
        told = f"{len(differing)} of {compared} tables differ"
    counts = [
        f"{sum(getattr(table, kind) or 0 for table in differing):,} {word}"
        for kind, word in _KINDS.items()
        if any(getattr(table, kind) is not None for table in differing)
    ]
    how = {"count": "rows counted, values not compared", "checksum": "by checksum", "full": ""}[report.level]
    parts = [
        told + (f" (rows: {', '.join(counts)})" if counts else ""),
        how,
        f"{missed} not compared" if missed else "",
        f"{behind} {'sequence differs' if behind == 1 else 'sequences differ'}" if behind else "",
        f"{unknown} {'sequence' if unknown == 1 else 'sequences'} not compared" if unknown else "",
    ]
    return "; ".join(part for part in parts if part)


def not_compared_of(report: CompareReport) -> list[dict[str, object]]:
    """The envelope's list of what the comparison left out, but for what the user excluded."""
    found = [(str(table.target), table.reason) for table in report.tables if table.state == "not_compared"]
    skipped = [entry for entry in report.skipped if not entry.wanted]
    found += [(entry.table, entry.reason) for entry in skipped if not isinstance(entry, SkippedSequence)]
    tables = [{"kind": "table", "count": 1, "table": table, "reason": reason} for table, reason in found]
    columns = [
        {"kind": "column", "count": 1, "table": str(one.table), "column": one.column, "reason": one.reason}
        for one in report.columns
    ]
    unknown = [(str(one.target), one.reason) for one in report.sequences if one.state == "not_compared"]
    unknown += [(entry.table, entry.reason) for entry in skipped if isinstance(entry, SkippedSequence)]
    sequences = [{"kind": "sequence", "count": 1, "sequence": name, "reason": reason} for name, reason in unknown]
    return [*tables, *columns, *sequences]


def samples_markdown(table: TableComparison) -> Iterator[str]:
    """Yield the table's name and its samples as a list, where it has any."""
    if table.samples:
        yield f"\n**{_inline(str(table.target))}**\n\n"
        yield from (f"- {_inline(sample_line(sample))}\n" for sample in table.samples)


def sample_lines(sample: RowDifference) -> Iterator[str]:
    """Yield a row that differs on a line of its own, and its columns that differ below it."""
    yield f"{_KINDS[sample.kind]}  {_values(sample.key or sample.after or sample.before)}"
    if sample.kind == "different":
        yield from (f"    {line}" for line in _changes(sample))


def sample_line(sample: RowDifference) -> str:
    """All of a row that differs in one line: each value is cut, and no column left out."""
    changes = "; ".join(_changes(sample)) if sample.kind == "different" else ""
    told = f"{_KINDS[sample.kind]} {_values(sample.key or sample.after or sample.before)}"
    return f"{told}: {changes}" if changes else told


def _case(table: TableComparison, *, stat: bool) -> Case:
    name, elapsed = str(table.target), table.elapsed_s
    if table.state == "same":
        return Case(name=name, elapsed_s=elapsed)
    if table.state == "not_compared":
        return Case(name=name, outcome="error", message=f"not compared: {table.reason}", elapsed_s=elapsed)
    text = "" if stat else "\n".join(map(sample_line, table.samples))
    return Case(name=name, outcome="failure", message=difference(table), text=text, elapsed_s=elapsed)


def _cells(table: TableComparison) -> tuple[str, ...]:
    numbers = (table.source_rows, table.target_rows, table.only_in_source, table.only_in_target, table.different)
    return str(table.target), _WORDS[table.state], *("-" if one is None else f"{one:,}" for one in numbers)


def _changes(sample: RowDifference) -> Iterator[str]:
    for name in sample.after:
        before, after = sample.before.get(name), sample.after[name]
        start = _start(before, after)
        note = "" if before != after else " (they differ further on)"
        yield f"{escape(quote_identifier(name))}: {_value(before, start)} -> {_value(after, start)}{note}"


def _start(before: str | None, after: str | None) -> int:
    """Where to begin, so that two values of which one has to be cut do not look alike."""
    if before is None or after is None or max(len(before), len(after)) <= _WIDEST:
        return 0
    return max(len(os.path.commonprefix([before, after])) - _BEFORE, 0) if before != after else 0


def _values(values: Mapping[str, str | None]) -> str:
    return ", ".join(f"{escape(quote_identifier(name))}={_value(value)}" for name, value in values.items())


def _value(value: str | None, start: int = 0) -> str:
    """A value as SQL would write it, so that NULL, an empty text and blanks at the end can be told apart; cut."""
    if value is None:
        return "NULL"
    part = value[start : start + _WIDEST]
    shown = ("…" if start else "") + part + ("…" if start + _WIDEST < len(value) else "")
    return "'" + escape(shown).replace("'", "''") + "'"


def _inline(text: str) -> str:
    """Text within a line of Markdown."""
    harmless = escape(text).replace("\\", "\\\\").replace("<", "&lt;")
    return "".join(f"\\{character}" if character in "`*_[]|" else character for character in harmless)
