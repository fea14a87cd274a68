"""One attempt at one target: its timers, its outcome and its errors.

What a stream reads is a `Reader`: an attempt, or a route's driver, which reads one
attempt after another. They are plain objects with a coroutine, and no async
generators: those cost more to begin, and each more that stands between the socket and
the reader costs as much as parsing an event.

Loaded with the first stream that is read, as asyncio takes long to import.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from inspect import unwrap
from pathlib import Path
from time import time
from types import AsyncGeneratorType, CodeType, CoroutineType
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, cast

from turnout._abandon import GRACE, Abandonable, AbandonedError
from turnout._ledger import enter
from turnout._record import NotAnEventError, Record
from turnout._tokens import estimate_tokens
from turnout._validation import kind_of
from turnout._waiter import EndSeenError, Waiter
from turnout.errors import (
    DeadlineError,
    EmptyReplyError,
    FirstDeltaTimeoutError,
    InvalidReplyError,
    PluginError,
    ProviderError,
    StreamStalledError,
    StreamTruncatedError,
    TurnoutError,
)
from turnout.types import (
    AnswerForm,
    Attempt,
    ChatRequest,
    Event,
    Finish,
    Outcome,
    ReasoningDelta,
    Target,
    Usage,
)

if TYPE_CHECKING:
    from turnout._gate import Gate
    from turnout.provider import Provider

__all__ = ["AttemptReader", "Batches", "close_generator"]

Batches: TypeAlias = AsyncIterator[Event | list[Event]]
"""What a provider's `generate` gives."""

_PACKAGE = Path(__file__).parent

_SIGNATURE = "`async def generate(self, request)`"

_CLEANUP = 1.0
"""Seconds that a provider has to close what it opened."""


class AttemptReader:
    """Send a request to one target, and return the answer in batches.

    Events before the first delta, such as usage, are held until it comes: nothing is
    shown of an attempt without one.

    Args:
        provider: `request.model` is one of its models.
        request: The request to send.
        record: Collects the answer and, at the end, the attempt.
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
        "_abandoned",
        "_characters_before",
        "_deadline",
        "_due",
        "_first_delta",
        "_first_delta_timeout",
        "_gate",
        "_generator",
        "_held",
        "_hooks",
        "_id",
        "_now",
        "_provider",
        "_record",
        "_request",
        "_sent",
        "_slot_limits",
        "_source",
        "_stall_timeout",
        "_started",
        "_started_at",
        "_target",
        "_trusted",
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
        # Says so of a plugin that ignored its cancellation.
        self._abandoned: PluginError | None = None
        self._id = record.next_id()
        self._started_at = time()
        self._hooks = hooks = provider.find_hooks()
        self._request = request
        if hooks is not None:
            self._request = request = hooks.rewrite(request, target)
            hooks.started(
                Attempt(
                    target=target,
                    outcome="running",
                    prices_id=provider.prices_id,
                    id=self._id,
                    stream_id=record.stream_id,
                    started_at=self._started_at,
                    route=record.route,
                    request=request,
                )
            )
        self._characters_before = record.characters
        # What `generate` returned, without what `through` makes of it.
        self._source: Batches | None
        self._source = batches = _generator(provider, request)
        self._generator: Batches | None
        self._generator = (
            batches if through is None else through(_until_end(batches, waiter))
        )
        self._trusted = provider.lets_cancellation_pass

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
        rest: list[Event] | None = None
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
                    if self._trusted:
                        item = await generator.__anext__()
                    else:
                        code = Abandonable(generator.__anext__())
                        item = await code
                        self._pass_on(code)
                finally:
                    waiter.end()
                batch: list[Event] = item if isinstance(item, list) else [item]
                # Coverage loses the lines of a frame after a throw, on Python 3.11.
                if waiter.interrupted and self._is_too_late(batch):  # pragma: no cover
                    break
                progress = record.take(batch)
                if progress is None:
                    batch = self._without_end(batch)
                    if batch:
                        self._due = None
                        return batch
                if progress:
                    self._due = None
                    return (
                        batch if self._first_delta is not None else self._first(batch)
                    )
                if self._first_delta is not None:
                    return batch
                self._held += filter(None, batch)
                # A provider that gives nothing without waiting meets no timer.
                if waiter.closed or self._now() >= due:
                    break
        except StopAsyncIteration:
            if record.is_good() and self._request.answer_form is None:
                return self._complete()
            failure = self._flaw()
            if failure is None:
                return self._complete()
        except asyncio.CancelledError as error:
            if isinstance(error, AbandonedError):
                self._abandoned = self._deaf()
            if waiter.cancelled():
                await self.close()
                if type(error) is asyncio.CancelledError:
                    raise
                # `asyncio.timeout` takes no subclass for a cancellation of its own.
                raise asyncio.CancelledError from None
            if isinstance(error, EndSeenError):
                rest = error.events
            failure = self._fault(error)
        except TurnoutError as error:
            failure = _placed(error, self._target)
        except BaseException as error:
            if not _is_fault(error):
                raise
            failure = self._fault(error)
        return await self._settle(failure, rest)

    async def _settle(
        self, failure: TurnoutError | None, rest: list[Event] | None
    ) -> Sequence[Event] | None:
        """End the attempt after a failure or a timer; return what is left to show.

        Args:
            failure: None if a timer fired.
            rest: The last batch of a provider that was ended after its answer's end.
        """
        waiter = self._waiter
        if waiter.closed:
            await self.close()
            return None
        if rest is not None:  # The answer is complete, whatever ended its provider.
            self._generator = _Rest(rest)
            return await self.read()
        if failure is None or waiter.interrupted:
            failure = self._time_up()
            if failure is None:
                return await self._complete_early()
        await self._end("failed" if self._gate else "passed_over", failure)
        raise failure

    def hand_over(self, record: Record, waiter: Waiter) -> None:
        """Replace the record by another, which takes over its content.

        Args:
            record: Collects the answer from now on.
            waiter: Watches over the waits from now on.
        """
        record.absorb(self._record)
        self._record = record
        self._waiter = waiter

    async def close(self) -> None:
        """Stop the attempt now."""
        await self._end("closed", self._abandoned)

    def abandon(self) -> None:
        """Release the slot without awaiting; the garbage collector closes the rest."""
        gate, self._gate = self._gate, None
        if gate is not None:
            with suppress(RuntimeError):  # The loop is closed, and no task waits.
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
        """Record that the first delta came; return what is to be shown."""
        self._first_delta = self._now() - self._started
        self._record.target = self._target
        held, self._held = self._held, []
        return [*held, *batch]

    def _pass_on(self, code: Abandonable[Event | list[Event]]) -> None:
        """Raise a caller's cancellation that the plugin has caught."""
        if code.cancelled and not self._waiter.wanted:
            raise asyncio.CancelledError

    def _is_too_late(self, batch: list[Event]) -> bool:
        """Tell whether a batch that came in spite of a timer is of no use."""
        ends = any(isinstance(event, Finish) for event in batch)
        return self._now() >= self._deadline and not ends

    def _without_end(self, batch: list[Event]) -> list[Event]:
        """Hold back the finish of an answer that is not good; return what to show.

        If the answer stays empty, its finish is never shown.
        """
        shown: list[Event] = []
        end: list[Event] = []
        for event in batch:
            if isinstance(event, Usage | Finish):
                end.append(event)
            elif event.text if isinstance(event, ReasoningDelta) else event:
                shown.append(event)
        if shown and self._first_delta is None:
            shown = self._first(shown)
        self._held += end
        return shown

    def _complete(self) -> list[Event]:
        record = self._record
        record.target = self._target
        record.complete = True
        self._generator = None  # It has ended by itself.
        self._note("complete", None)
        return self._last()

    async def _complete_early(self) -> list[Event]:
        """Take the answer as complete although its provider has not ended."""
        record = self._record
        record.target = self._target
        record.complete = True
        await self._end("complete", None)
        return self._last()

    def _last(self) -> list[Event]:
        """Return what was held back until the answer was accepted."""
        record, held = self._record, self._held
        if not record.is_finished():
            return [*held, record.finish_unknown()]
        if not held:
            return held
        # A finish that was taken back is not the answer's.
        end = record.finish
        return [e for e in held if e is end or not isinstance(e, Finish)]

    def _flaw(self) -> TurnoutError | None:
        """Return what is wrong with an answer that has ended; None if it is good."""
        record, target = self._record, self._target
        if record.is_reopened():
            return _placed(
                StreamTruncatedError(
                    f"{target} went on after its finish reason, and ended without "
                    "another"
                ),
                target,
            )
        if not record.is_good() and not self._may_be_empty():
            what = "neither text nor a tool call"
            if record.reply().reasoning:
                what = "reasoning alone, and " + what
            failure = EmptyReplyError(
                f"the answer of {target} has {what}; if that is right for your "
                "request, pass allow_empty=True",
                provider=target.provider,
                model=target.model,
            )
            failure.reply = record.reply()
            return failure
        form = self._request.answer_form
        return None if form is None else self._misfit(form)

    def _may_be_empty(self) -> bool:
        """Return whether an answer may have neither text nor a tool call."""
        request, finish = self._request, self._record.finish
        return (
            request.allow_empty
            # A limit or a filter left no text, which the finish reason says.
            or (finish is not None and finish.reason in {"length", "content_filter"})
            # After its tool was called, a model may have nothing to add.
            or any(message.role == "tool" for message in request.messages[-1:])
        )

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
        task = asyncio.current_task()
        cancelled = task.cancelling() if task is not None else 0
        try:
            async with asyncio.timeout(_CLEANUP):
                await Abandonable(close_generator(generator), GRACE - _CLEANUP)
        except AbandonedError:
            failure = failure or self._deaf()
            if task is not None and task.cancelling() > cancelled:
                raise asyncio.CancelledError from None
        except BaseException as error:
            if not _is_fault(error):
                raise
            # The attempt alone says so: a caller that closes a stream is done with it.
            failure = failure or self._fault(error)
        finally:
            self._note(outcome, failure)

    def _note(self, outcome: Outcome, failure: TurnoutError | None) -> None:
        self._source = None
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
            id=self._id,
            stream_id=record.stream_id,
            started_at=self._started_at,
            route=record.route,
        )
        enter(record, attempt)
        if self._hooks is not None:
            self._hooks.ended(replace(attempt, request=self._request))

    def _estimated(self, reported: Usage) -> Usage:
        """Fill in the token counts of a failed attempt with estimates."""
        asked, given = reported.input_tokens, reported.output_tokens
        if asked is not None and given is not None:
            return reported
        if asked is None:
            asked = sum(estimate_tokens(one.text) for one in self._request.messages)
        if given is None:
            text = self._record.text[self._characters_before :]
            given = estimate_tokens(text)
        return replace(
            reported, input_tokens=asked, output_tokens=given, estimated=True
        )

    def _fault(self, error: BaseException) -> PluginError:
        """Return the error for what a plugin raised."""
        name = f"provider {self._target.provider!r}"
        if isinstance(error, NotAnEventError):
            # Without it as the cause: its text is in the message, and its traceback
            # has no code of the plugin.
            return PluginError(
                f"{name}: {type(self._provider).__name__}.generate yielded {error}"
                f"{_yield_place(self._provider, self._source)}; {error.advice}"
            )
        fault = PluginError(
            f"{name} raised {type(error).__name__}{_raise_place(error)} while it "
            "answered; that is a fault of its plugin"
        )
        fault.__cause__ = error
        return fault

    def _deaf(self) -> PluginError:
        """Return the error for a plugin that ignores its cancellation."""
        return PluginError(
            f"provider {self._target.provider!r} ignored its cancellation for "
            f"{GRACE:g} s, so that it was left; its plugin has to let CancelledError "
            "pass"
        )

    def _time_up(self) -> TurnoutError | None:
        """Return the error for the timer that fired; None if the answer is whole."""
        if self._record.is_finished():
            return self._flaw()
        failure = _placed(self._overdue(), self._target)
        failure.__cause__ = self._abandoned
        return failure

    def _overdue(self) -> TurnoutError:
        """Return the error for the timer that fired."""
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
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        traceback = error.__traceback__
        # The call itself failed, and no line of `generate` was run.
        if isinstance(error, TypeError) and traceback and traceback.tb_next is None:
            return _Failing(_cannot_be_called(provider))
        return _Failing(error)
    if hasattr(generator, "__anext__"):
        return generator
    found = "None" if generator is None else kind_of(generator)
    if isinstance(generator, CoroutineType):
        # Else Python warns that it was never awaited.
        cast("CoroutineType[object, object, object]", generator).close()
    return _Failing(
        PluginError(
            f"provider {provider.info.name!r}: {type(provider).__name__}.generate "
            f"returned {found}{_generate_place(provider)}; write it as an async "
            f"generator: {_SIGNATURE} with a `yield` in it"
        )
    )


def _cannot_be_called(provider: Provider) -> PluginError:
    """Return the error for a `generate` that does not take a request."""
    return PluginError(
        f"provider {provider.info.name!r}: {type(provider).__name__}.generate cannot "
        f"be called with a request{_generate_place(provider)}; write it as {_SIGNATURE}"
    )


def _yield_place(provider: Provider, source: Batches | None) -> str:
    """Return where a generator is suspended, for a message."""
    frame = source.ag_frame if isinstance(source, AsyncGeneratorType) else None
    if frame is None:  # An object with `__anext__`.
        return _generate_place(provider)
    return _shown_place(frame.f_code, frame.f_lineno)


def _generate_place(provider: Provider) -> str:
    """Return where a provider's `generate` begins, for a message."""
    code = getattr(unwrap(type(provider).generate), "__code__", None)
    if code is None:  # An object that can be called.
        return ""
    return _shown_place(code, code.co_firstlineno)


def _raise_place(error: BaseException) -> str:
    """Return the first line of an error's traceback outside this package."""
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if _PACKAGE not in Path(code.co_filename).parents:
            return _shown_place(code, traceback.tb_lineno)
        traceback = traceback.tb_next
    return ""


def _shown_place(code: CodeType, line: int) -> str:
    return f" ({code.co_filename}:{line})"


def _is_fault(error: BaseException) -> bool:
    """Tell whether what a provider raised is its fault: `SystemExit` is, for one.

    Not so Ctrl-C, and what ends a coroutine from outside.
    """
    ends = (KeyboardInterrupt, GeneratorExit, asyncio.CancelledError)
    return not isinstance(error, ends)


class _Rest(AsyncIterator[list[Event]]):
    """Gives the last batch of a provider that was ended after its answer's end."""

    def __init__(self, batch: list[Event]) -> None:
        self._batches = [batch]

    async def __anext__(self) -> list[Event]:
        if self._batches:
            return self._batches.pop()
        raise StopAsyncIteration


class _Failing(AsyncIterator[NoReturn]):
    """Stands for a generator that could not be had, so that the attempt is noted."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def __anext__(self) -> NoReturn:
        raise self._error


async def _until_end(
    batches: Batches, waiter: Waiter
) -> AsyncGenerator[Event | list[Event]]:
    """Give a provider's batches, the last ones too if a timer ends it after its end."""
    try:
        async for item in batches:
            yield item
    except EndSeenError as error:
        if not waiter.wanted:
            raise
        yield error.events
    finally:
        await close_generator(batches)


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
    """Add the target to a provider's error that does not name one."""
    if isinstance(error, ProviderError):
        error.provider = error.provider or target.provider
        error.model = error.model or target.model
    return error
