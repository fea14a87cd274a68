"""One try of one target: its timers, its outcome, and whatever it raises.

What a stream reads is a `Reader`: an attempt, or a route's driver, which reads one
attempt after another. They are plain objects with a coroutine, and no async
generators: those cost more to begin, and each more that stands between the socket and
the reader costs as much as parsing an event.

Loaded with the first stream that is read, as asyncio takes long to import.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from types import AsyncGeneratorType, CoroutineType
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, cast

from turnout._ledger import enter
from turnout._record import NotAnEventError, Record
from turnout._tokens import estimate_tokens
from turnout._waiter import Waiter
from turnout.errors import (
    DeadlineError,
    FirstDeltaTimeoutError,
    InvalidReplyError,
    PluginError,
    ProviderError,
    StreamStalledError,
    TurnoutError,
)
from turnout.types import (
    AnswerForm,
    Attempt,
    ChatRequest,
    Event,
    Outcome,
    Target,
    Usage,
)

if TYPE_CHECKING:
    from turnout._gate import Gate
    from turnout.provider import Provider

__all__ = ["AttemptReader", "Batches", "close_generator"]

Batches: TypeAlias = AsyncIterator[Event | list[Event]]
"""What a provider's `generate` gives."""

_CLEANUP = 1.0
"""Seconds that a provider has to close what it opened."""


class AttemptReader:
    """Ask one target, and give what it answers in batches.

    What comes before the first delta (usage, say) is held until there is one, so
    that nothing is shown of an attempt that brings none.

    Args:
        provider: Whom to ask; `request.model` is one of its models.
        request: What to ask.
        record: Takes down the answer and, at the end, the attempt.
        waiter: Watches over the waits.
        deadline: When the whole request is to be over, in the loop's seconds.
        first_delta_timeout: Seconds to the first delta; None means the provider's.
        stall_timeout: Seconds between two deltas; None means the provider's.
        slot_timeout: Seconds to wait for a slot at the provider. Then the attempt is
            passed over with an `UnavailableError`, and nothing is sent. None sets no
            limit beside the provider's `queue_timeout` and the deadline.
        is_free_elsewhere: Called when `slot_timeout` has passed. If it returns False,
            the attempt waits as long again and keeps its position in the queue.
        through: Changes what the provider gives on its way; it closes what it is given.
        sent: Called when the attempt has its slot, and the request is sent.
    """

    __slots__ = (
        "_characters_before",
        "_deadline",
        "_due",
        "_first_delta",
        "_first_delta_timeout",
        "_gate",
        "_generator",
        "_held",
        "_hooks",
        "_now",
        "_provider",
        "_record",
        "_request",
        "_sent",
        "_slot_limits",
        "_stall_timeout",
        "_started",
        "_target",
        "_waiter",
    )

    def __init__(
        self,
        provider: Provider,
        request: ChatRequest,
        record: Record,
        waiter: Waiter,
        deadline: float,
        first_delta_timeout: float | None = None,
        stall_timeout: float | None = None,
        through: Callable[[Batches], Batches] | None = None,
        sent: Callable[[float], None] | None = None,
        slot_timeout: float | None = None,
        is_free_elsewhere: Callable[[], bool] | None = None,
    ) -> None:
        self._sent = sent
        # Where it has a place that is to be given back.
        self._gate: Gate | None = None
        self._provider = provider
        self._record = record
        self._waiter = waiter
        self._deadline = deadline
        self._slot_limits = (slot_timeout, is_free_elsewhere)
        options = provider.options
        self._first_delta_timeout = first_delta_timeout or options.first_delta_timeout
        self._stall_timeout = stall_timeout or options.stall_timeout
        self._target = target = Target(provider.info.name, request.model)
        self._now = waiter.now
        self._started = started = self._now()
        # Seconds from the start to the first delta.
        self._first_delta: float | None = None
        # When the next delta is to be there; None where its time has yet to begin.
        self._due: float | None = min(started + self._first_delta_timeout, deadline)
        self._held: list[Event] = []
        self._hooks = hooks = provider.hooks
        if hooks is not None:
            hooks.started(Attempt(target=target, outcome="running"))
            request = hooks.rewrite(request, target)
        self._request = request
        self._characters_before = record.characters
        batches = _generator(provider, request)
        self._generator: Batches | None
        self._generator = batches if through is None else through(batches)

    async def read(self) -> Sequence[Event] | None:
        """Return the next batch; None when the answer is complete, or was closed.

        Raises:
            TurnoutError: Whatever went wrong; nothing else but cancellation leaves.
        """
        generator, waiter, record = self._generator, self._waiter, self._record
        if generator is None:
            return None
        due = self._due
        if due is None:
            # From now on, so that the caller's own time does not count.
            due = self._due = min(self._now() + self._stall_timeout, self._deadline)
        failure: TurnoutError | None = None
        try:
            if self._gate is None:
                self._gate = gate = self._provider.gates.enter(waiter.loop)
                if gate is None:
                    due = await self._wait_for_a_place()
                if self._sent is not None:
                    self._sent(self._started)
            while True:
                waiter.begin(due)
                try:
                    item = await generator.__anext__()
                finally:
                    waiter.end()
                batch: list[Event] = item if isinstance(item, list) else [item]
                if record.take(batch):
                    self._due = None
                    return (
                        batch if self._first_delta is not None else self._first(batch)
                    )
                if self._first_delta is not None:
                    return batch
                self._held += filter(None, batch)
                # Whoever gives nothing without waiting for anything meets no timer.
                if waiter.closed or self._now() >= due:
                    break
        except StopAsyncIteration:
            form = self._request.answer_form
            failure = None if form is None else self._misfit(form)
            if failure is None:
                return self._complete()
        except asyncio.CancelledError as error:
            if waiter.cancelled():
                await self.close()
                raise
            failure = self._fault(error)
        except TurnoutError as error:
            failure = _placed(error, self._target)
        except Exception as error:  # noqa: BLE001 whatever a plugin raises
            failure = self._fault(error)
        if waiter.closed:
            await self.close()
            return None
        if failure is None or waiter.interrupted:
            failure = _placed(self._overdue(), self._target)
        await self._end("failed" if self._gate else "passed_over", failure)
        raise failure

    def hand_over(self, record: Record, waiter: Waiter) -> None:
        """Go on with another record, which takes over what is in the present one.

        Args:
            record: Takes down the answer from now on.
            waiter: Watches over the waits from now on.
        """
        record.absorb(self._record)
        self._record = record
        self._waiter = waiter

    async def close(self) -> None:
        """End the attempt where it stands."""
        await self._end("closed", None)

    def abandon(self) -> None:
        """Give the place back; what else is open closes by itself."""
        gate, self._gate = self._gate, None
        if gate is not None:
            with suppress(RuntimeError):  # The loop is closed, and nobody waits.
                self._waiter.loop.call_soon_threadsafe(gate.leave)

    async def _wait_for_a_place(self) -> float:
        """Wait for a slot; return when the first delta is to be there."""
        gate = self._provider.gates.of(self._waiter.loop)
        await gate.wait(self._waiter, self._deadline, *self._slot_limits)
        self._gate = gate
        self._started = started = self._now()
        self._due = due = min(started + self._first_delta_timeout, self._deadline)
        return due

    def _first(self, batch: list[Event]) -> list[Event]:
        """Note that the first delta came; return what is to be shown."""
        self._first_delta = self._now() - self._started
        self._record.target = self._target
        return [*self._held, *batch]

    def _complete(self) -> list[Event]:
        record = self._record
        record.target = self._target
        record.complete = True
        self._generator = None  # It has ended by itself.
        self._note("complete", None)
        last = self._held if self._first_delta is None else []
        return last if record.finished else [*last, record.finish_unknown()]

    def _misfit(self, form: AnswerForm) -> InvalidReplyError | None:
        """Read the whole answer as what was asked for; return why it is not that."""
        record, target = self._record, self._target
        if record.calls_tools:  # What was asked for comes once they have been called.
            return None
        from turnout._structure import MisfitError, parsed

        try:
            record.parsed = parsed(record.text, form, record.finish)
        except MisfitError as misfit:
            failure = InvalidReplyError(
                f"the answer of {target} is not what response_format asks for: "
                f"{misfit}",
                provider=target.provider,
                model=target.model,
            )
            # A route may ask another, whose answer takes this one's place.
            failure.reply = record.reply()
            failure.__cause__ = misfit.__cause__
            return failure
        return None

    async def _end(self, outcome: Outcome, failure: TurnoutError | None) -> None:
        generator, self._generator = self._generator, None
        if generator is None:
            return
        try:
            async with asyncio.timeout(_CLEANUP):
                await close_generator(generator)
        except Exception as error:  # noqa: BLE001 whatever a plugin raises
            # Told by the attempt alone: whoever closes a stream wants no more of it.
            failure = failure or self._fault(error)
        finally:
            self._note(outcome, failure)

    def _note(self, outcome: Outcome, failure: TurnoutError | None) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.leave()
        record = self._record
        usage = record.usage
        if failure is not None and self._first_delta is not None:
            usage = self._estimated(usage or Usage())
        attempt = Attempt(
            target=self._target,
            outcome=outcome,
            error=failure,
            first_delta=self._first_delta,
            seconds=self._now() - self._started,
            usage=usage,
            join=record.join,
            dropped=record.dropped,
            prices_id=self._provider.prices_id,
        )
        enter(record, attempt)
        if self._hooks is not None:
            self._hooks.ended(attempt)

    def _estimated(self, told: Usage) -> Usage:
        """Return what an attempt may have cost that broke before all of it was said."""
        asked, given = told.input_tokens, told.output_tokens
        if asked is not None and given is not None:
            return told
        if asked is None:
            asked = sum(estimate_tokens(one.text) for one in self._request.messages)
        if given is None:
            text = self._record.text[self._characters_before :]
            given = estimate_tokens(text)
        return replace(told, input_tokens=asked, output_tokens=given, estimated=True)

    def _fault(self, error: BaseException) -> PluginError:
        """Return the error for what a plugin raised."""
        did = f"raised {type(error).__name__}"
        if isinstance(error, NotAnEventError):
            did = f"gave {error} in place of text or an event"
        fault = PluginError(
            f"provider {self._target.provider!r} {did} while it answered; that is a "
            "fault of its plugin"
        )
        fault.__cause__ = error
        return fault

    def _overdue(self) -> TurnoutError:
        """Return the error for the time that is up."""
        target = self._target
        if self._due == self._deadline:
            return DeadlineError(
                f"the deadline passed while {target} was asked, "
                f"{self._now() - self._started:.3g} s after that began"
            )
        if self._first_delta is None:
            return FirstDeltaTimeoutError(
                f"{target} gave nothing of an answer within "
                f"first_delta_timeout={self._first_delta_timeout:g} s"
            )
        return StreamStalledError(
            f"{target} stalled: no more of the answer within "
            f"stall_timeout={self._stall_timeout:g} s, after "
            f"{self._record.characters} characters"
        )


def _generator(provider: Provider, request: ChatRequest) -> Batches:
    try:
        # Whatever a plugin gives at run time, in spite of the types.
        generator: Any | Batches = provider.generate(request)
    except Exception as error:  # noqa: BLE001 whatever a plugin raises
        return _Failing(error)
    if hasattr(generator, "__anext__"):
        return generator
    kind = type(generator).__name__
    if isinstance(generator, CoroutineType):
        # Else Python warns that it was never awaited.
        cast("CoroutineType[object, object, object]", generator).close()
    return _Failing(
        PluginError(
            f"{type(provider).__name__}.generate gave a {kind}; "
            "it is an async generator: `async def` with a `yield` in it"
        )
    )


class _Failing(AsyncIterator[NoReturn]):
    """Stands for a generator that could not be had, so that the attempt is noted."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def __anext__(self) -> NoReturn:
        raise self._error


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
