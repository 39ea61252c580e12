"""The examples and the code in the how-tos run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import yaml

from tests.fixtures import oracle

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
SCHEMA = "CREATE TABLE t (id serial PRIMARY KEY, v text);"


def python_of(page: str) -> str:
    pattern = r"(?<!-->\n)^```python\n(.*?)^```$"
    found: list[str] = re.findall(pattern, (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return found[0]


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_the_library_example_copies_and_verifies(pairs, tmp_path):
    pair = pairs(
        SCHEMA, "INSERT INTO t (v) SELECT 'x' FROM generate_series(1, 100)", "INSERT INTO t (v) VALUES ('old')"
    )
    done = run(str(ROOT / "examples" / "library.py"), pair.source, pair.target, cwd=tmp_path)
    assert done.returncode == 0, done
    assert done.stdout == "public.t: done, 100 rows, verified: True\nsucceeded, verified: True\n"
    assert oracle.differences(pair.source, pair.target) == []


def test_the_library_example_tells_a_refusal(pairs, tmp_path):
    pair = pairs(SCHEMA, "", "")
    done = run(str(ROOT / "examples" / "library.py"), pair.source, pair.source, cwd=tmp_path)
    assert done.returncode == 4
    assert done.stderr.startswith("SAME_DATABASE: ")


def test_the_pytest_fixture_of_the_how_to_works(tmp_path):
    (tmp_path / "test_it.py").write_text(python_of("docs/how-to/embedded-servers-in-tests.md"))
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("number", range(3))
def test_the_roles_of_the_how_to_can_be_made(number, target_db):
    page = (ROOT / "docs/how-to/least-privilege.md").read_text()
    block = re.findall(r"^```sql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[number]
    block = re.sub(r"DATABASE (app|staging)", f'DATABASE "{target_db.name}"', block)
    with psycopg.connect(target_db.url) as connection:  # roles belong to the whole server: rolled back at the end
        connection.execute("CREATE TABLE orders (id serial PRIMARY KEY)")
        if "CREATE ROLE" not in block:
            connection.execute("CREATE ROLE dbsync_writer LOGIN")
        connection.execute(block.encode())
        connection.rollback()


def test_the_compose_file_runs_a_server_and_two_workers_over_one_store():
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = found["services"]
    assert services.keys() == {"store", "serve", "worker"}
    assert services["worker"]["deploy"]["replicas"] == 2
    assert services["serve"]["environment"]["DBSYNC_STORE"] == services["worker"]["environment"]["DBSYNC_STORE"]
    for name in ("serve", "worker"):
        done = run("-m", "dbsync", services[name]["command"][0], "--help", cwd=ROOT)
        options = [word for word in services[name]["command"] if word.startswith("--")]
        assert [word for word in options if word not in done.stdout] == []
    (where,) = (line for line in services["serve"]["healthcheck"]["test"] if "urlopen" in line)
    assert "/health/ready" in where


def test_the_container_file_names_what_is_there():
    text = (DEPLOY / "Containerfile").read_text()
    for name in re.findall(r"requirements/\w+\.txt", text):
        assert (ROOT / name).is_file(), name
    assert (ROOT / "examples/deploy/Containerfile").is_file()
    assert re.search(r"^USER dbsync$", text, re.MULTILINE)


@pytest.mark.parametrize("unit", ["dbsync-serve.service", "dbsync-worker.service"])
def test_systemd_accepts_the_units(unit, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NOT TESTED: systemd-analyze is not installed")
    text = (DEPLOY / unit).read_text().replace("/opt/dbsync/bin/dbsync", sys.executable)
    (tmp_path / unit).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
