"""Lead a continuation through its seam, on its way from the provider."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import cast

from turnout._attempt import Batches, close_generator
from turnout._record import Held
from turnout.errors import StreamBrokenError
from turnout.routes._seam import Seam, SeamError
from turnout.types import Event, Finish, ReasoningDelta, ToolCallDelta

__all__ = ["joined"]

_HELD = cast("Event", Held())


class _Joint:
    """Put a continuation's events in order while its text is held.

    Args:
        seam: Knows what was shown of the answer.
    """

    __slots__ = ("_ahead", "_behind", "_seam", "open")

    def __init__(self, seam: Seam) -> None:
        self._seam = seam
        # What came before any text that is held, and what came after it.
        self._ahead: list[Event] = []
        self._behind: list[Event] = []
        self.open = False
        """Whether all that comes may pass as it is."""

    def take(self, event: Event) -> list[Event]:
        """Return what may pass now that an event has come."""
        if self.open:
            return [event]
        if isinstance(event, str):
            return self._passed(self._seam.feed(event))
        if isinstance(event, Finish):  # No more text will come.
            return [*self.release(), event]
        (self._behind if self._seam.holding else self._ahead).append(event)
        return []

    def time_up(self) -> list[Event]:
        """Return what may pass now that the hold's time is up."""
        return self._passed(self._seam.time_up())

    def release(self) -> list[Event]:
        """Return all that is left."""
        return self._passed(self._seam.release(), last=True)

    def _passed(self, text: str, *, last: bool = False) -> list[Event]:
        if not text and not last:
            return []
        self.open = True
        return [*self._ahead, text, *self._behind]


async def joined(
    batches: Batches, seam: Seam, hold_seconds: float, now: Callable[[], float]
) -> AsyncGenerator[list[Event]]:
    """Give a continuation's events, its text as the seam lets it pass.

    Whatever else comes while text is held stays behind it. That a delta came is
    progress all the same: a `Held` stands for it.

    Args:
        batches: What the provider gives; closed with this.
        seam: Knows what was shown of the answer.
        hold_seconds: How long text is held that may be anything.
        now: Gives the time in seconds.

    Raises:
        StreamBrokenError: The continuation is another answer.
    """
    since: float | None = None
    joint = _Joint(seam)
    try:
        async for item in batches:
            events = item if isinstance(item, list) else [item]
            if joint.open:
                yield events
                continue
            passed = [one for event in events for one in joint.take(event)]
            if seam.holding:
                since = now() if since is None else since
                if now() - since >= hold_seconds:
                    passed += joint.time_up()
            if not joint.open and any(map(_is_delta, events)):
                passed.append(_HELD)
            yield passed
        if not joint.open:
            yield joint.release()
    except SeamError as error:
        raise StreamBrokenError(
            f"another target was to go on with the answer, and {error}; the two cannot "
            "be put together"
        ) from None
    finally:
        await close_generator(batches)


def _is_delta(event: Event) -> bool:
    if isinstance(event, ReasoningDelta):
        return bool(event.text)
    return isinstance(event, ToolCallDelta) or (isinstance(event, str) and event != "")
