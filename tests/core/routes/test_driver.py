"""What a route does after each failure."""

from __future__ import annotations

import asyncio
import dataclasses
import pickle
import traceback
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from turnout.errors import (
    ArgumentError,
    AuthenticationError,
    ConfigError,
    ConnectError,
    ConnectionLostError,
    ContentFilterError,
    ContextLengthError,
    DeadlineError,
    FallbackError,
    FirstDeltaTimeoutError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    PluginError,
    ProtocolError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    StreamBrokenError,
    StreamError,
    StreamStalledError,
    StreamTruncatedError,
    TurnoutError,
    UnavailableError,
    UnsupportedError,
)
from turnout.routes import Route
from turnout.types import (
    Capabilities,
    ChatRequest,
    Finish,
    ModelInfo,
    ProviderInfo,
    ReasoningDelta,
    Usage,
)

from ..scripted import Scripted, saying

SHORT = 0.05

NEXT: list[type[TurnoutError]] = [
    AuthenticationError,
    ConfigError,
    InvalidRequestError,
    PluginError,
    StreamBrokenError,
    PermissionDeniedError,
    ConnectError,
    ConnectionLostError,
    ContextLengthError,
    FirstDeltaTimeoutError,
    ModelUnavailableError,
    OverloadedError,
    ProtocolError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    StreamError,
    StreamStalledError,
    StreamTruncatedError,
    UnavailableError,
    UnsupportedError,
]
RAISED: list[type[TurnoutError]] = [
    ArgumentError,
    ContentFilterError,
    DeadlineError,
]


def route_of(*providers: Scripted, **policy: object) -> Route:
    # No target is retried: other tests cover retries.
    policy = {"max_attempts": 1, **policy}
    return Route([provider.target() for provider in providers], policy)


def waiting(name: str = "Slow", **options: Any) -> Scripted:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        await asyncio.Event().wait()
        yield "never"

    return Scripted(answer, info=saying(name=name).info, **options)


async def failure_of(route: Route, deadline: float | None = None) -> TurnoutError:
    with pytest.raises(TurnoutError) as caught:
        await route.complete("Why?", deadline=deadline)
    return caught.value


@pytest.mark.parametrize("kind", NEXT)
async def test_the_next_target_is_tried_at_once(kind: type[TurnoutError]) -> None:
    error = kind("no")
    reply = await route_of(saying(error, name="A"), saying("b", name="B")).complete("?")

    assert reply.text == "b"
    assert str(reply.target) == "B:one"
    assert [(str(a.target), a.outcome, a.error) for a in reply.attempts] == [
        ("A:one", "failed", error),
        ("B:one", "complete", None),
    ]


@pytest.mark.parametrize("kind", RAISED)
async def test_no_other_target_is_tried(kind: type[TurnoutError]) -> None:
    error, other = kind("no"), saying("b", name="B")
    raised = await failure_of(route_of(saying(error, name="A"), other))

    assert raised is error
    assert other.requests == []
    assert error.reply is not None
    assert [attempt.outcome for attempt in error.reply.attempts] == ["failed"]


async def test_a_policy_may_try_another_target_after_a_content_filter() -> None:
    first, second = saying(ContentFilterError("no"), name="A"), saying("b", name="B")
    route = route_of(first, second, fallback_on_content_filter=True)

    assert (await route.complete("Why?")).text == "b"


async def test_a_failure_before_the_first_delta_is_not_shown() -> None:
    first = saying(
        Usage(input_tokens=1), Finish(reason="length"), ServerError("no"), name="A"
    )
    second = saying("b", name="B")
    stream = route_of(first, second).stream("Why?")
    events = [event async for event in stream.events()]

    assert events == ["b", Finish(reason="unknown")]
    assert stream.reply.finish_reason == "unknown"
    assert stream.reply.usage == Usage(input_tokens=1)


@pytest.mark.parametrize("shown", ["a", ReasoningDelta(text="a")])
async def test_an_error_after_the_first_delta_is_raised(shown: object) -> None:
    # M16.
    error, other = StreamTruncatedError("cut"), saying("b", name="B")
    stream = route_of(saying(shown, error, name="A"), other, failover="off").stream("?")
    with pytest.raises(StreamTruncatedError) as caught:
        async for _ in stream.events():
            pass

    assert caught.value is error
    assert other.requests == []
    assert error.reply is not None
    assert error.reply.text + error.reply.reasoning == "a"
    assert str(error.reply.target) == "A:one"


async def test_the_failure_of_a_lone_target_is_a_fallback_error_too() -> None:
    error = ServerError("no")

    failure = await failure_of(route_of(saying(error)))

    assert isinstance(failure, FallbackError)
    assert failure.exceptions == (error,)
    assert str(failure).startswith("no target answered: Scripted:one: no")
    assert [attempt.error for attempt in failure.attempts] == [error]


@pytest.mark.parametrize("kind", [ArgumentError, ContentFilterError, DeadlineError])
async def test_a_lone_target_raises_a_final_error(
    kind: type[TurnoutError],
) -> None:
    error = kind("no")

    assert await failure_of(route_of(saying(error))) is error


async def test_an_exception_of_a_plugin_moves_a_route_to_the_next_target() -> None:
    first, second = saying(RuntimeError("bug"), name="A"), saying("b", name="B")

    reply = await route_of(first, second).complete("Why?")

    assert reply.text == "b"
    error = reply.attempts[0].error
    assert isinstance(error, PluginError)
    assert isinstance(error.__cause__, RuntimeError)


async def test_a_traceback_has_the_frames_of_the_plugin_and_none_of_the_route() -> None:
    # The route's frames would keep the answer alive as long as the error.
    errors = [ServerError("first"), ServerError("second")]
    await failure_of(route_of(*(saying(error) for error in errors)))

    for error in errors:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        files = [Path(frame.f_code.co_filename).name for frame in frames]
        assert "scripted.py" in files
        assert "_driver.py" not in files


async def test_all_errors_are_raised_together_in_order() -> None:
    errors = [ServerError("first"), RateLimitError("second")]
    route = route_of(*(saying(e, name=n) for e, n in zip(errors, "AB", strict=True)))
    failure = await failure_of(route)

    assert isinstance(failure, FallbackError)
    assert list(failure.exceptions) == errors
    assert failure.__cause__ is errors[0]
    assert "A:one: first; B:one: second" in str(failure)
    assert [str(a.target) for a in failure.attempts] == ["A:one", "B:one"]
    assert failure.reply is not None
    assert failure.reply.attempts == failure.attempts


async def test_the_error_of_all_targets_can_be_pickled() -> None:
    failure = await failure_of(
        route_of(saying(ServerError("a")), saying(ServerError("b")))
    )
    copy = pickle.loads(pickle.dumps(failure))

    assert isinstance(copy, FallbackError)
    assert str(copy) == str(failure)
    assert [str(error) for error in copy.exceptions] == ["a", "b"]
    assert [attempt.outcome for attempt in copy.attempts] == ["failed", "failed"]


async def test_a_target_without_support_is_passed_over() -> None:
    info = saying(name="A").info
    first = Scripted(saying("a").generate, info=info)
    second = saying("b", name="B")
    second.info = _with_tools(second)
    route = Route([first.target(), second.target()])
    tools = [{"type": "function", "function": {"name": "f"}}]
    reply = await route.complete("Why?", tools=tools)

    assert reply.text == "b"
    assert first.requests == []
    (passed, asked) = reply.attempts
    assert (passed.outcome, str(passed.target)) == ("passed_over", "A:one")
    assert isinstance(passed.error, UnsupportedError)
    assert "tools" in str(passed.error)
    assert asked.outcome == "complete"


def _with_tools(provider: Scripted) -> ProviderInfo:
    return dataclasses.replace(provider.info, capabilities=Capabilities(tools=True))


async def test_a_request_that_no_target_supports_is_a_fallback_error() -> None:
    route = route_of(saying("a"))

    with pytest.raises(FallbackError, match="tools") as caught:
        await route.complete(
            "Why?", tools=[{"type": "function", "function": {"name": "f"}}]
        )

    assert [type(error) for error in caught.value.exceptions] == [UnsupportedError]


async def test_missing_support_is_reported_before_a_context_window() -> None:
    small = ProviderInfo(name="A", models=(ModelInfo(name="m", context_window=1),))
    with pytest.raises(FallbackError, match="tools") as caught:
        await route_of(Scripted(saying("a").generate, info=small)).complete(
            "Why is it so?", tools=[{"type": "function", "function": {"name": "f"}}]
        )

    assert [type(error) for error in caught.value.exceptions] == [UnsupportedError]


async def test_every_target_is_tried_although_the_policy_allows_one_attempt() -> None:
    providers = [saying(ServerError("no"), name=name) for name in "ABCDE"]

    failure = await failure_of(route_of(*providers))

    assert isinstance(failure, FallbackError)
    assert [len(provider.requests) for provider in providers] == [1] * 5


async def test_the_policys_first_delta_timeout_overrides_the_targets() -> None:
    route = route_of(waiting(), saying("b"), first_delta_timeout=SHORT)
    reply = await route.complete("Why?")

    assert reply.text == "b"
    assert isinstance(reply.attempts[0].error, FirstDeltaTimeoutError)


async def test_the_policys_stall_timeout_overrides_the_targets() -> None:
    async def stalling(_: ChatRequest) -> AsyncGenerator[str]:
        yield "a"
        await asyncio.Event().wait()

    failure = await failure_of(route_of(Scripted(stalling), stall_timeout=SHORT))

    assert isinstance(failure, FallbackError)
    assert [type(error) for error in failure.exceptions] == [StreamStalledError]
    assert failure.reply is not None
    assert failure.reply.text == "a"


async def test_a_lone_target_that_breaks_after_its_text_raises_its_own_error() -> None:
    error = StreamTruncatedError("cut")
    stream = route_of(saying("a", error)).stream("Why?")

    with pytest.raises(StreamTruncatedError) as caught:
        async for _ in stream:
            pass

    assert caught.value is error
    assert error.reply is not None
    assert error.reply.text == "a"


@pytest.mark.parametrize("by", ["policy", "request"])
async def test_the_deadline_is_over_all_attempts(by: str) -> None:
    first = waiting(first_delta_timeout=0.01)
    other = saying("b", name="B")
    policy = {"deadline": 0.5 if by == "policy" else 60.0}
    route = route_of(first, other, **policy)
    error = await failure_of(route, None if by == "policy" else 0.5)

    # Half a second is too short for another target.
    assert isinstance(error, DeadlineError)
    assert "B:one" in str(error)
    assert isinstance(error.__cause__, FirstDeltaTimeoutError)
    assert other.requests == []


async def test_a_deadline_within_an_attempt_tries_no_other_target() -> None:
    other = saying("b")
    error = await failure_of(route_of(waiting(), other, deadline=SHORT))

    assert isinstance(error, DeadlineError)
    assert other.requests == []


async def test_a_short_deadline_lets_the_first_target_answer() -> None:
    reply = await route_of(saying("a"), deadline=0.5).complete("Why?")

    assert reply.text == "a"


async def test_closing_tries_no_other_target() -> None:
    closing = asyncio.Event()
    other = saying("b", name="B")

    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            yield ""
            raise ServerError("no")
        finally:
            # Closed while the attempt fails, without a wait.
            closing.set()
            for _step in range(5):
                await asyncio.sleep(0)

    stream = route_of(Scripted(answer), other).stream("Why?")
    reading = asyncio.create_task(stream.collect())
    await closing.wait()
    await stream.aclose()

    assert [a.outcome for a in (await reading).attempts] == ["closed"]
    assert other.requests == []


async def test_closing_while_a_failed_attempt_is_closed_tries_no_other() -> None:
    closing = asyncio.Event()
    other = saying("b", name="B")

    async def answer(_: ChatRequest) -> AsyncGenerator[object]:
        try:
            while True:
                yield ""
        finally:
            closing.set()
            for _step in range(5):
                await asyncio.sleep(0)

    first = Scripted(answer, first_delta_timeout=0.01)
    stream = route_of(first, other).stream("Why?")
    reading = asyncio.create_task(stream.collect())
    await closing.wait()
    await stream.aclose()

    assert [a.outcome for a in (await reading).attempts] == ["failed"]
    assert other.requests == []


async def test_cancelling_tries_no_other_target() -> None:
    other = saying("b")
    task = asyncio.create_task(route_of(waiting(), other).complete("Why?"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert other.requests == []


async def test_closing_a_route_between_batches_closes_its_attempt() -> None:
    async with route_of(saying("a", "b")).stream("Why?") as stream:
        pass

    assert [attempt.outcome for attempt in stream.reply.attempts] == ["closed"]
