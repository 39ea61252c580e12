"""Database URLs: what is read, what is refused, and that no refusal gives a password away."""

from __future__ import annotations

import contextlib
import json
import pickle
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsync.errors import ConfigError
from dbsync.urls import ALLOWED_PARAMETERS, Secret, database_url, parse_url

CANARY = "s3cr3tCanary"

# Parts of URLs in which CANARY is (a piece of) what the user meant as the password.
MALFORMED = [
    "postgresql:/u:{pw}@h/db",
    "postgresql:u:{pw}@h/db",
    "postgresql//u:{pw}@h/db",
    "postgresql+psycopg://u:{pw}@h/db",
    "postgres+asyncpg://u:{pw}@h/db",
    "mysql://u:{pw}@h/db",
    "POSTGRESQL://u:{pw}@h/db",
    "://u:{pw}@h/db",
    "u:{pw}@h/db",
    "host=h user=u password={pw}",
    "postgresql://u:{pw}%zz@h/db",
    "postgresql://u:{pw}%@h/db",
    "postgresql://u:%zz{pw}@h/db",
    "postgresql://u:{pw}%ff@h/db",
    "postgresql://u:{pw}%00@h/db",
    "postgresql://u:{pw}@x@h/db",
    "postgresql://u:x@{pw}@h/db",
    "postgresql://u:1/{pw}@h/db",
    "postgresql://u:{pw}/x@h/db",
    "postgresql://u:1?{pw}@h/db",
    "postgresql://u:1?{pw}=1@h/db",
    "postgresql://u:{pw}?x@h/db",
    "postgresql://u:{pw}",
    "postgresql://u:{pw}/db",
    "postgresql://u:{pw}:5432/db",
    "postgresql://u@h:{pw}/db",
    "postgresql://u@h:99999{pw}/db",
    "postgresql://u@[{pw}]/db",
    "postgresql://u@[::1{pw}/db",
    "postgresql://u@[::1]{pw}/db",
    "postgresql://u@h^{pw}/db",
    "postgresql://u@h,{pw}/db",
    "postgresql://u:{pw}@h1,h2/db",
    "postgresql://u:{pw}@h:1,2/db",
    "postgresql://u:{pw} x@h/db",
    "postgresql://u:{pw}\n@h/db",
    "postgresql://u:{pw}\t@h/db",
    "postgresql://u:{pw}@h/db\n",
    "postgresql://u:{pw}@h/db/x",
    "postgresql://u:{pw}@h/db#f",
    "postgresql://u@h/db?password={pw}&{pw}=1",
    "postgresql://u@h/db?password=1&{pw}=1",
    "postgresql://u@h/db?password=1&{pw}",
    "postgresql://u@h/db?{pw}",
    "postgresql://u@h/db?sslmode={pw}",
    "postgresql://u@h/db?connect_timeout={pw}",
    "postgresql://u@h/db?passfile=x&sslpassword={pw}",
    "postgresql://u:{pw}@h/db?password={pw}",
    "postgresql://u@h/db?password={pw}&password={pw}",
    "postgresql://u:{pw}@h/db?password=",
    "postgresql://u:{pw}@h/db?options=-c%20x",
    "postgresql://u:{pw}@h/db?host=other",
    "postgresql://u:{pw}@h:0/db",
]


@pytest.mark.parametrize("template", MALFORMED)
@pytest.mark.parametrize(
    "password", [CANARY, quote(f"/{CANARY}@", safe=""), json.dumps(f'"{CANARY}')[1:-1], f"'{CANARY}'", f"ä{CANARY}"]
)
def test_a_malformed_url_is_refused_without_a_piece_of_the_password(template: str, password: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_url(template.format(pw=password))
    error = caught.value
    shown = f"{error} {error.hint} {error.to_dict()} {error!r} {error.__cause__} {error.__context__}"
    assert CANARY.lower() not in shown.lower()
    assert error.exit_code == 2
    assert error.message.count("\n") == 0


@given(st.text())
@settings(max_examples=80, deadline=None)
def test_any_password_survives_percent_encoding(text: str) -> None:
    password = CANARY + text
    url = f"postgresql://u:{quote(password, safe='')}@h/db"
    if "\0" in password:
        with pytest.raises(ConfigError):
            parse_url(url)
        return
    parsed = parse_url(url)
    assert parsed.password == Secret(password)
    assert CANARY not in repr(parsed) + parsed.name + parsed.redacted()


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_no_text_breaks_the_parser(text: str) -> None:
    for candidate in (text, f"postgresql://{text}", f"postgresql://u:p@h/{text}", f"postgresql://h/d?{text}"):
        with contextlib.suppress(ConfigError):
            parse_url(candidate)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://", {}),
        ("postgres://h", {"host": "h"}),
        ("postgresql:///db", {"dbname": "db"}),
        ("postgresql://u@h:5433/db", {"user": "u", "host": "h", "port": "5433", "dbname": "db"}),
        ("postgresql://u:p%40s:s@h/db", {"user": "u", "password": "p@s:s", "host": "h", "dbname": "db"}),
        ("postgresql://u:p#s@h/d%2Fb", {"user": "u", "password": "p#s", "host": "h", "dbname": "d/b"}),
        ("postgresql://[2001:db8::1]:5433/db", {"host": "2001:db8::1", "port": "5433", "dbname": "db"}),
        ("postgresql://u@[::1]", {"user": "u", "host": "::1"}),
        ("postgresql://%2Fvar%2Frun/db", {"host": "/var/run", "dbname": "db"}),
        ("postgresql:///db?host=/var/run&port=5433", {"host": "/var/run", "port": "5433", "dbname": "db"}),
        (
            "postgresql://h/db?sslmode=verify-ca&sslrootcert=/ca.pem&sslcert=/c&sslkey=/k%20y&connect_timeout=5"
            "&application_name=my+app&channel_binding=require&target_session_attrs=read-write&user=a%20b&password=x",
            {
                "host": "h", "dbname": "db", "user": "a b", "password": "x", "sslmode": "verify-ca",
                "sslrootcert": "/ca.pem", "sslcert": "/c", "sslkey": "/k y", "channel_binding": "require",
                "connect_timeout": "5", "application_name": "my+app", "target_session_attrs": "read-write",
            },
        ),
    ],
)  # fmt: skip
def test_a_url_gives_its_parameters(text: str, expected: dict[str, str]) -> None:
    url = parse_url(text)
    assert url.parameters() == expected
    assert parse_url(url.redacted().replace(":***", "")).parameters() == {
        name: value for name, value in expected.items() if name != "password"
    }


@pytest.mark.parametrize(
    "name",
    [
        "hostaddr", "options", "passfile", "service", "servicefile", "replication", "sslkeylogfile", "gssencmode",
        "keepalives", "keepalives_idle", "tcp_user_timeout", "load_balance_hosts", "require_auth", "requirepeer",
        "sslnegotiation", "sslcompression", "sslcrl", "sslcrldir", "sslpassword", "sslsni", "ssl", "krbsrvname",
        "client_encoding", "fallback_application_name", "min_protocol_version", "oauth_issuer", "scram_client_key",
    ],
)  # fmt: skip
def test_a_parameter_outside_the_allow_list_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=f"'{name}'") as caught:
        parse_url(f"postgresql://h/db?{name}={CANARY}")
    assert CANARY not in str(caught.value.to_dict())


@pytest.mark.parametrize(
    ("name", "near"), [("Host", "host"), ("SSLMode", "sslmode"), ("DBNAME", "dbname"), ("currentSchema", None)]
)
def test_a_parameter_with_capitals_is_refused_by_name(name: str, near: str | None) -> None:
    with pytest.raises(ConfigError, match=f"'{name}'") as caught:
        parse_url(f"postgresql://h/db?{name}={CANARY}")
    assert CANARY not in str(caught.value.to_dict())
    assert near is None or f"did you mean {near}?" in str(caught.value.hint)


def test_what_may_be_the_rest_of_a_password_is_no_parameters_name() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_url("postgresql://h/db?password=open&sesame=1")
    assert "sesame" not in str(caught.value.to_dict())


def test_a_misspelt_parameter_gets_the_nearest_name() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_url("postgresql://h/db?sslmod=require")
    assert "'sslmod'" in caught.value.message
    assert "sslmode" in str(caught.value.hint)


def test_a_known_parameter_in_capitals_is_named_beside_a_password() -> None:
    with pytest.raises(ConfigError, match="'SSLMode'"):
        parse_url("postgresql://h/db?password=open&SSLMode=require")
    with pytest.raises(ConfigError) as caught:
        parse_url("postgresql://h/db?password=open&Sesame=1")
    assert "Sesame" not in str(caught.value.to_dict())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:pw@h:5433/db?sslmode=require", "postgresql://u@h:5433/db"),
        ("postgresql://u:pw@[::1]/d%20b", "postgresql://u@[::1]/d%20b"),
        ("postgresql:///db?host=/run/pg&password=pw", "postgresql:///db?host=/run/pg"),
    ],
)
def test_the_name_shown_holds_no_password(text: str, shown: str) -> None:
    url = parse_url(text)
    assert url.name == shown
    assert "pw" not in url.redacted()
    assert "***" in url.redacted()


def test_a_secret_cannot_be_printed_or_pickled() -> None:
    secret = Secret(CANARY)
    assert CANARY not in f"{secret} {secret!r} {secret!s} {[secret]} {secret:>40}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_every_allowed_parameter_can_be_given() -> None:
    values = {name: "1" for name in ALLOWED_PARAMETERS} | {
        "host": "h", "sslmode": "require", "channel_binding": "prefer", "target_session_attrs": "any",
    }  # fmt: skip
    assert database_url(values).parameters() == values
