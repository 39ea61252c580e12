"""Revisions that migrate revision writes run up and down under Alembic itself, whatever the statements hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from dbsync.errors import ConfigError
from dbsync.revisions import next_revision
from dbsync.schema.alembic_revision import revision_text
from dbsync.schema.objects import Ref
from dbsync.schema.plan import MigrationPlan, Statement
from tests.fixtures.databases import Database
from tests.fixtures.plans import plan

# What SQLAlchemy, a driver or Python could take for something of its own.
ODD = 'a:b ::c :\\:d \\ 50% %(x)s %s %% {y} \t \r\n """ \'\' é\u2028\x7f \\n'
_QUOTED = ODD.replace("''", "'").replace("'", "''")
UP = (
    "CREATE TYPE mood AS ENUM ('a:b')",
    "CREATE TABLE odd (id int, \"a:b %s\" text DEFAULT 'x'::text, CHECK (id::bigint % 2 < 2))",
    f"COMMENT ON TABLE odd IS '{_QUOTED}'",
    "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$\n    SELECT 'a:b'::text || not_there.g()\n$$",
)
ENV = """
from alembic import context
from sqlalchemy import NullPool, create_engine
with create_engine(context.config.get_main_option("url"), poolclass=NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.fixture
def project(tmp_path: Path, target_db: Database) -> Config:
    place = tmp_path / "alembic"
    (place / "versions").mkdir(parents=True)
    (place / "env.py").write_text(ENV)
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/alembic\n")
    config = Config(str(tmp_path / "alembic.ini"))
    config.set_main_option("url", target_db.url.replace("postgresql://", "postgresql+psycopg://").replace("%", "%%"))
    return config


def _statement(sql: str, kind: str = "table", *, transactional: bool = True, destroys: str | None = None) -> Statement:
    return Statement(
        sql=sql, ref=Ref(kind, "public", "odd"), action="create", transactional=transactional, destroys=destroys
    )


def _write(directory: Path, made: MigrationPlan, message: str) -> Path:
    following = next_revision(directory, message)
    text = revision_text(
        made, message=message, revision=following.revision, down_revision=following.down_revision, created_at="now"
    )
    following.path.write_text(text, encoding="utf-8")
    return following.path


def test_statements_arrive_as_they_stand(project, target_db, tmp_path):
    up = (
        *(_statement(sql, "function" if "FUNCTION" in sql else "table") for sql in UP),
        _statement("CREATE INDEX CONCURRENTLY i ON odd (id)", "index", transactional=False),
        _statement("COMMENT ON INDEX i IS 'x'", "index"),
    )
    down = tuple(_statement(sql) for sql in ("DROP FUNCTION f()", "DROP TABLE odd", "DROP TYPE mood"))
    first = _write(tmp_path, plan(statements=up, undo=down), 'Odd things: "50%" \\ """ \n x')
    assert first.name.endswith("_odd_things_50_x.py")
    command.upgrade(project, "head")
    assert target_db.value("SELECT obj_description('odd'::regclass)") == ODD.replace("''", "'")
    assert "'a:b'::text || not_there" in target_db.value("SELECT prosrc FROM pg_proc WHERE proname = 'f'")
    assert target_db.value("SELECT obj_description('i'::regclass)") == "x"

    second = _write(tmp_path / "alembic", plan(statements=up[4:5], undo=()), "again")
    assert f"down_revision = '{first.name[:12]}'" in second.read_text()
    second.unlink()
    command.downgrade(project, "base")
    assert target_db.value("SELECT count(*) FROM pg_class WHERE relname = 'odd'") == 0


def test_a_downgrade_without_the_data_must_be_wanted(project, target_db, tmp_path):
    target_db.execute("CREATE TABLE odd (id int)")
    lossy = plan(
        statements=(_statement("DROP TABLE odd", destroys='rows of "odd"'),), undo=(_statement("CREATE TABLE odd ()"),)
    )
    written = _write(tmp_path / "alembic" / "versions", lossy, "lossy")
    command.upgrade(project, "head")
    with pytest.raises(RuntimeError, match='rows of "odd"; see STRUCTURE_ONLY'):
        command.downgrade(project, "base")
    written.write_text(written.read_text().replace("STRUCTURE_ONLY = False", "STRUCTURE_ONLY = True"))
    command.downgrade(project, "base")
    assert target_db.value("SELECT count(*) FROM pg_class WHERE relname = 'odd'") == 1


def test_projects_that_cannot_be_continued_are_refused(project, tmp_path):
    with pytest.raises(ConfigError, match="there is no directory"):
        next_revision(tmp_path / "nothing", "x")
    for number in range(2):
        text = revision_text(plan(), message="x", revision=f"r{number}", down_revision=None, created_at="now")
        (tmp_path / "alembic" / "versions" / f"{number}.py").write_text(text)
    with pytest.raises(ConfigError, match="several heads: r0, r1"):
        next_revision(tmp_path, "x")
    (tmp_path / "alembic" / "versions" / "0.py").write_text("raise ValueError('boom')")
    with pytest.raises(ConfigError, match="cannot be loaded: ValueError: boom"):
        next_revision(tmp_path, "x")
