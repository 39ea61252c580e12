"""Which OS user runs the servers, and what that user can read.

Postgres refuses to run as root. Root therefore hands the servers to ``postgres``, where that user
exists, or to ``nobody``; anybody else runs them as themselves. No user is ever made.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbsync.errors import ConfigError

# What a server program may see of our environment: a URL with a password may stand in the rest.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Account:
    """The OS user that server programs run as; ``switch`` says whether that is somebody else than us."""

    name: str
    uid: int
    gid: int
    switch: bool


def server_account() -> Account:
    """Return the OS user that shall run servers started by this process."""
    if os.geteuid() != 0:
        return _myself()
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid, switch=True)
    raise ConfigError(
        "Postgres does not run as root, and this machine has no user postgres or nobody to run it as",
        hint="run dbsync as an ordinary user",
        code="LOCAL_NO_ACCOUNT",
    )


def _myself() -> Account:
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        raise ConfigError(
            f"initdb does not run for the user id {uid}, which has no name on this machine",
            hint="run dbsync as a user with an entry in /etc/passwd",
            code="LOCAL_NO_ACCOUNT",
        ) from None
    return Account(name, uid, os.getegid(), switch=False)


def server_environment(bindir: Path) -> dict[str, str]:
    """Return the environment of a server program: nothing of libpq's, no locale, no secret of ours."""
    found = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    found.setdefault("PATH", os.defpath)
    found["LC_ALL"] = "C"
    icu = bindir.parent / "share" / "icu"  # the musl wheels keep ICU's data in a file of its own
    if icu.is_dir():
        found["ICU_DATA"] = str(icu)
    return found


def run_as(
    account: Account,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    text: str = "",
    keep_open: Sequence[int] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as that user, with ``text`` on its standard input.

    It inherits the descriptors in ``keep_open``: a lock stays held by what outlives us.
    """
    try:
        return subprocess.run(
            arguments,
            input=text,
            env=dict(environment),
            cwd="/",  # ours may be unreadable to that user
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            umask=0o077,
            pass_fds=keep_open,
            user=account.uid if account.switch else None,
            group=account.gid if account.switch else None,
            extra_groups=[] if account.switch else None,
        )
    except PermissionError as error:
        raise ConfigError(
            f"{arguments[0]} cannot be run as the user {account.name}: {error.strerror}",
            hint="run dbsync as an ordinary user" if account.switch else None,
            code="LOCAL_NO_ACCOUNT",
        ) from error


def can_read(account: Account, *paths: Path) -> bool:
    """Tell whether that user can read these files and pass these directories; asks the kernel, as that user."""
    script = 'for path; do if [ -d "$path" ]; then [ -x "$path" ]; else [ -r "$path" ]; fi || exit 1; done'
    done = run_as(account, ["/bin/sh", "-c", script, "sh", *map(str, paths)], environment={"PATH": os.defpath})
    return done.returncode == 0
