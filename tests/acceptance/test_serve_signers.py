"""Tokens that an identity service signs with keys that it publishes: only its own, only as it signs them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.fixtures.serving import SECRET, environment, serving

_RSA, _EC, _OTHER = (
    rsa.generate_private_key(65537, 2048),
    ec.generate_private_key(ec.SECP256R1()),
    rsa.generate_private_key(65537, 2048),
)


def published() -> dict[str, Any]:
    """The two public keys as the service publishes them."""
    keys = [
        json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(_RSA.public_key()))
        | {"kid": "rsa", "alg": "RS256", "use": "sig"},
        json.loads(jwt.algorithms.ECAlgorithm.to_jwk(_EC.public_key())) | {"kid": "ec", "alg": "ES256", "use": "sig"},
    ]
    return {"keys": keys}


class _Keys(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(published()).encode()
        self.send_response(200 if self.path == "/auth/v1/.well-known/jwks.json" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """An identity service."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Keys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def address(service: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home: Path = tmp_path_factory.mktemp("serve")
    env = environment(home, SUPABASE_URL=service + "/")
    del env["SUPABASE_JWT_SECRET"]
    with serving(home, env=env) as served:
        yield served.url


def claims(service: str, **more: Any) -> dict[str, Any]:
    return {"sub": "alice", "aud": "authenticated", "iss": f"{service}/auth/v1", "exp": time.time() + 60} | more


def answer(address: str, token: str) -> int:
    headers = {"X-Backend-Secret": SECRET, "Authorization": f"Bearer {token}"}
    return httpx.get(f"{address}/api/status", headers=headers).status_code


def test_its_keys_are_known(address: str, service: str) -> None:
    assert answer(address, jwt.encode(claims(service), _RSA, "RS256", {"kid": "rsa"})) == 200
    assert answer(address, jwt.encode(claims(service), _EC, "ES256", {"kid": "ec"})) == 200


def test_everything_else_is_refused(address: str, service: str) -> None:
    public = _RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    confused = jwt.encode(claims(service), "x" * 64, "HS256", {"kid": "rsa"})
    head, body, _ = confused.split(".")
    signature = hmac.new(public, f"{head}.{body}".encode(), hashlib.sha256).digest()
    forged = f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    wrong = {
        "another key": jwt.encode(claims(service), _OTHER, "RS256", {"kid": "rsa"}),
        "an unknown key": jwt.encode(claims(service), _OTHER, "RS256", {"kid": "other"}),
        "no key": jwt.encode(claims(service), _RSA, "RS256"),
        "the public key as a secret": forged,
        "another algorithm": jwt.encode(claims(service), _RSA, "PS256", {"kid": "rsa"}),
        "another issuer": jwt.encode(claims(service, iss="http://evil.example/auth/v1"), _RSA, "RS256", {"kid": "rsa"}),
        "no issuer": jwt.encode(
            {k: v for k, v in claims(service).items() if k != "iss"}, _RSA, "RS256", {"kid": "rsa"}
        ),
        "another audience": jwt.encode(claims(service, aud="anon"), _RSA, "RS256", {"kid": "rsa"}),
        "an end in the past": jwt.encode(claims(service, exp=time.time() - 60), _RSA, "RS256", {"kid": "rsa"}),
        "unsigned": jwt.encode(claims(service), "", "none", {"kid": "rsa"}),
    }
    assert {name: answer(address, token) for name, token in wrong.items()} == dict.fromkeys(wrong, 401)
