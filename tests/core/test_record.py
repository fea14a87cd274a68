from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import pytest

from turnout._record import Held, NotAnEventError, Record
from turnout.errors import ServerError
from turnout.types import (
    Attempt,
    Citation,
    Event,
    Failover,
    Finish,
    Media,
    MediaDelta,
    ReasoningDelta,
    Restart,
    Target,
    ToolCall,
    ToolCallDelta,
    Usage,
)

TARGET = Target("P", "m")

ODD: Any = "banana"


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


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (7, "an int"),
        (None, "None"),
        (b"bytes", "a bytes"),
        (("a", "b"), "a tuple"),
        ({"text": "a"}, "a dict"),
        (["a"], "a list in a list"),
        (Finish, "the class Finish"),
    ],
)
def test_an_item_that_is_not_an_event_is_refused(item: Any, kind: str) -> None:
    with pytest.raises(NotAnEventError, match=f"^{kind}$"):
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
    record.take(["H"])
    record.continue_answer()
    record.take(["i", Finish(reason="stop", state={"vendor": [1]})])
    record.complete = True
    whole.absorb(record)

    assert record.reply().state is None
    assert whole.reply().state is None
    record.begin_anew()
    assert record.reply().state == {"vendor": [1]}


# Citations, media, items, and calls that are not of functions.

CITATION = Citation(url="https://x", title="X", start=2, end=5)


def test_citations_are_kept_in_order() -> None:
    record, other = Record(), Record()
    other.take(["Hello", CITATION, Citation(source="file-1"), "!"])
    record.absorb(other)

    assert record.reply().citations == (CITATION, Citation(source="file-1"))


def test_a_citation_is_no_delta_and_no_content() -> None:
    record = Record()

    assert record.take([CITATION]) is False
    assert record.take([CITATION, Finish(reason="stop")]) is None
    assert not record.is_good()


def test_a_citation_after_the_finish_does_not_take_it_back() -> None:
    record = Record()
    record.take(["a", Finish(reason="stop")])
    record.take([CITATION])

    assert record.is_finished()


@pytest.mark.parametrize(
    ("dropped", "given", "placed"),
    [
        pytest.param(0, CITATION, (12, 15), id="nothing dropped"),
        pytest.param(4, CITATION, (8, 11), id="a part dropped"),
        pytest.param(14, CITATION, (0, 1), id="a part of its text dropped"),
        pytest.param(0, Citation(start=2), (12, None), id="a start alone"),
        pytest.param(0, Citation(end=5), (None, 15), id="an end alone"),
        pytest.param(0, Citation(source="x"), (None, None), id="no position"),
    ],
)
def test_a_citation_of_a_continuation_is_placed_in_the_whole_answer(
    dropped: int, given: Citation, placed: tuple[int | None, int | None]
) -> None:
    record = Record()
    record.take(["0123456789", CITATION])
    record.end(Attempt(target=TARGET, outcome="failed"))
    record.continue_answer()
    record.dropped = dropped
    record.take(["and more of it", given])

    first, second = record.reply().citations
    assert first == CITATION
    assert (second.start, second.end) == placed


def test_media_is_put_together_by_its_index() -> None:
    record, other = Record(), Record()
    other.take(
        [
            MediaDelta(index=1, media_type="audio/wav", data=b"ab", transcript="Hel"),
            MediaDelta(index=0, url="https://x/a.png", media_type="image/png"),
            MediaDelta(index=1, data=b"c", transcript="lo"),
            MediaDelta(index=2, data=b"d"),
            MediaDelta(index=3, transcript="words"),
        ]
    )
    record.absorb(other)
    media = record.reply().media

    assert media == (
        Media(url="https://x/a.png", media_type="image/png"),
        Media(
            url="data:audio/wav;base64,YWJj", media_type="audio/wav", transcript="Hello"
        ),
        Media(url="data:;base64,ZA=="),
        Media(transcript="words"),
    )
    assert [one.data for one in media] == [None, b"abc", b"d", None]


def test_the_bytes_of_a_data_url_may_be_percent_encoded() -> None:
    assert Media(url="data:text/plain,a%20b").data == b"a b"


def test_media_is_content_and_takes_a_finish_back() -> None:
    record = Record()

    assert record.take([MediaDelta(index=0, data=b"a")]) is True
    assert record.take([Finish(reason="stop")]) is False
    assert record.is_good()
    record.take([MediaDelta(index=0, data=b"b")])
    assert record.is_reopened()


@pytest.mark.parametrize(
    ("delta", "told"),
    [
        ({"index": "x"}, "a MediaDelta with a str for its index"),
        ({"index": 0, "data": "x"}, "a MediaDelta with a str for its data"),
        ({"index": 0, "transcript": None}, "a MediaDelta with None for its tra"),
    ],
)
def test_media_of_odd_values_is_refused(delta: dict[str, Any], told: str) -> None:
    with pytest.raises(NotAnEventError, match=told):
        Record().take([MediaDelta(**delta)])


@pytest.mark.parametrize(
    ("delta", "told"),
    [
        ({"index": None}, "a ToolCallDelta with None for its index"),
        (
            {"index": 0, "arguments": {}},
            "a ToolCallDelta with a dict for its arguments",
        ),
        ({"index": 0, "name": 5}, "a ToolCallDelta with an int for its name"),
        ({"index": 0, "id": b"x"}, "a ToolCallDelta with a bytes for its id"),
    ],
)
def test_a_call_of_odd_values_is_refused(delta: dict[str, Any], told: str) -> None:
    with pytest.raises(NotAnEventError, match=told):
        Record().take([ToolCallDelta(**delta)])


def test_reasoning_of_an_odd_value_is_refused() -> None:
    odd: Any = None
    with pytest.raises(NotAnEventError, match="a ReasoningDelta with None for its"):
        Record().take([ReasoningDelta(text=odd)])


def test_items_are_content() -> None:
    record = Record()
    items = ({"type": "web_search_call", "id": "ws_1"},)
    record.take([Finish(reason="stop", items=items)])
    assert record.is_good()
    assert record.reply().items == ()

    record.complete = True

    assert record.reply().items == items


def test_a_call_has_its_kind_and_its_item_from_any_delta() -> None:
    item = {"type": "shell_call", "action": {"commands": ["ls"]}}
    record = Record()
    record.take(
        [
            ToolCallDelta(index=0, id="c", name="shell", kind="shell_call"),
            ToolCallDelta(index=0, arguments="ls"),
            ToolCallDelta(index=0, item=item),
            ToolCallDelta(index=1, id="d", name="f", arguments="{}"),
        ]
    )

    assert record.reply().tool_calls == (
        ToolCall(id="c", name="shell", arguments="ls", kind="shell_call", item=item),
        ToolCall(id="d", name="f", arguments="{}"),
    )


def test_to_begin_anew_forgets_citations_and_media() -> None:
    record = Record()
    record.take(["abc"])
    record.continue_answer()
    record.take([CITATION, MediaDelta(index=0, data=b"a")])

    record.begin_anew()
    record.take([CITATION])

    assert record.reply().citations == (CITATION,)
    assert record.reply().media == ()


def test_an_end_that_is_taken_back_is_none() -> None:
    record = Record()
    record.take(["a", Finish(reason="stop"), "b"])

    assert record.is_reopened()
    assert not record.is_good()
    assert record.text == "ab"


def test_text_that_is_held_is_progress() -> None:
    held: Any = Held()

    assert Record().take([held]) is True


@pytest.mark.parametrize(
    ("data", "raw"),
    [
        ("aGk", b"hi"),
        ("-_8=", b"\xfb\xff"),
        ("-_8%3D", b"\xfb\xff"),
        ("aG\nk=", b"hi"),
        ("a", None),
        ("é!", None),
        ("aGk=aGk=", None),
    ],
)
def test_base64_is_read_leniently(data: str, raw: bytes | None) -> None:
    assert Media(url=f"data:image/png;base64,{data}").data == raw


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (lambda: Finish(reason=ODD), "a Finish with 'banana' for its reason"),
        (lambda: Finish(reason="stop", details=ODD), "a Finish with a str for its det"),
        (lambda: Finish(reason="stop", state=ODD), "a Finish with a str for its state"),
        (lambda: Finish(reason="stop", items=ODD), "a Finish with a str for its items"),
        (lambda: Finish(reason="stop", items=(ODD,)), "with a tuple for its items"),
        (lambda: Usage(input_tokens=ODD), "a Usage with 'banana' for its input_tok"),
        (lambda: Usage(output_tokens=-1), "a Usage with -1 for its output_tokens"),
        (lambda: Usage(cached_tokens=True), "a Usage with True for its cached_tokens"),
        (lambda: Usage(cost=ODD), "a Usage with a str for its cost"),
        (
            lambda: Citation(title=cast("Any", 5)),
            "a Citation with an int for its title",
        ),
        (lambda: Citation(start=ODD), "a Citation with 'banana' for its start"),
    ],
)
def test_an_event_of_odd_values_is_refused(
    event: Callable[[], Event], told: str
) -> None:
    with pytest.raises(NotAnEventError) as caught:
        Record().take([event()])

    assert told in str(caught.value)


def test_events_of_the_right_values_are_taken() -> None:
    record = Record()
    record.take(
        [
            "a",
            Citation(url="https://a.example", start=0, end=1),
            Usage(input_tokens=0, cost=Decimal("0.1")),
            Finish(reason="stop", items=({"a": 1},), state={"p": 1}),
        ]
    )
    record.complete = True

    assert record.reply().finish_reason == "stop"


def test_the_attempts_of_a_second_record_have_ids_of_the_first_ones_stream() -> None:
    first = Record()
    first.route = "fast"
    ids = [first.next_id()]
    second = Record(first)
    ids += [second.next_id(), first.next_id()]

    assert ids == [f"{first.stream_id}-{number}" for number in (1, 2, 3)]
    assert (second.stream_id, second.route) == (first.stream_id, "fast")
    assert Record().stream_id != first.stream_id
