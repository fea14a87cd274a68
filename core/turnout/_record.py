"""Collect a stream's events and attempts into a reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import count
from operator import add
from os import urandom
from typing import cast, get_args

from turnout._pieces import Pieces
from turnout.types import (
    Attempt,
    Citation,
    Event,
    Failover,
    Finish,
    FinishReason,
    Join,
    Media,
    MediaDelta,
    ReasoningDelta,
    Reply,
    Restart,
    Target,
    ToolCall,
    ToolCallDelta,
    Usage,
)

__all__ = ["Held", "NotAnEventError", "Record"]


_UNKNOWN = Finish(reason="unknown")

_REASONS = frozenset(get_args(FinishReason))

_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cache_write_tokens",
)
"""The fields of `Usage` that count tokens."""

_ADVICE = "yield a str, an event of turnout.types, or a list of them"

_SHOWN = {"reason", "start", "end", *_COUNTS}
"""Fields whose odd values an error shows."""


class Held:
    """Stands among an attempt's events for text that is not to be shown yet.

    It is progress, as any increment is, and nobody but a route's driver meets it.
    """


class NotAnEventError(TypeError):
    """A provider yielded something that is neither text nor a valid event.

    Args:
        what: What it yielded, as in "a dict".
        advice: What to do about it.
    """

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what)
        self.advice = advice


class _PartialCall(Pieces):
    """A tool call under way: the pieces of its arguments, and its names."""

    __slots__ = ("id", "item", "kind", "name")

    def __init__(self) -> None:
        super().__init__()
        self.id = ""
        self.name = ""
        self.kind = "function"
        self.item: Mapping[str, object] | None = None

    def take_delta(self, delta: ToolCallDelta) -> None:
        self.id = delta.id or self.id
        self.name = delta.name or self.name
        self.kind = delta.kind or self.kind
        self.item = self.item if delta.item is None else delta.item
        self.add(delta.arguments)

    def whole(self) -> ToolCall:
        return ToolCall(
            id=self.id,
            name=self.name,
            arguments=self.text,
            kind=self.kind,
            item=self.item,
        )


class _PartialMedia:
    """An image or a sound under way."""

    __slots__ = ("data", "media_type", "transcript", "url")

    def __init__(self) -> None:
        self.media_type: str | None = None
        self.url: str | None = None
        self.data = bytearray()
        self.transcript: list[str] = []

    def take_delta(self, delta: MediaDelta) -> None:
        self.media_type = delta.media_type or self.media_type
        self.url = delta.url or self.url
        self.data += delta.data
        if delta.transcript:
            self.transcript.append(delta.transcript)

    def whole(self) -> Media:
        url = self.url
        if self.data:
            from base64 import b64encode

            encoded = b64encode(self.data).decode("ascii")
            url = f"data:{self.media_type or ''};base64,{encoded}"
        transcript = "".join(self.transcript) or None
        return Media(url=url, media_type=self.media_type, transcript=transcript)


class Record:
    """Collect a stream's events and attempts, and build the reply.

    Args:
        first: The stream's first record, if this is a second one.
    """

    __slots__ = (
        "_calls",
        "_citations",
        "_finish",
        "_joined",
        "_media",
        "_numbers",
        "_part",
        "_reasoning",
        "_reopened",
        "_text",
        "attempts",
        "complete",
        "dropped",
        "join",
        "parsed",
        "route",
        "stream_id",
        "target",
        "told_end",
        "unseen",
        "usage",
    )

    def __init__(self, first: Record | None = None) -> None:
        if first is None:
            # Unique among processes, also forked ones and those of one seed.
            self.stream_id = urandom(8).hex()
            self.route: str | None = None
            """The name of the route that asks."""
            self._numbers = count(1)
        else:
            self.stream_id, self.route = first.stream_id, first.route
            self._numbers = first._numbers
        self._text = Pieces()
        self._reasoning = Pieces()
        self._calls: dict[int, _PartialCall] = {}
        # Most answers have none of both.
        self._media: dict[int, _PartialMedia] | None = None
        self._citations: list[Citation] | None = None
        # How much text was there when the present target continued the answer.
        self._part = 0
        self._finish: Finish | None = None
        # Whether a delta came after the finish.
        self._reopened = False
        # Whether the answer is of several targets' parts, so that no state fits it.
        self._joined = False
        self.attempts: list[Attempt] = []
        self.target: Target | None = None
        self.parsed: object = None
        """What the answer is read as, once it is whole."""
        self.usage: Usage | None = None
        """Of the attempt under way; those before keep theirs in `attempts`."""
        self.complete = False
        """Whether the answer is whole."""
        self.join: Join | None = None
        """How the attempt under way was joined to what was shown before."""
        self.dropped = 0
        """Characters that were dropped at that join."""
        self.told_end = False
        """Whether the attempt that ended last had said why its answer ended."""
        self.unseen = False
        """Whether nobody sees the answer before its end."""

    @property
    def text(self) -> str:
        """The text that has come."""
        return self._text.text

    @property
    def calls_tools(self) -> bool:
        """Whether any of a tool call has come."""
        return bool(self._calls)

    @property
    def has_media(self) -> bool:
        """Whether any of an image or a sound has come."""
        return bool(self._media)

    def begin_anew(self) -> None:
        """Clear the answer, but keep the attempts."""
        self._text.clear()
        self._reasoning.clear()
        self._calls.clear()
        self._media = self._citations = None
        self._part = 0
        self._joined = False
        self.target = None

    def continue_answer(self) -> None:
        """Record that another target is asked to continue the answer."""
        self._joined = True
        self._part = len(self._text)

    def absorb(self, other: Record) -> None:
        """Take over what another record has; nothing of an answer is here yet."""
        self._text.take(other._text)
        self._reasoning.take(other._reasoning)
        self._calls |= other._calls
        self._media, self._citations = other._media, other._citations
        self._part = other._part
        self._finish = other._finish
        self._reopened = other._reopened
        self._joined = other._joined
        self.attempts += other.attempts
        self.target = other.target
        self.usage = other.usage
        self.complete = other.complete
        self.parsed = other.parsed

    # Methods, as a property costs three times as much, and every answer pays it.

    def is_good(self) -> bool:
        """Tell whether the answer has some content, and ends with its finish if any.

        White space alone is not content.
        """
        text, finish = self._text, self._finish
        if finish is not None and self._reopened:
            return False
        if not text.is_blank():
            return True
        if self._calls or self._media:
            return True
        return finish is not None and bool(finish.items)

    def is_finished(self) -> bool:
        """Tell whether the answer has its finish, and nothing came after that."""
        return self._finish is not None and not self._reopened

    def is_reopened(self) -> bool:
        """Tell whether the answer went on after its finish, and has no other yet."""
        return self._finish is not None and self._reopened

    def take(self, batch: Sequence[Event]) -> bool | None:
        """Add a batch to the answer.

        Returns:
            Whether the batch has any delta. None if a finish has come to an answer
            that is not good: its caller sees no finish until the answer is accepted.
        """
        # The last batch ends with the finish, and an error would be expensive.
        if batch and type(batch[-1]) is not str:
            return self._take_each(batch)
        try:
            # Most batches are text alone; one join is cheaper than a look at each.
            text = "".join(cast("Sequence[str]", batch))
        except TypeError:
            return self._take_each(batch)
        if text:
            self._text.add(text)
            self._reopened = True
        return bool(text)

    def _take_each(self, batch: Sequence[Event]) -> bool | None:
        # A list, since every event is added, whatever the first one was.
        progress = any([self._take(event) for event in batch])  # noqa: C419
        return progress if self._finish is None or self.is_good() else None

    def _take(self, event: Event | Held) -> bool:
        match event:
            case str():
                if event:
                    self._text.add(event)
                    self._reopened = True
                return bool(event)
            case ReasoningDelta():
                if not _is_text(event.text):
                    raise _odd(event, "text")
                if event.text:
                    self._reasoning.add(event.text)
                    self._reopened = True
                return bool(event.text)
            case ToolCallDelta():
                _check_call(event)
                self._calls.setdefault(event.index, _PartialCall()).take_delta(event)
                self._reopened = True
                return True
            case Usage():
                _check_usage(event)
                self.usage = event
            case Finish():
                _check_finish(event)
                self._finish = event
                self._reopened = False
            case MediaDelta():
                _check_media(event)
                self._media = {} if self._media is None else self._media
                self._media.setdefault(event.index, _PartialMedia()).take_delta(event)
                self._reopened = True
                return True
            case Citation():
                _check_citation(event)
                self._citations = [] if self._citations is None else self._citations
                self._citations.append(self._placed(event) if self._joined else event)
            case Failover() | Restart():
                pass
            case Held():
                return True
            case _:  # pyright: ignore[reportUnnecessaryComparison]
                # Whatever a plugin gives at run time, in spite of the types.
                raise NotAnEventError(_item_kind(event), _ADVICE)
        return False

    def _placed(self, citation: Citation) -> Citation:
        """Return a citation whose positions count from the answer's beginning."""
        offset = self._part - self.dropped
        start, end = citation.start, citation.end
        return replace(
            citation,
            start=None if start is None else max(0, start + offset),
            end=None if end is None else max(0, end + offset),
        )

    @property
    def finish(self) -> Finish | None:
        """The answer's end, as the provider told it; None where it did not yet."""
        return self._finish

    def finish_unknown(self) -> Finish:
        """Record that the provider did not say why its answer ended."""
        self._finish = _UNKNOWN
        self._reopened = False
        return _UNKNOWN

    def next_id(self) -> str:
        """Return the id of an attempt that begins."""
        return f"{self.stream_id}-{next(self._numbers)}"

    def end(self, attempt: Attempt) -> None:
        """Add a finished attempt, and reset what belongs to that attempt alone."""
        self.attempts.append(attempt)
        self.usage = None
        self.join, self.dropped = None, 0
        self.told_end = self.is_finished()
        if not self.complete:  # What it said of its end holds for no other one.
            self._finish = None

    @property
    def characters(self) -> int:
        """How many characters of text have come."""
        return len(self._text)

    def reply(self) -> Reply:
        """Return the reply, as far as it has come."""
        finish = self._finish if self.complete else None
        usages = [a.usage for a in self.attempts if a.usage is not None]
        if self.usage is not None:
            usages.append(self.usage)
        return Reply(
            text=self._text.text,
            reasoning=self._reasoning.text,
            tool_calls=tuple(call.whole() for _, call in sorted(self._calls.items())),
            finish_reason=finish.reason if finish else None,
            usage=reduce(add, usages) if usages else None,
            target=self.target,
            attempts=tuple(self.attempts),
            citations=() if self._citations is None else tuple(self._citations),
            media=() if self._media is None else _whole_media(self._media),
            items=finish.items if finish else (),
            details=finish.details if finish else {},
            state=finish.state if finish and not self._joined else None,
            parsed=self.parsed,
        )


def _whole_media(media: Mapping[int, _PartialMedia]) -> tuple[Media, ...]:
    return tuple(media[index].whole() for index in sorted(media))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _check_call(delta: ToolCallDelta) -> None:
    """Refuse a delta from which no tool call can be made, in spite of the types."""
    if not hasattr(delta.index, "__index__"):
        raise _odd(delta, "index")
    if not _is_text(delta.arguments):
        raise _odd(delta, "arguments")
    for name in ("id", "name"):
        value: object = getattr(delta, name)
        if value is not None and not _is_text(value):
            raise _odd(delta, name)


def _check_media(delta: MediaDelta) -> None:
    """Refuse a delta from which no media can be made, in spite of the types."""
    if not hasattr(delta.index, "__index__"):
        raise _odd(delta, "index")
    if not isinstance(cast("object", delta.data), bytes):
        raise _odd(delta, "data")
    if not _is_text(delta.transcript):
        raise _odd(delta, "transcript")


def _check_usage(usage: Usage) -> None:
    """Refuse counts that are not numbers of tokens, in spite of the types."""
    for name in _COUNTS:
        value: object = getattr(usage, name)
        if value is not None and (type(value) is not int or value < 0):
            raise _odd(usage, name)
    cost = cast("object", usage.cost)
    if cost is not None:
        from decimal import Decimal

        if not isinstance(cost, Decimal):
            raise _odd(usage, "cost")


def _check_finish(finish: Finish) -> None:
    """Refuse a reason that is not known and fields of other types."""
    if finish.reason not in _REASONS:
        raise _odd(finish, "reason")
    details = cast("object", finish.details)
    # Nearly always a dictionary, and a look at an abstract class is slow.
    if type(details) is not dict and not isinstance(details, Mapping):
        raise _odd(finish, "details")
    state = cast("object", finish.state)
    if state is not None and not isinstance(state, Mapping):
        raise _odd(finish, "state")
    if finish.items and not (
        isinstance(cast("object", finish.items), tuple | list)
        and all(isinstance(cast("object", item), Mapping) for item in finish.items)
    ):
        raise _odd(finish, "items")


def _check_citation(citation: Citation) -> None:
    """Refuse fields of other types."""
    for name in ("url", "title", "cited_text", "source"):
        value: object = getattr(citation, name)
        if value is not None and not _is_text(value):
            raise _odd(citation, name)
    for name in ("start", "end"):
        value = getattr(citation, name)
        if value is not None and type(value) is not int:
            raise _odd(citation, name)


def _odd(event: Event, name: str) -> NotAnEventError:
    value: object = getattr(event, name)
    event_type = type(event).__name__
    found = _kind(value)
    if name in _SHOWN and isinstance(value, str | int | float):
        found = f"{value!r:.80}"  # Text of the answer is not shown; a reason is.
    return NotAnEventError(
        f"{_kind(event)} with {found} for its {name}",
        f"see turnout.types.{event_type} for the values of {name}",
    )


def _item_kind(item: object) -> str:
    return _kind(item) + (" in a list" if isinstance(item, list) else "")


def _kind(value: object) -> str:
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
