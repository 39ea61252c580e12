"""The OpenAPI file is true: requests are made from it, right and wrong ones, and the replies are held to it.

What the file cannot say (which ids there are) is given to the generator, by ``tests/schemathesis.toml``; what it says is
accepted then. ``DBSYNC_TEST_EXAMPLES=50`` adds so many requests at random for each route.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from tests.fixtures.databases import Database
from tests.fixtures.serving import ADMIN, SECRET, environment, serving, token

TEMPLATE = Path(__file__).parents[1] / "schemathesis.toml"


def facts_of(client: httpx.Client, source: Database, target: Database) -> Mapping[str, str]:
    """What is there: two connections, a job that has ended, and records that may be removed."""

    def made(path: str, body: Mapping[str, object]) -> str:
        reply = client.post(path, json=body)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["data"]["id"])

    names = {"connection": source, "other": target, "removable": source, "changeable": source}
    facts = {name: made("/api/connections", {"name": name, "url": one.url}) for name, one in names.items()}
    body = {
        "sourceConnectionId": facts["connection"],
        "targetConnectionId": facts["other"],
        "tables": [{"tableName": "item"}],
    }
    facts |= {name: made("/api/sync", body) for name in ("job", "removable_job", "stopped")}
    assert client.post(f"/api/sync/{facts['stopped']}/start").status_code == 200
    assert client.post(f"/api/sync/{facts['stopped']}/stop").status_code == 200
    return facts | {"url": source.url}


@pytest.mark.timeout(1800)
def test_the_openapi_file_is_true(tmp_path: Path, source_db: Database, target_db: Database) -> None:
    program = Path(sys.executable).parent / "schemathesis"
    if not program.exists():
        pytest.skip("NOT TESTED: schemathesis is not installed")
    for database in (source_db, target_db):
        database.execute("CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item VALUES (1, 'one')")
    env = environment(tmp_path, DBSYNC_EXECUTE="write")
    with serving(tmp_path, "--workers", "0", env=env) as served, served.client("root", email=ADMIN) as client:
        text = TEMPLATE.read_text(encoding="utf-8")
        for name, value in facts_of(client, source_db, target_db).items():
            text = text.replace(f"<{name}>", value)
        config = tmp_path / "schemathesis.toml"
        config.write_text(text, encoding="utf-8")
        examples = os.environ.get("DBSYNC_TEST_EXAMPLES")
        how = ["--phases", "examples,coverage"]
        if examples:
            how = ["--phases", "examples,coverage,fuzzing", "--max-examples", examples]
        done = subprocess.run(
            [
                str(program), "--config-file", str(config), "run", f"{served.url}/openapi.json",
                "--checks", "all", *how, "--seed", os.environ.get("DBSYNC_TEST_SEED", "1"), "--request-timeout", "30", "--no-color",
                "-H", f"X-Backend-Secret: {SECRET}", "-H", f"Authorization: Bearer {token('root', email=ADMIN)}",
            ],
            capture_output=True, text=True, timeout=1700, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-8000:]
        assert " 500 " not in served.log()
