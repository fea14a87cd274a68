from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import turnout
from turnout import Provider, fallback
from turnout._attempt import (
    AttemptReader,
    _until_end,  # pyright: ignore[reportPrivateUsage]
    close_generator,
)
from turnout._record import Record
from turnout._waiter import EndSeenError, Waiter
from turnout.errors import (
    DeadlineError,
    FallbackError,
    FirstDeltaTimeoutError,
    PluginError,
    ProviderError,
    ServerError,
    StreamStalledError,
    TurnoutError,
)
from turnout.streams import Stream
from turnout.types import (
    Attempt,
    ChatRequest,
    Event,
    Finish,
    ProviderInfo,
    ReasoningDelta,
    Target,
    ToolCallDelta,
    Usage,
)

from . import scripted
from .scripted import Ledger, Scripted, saying

SHORT = 0.05
"""Seconds of a timer that is to fire."""


async def events_of(stream: Stream) -> list[Event]:
    return [event async for event in stream.events()]


async def failure_of(provider: Scripted, **options: Any) -> TurnoutError:
    """Ask, and return the error that comes of it."""
    with pytest.raises(TurnoutError) as caught:
        await provider.complete("Why?", **options)
    assert caught.value.reply is not None
    return caught.value


def only_attempt(error: TurnoutError) -> Attempt:
    assert error.reply is not None
    (attempt,) = error.reply.attempts
    return attempt


def hanging(*items: object, **options: Any) -> Scripted:
    """Return a provider that gives these items and then nothing more."""

    async def answer(_: ChatRequest) -> AsyncGenerator[object]:
        for item in items:
            yield item
        await asyncio.Event().wait()

    return Scripted(answer, **options)


async def test_a_complete_attempt_says_what_became_of_it() -> None:
    provider = saying("a", Usage(output_tokens=1), "b", Finish(reason="stop"))
    ledger = Ledger()
    reply = await provider.complete("Why?", model="two")

    (attempt,) = reply.attempts
    assert attempt.target == reply.target == Target("Scripted", "two")
    assert (attempt.outcome, attempt.error) == ("complete", None)
    assert attempt.usage == Usage(output_tokens=1)
    assert attempt.first_delta is not None
    assert 0 <= attempt.first_delta <= attempt.seconds
    assert ledger.over == [attempt]
    assert [a.outcome for a in ledger.began] == ["running"]


async def test_nothing_is_shown_before_the_first_delta() -> None:
    failing = saying(Usage(input_tokens=1), "", ServerError("no"))
    events = failing.stream("Why?").events()
    with pytest.raises(ServerError):
        await anext(events)


async def test_empty_text_is_not_held() -> None:
    request = ChatRequest.build("Why?", model="one")
    provider, waiter = saying(*[""] * 100, ["", ""], "a"), Waiter()
    reader = AttemptReader(provider, request, Record(), waiter, math.inf)

    assert await reader.read() == ["a"]
    await reader.close()
    waiter.close()


async def test_what_was_held_is_shown_with_the_first_delta_in_order() -> None:
    usage, thought = Usage(input_tokens=1), ReasoningDelta(text="hm")
    finish = Finish(reason="stop")
    stream = saying(usage, [""], [thought, "a"], usage, finish).stream("Why?")

    assert await events_of(stream) == [usage, thought, "a", usage, finish]


async def test_what_was_held_is_shown_if_there_is_no_delta() -> None:
    usage, finish = Usage(input_tokens=1), Finish(reason="stop")
    stream = saying(usage, finish).stream("Why?", allow_empty=True)

    assert await events_of(stream) == [usage, finish]


async def test_an_end_without_a_reason_is_shown_as_unknown() -> None:
    unknown = Finish(reason="unknown")
    empty = saying().stream("Why?", allow_empty=True)

    assert await events_of(saying("a").stream("Why?")) == ["a", unknown]
    assert await events_of(empty) == [unknown]


async def test_the_target_of_an_empty_answer_is_in_the_reply() -> None:
    reply = await saying().complete("Why?", allow_empty=True)

    assert reply.target == Target("Scripted", "one")


async def test_a_provider_that_gives_nothing_runs_out_of_first_delta_timeout() -> None:
    error = await failure_of(hanging(first_delta_timeout=SHORT))

    assert isinstance(error, FirstDeltaTimeoutError)
    assert f"first_delta_timeout={SHORT} s" in str(error)
    assert (error.provider, error.model) == ("Scripted", "one")
    assert only_attempt(error).error is error
    assert only_attempt(error).outcome == "failed"
    assert only_attempt(error).first_delta is None


@pytest.mark.parametrize(
    "item", ["", [], Usage(input_tokens=1), ReasoningDelta(text="")]
)
async def test_what_is_no_delta_does_not_hold_off_the_first_one(item: object) -> None:
    async def pinging(_: ChatRequest) -> AsyncGenerator[object]:
        while True:
            await asyncio.sleep(0)
            yield item

    error = await failure_of(Scripted(pinging, first_delta_timeout=SHORT))

    assert isinstance(error, FirstDeltaTimeoutError)


async def test_a_provider_that_never_waits_runs_out_of_time_too() -> None:
    async def spinning(_: ChatRequest) -> AsyncGenerator[object]:
        while True:
            yield ""

    error = await failure_of(Scripted(spinning, first_delta_timeout=SHORT))

    assert isinstance(error, FirstDeltaTimeoutError)


@pytest.mark.parametrize(
    "delta", ["a", ReasoningDelta(text="a"), ToolCallDelta(index=0, name="f")]
)
async def test_a_provider_that_stops_stalls(delta: Event) -> None:
    error = await failure_of(hanging(delta, stall_timeout=SHORT))

    assert isinstance(error, StreamStalledError)
    assert f"stall_timeout={SHORT} s" in str(error)
    assert only_attempt(error).first_delta is not None


async def test_a_stall_keeps_what_came() -> None:
    error = await failure_of(hanging("some ", "text", stall_timeout=SHORT))

    assert "after 9 characters" in str(error)
    assert error.reply is not None
    assert error.reply.text == "some text"
    assert error.reply.finish_reason is None
    assert error.reply.target == Target("Scripted", "one")


@pytest.mark.parametrize("item", ["", [], Usage(input_tokens=1)])
async def test_what_is_no_delta_does_not_hold_off_a_stall(item: object) -> None:
    async def pinging(_: ChatRequest) -> AsyncGenerator[object]:
        yield "a"
        while True:
            await asyncio.sleep(0)
            yield item

    error = await failure_of(Scripted(pinging, stall_timeout=SHORT))

    assert isinstance(error, StreamStalledError)


async def test_each_delta_has_the_whole_stall_timeout() -> None:
    async def slow(_: ChatRequest) -> AsyncGenerator[str]:
        for _step in range(6):
            await asyncio.sleep(0.05)
            yield "a"

    reply = await Scripted(slow, stall_timeout=0.2).complete("Why?")

    assert reply.text == "a" * 6
    assert reply.attempts[0].seconds > 0.2


async def test_a_readers_own_time_is_no_stall() -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        yield "a"
        await asyncio.sleep(0.01)
        yield "b"

    texts: list[str] = []
    async for text in Scripted(answer, stall_timeout=0.2).stream("Why?"):
        texts.append(text)
        await asyncio.sleep(0.25)

    assert texts == ["a", "b"]


@pytest.mark.parametrize("items", [(), ("a",)])
async def test_the_deadline_is_over_all(items: tuple[str, ...]) -> None:
    error = await failure_of(hanging(*items), deadline=SHORT)

    assert isinstance(error, DeadlineError)
    assert "Scripted:one" in str(error)
    assert only_attempt(error).error is error


async def test_the_deadline_of_the_options_holds_where_a_request_has_none() -> None:
    assert isinstance(await failure_of(hanging(deadline=SHORT)), DeadlineError)


async def test_the_deadline_of_a_request_goes_over_that_of_the_options() -> None:
    async def slow(_: ChatRequest) -> AsyncGenerator[str]:
        await asyncio.sleep(0.05)
        yield "a"

    reply = await Scripted(slow, deadline=0.01).complete("Why?", deadline=60.0)

    assert reply.text == "a"


async def test_the_deadline_ends_a_stream_that_goes_on() -> None:
    async def endless(_: ChatRequest) -> AsyncGenerator[str]:
        while True:
            await asyncio.sleep(0)
            yield "a"

    error = await failure_of(Scripted(endless), deadline=SHORT)

    assert isinstance(error, DeadlineError)


async def test_a_timer_closes_the_provider() -> None:
    closed: list[str] = []

    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            await asyncio.Event().wait()
            yield "never"
        finally:
            await asyncio.sleep(0)
            closed.append("closed")

    await failure_of(Scripted(answer, first_delta_timeout=SHORT))

    assert closed == ["closed"]


async def test_a_timer_leaves_no_trace_in_the_task() -> None:
    task = asyncio.current_task()
    assert task is not None
    await failure_of(hanging(first_delta_timeout=SHORT))

    assert task.cancelling() == 0


async def test_an_error_of_the_tree_is_raised_as_it_is_and_placed() -> None:
    mine = ServerError("no", status_code=500)
    error = await failure_of(saying("a", mine), model="two")

    assert error is mine
    assert (mine.provider, mine.model) == ("Scripted", "two")
    assert only_attempt(error).status_code == 500


async def test_an_error_that_says_whose_it_is_keeps_that() -> None:
    error = await failure_of(saying(ServerError("no", provider="X", model="y")))

    assert isinstance(error, ProviderError)
    assert (error.provider, error.model) == ("X", "y")


@pytest.mark.parametrize(
    "raised",
    [
        ValueError("x"),
        OSError("x"),
        TimeoutError("x"),
        KeyError("x"),
        ExceptionGroup("x", [ServerError("y")]),
        SystemExit(3),
        BaseExceptionGroup("x", [SystemExit(3)]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_else_a_plugin_raises_is_its_fault(
    raised: BaseException,
) -> None:
    error = await failure_of(saying("a", raised))

    assert isinstance(error, PluginError)
    assert "'Scripted'" in str(error)
    assert type(raised).__name__ in str(error)
    assert error.__cause__ is raised
    assert only_attempt(error).error is error


async def test_a_plugin_that_exits_while_it_is_closed_ends_its_attempt_alone() -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            raise SystemExit(3)

    async with Scripted(answer).stream("Why?") as stream:
        assert await anext(aiter(stream)) == "a"

    (attempt,) = stream.reply.attempts
    assert attempt.outcome == "closed"
    assert isinstance(attempt.error, PluginError)


def _exiting(_: ChatRequest) -> AsyncIterator[str]:
    raise SystemExit(3)


async def test_a_plugin_that_exits_at_once_fails() -> None:
    error = await failure_of(Scripted(_exiting))

    assert isinstance(error, PluginError)
    assert isinstance(error.__cause__, SystemExit)


@pytest.mark.parametrize("at_once", [False, True])
async def test_ctrl_c_while_a_plugin_answers_passes_through(at_once: bool) -> None:
    async def late(_: ChatRequest) -> AsyncGenerator[str]:
        yield "a"
        raise KeyboardInterrupt

    def early(_: ChatRequest) -> AsyncIterator[str]:
        raise KeyboardInterrupt

    stream = Scripted(early if at_once else late).stream("Why?")
    with pytest.raises(KeyboardInterrupt):
        await stream.collect()


def _refusing(request: ChatRequest) -> AsyncIterator[str]:
    raise RuntimeError(f"cannot answer {request.last_user_text}")


async def _breaking(request: ChatRequest) -> AsyncGenerator[str]:
    if request.messages:
        raise RuntimeError(f"cannot answer {request.last_user_text}")
    yield "never"


async def _breaking_late(request: ChatRequest) -> AsyncGenerator[str]:
    yield "a"
    raise RuntimeError(f"cannot answer {request.last_user_text}")


@pytest.mark.parametrize("answer", [_refusing, _breaking, _breaking_late])
async def test_a_fault_of_a_plugin_is_logged_once(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(PluginError) as caught:
        await Scripted(answer).complete("A secret question?")

    assert isinstance(caught.value.__cause__, RuntimeError)
    (record,) = [r for r in caplog.records if r.name == "turnout.plugins"]
    assert record.levelno == logging.ERROR
    message = record.getMessage()
    # The line in the plugin, but not what it raised: that may quote the prompt.
    assert "provider 'Scripted' raised RuntimeError (" in message
    assert f"in {answer.__name__}" in message
    assert "secret" not in caplog.text


async def test_a_fault_that_is_no_exception_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await failure_of(Scripted(lambda _: None))  # type: ignore[arg-type, return-value]

    (record,) = [r for r in caplog.records if r.name == "turnout.plugins"]
    assert "async generator" in record.getMessage()


async def test_a_failure_of_a_service_is_no_fault_of_a_plugin(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await failure_of(saying("a", ServerError("no")))

    assert [r for r in caplog.records if r.name == "turnout.plugins"] == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"arguments": {"a": 1}}, "a dict for its arguments", id="object"),
        pytest.param({"arguments": None}, "None for its arguments", id="none"),
        pytest.param({"id": 7}, "an int for its id", id="id"),
        pytest.param({"name": ["f"]}, "a list for its name", id="name"),
        pytest.param({"index": "0"}, "a str for its index", id="index"),
    ],
)
async def test_an_odd_tool_call_is_a_fault(fields: dict[str, Any], told: str) -> None:
    # Else it would come to light where the reply is made, as nobody's error.
    given: dict[str, Any] = {"index": 0, **fields}
    error = await failure_of(saying(ToolCallDelta(**given)))

    assert isinstance(error, PluginError)
    assert f".generate yielded a ToolCallDelta with {told} (" in str(error)
    assert "; see turnout.types.ToolCallDelta for the values of " in str(error)


async def test_odd_reasoning_is_a_fault() -> None:
    nothing: Any = None

    error = await failure_of(saying(ReasoningDelta(text=nothing), "a"))

    assert isinstance(error, PluginError)
    assert "yielded a ReasoningDelta with None for its text (" in str(error)


class Mine(Provider):
    """A provider whose author yields whatever the test says."""

    info = ProviderInfo(name="Mine", models=("one",))
    item: object = None

    async def generate(self, request: ChatRequest) -> AsyncGenerator[Any]:
        yield "a"
        yield self.item


_YIELD = Mine.generate.__code__.co_firstlineno + 2


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (7, "an int"),
        (None, "None"),
        (b"a", "a bytes"),
        ({"a": 1}, "a dict"),
        (("a",), "a tuple"),
        (["a", 7], "an int"),
        (Finish, "the class Finish"),
    ],
)
@pytest.mark.parametrize("in_route", [False, True])
async def test_a_wrong_item_is_reported_with_its_line(
    item: object, kind: str, in_route: bool
) -> None:
    provider = Mine()
    provider.item = item
    target = fallback(provider) if in_route else provider

    with pytest.raises(TurnoutError) as caught:
        await target.complete("Why?")

    error: Exception = caught.value
    if isinstance(error, FallbackError):
        (error,) = error.exceptions
    assert isinstance(error, PluginError)
    assert str(error) == (
        f"provider 'Mine': Mine.generate yielded {kind} ({__file__}:{_YIELD}); yield a "
        "str, an event of turnout.types, or a list of them"
    )
    # A cause would say the same a second time.
    assert error.__cause__ is None


async def test_a_wrong_item_of_an_iterator_is_reported_with_the_line_of_generate() -> (
    None
):
    class Counting:
        def __aiter__(self) -> Counting:
            return self

        async def __anext__(self) -> int:
            return 1

    def answer(_: ChatRequest) -> Any:
        return Counting()

    provider = Scripted(answer)
    line = Scripted.generate.__code__.co_firstlineno

    error = await failure_of(provider)

    assert f"yielded an int ({scripted.__file__}:{line})" in str(error)


async def test_a_plugin_that_was_cancelled_by_itself_is_at_fault() -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future
        yield "never"

    error = await failure_of(Scripted(answer))

    assert isinstance(error, PluginError)
    assert "CancelledError" in str(error)


async def _coroutine() -> None:
    pass


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        pytest.param(_coroutine, "a coroutine", id="coroutine"),
        pytest.param(lambda: None, "None", id="none"),
        pytest.param(lambda: ["a"], "a list", id="list"),
        pytest.param(lambda: "a", "a str", id="text"),
        pytest.param(lambda: (one for one in "a"), "a generator", id="generator"),
    ],
)
async def test_a_generate_that_is_not_an_async_generator_is_a_fault(
    make: Any, kind: str
) -> None:
    provider = Scripted(lambda _: make())
    ledger = Ledger()
    error = await failure_of(provider)

    assert isinstance(error, PluginError)
    line = Scripted.generate.__code__.co_firstlineno
    assert str(error) == (
        f"provider 'Scripted': Scripted.generate returned {kind} "
        f"({scripted.__file__}:{line}); write it as an async generator: `async def "
        "generate(self, request)` with a `yield` in it"
    )
    assert ledger.over == [only_attempt(error)]


async def test_a_generate_that_takes_no_request_is_a_fault() -> None:
    async def answer(self: Provider) -> AsyncGenerator[str]:
        yield "a"

    wrong = type("Wrong", (Mine,), {"generate": answer})
    with pytest.raises(PluginError) as caught:
        await wrong().complete("Why?")

    assert str(caught.value) == (
        "provider 'Mine': Wrong.generate cannot be called with a request "
        f"({__file__}:{answer.__code__.co_firstlineno}); write it as `async def "
        "generate(self, request)`"
    )


async def test_a_generate_without_code_is_reported_without_a_line() -> None:
    wrong = type("Wrong", (Mine,), {"generate": str})
    with pytest.raises(PluginError, match=r"Wrong\.generate returned a str; write"):
        await wrong().complete("Why?")


async def test_a_package_whose_name_begins_as_turnouts_is_a_plugins() -> None:
    path = Path(turnout.__file__).parent.with_name("turnout_mine") / "provider.py"
    source = "async def generate(self, request):\n    yield 1 / 0"
    names: dict[str, Any] = {}
    exec(compile(source, path, "exec"), names)

    with pytest.raises(PluginError) as caught:
        await type("Wrong", (Mine,), names)().complete("Why?")

    assert f"raised ZeroDivisionError ({path}:2) while" in str(caught.value)


async def test_a_fault_outside_the_plugins_code_is_reported_without_a_line() -> None:
    class Sync:
        def __anext__(self) -> str:
            return "a"

    def answer(_: ChatRequest) -> Any:
        return Sync()

    error = await failure_of(Scripted(answer))

    assert "provider 'Scripted' raised AttributeError while it answered" in str(error)


async def test_a_plugin_that_raises_before_it_generates_is_at_fault() -> None:
    def answer(_: ChatRequest) -> AsyncIterator[str]:
        raise ValueError("x")

    error = await failure_of(Scripted(answer))

    assert isinstance(error, PluginError)
    assert isinstance(error.__cause__, ValueError)


async def test_an_iterator_that_is_no_generator_serves_too() -> None:
    class Twice:
        def __init__(self) -> None:
            self.left = 2

        def __aiter__(self) -> Twice:
            return self

        async def __anext__(self) -> str:
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return "a"

    assert (await Scripted(lambda _: Twice()).complete("Why?")).text == "aa"
    async with Scripted(lambda _: Twice()).stream("Why?"):
        pass


async def test_a_plugin_that_swallows_an_interruption_and_goes_on_is_heard() -> None:
    async def stubborn(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield "after all"

    task = asyncio.current_task()
    assert task is not None
    reply = await Scripted(stubborn, first_delta_timeout=SHORT).complete("Why?")

    assert reply.text == "after all"
    assert task.cancelling() == 0


async def test_text_that_comes_after_the_deadline_is_too_late() -> None:
    async def stubborn(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield "after all"

    with pytest.raises(DeadlineError) as caught:
        await Scripted(stubborn).complete("Why?", deadline=SHORT)

    assert caught.value.reply is not None
    assert caught.value.reply.text == ""


@pytest.mark.parametrize("wanted", [True, False])
async def test_an_end_that_was_seen_is_given_to_a_caller_that_waits(
    wanted: bool,
) -> None:
    end = Finish(reason="stop")

    async def ended() -> AsyncGenerator[str]:
        yield "a"
        raise EndSeenError([end])

    waiter = cast("Waiter", SimpleNamespace(wanted=wanted))
    given: list[object] = []
    try:
        async for item in _until_end(ended(), waiter):
            given.append(item)
    except EndSeenError:
        given.append("cancelled")

    assert given == ["a", [end] if wanted else "cancelled"]


async def test_a_timer_after_a_finish_takes_the_answer_as_it_is() -> None:
    finish = Finish(reason="stop")

    reply = await hanging("a", finish, stall_timeout=SHORT).complete("Why?")
    late = await hanging("a", finish).complete("Why?", deadline=SHORT)

    assert (reply.text, reply.finish_reason) == ("a", "stop")
    assert (late.text, late.finish_reason) == ("a", "stop")
    assert reply.attempts[0].outcome == "complete"


async def test_a_provider_that_never_waits_after_its_finish_is_complete() -> None:
    closed: list[str] = []

    async def spinning(_: ChatRequest) -> AsyncGenerator[object]:
        try:
            yield Finish(reason="length")
            while True:
                yield ""
        finally:
            closed.append("closed")

    reply = await Scripted(spinning, first_delta_timeout=SHORT).complete("Why?")

    assert reply.finish_reason == "length"
    assert closed == ["closed"]


async def test_a_plugin_that_swallows_an_interruption_and_waits_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("turnout._watchdog.AGAIN", 0.01)

    async def stubborn(_: ChatRequest) -> AsyncGenerator[str]:
        for _step in range(3):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
        await asyncio.Event().wait()
        yield "never"

    error = await failure_of(Scripted(stubborn, first_delta_timeout=SHORT))

    assert isinstance(error, FirstDeltaTimeoutError)


@pytest.mark.parametrize("given", ["", "late"])
async def test_a_plugin_that_answers_when_it_is_cancelled_hides_nothing(
    given: str,
) -> None:
    begun = asyncio.Event()

    async def stubborn(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield given
        yield " and more"

    task = asyncio.ensure_future(Scripted(stubborn).complete("Why?"))
    await begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_plugin_that_makes_another_error_of_a_timer_hides_nothing() -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError("x") from None
        yield "never"

    task = asyncio.current_task()
    assert task is not None
    error = await failure_of(Scripted(answer, first_delta_timeout=SHORT))

    assert isinstance(error, FirstDeltaTimeoutError)
    assert task.cancelling() == 0


async def test_a_plugin_that_gives_more_after_closing_is_told_by_its_attempt() -> None:
    closing = 0

    async def stubborn(_: ChatRequest) -> AsyncGenerator[str]:
        nonlocal closing
        yield "a"
        try:
            yield "b"
        finally:
            closing += 1
            if closing == 1:
                yield "c"

    async with Scripted(stubborn).stream("Why?") as stream:
        texts = aiter(stream)
        assert [await anext(texts), await anext(texts)] == ["a", "b"]

    (attempt,) = stream.reply.attempts
    assert attempt.outcome == "closed"
    assert isinstance(attempt.error, PluginError)


async def test_a_plugin_that_raises_while_it_is_closed_breaks_nothing() -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            yield "a"
        finally:
            raise ValueError("x")

    stream = Scripted(answer).stream("Why?")
    with pytest.raises(KeyError, match="mine"):
        async with stream:
            raise KeyError("mine")

    (attempt,) = stream.reply.attempts
    assert isinstance(attempt.error, PluginError)


async def test_a_plugin_that_fails_to_close_does_not_hide_why_it_failed() -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[object]:
        try:
            yield 7
        finally:
            raise ValueError("x")

    assert "yielded an int" in str(await failure_of(Scripted(answer)))


async def test_a_plugin_that_does_not_close_is_left_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("turnout._attempt._CLEANUP", SHORT)

    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            yield "a"
        finally:
            await asyncio.Event().wait()

    async with Scripted(answer).stream("Why?") as stream:
        pass

    (attempt,) = stream.reply.attempts
    assert attempt.outcome == "closed"
    assert "TimeoutError" in str(attempt.error)


async def test_a_generator_that_is_being_closed_is_left_to_that() -> None:
    ending = asyncio.Event()

    async def answer() -> AsyncGenerator[str]:
        try:
            yield "a"
        finally:
            await ending.wait()

    generator = answer()
    await anext(generator)
    closing = asyncio.ensure_future(generator.aclose())
    await asyncio.sleep(0)
    await close_generator(generator)
    assert not closing.done()

    ending.set()
    await closing
