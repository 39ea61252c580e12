"""What is installed: pinned and hashed, from no named place, complete, and light to start."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=;\[ ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def pinned(lock: Path) -> dict[str, str]:
    """The lock's packages and versions."""
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_dependency_is_pinned_with_hashes_and_no_place_to_get_it_from_is_named(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host|^-e|@ ", text, re.MULTILINE)
    entries = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+( ;.*)? \\$", entry), entry
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", text)) >= len(entries)


def test_the_locks_agree_with_each_other_and_hold_every_dependency() -> None:
    locks = {lock.stem: pinned(lock) for lock in LOCKS}
    base = names(PROJECT["dependencies"])
    assert base <= locks["base"].keys()
    assert base | names(PROJECT["optional-dependencies"]["dev"]) <= locks["dev"].keys()
    assert locks["base"].items() <= locks["all"].items()
    for lock in locks.values():
        for package in lock.keys() & locks["dev"].keys():
            assert lock[package] == locks["dev"][package], package


def test_all_is_every_extra_but_results_and_dev() -> None:
    extras = PROJECT["optional-dependencies"]
    assert extras.keys() == {"local", "server", "worker", "migra", "results", "dev", "all"}
    (everything,) = extras["all"]
    assert set(re.findall(r"\w+", everything.partition("[")[2])) == extras.keys() - {"results", "dev", "all"}
    assert "results" not in pinned(ROOT / "requirements" / "all.txt")


def test_the_installed_command_is_this_package() -> None:
    (command,) = (entry for entry in importlib.metadata.entry_points(group="console_scripts") if entry.name == "dbsync")
    assert command.value == "dbsync.__main__:main"


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    there = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "dbsync").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == there
    assert {"dbsync/py.typed", "dbsync/pg/sql/catalog.sql"} <= packed


def test_asking_for_the_version_loads_no_heavy_library() -> None:
    heavy = ("alembic", "cryptography", "sqlalchemy", "rich", "tqdm", "pydantic", "fastapi", "yaml")
    script = (
        "import sys\nfrom dbsync.cli.main import run\ncode = run(['--version'])\n"
        f"print(code, [name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_what_a_sync_loads_before_it_begins_holds_no_store() -> None:
    """SQLAlchemy takes a quarter of a second; it is loaded in the recorder's thread, while the run begins."""
    modules = ("dbsync.cli.sync", "dbsync.cli.recording", "dbsync.jobs.recorder", "dbsync.jobs.verdict")
    script = (
        f"import sys, importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print([name for name in ('alembic', 'cryptography', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_store_in_which_no_connection_is_saved_is_not_loaded_to_look_for_its_guards(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    make = "from dbsync.store import open_store, store_place\nopen_store(store_place()).close()"
    sync = (
        "import sys\nfrom dbsync.cli.main import run\nends = [f'postgresql://u:p@127.0.0.1:1/{end}' for end in 'ab']\n"
        "from dbsync.pg import database\nreach = database.dial\n"
        "def dial(*args, **more):\n  print('sqlalchemy' in sys.modules)\n  return reach(*args, **more)\n"
        "database.dial = dial\nprint(run(['sync', *ends, '--yes']))"
    )
    for script in (make, sync):
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"DBSYNC_STORE": store, "HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        )
    assert done.stdout.split() == ["False", "False", "3"], done.stderr


def test_make_gives_programs_a_path_where_the_environment_is_empty() -> None:
    """Without one Python does not find itself, and makes no virtual environment."""
    make = shutil.which("make")
    assert make is not None
    command = [make, "-s", "-C", str(ROOT), "--eval", "path: ; @printenv PATH", "path"]
    done = subprocess.run(command, env={}, capture_output=True, text=True)
    assert "/usr/bin" in done.stdout.split(":"), done
    done = subprocess.run(command, env={"PATH": "/bin:/mine"}, capture_output=True, text=True)
    assert done.stdout.strip() == "/bin:/mine"


@pytest.fixture
def pythons(tmp_path: Path) -> Path:
    """Interpreters that say they are too old, or have no venv."""
    (tmp_path / "old").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bare").write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexit 0\n')
    for name in ("old", "bare"):
        (tmp_path / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        ("old", "dbsync needs Python 3.11 or newer; {python} is not."),
        ("missing", "dbsync needs Python 3.11 or newer; {python} is not."),
        ("bare", "{python} has no venv module with ensurepip."),
    ],
)
def test_make_says_what_is_wrong_with_an_unusable_python(python: str, sentence: str, pythons: Path) -> None:
    venv = pythons / "venv"
    done = subprocess.run(
        ["make", "test", f"PYTHON={pythons / python}", f"VENV={venv}"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(sentence.format(python=pythons / python)), done.stderr
    assert not venv.exists()
