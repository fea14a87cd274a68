"""One try of one target: its timers, its outcome, and whatever it raises.

Loaded with the first request, as all that needs asyncio is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Protocol, cast

from turnout._record import Record
from turnout._waiter import Waiter
from turnout.errors import (
    DeadlineError,
    FirstDeltaTimeoutError,
    PluginError,
    ProviderError,
    StreamStalledError,
    TurnoutError,
    UnsupportedError,
)
from turnout.types import Attempt, ChatRequest, Event, Outcome, Target

if TYPE_CHECKING:
    from turnout.provider import Provider, ProviderOptions

__all__ = ["AttemptHooks", "Batch", "attempt", "close_generator", "refusal"]

Batch = Sequence[Event]
"""What one read brought, in order."""


class AttemptHooks(Protocol):
    """What plugins have to say about attempts; they never raise here."""

    def rewrite(self, request: ChatRequest, target: Target) -> ChatRequest:
        """Return the request that is sent instead."""
        ...

    def started(self, attempt: Attempt) -> None:
        """Hear of an attempt that begins."""
        ...

    def ended(self, attempt: Attempt) -> None:
        """Hear what became of it."""
        ...


def refusal(provider: Provider, request: ChatRequest) -> UnsupportedError | None:
    """Return why a provider cannot be asked this; None where it can."""
    model = provider.catalog.info_of(request.model)
    unmet = request.unmet(model.capabilities or provider.info.capabilities)
    if not unmet:
        return None
    return UnsupportedError(
        f"{Target(provider.info.name, request.model)} does not support "
        f"{', '.join(unmet)}; leave that out or ask another target"
    )


class _Clock:
    """An attempt's times, and what is to be raised when one of them is up."""

    __slots__ = ("_deadline", "_loop", "_options", "due", "first_delta", "started")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        options: ProviderOptions,
        deadline: float,
    ) -> None:
        self._loop = loop
        self._options = options
        self._deadline = deadline
        self.started = loop.time()
        self.first_delta: float | None = None
        """Seconds from the start to the first delta."""
        self.due = min(self.started + options.first_delta_timeout, deadline)
        """When the next delta is to be there, in the loop's seconds."""

    def progress(self) -> None:
        """Note that a delta came."""
        now = self._loop.time()
        if self.first_delta is None:
            self.first_delta = now - self.started
        self.due = min(now + self._options.stall_timeout, self._deadline)

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return self._loop.time() - self.started

    def overdue(self, target: Target, record: Record) -> TurnoutError:
        """Return the error for the time that was up."""
        options = self._options
        if self.due >= self._deadline:
            return DeadlineError(
                f"the deadline passed while {target} was asked, "
                f"{self.seconds():.3g} s after that began"
            )
        if self.first_delta is None:
            return FirstDeltaTimeoutError(
                f"{target} gave nothing of an answer within "
                f"first_delta_timeout={options.first_delta_timeout:g} s"
            )
        return StreamStalledError(
            f"{target} stalled: no more of the answer within "
            f"stall_timeout={options.stall_timeout:g} s, after "
            f"{record.characters} characters"
        )


async def attempt(
    provider: Provider,
    request: ChatRequest,
    record: Record,
    waiter: Waiter,
    deadline: float,
) -> AsyncGenerator[Batch]:
    """Ask one target, and give what it answers in batches.

    What comes before the first delta (usage, say) is held until there is one, so
    that nothing is shown of an attempt that brings none.

    Args:
        provider: Whom to ask; `request.model` is one of its models.
        request: What to ask.
        record: Takes down the answer and, at the end, the attempt.
        waiter: Watches over the waits.
        deadline: When the whole request is to be over, in the loop's seconds.

    Raises:
        TurnoutError: Whatever went wrong; nothing else but cancellation leaves.
    """
    target = Target(provider.info.name, request.model)
    hooks = provider.hooks
    clock = _Clock(waiter.loop, provider.options, deadline)
    outcome: Outcome = "closed"
    failure: TurnoutError | None = None
    held: list[Event] = []
    if hooks is not None:
        hooks.started(Attempt(target=target, outcome="running"))
        request = hooks.rewrite(request, target)
    generator = _generator(provider, request)
    try:
        while True:
            waiter.begin(clock.due)
            try:
                item = await generator.__anext__()
            except StopAsyncIteration:
                break
            except asyncio.CancelledError:
                if not waiter.interrupted():
                    raise
                if waiter.closed:
                    return
                raise clock.overdue(target, record) from None
            finally:
                waiter.end()
            batch: list[Event] = item if isinstance(item, list) else [item]
            if not record.take(batch):
                if clock.first_delta is None:
                    held += batch
                    continue
            else:
                if clock.first_delta is None:
                    record.target = target
                    batch = [*held, *batch]
                clock.progress()
            yield batch
        record.target = target
        record.complete = True
        outcome = "complete"
        last = held if clock.first_delta is None else []
        yield last if record.finished else [*last, record.finish_unknown()]
    except TurnoutError as error:
        outcome, failure = "failed", _placed(error, target)
        raise
    except Exception as error:  # Whatever a plugin raises; no other may leave.
        outcome = "failed"
        failure = PluginError(
            f"provider {target.provider!r} raised {type(error).__name__} while it "
            "answered; that is a fault of its plugin"
        )
        raise failure from error
    finally:
        await close_generator(generator)
        ended = Attempt(
            target=target,
            outcome=outcome,
            error=failure,
            first_delta=clock.first_delta,
            seconds=clock.seconds(),
            usage=record.usage,
        )
        record.end(ended)
        if hooks is not None:
            hooks.ended(ended)


def _generator(
    provider: Provider, request: ChatRequest
) -> AsyncGenerator[Event | list[Event]]:
    generator = provider.generate(request)
    if not hasattr(generator, "__anext__"):
        if asyncio.iscoroutine(generator):
            generator.close()  # Else Python warns that it was never awaited.
        raise PluginError(
            f"{type(provider).__name__}.generate gave a {type(generator).__name__}; "
            "it is an async generator: `async def` with a `yield` in it"
        )
    return cast("AsyncGenerator[Event | list[Event]]", generator)


async def close_generator(generator: AsyncIterator[object]) -> None:
    """Close an async generator, or wait for nothing where it is being closed.

    At the end of an event loop all generators are closed at the same time, those
    within others too.
    """
    if not isinstance(generator, AsyncGeneratorType):
        return
    try:
        await generator.aclose()
    except RuntimeError:
        if not generator.ag_running:
            raise


def _placed(error: TurnoutError, target: Target) -> TurnoutError:
    """Say whose error it is, where the provider did not."""
    if isinstance(error, ProviderError):
        error.provider = error.provider or target.provider
        error.model = error.model or target.model
    return error
