"""Yield a continuation's events, without the text that the seam removes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import cast

from turnout._attempt import Batches, close_generator
from turnout._record import Held, Record
from turnout.errors import StreamBrokenError
from turnout.joins._seam import Seam, SeamError
from turnout.types import Event, Finish, MediaDelta, ReasoningDelta, ToolCallDelta

__all__ = ["joined"]

_PIECE = 8192
"""Characters that are compared before other tasks may run: about 10 ms."""

_HELD = cast("Event", Held())


class _Joint:
    """Keep a continuation's events in order while its text is held.

    Args:
        seam: Removes the part of the text that repeats the answer.
        stops: The ends of stop sequences whose beginnings are in the text so far.
        verified: Whether an unverified join is an error.
    """

    __slots__ = ("_ahead", "_behind", "_seam", "_stops", "_text", "_verified", "ended")

    def __init__(self, seam: Seam, stops: Sequence[str], *, verified: bool) -> None:
        self._seam = seam
        self._stops = stops
        self._verified = verified
        # The events before the text that is held, that text, and the events after it.
        self._ahead: list[Event] = []
        self._text = ""
        self._behind: list[Event] = []
        self.ended = False
        """Whether a stop sequence was completed, so the answer has ended."""

    @property
    def open(self) -> bool:
        """Whether further events pass unchanged."""
        return self._seam.passing and not self._stops

    def take(self, event: Event) -> list[Event]:
        """Add an event and return the events that may pass now."""
        if self.ended:
            return []
        if isinstance(event, str):
            text = self._seam.feed(event)
            return self._passed(text) if self._seam.join else []
        # After these, no more text is expected.
        if isinstance(event, Finish | ToolCallDelta | MediaDelta):
            return [*self.release(), event]
        if self._seam.join is not None and not self._stops:
            return [event]
        held = self._seam.holding or self._text
        (self._behind if held else self._ahead).append(event)
        return []

    def release(self) -> list[Event]:
        """Return all events that are left."""
        return self._passed(self._seam.release(), last=True)

    def _passed(self, text: str, *, last: bool = False) -> list[Event]:
        if self._verified and self._seam.join == "unverified":
            raise SeamError(
                "its text does not repeat the end of the answer, and join is 'verified'"
            )
        self._text += text
        if any(self._text.startswith(stop) for stop in self._stops):
            self.ended = True
            return [*self._ahead, Finish(reason="stop")]
        if not last and any(stop.startswith(self._text) for stop in self._stops):
            return []
        passed = [*self._ahead, *filter(None, [self._text]), *self._behind]
        self._stops, self._text, self._ahead, self._behind = (), "", [], []
        return passed


def _halves(partial: str, stops: Sequence[str]) -> list[str]:
    """Return the ends of stop sequences whose beginnings are at the end of a text."""
    return [
        stop[length:]
        for stop in stops
        for length in range(1, len(stop))
        if partial.endswith(stop[:length])
    ]


async def joined(
    batches: Batches,
    seam: Seam,
    record: Record,
    stops: Sequence[str],
    *,
    verified: bool,
) -> AsyncGenerator[list[Event]]:
    """Yield a continuation's events, without the text that the seam removes.

    Events that arrive while text is held are yielded after it. A delta that is held is
    progress too, so a `Held` is yielded in its place.

    Args:
        batches: The provider's batches; closed with this generator.
        seam: Removes the part of the text that repeats the answer.
        record: Has the text so far; the kind of the join is stored in it.
        stops: The stop sequences of the request.
        verified: Whether an unverified join is an error.

    Raises:
        StreamBrokenError: The continuation is another answer, or not verified.
    """
    joint = _Joint(seam, _halves(record.text, stops), verified=verified)
    try:
        async for item in batches:
            events = item if isinstance(item, list) else [item]
            if joint.open:
                yield events
                continue
            passed: list[Event] = []
            for event in events:
                if isinstance(event, str) and len(event) > _PIECE and not joint.open:
                    # Comparing a long text takes a while, so let other tasks run.
                    for at in range(0, len(event), _PIECE):
                        passed += joint.take(event[at : at + _PIECE])
                        await asyncio.sleep(0)
                else:
                    passed += joint.take(event)
            record.join, record.dropped = seam.join, seam.dropped
            if not (joint.open or joint.ended) and any(map(_is_delta, events)):
                passed.append(_HELD)
            yield passed
            if joint.ended:
                return
        if not joint.open:
            rest = joint.release()
            record.join, record.dropped = seam.join, seam.dropped
            yield rest
    except SeamError as error:
        record.join, record.dropped = seam.join, seam.dropped
        raise StreamBrokenError(
            f"the continuation cannot be joined to the answer: {error}"
        ) from None
    finally:
        await close_generator(batches)


def _is_delta(event: Event) -> bool:
    if isinstance(event, ReasoningDelta):
        return bool(event.text)
    if isinstance(event, str):
        return event != ""
    return isinstance(event, ToolCallDelta | MediaDelta)
