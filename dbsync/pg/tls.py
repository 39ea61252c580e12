"""The TLS facts of a server, seen by a handshake of our own that sends no credentials and trusts nothing.

libpq says whether a connection may be trusted; this says what there is: version, cipher, certificate.
"""

from __future__ import annotations

import datetime
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

# What ``tls_facts`` raises where there is no handshake, or the certificate is none that can be read.
FAILURES = (OSError, ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
_SSL_REQUEST = struct.pack("!II", 8, 80877103)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFacts:
    """What the server showed. Times are UTC."""

    version: str
    cipher: str
    bits: int
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime.datetime
    not_after: datetime.datetime
    self_signed: bool

    @property
    def days_left(self) -> int:
        """Whole days until the certificate expires; negative when it has."""
        return (self.not_after - datetime.datetime.now(datetime.UTC)).days

    def to_dict(self) -> dict[str, Any]:
        """Return the facts JSON-safe."""
        return {
            "version": self.version,
            "cipher": self.cipher,
            "bits": self.bits,
            "subject": self.subject,
            "issuer": self.issuer,
            "names": list(self.names),
            "not_before": self.not_before.isoformat(),
            "not_after": self.not_after.isoformat(),
            "days_left": self.days_left,
            "self_signed": self.self_signed,
        }


def tls_facts(address: str, port: int, host: str, *, timeout: float) -> TlsFacts | None:
    """Ask a server for TLS and look at what it offers; None when it offers none. Raises ``FAILURES``."""
    with socket.create_connection((address, port), timeout=timeout) as plain:
        plain.sendall(_SSL_REQUEST)
        if plain.recv(1) != b"S":
            return None
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # nothing is sent over it; libpq verifies on its own connection
        with context.wrap_socket(plain, server_hostname=host) as secured:
            cipher = secured.cipher()
            certificate = secured.getpeercert(binary_form=True)
            if cipher is None or certificate is None:
                return None
            return _facts(secured.version() or "", cipher[0], cipher[2], x509.load_der_x509_certificate(certificate))


def _facts(version: str, cipher: str, bits: int, certificate: x509.Certificate) -> TlsFacts:
    return TlsFacts(
        version=version,
        cipher=cipher,
        bits=bits,
        subject=_common_name(certificate.subject),
        issuer=_common_name(certificate.issuer),
        names=_names(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        self_signed=certificate.subject == certificate.issuer,
    )


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(str(name.value) for name in extension.value)  # type: ignore[attr-defined]  # it is that extension
