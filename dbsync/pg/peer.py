"""Tell a dead peer from a slow one on a socket that streams.

Linux's TCP_USER_TIMEOUT cannot: it also cuts a peer that is alive and keeps its window shut for longer.
Measured with a backend stopped for 25 s during COPY: with a user timeout of 10 s the connection was cut
after 10.5 s, without it the copy went on. The kernel's own counters do tell: a live peer answers window
probes, a dead one answers nothing.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

SILENCE_MS = 8000
_TCP_USER_TIMEOUT = 18
_TCP_RTO_MAX_MS = 44  # Linux 6.15 and later; not in Python's socket module
_RTO_MAX_MS = 2000
# struct tcp_info of Linux: retransmits, probes; then tcpi_unacked and tcpi_last_ack_recv.
_COUNTERS = struct.Struct("=xxBB")
_UNACKED = struct.Struct("=24xI")
_LAST_ACK = struct.Struct("=56xI")


@dataclass(frozen=True, slots=True)
class Silence:
    """What the kernel knows of a peer's answers."""

    unanswered: int  # retransmissions or window probes sent since the peer's last answer
    since_ms: int  # time since the peer's last answer

    @property
    def is_death(self) -> bool:
        """Whether no live peer would be silent so: nothing came back for 8 s in spite of being asked twice."""
        return self.unanswered >= 2 and self.since_ms >= SILENCE_MS


def watch(descriptor: int) -> None:
    """Prepare a socket for streaming: no user timeout, and window probes at least every 2 s where possible."""
    if not hasattr(socket, "TCP_INFO"):
        return
    with _duplicate(descriptor) as peer:
        if peer.family == socket.AF_UNIX:
            return
        peer.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, 0)
        with suppress(OSError):  # older kernels: the interval between probes doubles up to two minutes
            peer.setsockopt(socket.IPPROTO_TCP, _TCP_RTO_MAX_MS, _RTO_MAX_MS)


def unwatch(descriptor: int, timeout_ms: int) -> None:
    """Give a socket its user timeout back when the streaming is over."""
    if not hasattr(socket, "TCP_INFO"):
        return
    with _duplicate(descriptor) as peer:
        if peer.family != socket.AF_UNIX:
            peer.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, timeout_ms)


def silence(descriptor: int) -> Silence:
    """Ask the kernel how long the peer has not answered; no silence where it cannot be asked."""
    if not hasattr(socket, "TCP_INFO"):
        return Silence(0, 0)
    with _duplicate(descriptor) as peer:
        if peer.family == socket.AF_UNIX:
            return Silence(0, 0)
        info = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    retransmits, probes = _COUNTERS.unpack_from(info)
    (unacked,) = _UNACKED.unpack_from(info)
    (last_ack,) = _LAST_ACK.unpack_from(info)
    return Silence(max(probes, retransmits if unacked else 0), last_ack)


def _duplicate(descriptor: int) -> socket.socket:
    return socket.socket(fileno=os.dup(descriptor))
