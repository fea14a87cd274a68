"""Routes over servers of their own, and what a caller sees of an answer.

When a route is closed, no retry, probe or attempt is still counted in its health.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from turnout import BoundTarget, Event, Reply, Route, Stream
from turnout.errors import TurnoutError
from turnout.routes import Health
from turnout.testing import FaultServer, Script

from .harness import Case, Service, serving

__all__ = ["Leg", "Seen", "check_at_rest", "leg", "routed", "see"]

E = TypeVar("E", bound=Event)

Leg: TypeAlias = tuple[Callable[[str], BoundTarget], Sequence[Script]]
"""What makes a target for a server's address, and the server's scripts."""


def leg(service: Service, *scripts: Script) -> Leg:
    """Return a target of a route: a service, and how its server answers."""
    return service.target, scripts


@contextlib.asynccontextmanager
async def routed(
    *legs: Leg, health: Health | None = None, **policy: Any
) -> AsyncGenerator[tuple[Route, list[FaultServer]]]:
    """Give a route over the legs, with their servers."""
    if health is None:
        health = Health()
    async with contextlib.AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(serving(*scripts, keep_alive=True))
            for _, scripts in legs
        ]
        targets = [
            make(server.url) for (make, _), server in zip(legs, servers, strict=True)
        ]
        async with Route(targets, policy, health=health) as route:
            yield route, servers
        check_at_rest(health)


def check_at_rest(health: Health) -> None:
    """Check that every attempt has ended for the health of its target.

    Raises:
        AssertionError: A retry, a probe or an attempt without a first delta is counted.
    """
    for one in health.known():
        assert not one.retries_in_flight, f"retries of {one.scope}"
        assert not one.probes, f"probes of {one.scope}"
        assert not one.waiting, f"attempts of {one.scope}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a caller has seen of an answer."""

    events: list[Event]
    reply: Reply
    error: TurnoutError | None

    @property
    def text(self) -> str:
        """All of the text that was shown."""
        return "".join(event for event in self.events if isinstance(event, str))

    def all_of(self, kind: type[E]) -> list[E]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


async def see(case: Case, stream: Stream) -> Seen:
    """Read an answer to its end, whichever that is."""
    events: list[Event] = []
    error: TurnoutError | None = None
    try:
        async for event in stream.events():
            events.append(event)
    except TurnoutError as exc:
        error = exc
        case.raised.append(exc)
    case.raised += [a.error for a in stream.reply.attempts if a.error]
    return Seen(events=events, reply=stream.reply, error=error)
