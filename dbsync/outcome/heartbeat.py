"""Pings to a service that misses them when they stay away, in the manner of healthchecks.io.

``URL/start``, then ``URL`` or ``URL/fail``; what is sent is a line of code words and numbers. A ping that fails is
told by its return value, never raised.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from dbsync import __version__
from dbsync.errors import ConfigError
from dbsync.outcome.facts import Outcome

_TIMEOUT_S = 3.0  # a run waits for it, and a stopped one has few seconds
_ATTEMPTS = 2


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A checked URL; only its host is ever shown, the rest is what gives access."""

    _url: SplitResult

    @classmethod
    def parse(cls, text: str) -> Heartbeat:
        """Read the URL; raise ConfigError for what is not plain http or https."""
        hint = "write https://host/path, without user or password"
        try:
            url = urlsplit(text)
            sound = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
        except ValueError:
            sound = False
        if not sound or "@" in url.netloc or any(ord(character) <= 32 for character in text) or not text.isascii():
            raise ConfigError("--heartbeat-url is no URL that can be pinged", hint=hint)
        return cls(url)

    @property
    def host(self) -> str:
        """Where pings go, safe to show."""
        return self._url.hostname or ""

    def start(self) -> str | None:
        """Say that a run begins; return why that failed, or None."""
        return self._ping("/start", "")

    def end(self, outcome: Outcome) -> str | None:
        """Say how a run ended; return why that failed, or None."""
        return self._ping("" if outcome.exit_code == 0 else "/fail", _line(outcome))

    def _ping(self, suffix: str, body: str) -> str | None:
        url = urlunsplit(self._url._replace(path=self._url.path.rstrip("/") + suffix, fragment=""))
        failure = None
        for _ in range(_ATTEMPTS):
            failure = _post(url, body)
            if failure is None:
                break
        return failure and f"the heartbeat to {self.host} failed: {failure}"


def _post(url: str, body: str) -> str | None:
    headers = {"User-Agent": f"dbsync/{__version__}", "Content-Type": "text/plain; charset=utf-8"}
    request = urllib.request.Request(url, data=body.encode(), headers=headers, method="POST")
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT_S):
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered {error.code}"
    except urllib.error.URLError as error:
        return _words(error.reason)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _words(error)


def _words(reason: object) -> str:
    """A reason without the URL; texts of libraries may repeat it."""
    if isinstance(reason, TimeoutError):
        return f"no answer within {_TIMEOUT_S:g} s"
    return (getattr(reason, "strerror", None) or type(reason).__name__).lower()


def _line(outcome: Outcome) -> str:
    code = f" {outcome.error['code']}" if outcome.error is not None else ""
    written = ", ".join(f"{outcome.total(f'rows_{name}')} {name}" for name in ("inserted", "updated", "deleted"))
    return f"{outcome.state}, exit {outcome.exit_code}{code}, {outcome.elapsed_s:.1f} s, {written}\n"
