"""Become a Postgres server: the small program between dbsync and ``postgres``.

Run by path in an interpreter of its own, so that nothing unsafe happens after a fork of a process with
threads. It takes the server's lock, which ``postgres`` and all its children then hold as long as one of
them lives, changes the user, and either dies with its parent (``bound``) or leaves its session.
The parent-death signal comes after the change of user, which would clear it.
"""

import ctypes
import fcntl
import json
import os
import signal
import sys
import time
from typing import Any

PR_SET_PDEATHSIG = 1
BUSY = 75  # exit status: somebody holds the lock


def launch(order: dict[str, Any]) -> None:
    lock = take_lock(order["lock"])
    os.ftruncate(lock, 0)
    remove_stale(order["data"])  # before our parent looks whether the server is ready
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if not order["bound"] and os.fork():
        os._exit(0)
    os.setsid()  # no signal of our terminal is for the server
    os.write(lock, b"%d\n" % os.getpid())
    os.set_inheritable(lock, True)
    os.chdir("/")
    os.umask(0o077)
    if order["user"] is not None:
        uid, gid = order["user"]
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if order["bound"] and sys.platform == "linux":
        die_with_parent(order["parent"])
    os.execve(order["arguments"][0], order["arguments"], order["environment"])


def take_lock(path: str) -> int:
    """Take the lock; a process that merely looks whether it is held may have it for a moment."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    limit = time.monotonic() + 2
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > limit:
                os._exit(BUSY)
            time.sleep(0.02)


def remove_stale(data: str) -> None:
    """Remove what a crash left: it names a process that is a zombie now, or another one.

    The lock is ours, so nothing of the server lives, and Postgres would refuse to start.
    """
    for name in os.listdir(data):
        if name == "postmaster.pid" or name.startswith(".s.PGSQL."):
            os.unlink(os.path.join(data, name))


def die_with_parent(parent: int) -> None:
    """Ask for an immediate shutdown when the thread that started us ends, also if it just has."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    try:
        launch(json.loads(sys.argv[1]))
    except OSError as error:
        print(f"cannot start the server: {error}", file=sys.stderr)
        os._exit(1)
