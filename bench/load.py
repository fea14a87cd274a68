"""What an answer of the benchmark is: so many events, so many a write, at a pace.

It travels as the first segment of the address that a client is given, as in
`http://127.0.0.1:1234/events=1000,batch=50,ms=0,hold=0`: every client has a base
address, and none needs to be bent for it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

WORD = "benchmark "


@dataclass(frozen=True, kw_only=True)
class Load:
    """The answer to one request."""

    events: int = 20
    batch: int = 1
    """Events a write."""
    ms: int = 0
    """Between two writes; 0 means at full speed."""
    hold: int = 0
    """How many streams have to be open before any has its second write."""

    def __str__(self) -> str:
        return f"events={self.events},batch={self.batch},ms={self.ms},hold={self.hold}"

    @classmethod
    def read(cls, path: str) -> Load:
        """Return the load that a path begins with.

        Raises:
            ValueError: It begins with none.
        """
        segment = path.lstrip("/").partition("/")[0]
        return cls(
            **{
                name: int(value)
                for name, _, value in (
                    part.partition("=") for part in segment.split(",")
                )
            }
        )


def piece(number: int) -> str:
    """Return the text of an event: 17 characters, as a few tokens have."""
    return f"{WORD}{number:06d} "


@lru_cache
def text_of(load: Load) -> str:
    """Return the whole text of an answer."""
    return "".join(map(piece, range(load.events)))


@lru_cache
def checksum_of(load: Load) -> int:
    return zlib.crc32(text_of(load).encode())
