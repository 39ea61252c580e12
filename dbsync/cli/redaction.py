"""The last net under every output: secrets of the command line and environment are masked.

Messages are built without secrets in the first place. This catches what comes from elsewhere, such
as a usage error or a traceback that repeats an argument.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus, unquote, unquote_plus

MASK = "***"
# user:PASSWORD@ with or without a scheme, however many slashes; the password may itself hold @ or :.
_USERINFO = re.compile(r"^(?:[a-z][a-z0-9+.-]*:/*)?/*[^:/?#@]*:(.+)@[^@]*$", re.IGNORECASE | re.DOTALL)
# A user without a password; else "postgresql" were the user, and "//user" the password.
_USER_ALONE = re.compile(r"^(?:[^:/?#@]*=)?postgres(?:ql)?(?:\+\w+)?://[^:/?#@]*@[^@]*$", re.IGNORECASE)
_PASSWORD_PAIR = re.compile(r"(?:password|passwd|pwd|sslpassword)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&;]+)", re.IGNORECASE)
_MASKED_PAIR = re.compile(r"((?:password|passwd|sslpassword)\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&;'\"]+)", re.IGNORECASE)
_MASKED_USERINFO = re.compile(r"([a-z][a-z0-9+.-]*:/+[^\s:/?#@'\"]*:)[^\s'\"]+(@)", re.IGNORECASE)
_BLANK = re.compile(r"\s")
_SECRET_VARIABLES = ("PGPASSWORD", "DBSYNC_KEY", "ENCRYPTION_KEY")
_SHORTEST = 4  # masking every "a" would make messages unreadable and hide nothing worth hiding


class Redactor:
    """Masks the secrets it has learnt, in every spelling, and anything shaped like one."""

    def __init__(self, arguments: Iterable[str] = (), environ: Mapping[str, str] | None = None) -> None:
        self._secrets: set[str] = set()
        for argument in arguments:
            self.learn_from(argument)
        for name, value in (environ or {}).items():
            if name.startswith("DBSYNC_") or "://" in value:
                self.learn_from(value)
            if name in _SECRET_VARIABLES:
                self.learn(value)
                for part in value.split(",") if name == "DBSYNC_KEY" else ():
                    self.learn(part.strip())

    def learn_from(self, text: str) -> None:
        """Learn the password of anything that could be meant as a URL or a conninfo string."""
        for candidate in {text, text.partition("=")[2]}:
            # A password may hold blanks, but SQL with a colon and an @ is no URL.
            found = _USERINFO.match(candidate) if "://" in text or not _BLANK.search(text) else None
            if found and not _USER_ALONE.match(candidate):
                self.learn(found.group(1))
                # "u:PW@host/db?x=a@b": the password also ends at the first @
                self.learn(found.group(1).partition("@")[0])
        for value in _PASSWORD_PAIR.findall(text):
            self.learn(value.strip("'"))

    def learn(self, secret: str) -> None:
        """Mask this text from now on, also percent-encoded, JSON-escaped, quoted and in base64."""
        for plain in {secret, unquote(secret), unquote_plus(secret)}:
            if len(plain) < _SHORTEST:
                continue
            encoded = plain.encode("utf-8", "surrogateescape")
            self._secrets |= {
                plain, quote(plain, safe="", errors="surrogateescape"), quote_plus(plain, errors="surrogateescape"),
                json.dumps(plain)[1:-1], repr(plain)[1:-1], plain.replace("'", "''"),
                base64.b64encode(encoded).decode("ascii"),
            }  # fmt: skip

    def __call__(self, text: str) -> str:
        """Return the text with every secret masked."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, MASK)
        return _MASKED_PAIR.sub(rf"\1{MASK}", _MASKED_USERINFO.sub(rf"\1{MASK}\2", text))
