"""Empty answers: which are errors, which are not, and what a route does."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import turnout
from turnout import FallbackError, ToolCall
from turnout.errors import ArgumentError, EmptyReplyError, InvalidReplyError
from turnout.testing import FakeProvider
from turnout.types import (
    ChatRequest,
    Event,
    Finish,
    FinishReason,
    Message,
    ReasoningDelta,
    Restart,
    Target,
    ToolCallDelta,
    Usage,
)

from .scripted import Ledger

HM = ReasoningDelta(text="hm")
USAGE = Usage(input_tokens=3, output_tokens=0)
STOP = Finish(reason="stop")


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([], id="nothing"),
        pytest.param([""], id="empty-text"),
        pytest.param([STOP], id="finish"),
        pytest.param(["", USAGE, STOP], id="usage"),
        pytest.param([["", USAGE, STOP]], id="one-read"),
        pytest.param([" ", "\n\t", STOP], id="white-space"),
        pytest.param([HM, STOP], id="reasoning"),
        pytest.param([[HM, USAGE, STOP]], id="reasoning-in-one-read"),
        pytest.param([HM, "\n", STOP], id="reasoning-and-white-space"),
        pytest.param([HM, Finish(reason="unknown")], id="unknown-reason"),
        pytest.param([HM, Finish(reason="tool_calls")], id="no-call"),
        pytest.param([ReasoningDelta(text="")], id="empty-reasoning"),
    ],
)
async def test_an_empty_answer_is_an_error(items: list[Any]) -> None:
    stream = FakeProvider(*items).stream("Why?")
    events: list[Event] = []

    async def read() -> None:
        async for event in stream.events():
            events.append(event)  # Events before the error count too.

    with pytest.raises(EmptyReplyError) as caught:
        await read()
    error = caught.value
    assert "Fake:fake-1 has" in str(error)
    assert "allow_empty=True" in str(error)
    assert (error.provider, error.model) == ("Fake", "fake-1")
    assert error.reply is not None
    assert error.reply.text.strip() == ""
    assert error.reply.finish_reason is None
    (attempt,) = error.reply.attempts
    assert (attempt.outcome, attempt.error) == ("failed", error)
    # An end that is not accepted is never shown.
    assert not any(isinstance(event, Finish) for event in events)


async def test_the_error_says_that_the_answer_was_only_reasoning() -> None:
    with pytest.raises(EmptyReplyError, match="reasoning alone") as caught:
        await FakeProvider(HM, USAGE).complete("Why?")

    assert caught.value.reply is not None
    assert caught.value.reply.reasoning == "hm"
    assert caught.value.reply.usage == USAGE


@pytest.mark.parametrize(
    "items",
    [
        pytest.param(["a"], id="text"),
        pytest.param(["\n", "a", "\n"], id="text-among-white-space"),
        pytest.param([ToolCallDelta(index=0, id="1", name="f")], id="call"),
        pytest.param([HM, ToolCallDelta(index=0, id="1", name="f")], id="call-after"),
        pytest.param([Finish(reason="stop", items=({"type": "x"},))], id="items"),
        pytest.param([Finish(reason="length")], id="length"),
        pytest.param([HM, Finish(reason="length")], id="reasoning-until-the-limit"),
        pytest.param([Finish(reason="content_filter")], id="content-filter"),
    ],
)
async def test_an_answer_with_any_content_is_not_an_error(items: list[Any]) -> None:
    stream = FakeProvider(*items).stream("Why?")

    events = [event async for event in stream.events()]

    assert stream.reply.attempts[0].outcome == "complete"
    assert isinstance(events[-1], Finish)


@pytest.mark.parametrize("items", [[], [[HM, USAGE, STOP]], [HM, USAGE, STOP]])
async def test_an_empty_answer_may_be_allowed(items: list[Any]) -> None:
    stream = FakeProvider(*items).stream("Why?", allow_empty=True)

    events = [event async for event in stream.events()]

    assert stream.reply.text == ""
    assert stream.reply.finish_reason == "stop"
    assert events == [*([HM, USAGE] if items else []), STOP]


async def test_an_empty_answer_to_a_tools_result_is_an_answer() -> None:
    call = ToolCall(id="1", name="f", arguments="{}")
    messages = [
        Message(role="user", content="Do it."),
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", content="done", tool_call_id="1"),
    ]

    reply = await FakeProvider().complete(messages)

    assert (reply.text, reply.finish_reason) == ("", "stop")


async def test_an_empty_answer_to_the_next_question_is_an_error() -> None:
    call = ToolCall(id="1", name="f", arguments="{}")
    messages = [
        Message(role="user", content="Do it."),
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", content="done", tool_call_id="1"),
        Message(role="user", content="And now?"),
    ]

    with pytest.raises(EmptyReplyError):
        await FakeProvider().complete(messages)


@pytest.mark.parametrize("value", ["yes", 1, "False"])
def test_allow_empty_is_a_bool(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"allow_empty=.* is not a bool"):
        ChatRequest.build("Why?", allow_empty=value)


async def test_an_empty_answer_that_is_allowed_is_still_parsed() -> None:
    with pytest.raises(InvalidReplyError):
        await FakeProvider().complete(
            "Why?", response_format={"type": "object"}, allow_empty=True
        )
    with pytest.raises(EmptyReplyError):
        await FakeProvider().complete("Why?", response_format={"type": "object"})


async def test_hooks_and_the_log_say_that_the_attempt_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="turnout.attempts")
    fake = FakeProvider(HM)
    ledger = Ledger()

    with pytest.raises(EmptyReplyError):
        await fake.complete("Why?")

    assert [attempt.outcome for attempt in ledger.over] == ["failed"]
    assert "failed after" in caplog.text
    assert "EmptyReplyError" in caplog.text


# Routes


@pytest.mark.parametrize("items", [[], [""], [HM], [[HM, STOP]], ["\n"]])
async def test_a_route_fails_over_after_an_empty_answer(items: list[Any]) -> None:
    empty = FakeProvider(*items, name="Empty")

    reply = await turnout.fallback(empty, FakeProvider("Because.")).complete("Why?")

    assert reply.text == "Because."
    assert reply.reasoning == ""
    assert [attempt.outcome for attempt in reply.attempts] == ["failed", "complete"]
    assert isinstance(reply.attempts[0].error, EmptyReplyError)


@pytest.mark.parametrize("items", [[HM, STOP], [[HM, STOP]]])
async def test_a_route_restarts_after_shown_reasoning(items: list[Any]) -> None:
    empty = FakeProvider(*items, name="Empty")
    stream = turnout.fallback(empty, FakeProvider("Because.")).stream("Why?")

    events = [event async for event in stream.events()]

    restart = Restart(
        source=Target("Empty", "fake-1"),
        target=Target("Fake", "fake-1"),
        reason="EmptyReplyError",
    )
    assert events == [HM, restart, "Because.", STOP]


async def test_a_route_of_empty_answers_keeps_each_reply() -> None:
    route = turnout.fallback(
        FakeProvider(ReasoningDelta(text="one"), name="One"),
        FakeProvider(ReasoningDelta(text="two"), name="Two"),
    )

    with pytest.raises(FallbackError) as caught:
        await route.complete("Why?")

    replies = [
        attempt.error.reply for attempt in caught.value.attempts if attempt.error
    ]
    assert [reply and reply.reasoning for reply in replies] == ["one", "two"]


async def test_a_route_accepts_an_empty_answer_that_is_allowed() -> None:
    other = FakeProvider("Because.", name="Other")

    reply = await turnout.fallback(FakeProvider(), other).complete(
        "Why?", allow_empty=True
    )

    assert reply.text == ""
    assert other.requests == []


# A finish that is not the last event


@pytest.mark.parametrize("reason", ["stop", "length"])
@pytest.mark.parametrize(
    "more",
    [
        pytest.param(["b"], id="text"),
        pytest.param([ReasoningDelta(text="b")], id="reasoning"),
        pytest.param([ToolCallDelta(index=0, id="1", name="f")], id="call"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_an_answer_with_events_after_its_finish_needs_another_finish(
    reason: FinishReason, more: list[Event], at_once: bool
) -> None:
    first, last = Finish(reason=reason), Finish(reason="stop")
    begun: list[Any] = ["a", first, *more]
    whole: list[Any] = [*begun, last]

    cut = FakeProvider(begun) if at_once else FakeProvider(*begun)
    good = FakeProvider(whole) if at_once else FakeProvider(*whole)

    with pytest.raises(turnout.StreamTruncatedError, match="went on after its finish"):
        await cut.complete("Why?")
    reply = await good.complete("Why?")
    assert reply.finish_reason == "stop"


async def test_a_finish_that_was_held_and_dropped_is_not_shown() -> None:
    early, late = Finish(reason="unknown"), Finish(reason="stop")
    stream = FakeProvider(USAGE, early, "a", late).stream("Why?")

    events = [event async for event in stream.events()]

    assert events[-1] is late
    assert early not in events or events.index(early) < events.index("a")
