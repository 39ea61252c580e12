"""What people see: stderr lines, colours, prompts, and text from a database made harmless.

Nothing here raises because a stream is closed or broken: a run never fails for want of a reader.
"""

from __future__ import annotations

import os
import sys
import threading
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Literal, TextIO

ColorChoice = Literal["auto", "always", "never"]
_STYLES = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}
# Cc: control characters and ANSI escapes; Cf: bidi overrides and other invisible marks;
# Zl, Zp: line and paragraph separators; Cs: lone surrogates.
_UNSAFE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


def escape(text: str, *, keep: str = "") -> str:
    """Return ``text`` with every character that could steer a terminal written as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character in keep or unicodedata.category(character) not in _UNSAFE else _spelled(character)
        for character in text
    )


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def wants_color(choice: ColorChoice, stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour what goes to ``stream``: --color, then NO_COLOR, then FORCE_COLOR, then the terminal."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return is_terminal(stream) and environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO | None) -> bool:
    """Whether the stream is an open terminal."""
    try:
        return stream is not None and stream.isatty()
    except (OSError, ValueError):
        return False


class Terminal:
    """stderr for people, whole lines at a time; silent once it is broken."""

    def __init__(self, stream: TextIO | None = None, *, color: ColorChoice = "auto") -> None:
        self.stream: TextIO = stream if stream is not None else sys.stderr
        self.color = wants_color(color, self.stream, os.environ)
        self.interactive = is_terminal(self.stream)
        self._lock = threading.RLock()
        self._broken = False
        self._diversion: Callable[[str], None] | None = None

    def line(self, text: str) -> None:
        """Write one whole line in a single call."""
        self.write(text + "\n")

    def divert(self, write: Callable[[str], None] | None) -> None:
        """Let whole lines go through ``write`` (which keeps bars below them), or straight again."""
        self._diversion = write

    def write(self, text: str) -> None:
        """Write text as it is; drop it when nobody reads any more."""
        diversion = self._diversion
        if diversion is not None:
            diversion(text)
        else:
            self.write_directly(text)

    def write_directly(self, text: str) -> None:
        """Write past any diversion."""
        with self._lock:
            if self._broken:
                return
            try:
                self.stream.write(text)
                self.stream.flush()
            except (OSError, ValueError):
                self._broken = True
            except RuntimeError:  # a signal handler broke into a write of this very stream
                return

    def close(self) -> None:
        """Close the stream; what could not be written is lost."""
        with suppress(OSError, ValueError):
            self.stream.close()

    def styled(self, text: str, *styles: str) -> str:
        """Return the text in colour where colour is wanted."""
        return paint(text, *styles) if self.color else text

    def confirm(self, question: str) -> bool:
        """Ask a yes-or-no question on the terminal; anything but yes is no."""
        return self.ask(f"{question} [y/N] ").strip().lower() in ("y", "yes")

    def ask(self, prompt: str) -> str:
        """Show the prompt and return the line typed; an end of input is an empty answer."""
        self.write(escape(prompt, keep="\n"))
        try:
            return sys.stdin.readline().rstrip("\n")
        except (OSError, ValueError):
            return ""


def paint(text: str, *styles: str) -> str:
    """Return the text wrapped in ANSI styles."""
    codes = ";".join(_STYLES[style] for style in styles)
    return f"\x1b[{codes}m{text}\x1b[0m" if codes else text
