"""``dbsync demo`` does what it says, notices what is spoilt, and leaves nothing unless asked."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures import oracle
from tests.fixtures.command import Command


def _left(place: Path) -> list[Path]:
    """The directories of servers that were bound to a demo; a server that ended leaves none."""
    return [path for path in (place / "ephemeral").iterdir() if path.name != ".lock"]


def test_the_demo_syncs_a_shop_and_leaves_nothing(dbsync: Command, run_directory: Path) -> None:
    place = run_directory / "d"
    result = dbsync.run("demo", "--rows", "3000", "--json", env={"DBSYNC_LOCAL_DIR": str(place)}, timeout=120).ended(0)
    assert result.result["same"]
    assert len(result.result["tables"]) == 16
    for step in ("$ dbsync test", "$ dbsync schema", "$ dbsync sync", "$ psql"):
        assert step in result.stderr, result
    assert _left(place) == []


def test_the_demo_notices_a_spoilt_row(dbsync: Command, run_directory: Path) -> None:
    env = {"DBSYNC_LOCAL_DIR": str(run_directory / "d")}
    result = dbsync.run("demo", "--rows", "1000", "--break", "--json", env=env, timeout=120).ended(1)
    assert result.result["differing"] == ["shop.order_items_2023"]


def test_a_kept_demo_can_be_used_and_taken_down(dbsync: Command, run_directory: Path) -> None:
    place = run_directory / "d"
    env = {"DBSYNC_LOCAL_DIR": str(place)}
    shown = dbsync.run("demo", "--rows", "1000", "--keep", env=env, timeout=120).ended(0)
    assert "dbsync local down demo-source --delete" in shown.stdout
    try:
        urls = [
            dbsync.run("local", "url", name, env=env).ended(0).stdout.strip() for name in ("demo-source", "demo-target")
        ]
        assert oracle.differences(urls[0], urls[1]) == []
    finally:
        for name in ("demo-source", "demo-target"):
            dbsync.run("local", "down", name, "--delete", env=env).ended(0)
