from __future__ import annotations

from typing import Any

import pytest

from turnout._record import NotAnEventError, Record
from turnout.errors import ServerError
from turnout.types import (
    Attempt,
    Event,
    Failover,
    Finish,
    ReasoningDelta,
    Restart,
    Target,
    ToolCall,
    ToolCallDelta,
    Usage,
)

TARGET = Target("P", "m")


@pytest.mark.parametrize(
    ("batch", "brought"),
    [
        pytest.param(["a", "b"], True, id="text"),
        pytest.param([], False, id="nothing"),
        pytest.param(["", ""], False, id="empty-text"),
        pytest.param([ReasoningDelta(text="a")], True, id="reasoning"),
        pytest.param([ReasoningDelta(text="")], False, id="empty-reasoning"),
        pytest.param([ToolCallDelta(index=0)], True, id="tool-call"),
        pytest.param([Usage(input_tokens=1)], False, id="usage"),
        pytest.param(["a", Finish(reason="stop")], True, id="text-and-finish"),
        pytest.param([Finish(reason="stop")], None, id="finish-of-nothing"),
        pytest.param(
            [ReasoningDelta(text="a"), Finish(reason="stop")],
            None,
            id="finish-of-reasoning",
        ),
        pytest.param(["", Usage()], False, id="empty-text-and-usage"),
        pytest.param([Usage(), "a"], True, id="usage-and-text"),
        pytest.param(
            [Failover(source=TARGET, target=TARGET, reason="r", characters=1)],
            False,
            id="failover",
        ),
        pytest.param(
            [Restart(source=TARGET, target=TARGET, reason="r")], False, id="restart"
        ),
    ],
)
def test_a_batch_brings_a_delta_or_none(
    batch: list[Event], brought: bool | None
) -> None:
    assert Record().take(batch) is brought


def test_every_event_of_a_batch_is_taken_down() -> None:
    record = Record()
    record.take(["a", Usage(output_tokens=3), ReasoningDelta(text="b"), "c"])

    reply = record.reply()
    assert (reply.text, reply.reasoning) == ("ac", "b")
    assert reply.usage == Usage(output_tokens=3)
    assert record.characters == 2


@pytest.mark.parametrize("item", [7, None, b"bytes", ("a", "b"), {"text": "a"}])
def test_what_is_no_event_is_refused(item: Any) -> None:
    with pytest.raises(NotAnEventError, match=type(item).__name__):
        Record().take([item])


def test_tool_calls_are_put_together_by_their_index() -> None:
    record = Record()
    record.take(
        [
            ToolCallDelta(index=1, id="b", name="two", arguments="{"),
            ToolCallDelta(index=0, id="a", name="one"),
            ToolCallDelta(index=1, arguments='"x":1}'),
            ToolCallDelta(index=0, arguments="{}"),
        ]
    )

    assert record.reply().tool_calls == (
        ToolCall(id="a", name="one", arguments="{}"),
        ToolCall(id="b", name="two", arguments='{"x":1}'),
    )


def test_the_last_usage_of_an_attempt_holds() -> None:
    record = Record()
    record.take([Usage(output_tokens=1), Usage(output_tokens=2)])

    assert record.reply().usage == Usage(output_tokens=2)


def test_usage_is_summed_over_attempts() -> None:
    record = Record()
    record.take([Usage(input_tokens=1, output_tokens=1)])
    record.end(Attempt(target=TARGET, outcome="failed", usage=record.usage))
    record.take([Usage(input_tokens=10)])
    record.end(Attempt(target=TARGET, outcome="complete", usage=record.usage))

    assert record.reply().usage == Usage(input_tokens=11, output_tokens=1)


def test_no_usage_is_none() -> None:
    assert Record().reply().usage is None


def test_a_finish_is_told_once_the_answer_is_whole() -> None:
    record = Record()
    record.take(["a", Finish(reason="length", details={"native": "max"})])
    assert record.is_finished()
    assert record.reply().finish_reason is None
    assert record.reply().details == {}

    record.complete = True

    assert record.reply().finish_reason == "length"
    assert record.reply().details == {"native": "max"}


def test_an_end_without_a_reason_is_unknown() -> None:
    record = Record()
    assert not record.is_finished()
    assert record.finish_unknown() == Finish(reason="unknown")
    record.complete = True

    assert record.reply().finish_reason == "unknown"


def test_the_finish_of_an_attempt_that_failed_is_none_of_the_next() -> None:
    record = Record()
    record.take([Finish(reason="length")])
    record.end(Attempt(target=TARGET, outcome="failed", error=ServerError("x")))

    assert not record.is_finished()


def test_attempts_are_kept_in_order() -> None:
    record = Record()
    attempts = [Attempt(target=Target("P", str(i)), outcome="failed") for i in range(3)]
    for attempt in attempts:
        record.end(attempt)

    assert record.reply().attempts == tuple(attempts)


def test_to_begin_anew_forgets_the_answer_and_keeps_the_attempts() -> None:
    record = Record()
    record.target = TARGET
    record.take(["a", ReasoningDelta(text="b"), ToolCallDelta(index=0)])
    record.end(Attempt(target=TARGET, outcome="failed"))
    record.begin_anew()

    reply = record.reply()
    assert (reply.text, reply.reasoning, reply.tool_calls) == ("", "", ())
    assert reply.target is None
    assert len(reply.attempts) == 1
    assert not record.calls_tools


def test_it_is_known_whether_the_last_attempt_had_told_its_end() -> None:
    record = Record()
    record.take(["a", Finish(reason="length")])
    record.end(Attempt(target=TARGET, outcome="failed"))
    assert record.told_end
    assert not record.is_finished()

    record.end(Attempt(target=TARGET, outcome="failed"))
    assert not record.told_end


def test_a_record_takes_over_what_another_has() -> None:
    record, other = Record(), Record()
    record.end(Attempt(target=TARGET, outcome="failed"))
    other.target = TARGET
    other.take(["a", ReasoningDelta(text="b"), ToolCallDelta(index=0, name="f")])
    other.take([Usage(input_tokens=1), Finish(reason="stop")])
    other.end(Attempt(target=TARGET, outcome="passed_over"))
    other.take([Usage(input_tokens=2)])
    other.complete = True
    record.absorb(other)

    reply = record.reply()
    assert (reply.text, reply.reasoning, reply.target) == ("a", "b", TARGET)
    assert [call.name for call in reply.tool_calls] == ["f"]
    assert [a.outcome for a in reply.attempts] == ["failed", "passed_over"]
    assert reply.usage == Usage(input_tokens=2)


def test_what_a_service_wants_back_is_kept_for_the_next_turn() -> None:
    record = Record()
    record.take(["Hi", Finish(reason="stop", state={"vendor": [1]})])
    record.complete = True

    assert record.reply().to_message().state == {"vendor": [1]}


def test_an_answer_of_several_parts_has_nothing_that_a_service_wants_back() -> None:
    record, whole = Record(), Record()
    one = Target("A", "m")
    moved = Failover(source=one, target=one, reason="ServerError", characters=1)
    record.take(["H", moved, "i", Finish(reason="stop", state={"vendor": [1]})])
    record.complete = True
    whole.absorb(record)

    assert record.reply().state is None
    assert whole.reply().state is None
    record.begin_anew()
    assert record.reply().state == {"vendor": [1]}
