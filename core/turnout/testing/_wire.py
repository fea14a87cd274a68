"""What a service sends, as data: its good answers and its errors.

A `ProviderContract` is given these, and makes from them what a service may do besides.
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
"""Bytes that belong together, such as one server-sent event, and what they bring."""


@frozen
class WireAnswer:
    """A good answer: the bytes of its body, and what they mean.

    Raises:
        ValueError: It has no pieces.
    """

    name: str
    """Of the tests that are made of it."""
    pieces: Sequence[Piece]
    """Before the end. With each stands what it brings; with some, nothing.

    A tool call without an id is one that the service gives none: any that the provider
    makes is right. A citation or a call without its `item` has any.
    """
    end: bytes = b""
    """From the first byte on that says that the answer is complete.

    Empty where the protocol has no last word: the end of the body is the answer's.
    """
    last: Sequence[Event] = ()
    """What the end brings, where the last of the answer comes together with it."""
    finish_reason: FinishReason = "stop"
    usage: Usage | None = None
    """None where the answer does not say."""
    items: Sequence[Mapping[str, object]] | None = None
    """What `reply.items` has to be; None if that is not checked."""
    sent_back: Sequence[object] = ()
    """Values that the next request has to have, since the service wants to see them
    again: the signature of its reasoning, for one. A text within a text counts."""
    request: RequestOptions = field(default_factory=RequestOptions)
    """What has to be asked for to get it, beside the question."""

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
        """Return the bytes of the first pieces, each apart."""
        return [data for data, *_ in self.pieces[:count]]

    def events(self, count: int | None = None) -> list[Event]:
        """Return what the first pieces bring; without a count, all of the answer."""
        begun = [event for _, *events in self.pieces[:count] for event in events]
        return [*begun, *self.last] if count is None else begun

    def middle(self) -> int:
        """Return how many pieces bring some of its text, about half, and not all."""
        whole = len(self.text)
        lengths = [
            len(text_of(self.events(count))) for count in range(len(self.pieces))
        ]
        some = [count for count, length in enumerate(lengths) if 0 < length < whole]
        return min(some, key=lambda count: abs(2 * lengths[count] - whole), default=1)


@frozen(kw_only=False)
class WireError:
    """What a service sends in place of an answer, and the class that it is to be.

    With the status 200 it may come inside of an answer as well, after some of it.
    """

    status: int
    body: bytes
    error: type[ProviderError]
    headers: Sequence[tuple[str, str]] = ()
    """Beside Content-Length."""
    retry_after: float | None = None
    """The seconds that the error is to have."""

    @property
    def name(self) -> str:
        """The name of the tests that are made of it."""
        return f"{self.status} {self.error.__name__}"


def text_of(events: Iterable[Event]) -> str:
    """Return the text among events."""
    return "".join(event for event in events if isinstance(event, str))


def merged(events: Iterable[Event]) -> list[Event]:
    """Return events with increments that belong together as one.

    How an answer was cut into increments is no part of what it says.
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
    """Return two increments as one; None where they do not belong together."""
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
