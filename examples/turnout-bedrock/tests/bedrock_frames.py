"""What the service sends, written by AWS's rules and not by the package's own code."""

from __future__ import annotations

import json
import struct
from zlib import crc32


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """Return a message with text headers."""
    head = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + _sized(value.encode())
        for name, value in headers.items()
    )
    return frame_raw(head, payload)


def frame_raw(head: bytes, payload: bytes) -> bytes:
    """Return a message whose headers are bytes already."""
    lengths = struct.pack("!II", len(head) + len(payload) + 16, len(head))
    begun = lengths + struct.pack("!I", crc32(lengths)) + head + payload
    return begun + struct.pack("!I", crc32(begun))


def event(name: str, **fields: object) -> bytes:
    """Return an event with its fields."""
    headers = {
        ":event-type": name,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return frame(headers, json.dumps(fields, ensure_ascii=False).encode())


def exception(name: str, **fields: object) -> bytes:
    """Return an exception with its fields."""
    headers = {
        ":exception-type": name,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return frame(headers, json.dumps(fields).encode())


def delta(index: int, **fields: object) -> bytes:
    """Return a piece of a block."""
    # The service pads its events with `p`.
    return event("contentBlockDelta", contentBlockIndex=index, delta=fields, p="abcde")


def start(index: int, **fields: object) -> bytes:
    """Return the start of a block."""
    return event("contentBlockStart", contentBlockIndex=index, start=fields)


def stop(index: int) -> bytes:
    """Return the end of a block."""
    return event("contentBlockStop", contentBlockIndex=index)


def end(reason: str = "end_turn", **usage: int) -> bytes:
    """Return the end of an answer."""
    counts = {"inputTokens": 12, "outputTokens": 7, "totalTokens": 19, **usage}
    metadata = event("metadata", usage=counts, metrics={"latencyMs": 551})
    return event("messageStop", stopReason=reason) + metadata


def _sized(value: bytes) -> bytes:
    return struct.pack("!H", len(value)) + value
