"""Where the process begins: ``dbsync`` and ``python -m dbsync``."""

import os

try:
    import signal
    from types import FrameType
except KeyboardInterrupt:
    os._exit(130)


def main() -> None:
    """Run dbsync. A signal that comes while modules are imported, for 0.2 s, waits until the call can report it.

    Python would raise an interrupt in the middle of an import and print a traceback, and end at SIGTERM without a word.
    A second one ends the process at once.
    """
    early: list[int] = []

    def keep(number: int, _frame: FrameType | None) -> None:
        if early:
            os._exit(128 + number)
        early.append(number)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # one that is ignored stays ignored
        signal.signal(signal.SIGINT, keep)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, keep)

    from dbsync.cli import main as cli  # what takes the time

    cli.main(early=early)


if __name__ == "__main__":
    main()
