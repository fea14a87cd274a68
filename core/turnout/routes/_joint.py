"""Lead a continuation through its seam, on its way from the provider."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import cast

from turnout._attempt import Batches, close_generator
from turnout._record import Held
from turnout.errors import StreamBrokenError
from turnout.routes._seam import Seam, SeamError
from turnout.types import Event, Finish

__all__ = ["joined"]

_HELD = cast("Event", Held())


async def joined(
    batches: Batches, seam: Seam, hold_seconds: float, now: Callable[[], float]
) -> AsyncGenerator[list[Event]]:
    """Give a continuation's events, its text as the seam lets it pass.

    Whatever else comes while text is held stays behind it. That text came is progress
    all the same: a `Held` stands for it.

    Args:
        batches: What the provider gives; closed with this.
        seam: Knows what was shown of the answer.
        hold_seconds: How long text is held that may be anything.
        now: Gives the time in seconds.

    Raises:
        StreamBrokenError: The continuation is another answer.
    """
    since: float | None = None
    behind: list[Event] = []
    try:
        async for item in batches:
            passed: list[Event] = []
            for event in item if isinstance(item, list) else [item]:
                if isinstance(event, str):
                    passed.append(seam.feed(event))
                elif isinstance(event, Finish):  # No more text will come.
                    passed += [seam.release(), *behind, event]
                    behind.clear()
                else:
                    behind.append(event)
            if seam.holding:
                since = now() if since is None else since
                if now() - since >= hold_seconds:
                    passed.append(seam.time_up())
            if any(passed):
                passed += behind
                behind.clear()
            yield [*passed, _HELD]
        yield [seam.release(), *behind]
    except SeamError as error:
        raise StreamBrokenError(
            f"another target was to go on with the answer, and {error}; the two cannot "
            "be put together"
        ) from None
    finally:
        await close_generator(batches)
