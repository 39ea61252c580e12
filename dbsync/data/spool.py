"""Row locations by the million in flat memory: packed, and in a temporary file once there are many."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator

_ENTRY = struct.Struct("<IIH")  # relation oid (0: the only one), block, line
_IN_MEMORY = 1 << 18
_BLOCK = _ENTRY.size * 4096


class Spool:
    """Locations of row versions, in the order they were put. Not for use by several threads at once."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # closed by close()
        self.count = 0

    def put(self, location: bytes) -> None:
        """Add ``b"(block,line)"``, after the relation's oid where there are several."""
        oid, _, place = location.partition(b"(")
        block, _, line = place[:-1].partition(b",")
        self._file.write(_ENTRY.pack(int(oid or 0), int(block), int(line)))
        self.count += 1

    def batches(self, size: int) -> Iterator[tuple[int, list[str]]]:
        """Yield (relation oid, up to ``size`` locations as text), each batch of one relation."""
        gathered: dict[int, list[str]] = {}
        for oid, block, line in self._entries():
            batch = gathered.setdefault(oid, [])
            batch.append(f"({block},{line})")
            if len(batch) == size:
                yield oid, gathered.pop(oid)
        yield from gathered.items()

    def places(self) -> Iterator[tuple[int, str]]:
        """Yield (relation oid, location as text) one by one, as they were put."""
        for oid, block, line in self._entries():
            yield oid, f"({block},{line})"

    def close(self) -> None:
        """Forget everything."""
        self._file.close()

    def _entries(self) -> Iterator[tuple[int, int, int]]:
        self._file.seek(0)
        while data := self._file.read(_BLOCK):
            yield from _ENTRY.iter_unpack(data)
        self._file.seek(0, 2)
