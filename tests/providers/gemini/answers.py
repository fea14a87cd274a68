"""Answers as the decoder reads them."""

from __future__ import annotations

from typing import Any, cast

from turnout.types import Event, Usage
from turnout_gemini._protocol import Decoder

from ..reading import Reading

TOLD = Usage(input_tokens=9, output_tokens=4, cached_tokens=0)
CALL = {"id": "c1", "name": "look", "args": {"at": "café", "n": 2}}


READING = Reading(Decoder)
decoded = READING.decoded


def events_of(*chunks: bytes) -> list[Event]:
    """Return the events of a complete answer."""
    return READING.decode(b"".join(chunks))


def fault_of(*chunks: bytes) -> Exception:
    """Return what is wrong with an answer."""
    return READING.error_of(b"".join(chunks))[1]


def reported_in(*chunks: bytes) -> dict[str, Any]:
    """Return the error that an answer reports."""
    _, value = READING.reported(b"".join(chunks))
    told: Any = cast("list[object]", value)[0] if isinstance(value, list) else value
    return dict(told["error"])
