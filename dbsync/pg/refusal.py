"""What a failed connection attempt means: its phase, one sentence and one hint, rebuilt and never echoed.

libpq gives no SQLSTATE for a failed attempt, only text, so English texts are recognised; anything else
keeps the phase that the handshake had reached, and the server's own words with the password masked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.pq import ConnStatus

from dbsync.errors import ConnectionFailed
from dbsync.urls import DatabaseUrl

if TYPE_CHECKING:
    from dbsync.pg.dial import Route


@dataclass(frozen=True, slots=True)
class _Meaning:
    pattern: str
    phase: str  # "" keeps the phase that the handshake had reached
    sqlstate: str | None
    message: str
    hint: str


_MEANINGS = (
    _Meaning(
        r"password authentication failed", "auth", "28P01",
        "the server refused the password of user {user}",
        "check the user and the password (URL, ~/.pgpass, PGPASSWORD)",
    ),
    _Meaning(
        r"no password supplied|password authentication required", "auth", "28P01",
        "the server asks for a password of user {user} and none was given",
        "give it in the URL from env:VAR, in ~/.pgpass or in PGPASSWORD",
    ),
    _Meaning(
        r"no pg_hba.conf entry|pg_hba.conf rejects", "auth", "28000",
        "the server does not let user {user} in from here",
        "a line of pg_hba.conf must allow this user, database, address and TLS mode (managed servers: the allow-list)",
    ),
    _Meaning(
        r"(Peer|Ident|Certificate|GSSAPI|LDAP|PAM|RADIUS|OAuth\S*) (bearer )?authentication failed", "auth", "28000",
        "the server refused user {user}",
        "the server's method for this user is not a password; see its pg_hba.conf",
    ),
    _Meaning(
        r"role .* does not exist", "auth", "28000", "the server has no user {user}", "check the user name",
    ),
    _Meaning(
        r"role .* is not permitted to log in", "auth", "28000", "the role {user} may not log in",
        "use a role with LOGIN",
    ),
    _Meaning(
        r"database .* does not exist|no such database", "database", "3D000",
        "the server has no database {dbname}", "check the database name; psql -l lists them",
    ),
    _Meaning(
        r"permission denied for database", "database", "42501",
        "user {user} may not connect to the database {dbname}", "GRANT CONNECT ON DATABASE ... TO {user}",
    ),
    _Meaning(
        r"not currently accepting connections", "database", "55000",
        "the database {dbname} accepts no connections", "ALTER DATABASE ... ALLOW_CONNECTIONS true, or name another",
    ),
    _Meaning(
        r"too many (clients|connections)|remaining connection slots|no more connections allowed|max_client_conn",
        "database", "53300",
        "the server has no connection left", "close other clients, raise max_connections, or use fewer --jobs",
    ),
    _Meaning(
        r"database system is (starting up|shutting down|not yet accepting|in recovery)|not accepting connections",
        "database", "57P03", "the server is starting up or shutting down", "try again in a moment, or use --wait",
    ),
    _Meaning(
        r"session is (not )?read-only|server is (not )?in hot standby mode", "database", None,
        "the server is not of the kind that target_session_attrs asks for", "name the host of the other server",
    ),
    _Meaning(
        r"root certificate file .* does not exist|could not read root certificate", "tls", None,
        "the file of trusted certificates cannot be read", "check sslrootcert",
    ),
    _Meaning(
        r"could not (load|open|read|access) (client )?certificate|certificate file .* does not exist", "tls", None,
        "the client certificate cannot be read", "check sslcert",
    ),
    _Meaning(
        r"private key file", "tls", None,
        "the client's private key cannot be used",
        "check sslkey; the file may be readable by its owner only (chmod 600)",
    ),
    _Meaning(
        r"does not match host name", "tls", None,
        "the server's certificate is for another name than {host}",
        "connect by a name in the certificate (dbsync test shows them)",
    ),
    _Meaning(
        r"certificate has expired", "tls", None, "the server's certificate has expired", "renew it on the server",
    ),
    _Meaning(
        r"certificate verify failed", "tls", None,
        "the server's certificate is not signed by an authority that is trusted here",
        "name the authority's file by sslrootcert=, as your provider offers it",
    ),
    _Meaning(
        r"server does not support SSL", "tls", None,
        "the server offers no TLS", "switch TLS on at the server, or accept the risk with sslmode=disable",
    ),
    _Meaning(
        r"channel binding", "tls", None,
        "the server cannot bind the password to the TLS connection",
        "leave channel_binding=require out, or fix the server",
    ),
    _Meaning(
        r"server closed the connection unexpectedly|Connection reset by peer", "", None,
        "{place} closed the connection during the handshake", "check that a Postgres server listens there, and its log",
    ),
    _Meaning(
        r"Connection refused|No such file or directory", "tcp", None,
        "nothing listens at {place}", "check host and port, and that the server is running",
    ),
    _Meaning(
        r"No route to host|Network is unreachable|Host is down|Cannot assign requested address", "tcp", None,
        "there is no way to {place} from here", "check the network, the VPN and the firewall",
    ),
)  # fmt: skip
_PHASES = {
    ConnStatus.STARTED: "tcp",
    ConnStatus.NEEDED: "tcp",
    ConnStatus.SSL_STARTUP: "tls",
    ConnStatus.GSS_STARTUP: "tls",
    ConnStatus.AUTH_OK: "database",
}
_TIMEOUTS = {
    "tcp": ("no answer from {place} in time", "check host and port; a firewall may drop the packets without a word"),
    "tls": ("the TLS handshake with {place} did not end in time", "check that a Postgres server listens there"),
    "auth": ("{place} took the connection but did not answer in time", "check that a Postgres server listens there"),
    "database": ("the server at {place} did not start a session in time", "the server may be overloaded; try again"),
}
_SERVER_TEXT = re.compile(r"(?:FATAL|ERROR|PANIC|[A-ZÄÖÜ]{4,}):\s+(.*)")


def classify(
    message: str, state: ConnStatus, *, url: DatabaseUrl, way: Route, needs_password: bool = False
) -> ConnectionFailed:
    """Return the error for libpq's message at this state of the handshake."""
    facts = {
        "host": way.host,
        "place": f"the socket in {way.host}" if way.is_socket else f"{way.host} port {way.port}",
        "user": way.user,
        "dbname": url.dbname or way.user,
    }
    phase = _PHASES.get(state, "auth")
    if "timeout expired" in message or "timed out" in message:
        sentence, hint = _TIMEOUTS[phase]
        return ConnectionFailed(sentence.format(**facts), phase=phase, hint=hint)
    if needs_password:
        message = "no password supplied"
    for meaning in _MEANINGS:
        if re.search(meaning.pattern, message):
            return ConnectionFailed(
                meaning.message.format(**facts),
                phase=meaning.phase or phase,
                sqlstate=meaning.sqlstate,
                hint=meaning.hint.format(**facts),
            )
    return _unknown(message, phase, url, facts)


def _unknown(message: str, phase: str, url: DatabaseUrl, facts: dict[str, str]) -> ConnectionFailed:
    found = _SERVER_TEXT.search(message)
    words = _masked(found.group(1), url) if found else None
    reason = f": {words}" if words else ", and it did not speak as a Postgres server does" if phase != "tcp" else ""
    return ConnectionFailed(
        f"the connection to {facts['place']} failed{reason}",
        phase=phase,
        hint="check that a Postgres server listens there" if not words else "the server's log says more",
    )


def _masked(text: str, url: DatabaseUrl) -> str:
    secret = url.password.reveal() if url.password is not None else ""
    text = text.replace(secret, "***") if secret else text
    return "".join(character if character.isprintable() else " " for character in text)[:300]
