"""All variants of the mid-stream cases, by the public API and without sockets.

Each of them over sockets, M01 to M18, is in tests/cases.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Sequence

import pytest

import turnout
from turnout.errors import (
    FallbackError,
    InvalidRequestError,
    OverloadedError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
    StreamStalledError,
    StreamTruncatedError,
    TurnoutError,
)
from turnout.routes import Route
from turnout.routes._continuation import instruction
from turnout.streams import Stream
from turnout.testing import FakeProvider, Pause, run_simulated
from turnout.types import (
    Event,
    Failover,
    Finish,
    Message,
    ReasoningDelta,
    Restart,
    Target,
    ToolCallDelta,
    Usage,
)

from .answers import (
    DELTAS,
    TEXT,
    Way,
    cut_after,
    exactly,
    going_on,
    otherwise,
    over_again,
    politely,
    repeating,
    route_of,
)

TOOLS = [{"type": "function", "function": {"name": "f"}}]
CUT = StreamTruncatedError("cut")


async def events_of(stream: Stream) -> list[Event]:
    return [event async for event in stream.events()]


def text_of(events: Sequence[Event]) -> str:
    return "".join(event for event in events if isinstance(event, str))


async def failure_of(stream: Stream) -> tuple[TurnoutError, list[Event]]:
    """Return the error of a stream, and the events before it."""
    seen: list[Event] = []
    try:
        async for event in stream.events():
            seen.append(event)
    except TurnoutError as error:
        return error, seen
    pytest.fail("it was whole")


WAYS = [
    pytest.param(exactly, False, False, id="exactly"),
    pytest.param(exactly, True, False, id="exactly, by prefill"),
    pytest.param(repeating(16), False, False, id="the last 16 characters again"),
    pytest.param(repeating(40), False, False, id="the last 40 characters again"),
    pytest.param(repeating(300), False, False, id="the last 300 characters again"),
    pytest.param(repeating(40), True, False, id="the last 40 again, by prefill"),
    pytest.param(over_again, False, False, id="from the start"),
    pytest.param(over_again, True, False, id="from the start, by prefill"),
    pytest.param(exactly, True, True, id="exactly, after refusing a prefill"),
    pytest.param(politely, False, False, id="politely"),
    pytest.param(politely, True, True, id="politely, after refusing a prefill"),
]


@pytest.mark.parametrize(("way", "prefill", "refuses"), WAYS)
async def test_an_answer_cut_after_any_delta_is_complete(
    way: Way, prefill: bool, refuses: bool
) -> None:
    # M01, M02, M03, M07.
    for cut in range(1, len(DELTAS)):
        route = route_of(
            cut_after(cut), going_on(way, prefill=prefill, refuses=refuses)
        )
        stream = route.stream("Why?")
        events = await events_of(stream)

        assert text_of(events) == TEXT, f"cut after {cut}"
        assert stream.reply.text == TEXT
        assert [type(event) for event in events].count(Failover) == 1


async def test_a_cut_before_the_first_delta_tries_the_next_target_m01() -> None:
    events = await events_of(route_of(cut_after(0), going_on()).stream("Why?"))

    assert text_of(events) == TEXT
    assert not any(isinstance(event, Failover) for event in events)


async def test_a_cut_after_the_last_delta_is_continued_without_text_m01() -> None:
    events = await events_of(route_of(cut_after(200), going_on()).stream("Why?"))

    assert text_of(events) == TEXT
    assert isinstance(events[-2], Failover)
    assert events[-1] == Finish(reason="stop")


async def test_a_failover_event_comes_at_its_position_m02() -> None:
    stream = route_of(cut_after(50), going_on(repeating(40))).stream("Why?")
    events = await events_of(stream)

    shown = len("".join(DELTAS[:50]))
    (at,) = [i for i, event in enumerate(events) if isinstance(event, Failover)]
    assert events[at] == Failover(
        source=Target("A", "fake-1"),
        target=Target("B", "m"),
        reason="StreamTruncatedError",
        characters=shown,
        dropped=40,
        join="overlap",
    )
    assert len(text_of(events[:at])) == shown
    assert str(stream.reply.target) == "B:m"
    assert [(str(a.target), a.outcome) for a in stream.reply.attempts] == [
        ("A:fake-1", "failed"),
        ("B:m", "complete"),
    ]


@pytest.mark.parametrize(
    ("way", "prefill", "join"),
    [
        (exactly, True, "prefill"),
        (politely, False, "anchor"),
        (repeating(40), False, "overlap"),
        (over_again, False, "restart"),
        (exactly, False, "unverified"),
    ],
)
@pytest.mark.parametrize("policy", ["best_effort", "verified"])
async def test_the_event_has_the_kind_of_the_join(
    way: Way, prefill: bool, join: str, policy: str
) -> None:
    shown = "".join(DELTAS[:50])
    route = route_of(cut_after(50), going_on(way, prefill=prefill), join=policy)
    stream = route.stream("Why?")
    if policy == "verified" and join == "unverified":
        error, seen = await failure_of(stream)

        assert isinstance(error, StreamBrokenError)
        assert "join is 'verified'" in str(error)
        assert error.reply is not None
        assert error.reply.text == text_of(seen) == shown
        assert [a.join for a in error.reply.attempts] == [None, "unverified"]
        return
    events = await events_of(stream)

    dropped = len(way(shown)) - len(exactly(shown))
    (failover,) = [event for event in events if isinstance(event, Failover)]
    assert (failover.join, failover.dropped) == (join, dropped)
    first, second = stream.reply.attempts
    assert (first.join, first.dropped) == (None, 0)
    assert (second.join, second.dropped) == (join, dropped)
    assert text_of(events) == TEXT


async def test_a_stop_sequence_over_the_join_ends_the_answer() -> None:
    first = FakeProvider("One, two. EN", CUT, name="A")
    second = FakeProvider(lambda _: ["D", " three"], name="B")
    stream = route_of(first, second).stream("Count.", stop=["END"])
    events = await events_of(stream)

    assert text_of(events) == "One, two. EN"
    assert events[-1] == Finish(reason="stop")
    assert stream.reply.finish_reason == "stop"


async def test_an_answer_of_a_plugin_that_wraps_a_route_is_continued_too() -> None:
    error = StreamBrokenError("the plugin's own route could not go on")
    first = FakeProvider("One, two, three, four, fi", error, name="A")
    second = FakeProvider(lambda _: ["One, two, three, four, five."], name="B")
    events = await events_of(route_of(first, second).stream("Count."))

    assert text_of(events) == "One, two, three, four, five."
    assert [event.join for event in events if isinstance(event, Failover)] == ["anchor"]


@pytest.mark.parametrize("prefill", [False, True])
async def test_a_restart_that_differs_is_not_joined_m04(
    prefill: bool,
) -> None:
    stream = route_of(cut_after(50), going_on(otherwise, prefill=prefill)).stream("?")
    error, seen = await failure_of(stream)

    assert isinstance(error, StreamBrokenError)
    assert isinstance(error.__cause__, StreamTruncatedError)
    assert text_of(seen) == "".join(DELTAS[:50])
    assert error.reply is not None
    assert error.reply.text == text_of(seen)
    assert str(error.reply.target) == "A:fake-1"
    assert [a.outcome for a in error.reply.attempts] == ["failed", "failed"]


async def test_the_next_target_continues_after_another_answer_m04() -> None:
    third = going_on(name="C")
    stream = route_of(cut_after(50), going_on(otherwise), third).stream("?")
    events = await events_of(stream)

    assert text_of(events) == TEXT
    outcomes = [attempt.outcome for attempt in stream.reply.attempts]
    assert outcomes == ["failed", "failed", "complete"]


async def test_the_instruction_after_a_refused_prefill_is_another_attempt_m07() -> None:
    second = going_on(prefill=True, refuses=True)
    stream = route_of(cut_after(50), second).stream("Why?")
    events = await events_of(stream)

    assert text_of(events) == TEXT
    assert [request.prefill for request in second.requests] == [True, False]
    assert [type(a.error) for a in stream.reply.attempts] == [
        StreamTruncatedError,
        InvalidRequestError,
        type(None),
    ]


async def test_a_target_that_refuses_both_forms_leaves_the_first_error_m07() -> None:
    info = going_on(prefill=True).info.model_infos
    second = FakeProvider(InvalidRequestError("no"), name="B", models=info)
    error, seen = await failure_of(route_of(cut_after(50), second).stream("Why?"))

    assert isinstance(error, StreamBrokenError)
    assert isinstance(error.__cause__, StreamTruncatedError)
    assert len(second.requests) == 2
    assert text_of(seen) == "".join(DELTAS[:50])


async def test_after_a_target_that_refuses_to_continue_another_is_tried_m07() -> None:
    second = FakeProvider(InvalidRequestError("no"), name="B")
    route = route_of(cut_after(50), second, going_on(name="C"))

    assert text_of(await events_of(route.stream("Why?"))) == TEXT
    assert len(second.requests) == 1


async def test_a_refused_prefill_does_not_exceed_the_limit_of_attempts_m07() -> None:
    second = going_on(prefill=True, refuses=True)
    stream = route_of(cut_after(50), second, max_attempts=2).stream("Why?")
    error, _ = await failure_of(stream)

    assert isinstance(error, StreamBrokenError)
    assert len(second.requests) == 1


@pytest.mark.parametrize("text", ["", "Let me see. "])
@pytest.mark.parametrize("arguments", ["", '{"ci'])
async def test_a_tool_call_that_has_begun_is_not_continued_m08(
    text: str, arguments: str
) -> None:
    call = ToolCallDelta(index=0, id="1", name="f", arguments=arguments)
    other = going_on()
    first = FakeProvider(text, call, CUT, name="A")
    route = route_of(first, other, max_attempts=1)
    error, seen = await failure_of(route.stream("Why?", tools=TOOLS))

    assert isinstance(error, StreamBrokenError)
    assert "begun to call a tool" in str(error)
    assert other.requests == []
    assert not any(isinstance(event, Finish) for event in seen)
    assert error.reply is not None
    assert error.reply.finish_reason is None


async def test_an_answer_is_continued_although_tools_are_offered_m09() -> None:
    call = ToolCallDelta(index=0, id="1", name="f", arguments="{}")
    route = route_of(
        cut_after(50),
        going_on(exactly, call, Usage(output_tokens=2)),
    )
    stream = route.stream("Why?", tools=TOOLS)
    events = await events_of(stream)

    assert text_of(events) == TEXT
    assert [call.name for call in stream.reply.tool_calls] == ["f"]
    assert events[-3:] == [call, Usage(output_tokens=2), Finish(reason="tool_calls")]


async def test_an_answer_that_had_ended_is_not_continued() -> None:
    other = going_on()
    first = FakeProvider("Whole.", Finish(reason="length"), CUT, name="A")
    error, _ = await failure_of(route_of(first, other).stream("Why?"))

    assert isinstance(error, StreamBrokenError)
    assert "it had ended already" in str(error)
    assert other.requests == []


async def test_an_answer_with_only_reasoning_restarts_m11() -> None:
    hm, ha = ReasoningDelta(text="Hm. "), ReasoningDelta(text="Ha. ")
    second = FakeProvider(ha, *DELTAS, name="B")
    stream = route_of(FakeProvider(hm, CUT, name="A"), second).stream("Why?")
    events = await events_of(stream)

    assert events[:3] == [
        hm,
        Restart(
            source=Target("A", "fake-1"),
            target=Target("B", "fake-1"),
            reason="StreamTruncatedError",
        ),
        ha,
    ]
    assert (stream.reply.text, stream.reply.reasoning) == (TEXT, "Ha. ")
    assert len(second.requests[0].messages) == 1


async def test_an_answer_with_only_reasoning_restarts_before_text_m16() -> None:
    hm = ReasoningDelta(text="Hm. ")
    route = route_of(
        FakeProvider(hm, CUT, name="A"), going_on(), failover="before_text"
    )

    assert text_of(await events_of(route.stream("Why?"))) == TEXT


async def test_only_white_space_is_requested_again_and_not_doubled() -> None:
    for prefill in (False, True):
        second = FakeProvider(
            "\n\n", *DELTAS, name="B", models=going_on(prefill=prefill).info.model_infos
        )
        route = route_of(FakeProvider("\n\n", CUT, name="A"), second)

        assert text_of(await events_of(route.stream("Why?"))) == "\n\n" + TEXT
        assert len(second.requests[0].messages) == 1


async def test_the_policy_limits_the_continuations_m13() -> None:
    second = going_on(exactly, CUT, upto=400)
    third = going_on(name="C")
    error, seen = await failure_of(
        route_of(cut_after(50), second, third).stream("Why?")
    )

    assert isinstance(error, StreamBrokenError)
    assert "the answer of B:m broke" in str(error)
    assert "max_continuations" in str(error)
    assert error.reply is not None
    assert error.__cause__ is error.reply.attempts[0].error
    shown = len("".join(DELTAS[:50])) + 400
    assert error.reply.text == text_of(seen) == TEXT[:shown]
    assert third.requests == []


async def test_an_answer_may_be_continued_twice_m13() -> None:
    route = route_of(
        cut_after(50),
        going_on(repeating(40), CUT, upto=400),
        going_on(over_again, name="C"),
        max_continuations=2,
    )
    stream = route.stream("Why?")
    events = await events_of(stream)

    assert text_of(events) == TEXT
    sources = [str(e.source) for e in events if isinstance(e, Failover)]
    assert sources == ["A:fake-1", "B:m"]
    assert stream.reply.attempts[-1].outcome == "complete"


async def test_a_target_that_adds_nothing_does_not_count_as_a_continuation_m13() -> (
    None
):
    # It breaks while it repeats the answer so far.
    second = going_on(over_again, CUT, upto=100)
    stream = route_of(cut_after(50), second, going_on(name="C")).stream("Why?")
    events = await events_of(stream)

    assert text_of(events) == TEXT
    (failover,) = [event for event in events if isinstance(event, Failover)]
    assert (str(failover.source), str(failover.target)) == ("A:fake-1", "C:m")


async def test_a_target_that_added_nothing_is_not_the_target_of_the_answer() -> None:
    second = going_on(over_again, CUT, upto=100)
    error, _ = await failure_of(route_of(cut_after(50), second).stream("Why?"))

    assert error.reply is not None
    assert str(error.reply.target) == "A:fake-1"


async def test_the_usage_of_a_broken_attempt_is_estimated_m15() -> None:
    route = route_of(
        cut_after(50), going_on(exactly, Usage(input_tokens=300, output_tokens=200))
    )
    stream = route.stream("Why is it so?")
    await events_of(stream)

    first, second = (attempt.usage for attempt in stream.reply.attempts)
    assert first is not None
    assert first.estimated
    assert first.output_tokens == pytest.approx(len("".join(DELTAS[:50])) / 4, abs=1)
    assert second == Usage(input_tokens=300, output_tokens=200)
    assert stream.reply.usage == first + Usage(input_tokens=300, output_tokens=200)


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        pytest.param(
            Usage(input_tokens=9, cached_tokens=8),
            Usage(input_tokens=9, output_tokens=2, cached_tokens=8, estimated=True),
            id="input",
        ),
        pytest.param(
            Usage(output_tokens=7),
            Usage(input_tokens=1, output_tokens=7, estimated=True),
            id="output",
        ),
        pytest.param(
            Usage(input_tokens=9, output_tokens=7),
            Usage(input_tokens=9, output_tokens=7),
            id="both",
        ),
    ],
)
async def test_the_reported_usage_of_a_broken_attempt_is_not_estimated_m15(
    reported: Usage, expected: Usage
) -> None:
    first = FakeProvider("It is so", reported, CUT, name="A")
    stream = route_of(first, going_on(lambda _: ".")).stream("Why?")
    await events_of(stream)

    assert stream.reply.attempts[0].usage == expected


@pytest.mark.parametrize("prefill", [False, True])
async def test_the_original_messages_are_sent_unchanged_m17(prefill: bool) -> None:
    messages = [
        Message(role="system", content="Be  brief.\n"),
        Message(role="user", content="Why?"),
        Message(role="assistant", content="Which? "),
        Message(role="user", content="\tThis."),
    ]
    second = going_on(lambda _: " so it is.", prefill=prefill)
    stream = route_of(FakeProvider("It is \n", CUT, name="A"), second).stream(messages)
    await events_of(stream)

    (sent,) = second.requests
    added = [
        Message(role="assistant", content="It is" if prefill else "It is \n"),
        *(
            []
            if prefill
            else [Message(role="user", content=instruction("It is", tools=False))]
        ),
    ]
    assert sent.messages == (*messages, *added)
    assert sent.prefill == prefill


async def test_a_failure_before_content_is_not_shown_m18() -> None:
    first = OverloadedError("no", status_code=529, retry_after=30.0)
    second = RateLimitError("no", status_code=429, retry_after=60.0)
    usage = Usage(input_tokens=3)
    route = route_of(
        FakeProvider(usage, first, name="A"), FakeProvider(usage, second, name="B")
    )
    error, seen = await failure_of(route.stream("Why?"))

    assert seen == []
    assert isinstance(error, FallbackError)
    assert [a.status_code for a in error.attempts] == [529, 429]
    assert error.__cause__ is first
    assert error.retry_after == 30.0


async def test_a_continuation_that_fails_before_content_is_not_shown_m18() -> None:
    usage = Usage(input_tokens=3)
    second = FakeProvider(usage, ServerError("no"), name="B")
    route = route_of(cut_after(50), second, going_on(name="C"))
    events = await events_of(route.stream("Why?"))

    assert text_of(events) == TEXT
    assert not any(isinstance(event, Usage) for event in events)


async def test_reasoning_comes_before_its_text() -> None:
    hm = ReasoningDelta(text="Hm. ")

    def answer(_: object) -> list[str]:
        return list(DELTAS[50:])

    second = FakeProvider(hm, answer, name="B")
    events = await events_of(route_of(cut_after(50), second).stream("Why?"))

    (at,) = [i for i, event in enumerate(events) if isinstance(event, Failover)]
    assert events[at + 1] == hm
    assert text_of(events) == TEXT


async def test_an_answer_that_was_not_shown_restarts() -> None:
    second = going_on()
    reply = await route_of(cut_after(50), second).complete("Why?")

    assert reply.text == TEXT
    assert len(second.requests[0].messages) == 1
    assert [a.outcome for a in reply.attempts] == ["failed", "complete"]


async def test_a_discarded_answer_has_no_target() -> None:
    route = route_of(cut_after(50), FakeProvider(ServerError("no"), name="B"))
    with pytest.raises(FallbackError) as caught:
        await route.complete("Why?")

    assert caught.value.reply is not None
    assert caught.value.reply.target is None
    assert caught.value.reply.text == ""


async def test_an_answer_that_broke_can_be_pickled() -> None:
    error, _ = await failure_of(
        route_of(cut_after(50), going_on(otherwise)).stream("Why?")
    )
    copy = pickle.loads(pickle.dumps(error))

    assert isinstance(copy, StreamBrokenError)
    assert str(copy) == str(error)
    assert copy.reply is not None
    assert copy.reply.text == "".join(DELTAS[:50])


def test_closing_before_another_target_continues_ends_the_answer() -> None:
    async def main() -> None:
        second = FakeProvider(Pause(1000), name="B")
        stream = route_of(cut_after(50), second).stream("Why?")
        reading = asyncio.create_task(events_of(stream))
        await asyncio.sleep(1.0)
        await stream.aclose()

        assert text_of(await reading) == "".join(DELTAS[:50])
        assert [a.outcome for a in stream.reply.attempts] == ["failed", "closed"]

    run_simulated(main())


def test_a_stalled_answer_is_continued_and_late_text_is_shown() -> None:
    async def main() -> None:
        first = FakeProvider(*DELTAS[:50], Pause(1000), name="A", stall_timeout=5.0)

        def slowly(_: object) -> list[str | Pause]:
            return [part for delta in DELTAS[50:] for part in (delta, Pause(1.0))]

        stream = turnout.fallback(first, FakeProvider(slowly, name="B")).stream("Why?")
        assert text_of(await events_of(stream)) == TEXT
        assert isinstance(stream.reply.attempts[0].error, StreamStalledError)

    run_simulated(main())


def test_the_public_functions_make_the_same_route() -> None:
    assert isinstance(turnout.fallback(cut_after(1), going_on()), Route)


async def test_a_complete_answer_of_white_space_is_requested_again() -> None:
    first = FakeProvider("\n", Finish(reason="stop"), name="A")
    route = route_of(first, FakeProvider("Because.", name="B"))

    events = await events_of(route.stream("Why?"))

    assert text_of(events) == "\nBecause."
    assert [type(event) for event in events if not isinstance(event, str)] == [
        Restart,
        Finish,
    ]
