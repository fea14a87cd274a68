"""The answers and errors of a service, as data for a `ProviderContract`.

The contract derives truncated and broken answers from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import TypeAlias

from turnout._frozen import frozen
from turnout.errors import ProviderError
from turnout.types import (
    Event,
    FinishReason,
    MediaDelta,
    ReasoningDelta,
    RequestOptions,
    ToolCallDelta,
    Usage,
)

__all__ = ["Piece", "WireAnswer", "WireError", "merged"]

Piece: TypeAlias = tuple[bytes, *tuple[Event, ...]]
"""Bytes that belong together, such as one server-sent event, and their events."""


@frozen
class WireAnswer:
    """A good answer: the bytes of its body, and their events.

    Raises:
        ValueError: It has no pieces.
    """

    name: str
    """The name of its tests."""
    pieces: Sequence[Piece]
    """The bytes before the end, each piece with its events; a piece may have none.

    If a tool call has no id, the service gives none, and the provider may make any id.
    If a citation or a call has no `item`, its `item` is not checked.
    """
    end: bytes = b""
    """The bytes from the first one that says that the answer is complete.

    Empty if the protocol has no end mark: then the end of the body ends the answer.
    """
    last: Sequence[Event] = ()
    """The events of `end`, if the last part of the answer comes with it."""
    finish_reason: FinishReason = "stop"
    usage: Usage | None = None
    """None if the answer does not have it."""
    items: Sequence[Mapping[str, object]] | None = None
    """The expected `reply.items`; None if they are not checked."""
    sent_back: Sequence[object] = ()
    """Values that the next request has to contain, because the service needs them
    again, such as the signature of its reasoning. A text within a text counts."""
    request: RequestOptions = field(default_factory=RequestOptions)
    """The options of the request that gets this answer."""

    def __post_init__(self) -> None:
        if not self.pieces:
            raise ValueError(f"the answer {self.name!r} has no pieces")

    @property
    def body(self) -> bytes:
        """All of its bytes."""
        return b"".join([*self.begin(len(self.pieces)), self.end])

    @property
    def text(self) -> str:
        """All of its text."""
        return text_of(self.events())

    def begin(self, count: int) -> list[bytes]:
        """Return the bytes of each of the first pieces."""
        return [data for data, *_ in self.pieces[:count]]

    def events(self, count: int | None = None) -> list[Event]:
        """Return the events of the first pieces; without a count, of all the answer."""
        begun = [event for _, *events in self.pieces[:count] for event in events]
        return [*begun, *self.last] if count is None else begun

    def middle(self) -> int:
        """Return how many pieces have about half of the text: some, and not all."""
        whole = len(self.text)
        lengths = [
            len(text_of(self.events(count))) for count in range(len(self.pieces))
        ]
        some = [count for count, length in enumerate(lengths) if 0 < length < whole]
        return min(some, key=lambda count: abs(2 * lengths[count] - whole), default=1)


@frozen(kw_only=False)
class WireError:
    """What a service sends in place of an answer, and the expected class of error.

    With the status 200 it may come inside an answer too, after a part of it.
    """

    status: int
    body: bytes
    error: type[ProviderError]
    headers: Sequence[tuple[str, str]] = ()
    """Headers in addition to Content-Length."""
    retry_after: float | None = None
    """The expected `retry_after` of the error, in seconds."""

    @property
    def name(self) -> str:
        """The name of its tests."""
        return f"{self.status} {self.error.__name__}"


def text_of(events: Iterable[Event]) -> str:
    """Return the text among events."""
    return "".join(event for event in events if isinstance(event, str))


def merged(events: Iterable[Event]) -> list[Event]:
    """Return events with adjacent increments joined.

    How an answer was cut into increments does not change its content.
    """
    result: list[Event] = []
    for event in events:
        joined = _joined(result[-1], event) if result else None
        if joined is None:
            result.append(event)
        else:
            result[-1] = joined
    return result


def _joined(one: Event, other: Event) -> Event | None:
    """Return two increments as one; None if they do not belong together."""
    match one, other:
        case str(), str():
            return one + other
        case ReasoningDelta(), ReasoningDelta():
            return ReasoningDelta(text=one.text + other.text)
        case ToolCallDelta(), ToolCallDelta() if one.index == other.index:
            return replace(
                one,
                id=one.id or other.id,
                name=one.name or other.name,
                arguments=one.arguments + other.arguments,
                kind=one.kind or other.kind,
                item=one.item if other.item is None else other.item,
            )
        case MediaDelta(), MediaDelta() if one.index == other.index:
            return replace(
                one,
                media_type=one.media_type or other.media_type,
                url=one.url or other.url,
                data=one.data + other.data,
                transcript=one.transcript + other.transcript,
            )
        case _:
            return None
