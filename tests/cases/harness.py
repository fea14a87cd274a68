"""The user's seat: ways to ask services that a case breaks.

A case asks one service alone, and sees the error, or through a route with a second
one that is well, and sees nothing. Every error is kept, to be looked through for
secrets when the case is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import traceback
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

import turnout
import turnout_anthropic
import turnout_flowgpt
import turnout_gemini
import turnout_ollama
import turnout_openai
from turnout import Failover, Reply, Restart, Route
from turnout.errors import ContextLengthError, FallbackError, TurnoutError
from turnout.testing import FaultServer, Script

from .services import FLOWGPT, KEY, MADE, OPENAI, SERVICES, Service, watched

__all__ = [
    "FLOWGPT",
    "HEALTHY",
    "KEY",
    "MADE",
    "OPENAI",
    "PATIENCE",
    "PROMPT",
    "SERVICES",
    "Case",
    "Service",
    "come_true",
    "serving",
    "watched",
]

PROMPT = "A question that stays private."

HEALTHY = "All is well here."
"""What the second service of a route answers."""

CLOSED_WITHIN = 60.0
"""Seconds after which a server has seen that nobody is on its connections any more."""

PATIENCE = 60.0
"""Seconds after which what must come has not; nothing waits for them to be over."""

OURS = [
    Path(package.__file__ or "").parent
    for package in (
        turnout,
        turnout_anthropic,
        turnout_flowgpt,
        turnout_gemini,
        turnout_ollama,
        turnout_openai,
    )
]

T = TypeVar("T", bound=TurnoutError)


@dataclass(slots=True)
class Case:
    """Asks, keeps what was raised, and insists that it shows no secret."""

    raised: list[BaseException] = field(default_factory=list[BaseException])

    async def replies(
        self, service: Service, *scripts: Script, **options: Any
    ) -> Reply:
        """Ask the service, which must answer."""
        async with serving(*scripts) as server:
            async with service.provider(server.url, **options) as provider:
                return await provider.complete(PROMPT, model=service.model)

    async def fails(
        self, service: Service, script: Script, kind: type[T], **options: Any
    ) -> T:
        """Ask the service alone, which must fail so."""
        async with serving(script) as server:
            return await self.fails_at(service, server.url, kind, **options)

    async def fails_at(
        self, service: Service, url: str, kind: type[T], **options: Any
    ) -> T:
        """Ask at an address, which must fail so."""
        async with service.provider(url, **options) as provider:
            with pytest.raises(TurnoutError) as caught:
                await provider.complete(PROMPT, model=service.model)
        error = caught.value
        self.raised.append(error)
        assert type(error) is kind, repr(error)
        return error

    async def fails_through(self, route: Route, kind: type[T], **options: Any) -> T:
        """Ask a route, which must fail so."""
        with pytest.raises(TurnoutError) as caught:
            await route.complete(PROMPT, **options)
        error = caught.value
        self.raised.append(error)
        assert type(error) is kind, repr(error)
        return error

    async def falls_over(
        self, service: Service, script: Script, kind: type[TurnoutError], **options: Any
    ) -> None:
        """Ask the service with another one behind it; its failure must not be seen."""
        async with serving(script) as server:
            await self.falls_over_at(service, server.url, kind, **options)

    async def falls_over_at(
        self, service: Service, url: str, kind: type[TurnoutError], **options: Any
    ) -> None:
        """Ask at an address with another one behind it, which must answer unseen."""
        async with serving(service.answering(HEALTHY)) as healthy:
            broken = service.provider(url, **options)
            well = service.provider(healthy.url)
            # For more than one model takes, only one that takes more is asked.
            longer = kind is ContextLengthError and service is OPENAI
            behind = well.target("gpt-4.1" if longer else None)
            async with turnout.fallback(broken, behind) as route:
                stream = route.stream(PROMPT)
                events = [event async for event in stream.events()]
            self.raised += [a.error for a in stream.reply.attempts if a.error]
            assert not any(isinstance(e, Failover | Restart) for e in events)
            assert "".join(e for e in events if isinstance(e, str)) == HEALTHY
            first, *_, last = stream.reply.attempts
            assert type(first.error) is kind, repr(first.error)
            assert last.outcome == "complete"
            assert len(healthy.http_requests) == 1

    async def breaks(
        self, service: Service, script: Script, kind: type[T], **options: Any
    ) -> T:
        """Ask the service alone, which must fail so, and with another one behind it."""
        script = script if callable(script) else tuple(script)
        await self.falls_over(service, script, kind, **options)
        return await self.fails(service, script, kind, **options)

    def check_secrets(self, log: str) -> None:
        """Insist that neither the errors nor the log show a secret.

        Raises:
            AssertionError: One of them does.
        """
        for error in self.raised:
            shown = "".join(_shown(error))
            assert "canary" not in shown.lower(), shown
        assert "canary" not in log.lower()
        assert PROMPT not in log


@contextlib.asynccontextmanager
async def serving(*scripts: Script, **options: Any) -> AsyncGenerator[FaultServer]:
    """Serve; at the end, wait until nobody is on a connection any more.

    It is the server that sees what uvloop's own sockets hide from `LeakCheck`.
    """
    async with FaultServer(*scripts, **options) as server:
        yield server
        async with asyncio.timeout(CLOSED_WITHIN):
            await server.wait_for(
                lambda: all(c.peer_closed or not c.writable for c in server.connections)
            )


async def come_true(condition: Callable[[], bool]) -> None:
    """Return when a condition holds of which nobody tells.

    Raises:
        TimeoutError: It did not come to hold.
    """
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 there is no event to wait for
            await asyncio.sleep(0.001)


def _shown(error: BaseException) -> Iterator[str]:
    """Give all that any tool may show of an error and of what hangs on it."""
    for each in _chain(error):
        yield from (str(each), repr(each), repr(vars(each)))
        assert PROMPT not in f"{each}{each!r}{vars(each)}"
        if isinstance(each, TurnoutError):
            yield repr(pickle.dumps(each))
        # An error may have no traceback at all where it was never raised.
        told = traceback.TracebackException.from_exception(each, capture_locals=True)
        for frame in _frames(told):
            yield f"{frame.name} {frame.locals}"


def _frames(told: traceback.TracebackException) -> Sequence[traceback.FrameSummary]:
    def ours(frame: traceback.FrameSummary) -> bool:
        return any(folder in Path(frame.filename).parents for folder in OURS)

    return [frame for frame in told.stack if ours(frame)]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    if error is not None:
        yield error
        yield from _chain(error.__cause__)
        yield from _chain(error.__context__)
        if isinstance(error, FallbackError):
            for inner in error.exceptions:
                yield from _chain(inner)
