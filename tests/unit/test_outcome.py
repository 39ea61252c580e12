"""How a run ended, told as metrics, as a summary, and to a program; no secret in any of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dbsync.cli.redaction import Redactor
from dbsync.errors import ConfigError
from dbsync.outcome import Outcome
from dbsync.outcome.failure_command import FailureCommand
from dbsync.outcome.heartbeat import Heartbeat
from dbsync.outcome.metrics import metrics_text
from dbsync.outcome.summary import summary_text

ERROR = {"code": "TABLE_FAILED", "message": "public.orders: no room", "hint": "see the log"}


def table(name: str, state: str = "done", inserted: int = 0) -> dict[str, object]:
    return {"table": name, "state": state, "rows_inserted": inserted, "rows_updated": 0, "rows_deleted": 1}


def outcome(*, exit_code: int = 0, **facts: object) -> Outcome:
    result = {
        "run_id": "7f3c0123abcd", "state": "succeeded" if exit_code == 0 else "failed", "verified": True, "retries": 2,
        "totals": {"rows_inserted": 1204551, "rows_updated": 3, "rows_deleted": 1, "bytes_copied": 99},
        "tables": [table("public.a"), table("public.b", inserted=5), table('public."o|dd\n*"', "failed")],
    }  # fmt: skip
    values = {"labels": {"sync": "nightly"}, "started_at": 1795900000.0, "ended_at": 1795900012.5, "result": result}
    return Outcome(**{**values, "exit_code": exit_code, "error": ERROR if exit_code else None, **facts})  # type: ignore[arg-type]


def samples(text: str) -> dict[tuple[str, ...], float]:
    """The samples of a file by Prometheus' own parser: name and label values -> value."""
    families = list(text_string_to_metric_families(text))
    assert all(family.type == "gauge" and family.documentation for family in families)
    return {
        (
            sample.name.removeprefix("dbsync_sync_"),
            *(v for k, v in sorted(sample.labels.items()) if k != "sync"),
        ): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_are_what_prometheus_reads():
    found = samples(metrics_text(outcome()))
    assert found[("last_run_success",)] == 1
    assert found[("last_run_timestamp_seconds",)] == found[("last_success_timestamp_seconds",)] == 1795900012.5
    assert found[("last_run_duration_seconds",)] == 12.5
    assert found[("last_run_rows", "inserted")] == 1204551
    assert found[("last_run_bytes",)] == 99
    assert (found[("last_run_tables", "done")], found[("last_run_tables", "failed")]) == (2, 1)
    assert found[("last_run_retries",)] == 2


def test_labels_may_hold_anything():
    labels = {"source": 'a"b\\c\nd', "target": "é"}
    (family, *_) = text_string_to_metric_families(metrics_text(outcome(labels=labels)))
    assert family.samples[0].labels == labels
    assert samples(metrics_text(outcome(labels={})))


def test_a_failure_keeps_the_time_of_the_last_success_of_the_same_sync():
    before = metrics_text(outcome())
    failed = metrics_text(outcome(exit_code=6, ended_at=1795999999.0), before)
    found = samples(failed)
    assert (found[("last_run_success",)], found[("last_run_exit_code",)]) == (0, 6)
    assert found[("last_success_timestamp_seconds",)] == 1795900012.5
    assert samples(metrics_text(outcome(exit_code=7), failed))[("last_success_timestamp_seconds",)] == 1795900012.5
    other = metrics_text(outcome(exit_code=6, labels={"sync": "hourly"}), before)
    assert ("last_success_timestamp_seconds",) not in samples(other)
    assert ("last_success_timestamp_seconds",) not in samples(
        metrics_text(outcome(exit_code=6), "no metrics \0 at all")
    )


def test_a_run_that_never_began_has_metrics_and_a_state():
    early = outcome(exit_code=3, result={})
    assert early.state == "failed"
    assert samples(metrics_text(early))[("last_run_rows", "inserted")] == 0
    assert outcome(exit_code=143, result={}).state == "stopped"
    assert outcome(exit_code=0, result={"state": "skipped"}).state == "skipped"


def test_a_summary_tells_the_verdict_the_failed_tables_first_and_no_markdown_of_others():
    text = summary_text(outcome(exit_code=6))
    lines = text.splitlines()
    assert lines[0] == "### dbsync nightly: FAILED"
    assert "**TABLE_FAILED** (exit 6): public.orders: no room" in lines
    assert "1,204,551 inserted, 3 updated, 1 deleted, verified" in text
    rows = [line for line in lines if line.startswith("| public")]
    assert [row.split(" | ")[1] for row in rows] == ["failed", "done", "done"]
    assert rows[0].startswith('| public."o\\|dd \\*" |')
    assert rows[1].startswith("| public.b |")


def test_a_summary_of_many_tables_is_short():
    result = {"state": "succeeded", "totals": {}, "tables": [table(f"public.t{n}") for n in range(1234)]}
    text = summary_text(outcome(result=result))
    assert "and 1,184 more tables" in text
    assert len(text.splitlines()) < 70


@pytest.mark.parametrize(
    "url",
    ["ftp://h/x", "file:///etc/passwd", "h/x", "https://", "https://u:p@h/x", "https://h/x y", "https://h/\n", "http://h:0/", "http://[::1", "https://h:99999/x"],
)  # fmt: skip
def test_only_plain_http_urls_are_pinged_and_none_is_repeated(url):
    with pytest.raises(ConfigError) as caught:
        Heartbeat.parse(url)
    assert url not in caught.value.message


def test_a_heartbeat_that_fails_shows_its_host_only():
    failure = Heartbeat.parse("http://127.0.0.1:9/s3cret-uuid").end(outcome())
    assert failure == "the heartbeat to 127.0.0.1 failed: connection refused"


def command(path: Path, body: str) -> FailureCommand:
    script = path / "notify.py"
    script.write_text(f"import json, os, pathlib, sys, time\nhere = pathlib.Path({str(path)!r})\n{body}\n")
    return FailureCommand.parse(f"{sys.executable} {script} 'two words' $HOME")


def test_a_program_gets_the_facts_and_no_secret(tmp_path: Path):
    made = command(
        tmp_path, "json.dump([sys.argv[1:], dict(os.environ), json.load(sys.stdin)], open(here / 'got', 'w'))"
    )
    environ = {
        "PATH": "/usr/bin:/bin", "SLACK": "mine", "PROD_URL": "postgresql://u:canary42@h/d", "PGPASSWORD": "canary42",
        "DBSYNC_STORE": "x", "ODD": "canary42 again",
    }  # fmt: skip
    assert made.run(outcome(exit_code=6), environ, redact=Redactor((), environ)) is None
    args, got, facts = json.loads((tmp_path / "got").read_text())
    assert args == ["two words", "$HOME"]  # no shell
    assert "canary42" not in json.dumps([got, facts])
    run = {name.removeprefix("DBSYNC_RUN_"): value for name, value in got.items() if name.startswith("DBSYNC_")}
    assert (got["SLACK"], run["SYNC"], run["EXIT_CODE"], run["ERROR"]) == ("mine", "nightly", "6", "TABLE_FAILED")
    assert (run["STATE"], run["ID"], run["ELAPSED_S"]) == ("failed", "7f3c0123abcd", "12.5")
    assert (facts["state"], facts["error"]["code"], len(facts["tables"])) == ("failed", "TABLE_FAILED", 3)


@pytest.mark.parametrize(("body", "words"), [("sys.exit(3)", "exit code 3"), ("time.sleep(60)", "was ended after")])
def test_a_program_that_does_badly_is_told_of(tmp_path: Path, body, words):
    failure = command(tmp_path, body).run(outcome(exit_code=6), {}, redact=str, limit_s=0.5)
    assert failure is not None
    assert words in failure


def test_a_program_that_does_not_read_its_input_does_no_harm(tmp_path: Path):
    big = outcome(exit_code=6, result={"state": "failed", "tables": [table("public." + "x" * 60) for _ in range(5000)]})
    assert command(tmp_path, "sys.exit(0)").run(big, {}, redact=str) is None


def test_a_program_that_is_not_there_is_told_of():
    assert "cannot be run" in (
        FailureCommand.parse("no-such-program-here x").run(outcome(exit_code=1), {}, redact=str) or ""
    )
    for text in ("", "  ", "'open", "a\0b"):
        with pytest.raises(ConfigError):
            FailureCommand.parse(text)
