"""An answer's events, without any network. The ids are those of cases.md."""

from __future__ import annotations

import json
import random

import pytest

from turnout.errors import ProtocolError, StreamTruncatedError
from turnout.testing._slicing import Slicing, at, at_random, by_size
from turnout.types import (
    Finish,
    FinishReason,
    ReasoningDelta,
    ToolCallDelta,
    Usage,
)
from turnout_anthropic._protocol import Decoder

from ...support.anthropic_server import (
    PING,
    STOP,
    answer,
    begin,
    delta,
    error,
    event,
    finish,
    start,
    stop,
    texts,
    thinking,
    tool,
)
from ..reading import PIECES, SLICINGS, TEXT, Reading, end_of, text_of, usage_of

READING = Reading(Decoder)
decode, decoded = READING.decode, READING.decoded
error_of, reported = READING.error_of, READING.reported

# Framing.

FORMS = [
    pytest.param(answer(*PIECES), id="F01"),
    pytest.param(answer(*PIECES).replace(b"\n", b"\r\n"), id="F02"),
    pytest.param(answer(*PIECES).replace(b"\n", b"\r"), id="F03"),
    pytest.param(answer(*PIECES).replace(b"}\n\n", b"}\r\n\n"), id="F04"),
    pytest.param(answer(*PIECES).replace(b"data: ", b"data:"), id="F05"),
    pytest.param(answer(*PIECES).replace(b"data: {", b"data:  {"), id="F06"),
    pytest.param(b"\xef\xbb\xbf" + answer(*PIECES), id="F07"),
    pytest.param(
        b"\n\n" + answer(*PIECES).replace(b"data: {", b": c\n\n: d\ndata: {"), id="F08"
    ),
    pytest.param(
        answer(*PIECES).replace(b', "index"', b',\ndata:\ndata: "index"'), id="F09"
    ),
    pytest.param(
        answer(*PIECES).replace(
            b"data: {", b"event: odd\n\nid: 1\nretry: 5\nx: y\nevent: m\ndata: {"
        ),
        id="F10",
    ),
    pytest.param(answer(*PIECES).removesuffix(b"\n\n"), id="F15"),
    pytest.param(answer(*PIECES).replace(b"event: ", b"x: "), id="without-names"),
    pytest.param(answer(*PIECES) + b"data: [DONE]\n\n", id="after-the-mark"),
    pytest.param(
        answer(*PIECES).replace(PING, b"data:\n\ndata: [DONE]\n\n"), id="no-events"
    ),
]


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("data", FORMS)
def test_an_answer_is_the_same_however_it_is_written_and_cut(
    data: bytes, slicing: Slicing
) -> None:
    events = decode(data, slicing)

    assert text_of(events) == TEXT
    assert usage_of(events) == Usage(input_tokens=9, output_tokens=4)
    assert end_of(events).reason == "stop"


@pytest.mark.parametrize("data", FORMS)
def test_an_answer_is_the_same_cut_in_two_at_any_byte(data: bytes) -> None:
    # F11: within a character too.
    expected = decode(data)

    for position in range(len(data) + 1):
        assert decode(data, at(position)) == expected


def test_a_piece_is_given_as_soon_as_its_event_has_ended() -> None:
    decoder = Decoder("Vendor")
    one, two = (delta(0, "text_delta", text=piece) for piece in "ab")

    assert decoder.feed(begin() + start(0, "text", text="") + one[:-1]) == []
    assert decoder.feed(b"\n" + two[:9]) == ["a"]
    assert decoder.feed(two[9:]) == ["b"]


ODD: list[dict[str, object]] = [
    {"type": "message_start"},
    {"type": "message_start", "message": {"id": "msg_1"}},
    {"type": "message_start", "message": {"id": "msg_2"}},
    {"type": "content_block_start", "index": 1},
    {"type": "content_block_start", "content_block": {}},
    {"type": "content_block_start", "content_block": {"type": []}},
    {"type": "content_block_stop", "index": 1},
    {"type": "content_block_stop", "index": []},
    {"type": "content_block_delta", "index": 0},
    {"type": "message_delta", "delta": 7},
    {"type": "message_delta", "delta": {"stop_reason": 7}},
]


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b'data: {"type":"\xff"}\n\n', id="F14"),
        pytest.param(b"data: {\n\n", id="cut-json"),
        pytest.param(b"data: oops\n\n", id="words"),
        pytest.param(b"data: []\n\n", id="list"),
        pytest.param(b'data: {"type":"ping","n":NaN}\n\n', id="nan"),
        pytest.param(b"data: " + b"[" * 9000 + b"\n\n", id="deep"),
        *(pytest.param(event(value), id=f"{value}") for value in ODD),
        pytest.param(start(1, "text", text=7), id="start-text"),
        pytest.param(start(1, "thinking", thinking=7), id="start-thinking"),
        pytest.param(start(1, "tool_use", id=7, name="f"), id="odd-id"),
        pytest.param(start(1, "tool_use", id="a", name=7), id="odd-name"),
        pytest.param(delta(1, "text_delta", text="a"), id="not-begun"),
        pytest.param(delta(0, "text_delta", text=7), id="text"),
        pytest.param(delta(0, "thinking_delta", thinking=7), id="thinking"),
        pytest.param(delta(0, "signature_delta", signature=7), id="signature"),
        pytest.param(delta(0, "input_json_delta", partial_json=[7]), id="input"),
    ],
)
def test_an_event_that_is_not_of_the_protocol_breaks_it(
    bad: bytes, slicing: Slicing
) -> None:
    before, failure = error_of(
        begin() + texts("before") + bad + finish() + STOP, slicing
    )

    assert before == "before"
    assert isinstance(failure, ProtocolError)
    assert str(failure).startswith("Vendor sent an event that ")


@pytest.mark.parametrize("index", [0, None, [0], {}])
def test_an_increment_before_any_block_breaks_the_protocol(index: object) -> None:
    value = {"type": "text_delta", "text": "a"}
    data = event({"type": "content_block_delta", "index": index, "delta": value})

    assert isinstance(error_of(data + STOP)[1], ProtocolError)


def test_a_block_whose_index_is_no_number_breaks_the_protocol() -> None:
    text = {"type": "text", "text": ""}
    start = {"type": "content_block_start", "index": [0], "content_block": text}

    assert isinstance(error_of(event(start) + STOP)[1], ProtocolError)


def test_an_event_of_nearly_a_megabyte_is_read() -> None:
    data = answer("é" * 500_000)  # F17

    assert len(text_of(decode(data, by_size(65536)))) == 500_000


def test_an_event_of_more_than_a_megabyte_is_refused() -> None:
    _, failure = error_of(texts("x" * (1 << 20)), by_size(65536))  # F18

    assert isinstance(failure, ProtocolError)


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_break_nothing_else(seed: int) -> None:
    # F25. What looks like events at first gets deeper.
    source = random.Random(seed)
    whole_answer = (
        begin() + thinking("hm") + tool("{}", index=1) + texts("a", index=2) + finish()
    )
    for _ in range(2000):
        data = bytearray(whole_answer)
        for _ in range(source.randint(1, 8)):
            data[source.randrange(len(data))] = source.randrange(256)
        garbage = bytes(data) if source.random() < 0.7 else source.randbytes(200)
        decoder, events = decoded(garbage, at_random(source.randrange(99), longest=99))
        try:
            decoder.check()
        except (ProtocolError, StreamTruncatedError):
            assert not any(isinstance(event, Finish) for event in events)


# The end.


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    ("end", "lenient"),
    [
        pytest.param(finish() + STOP, False, id="both"),
        pytest.param(finish(), True, id="S15"),
        pytest.param(finish() + b"data: {", True, id="reason-then-cut"),
        pytest.param(finish().removesuffix(b"\n\n"), True, id="no-blank-line"),
    ],
)
def test_a_reason_makes_an_answer_complete(
    end: bytes, lenient: bool, slicing: Slicing
) -> None:
    finished = end_of(decode(begin() + texts("a") + end, slicing))

    assert finished.reason == "stop"
    assert finished.details.get("lenient", False) is lenient


@pytest.mark.parametrize("word", ["", None, 0, []])
def test_a_reason_is_not_taken_back(word: object) -> None:
    odd = event({"type": "message_delta", "delta": {"stop_reason": word}})
    other = event({"type": "message_delta", "stop_reason": 7})
    finished = end_of(decode(begin() + finish("max_tokens") + odd + other + STOP))

    assert finished.reason == "length"


def test_the_mark_alone_tells_no_reason() -> None:
    finished = end_of(decode(begin() + texts("a") + STOP))

    assert finished.reason == "unknown"
    assert "finish_reason" not in finished.details


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="F23"),
        pytest.param(b"\r\n \n", id="blank"),
        pytest.param(PING * 3, id="pings"),
        pytest.param(begin(), id="begun"),
        pytest.param(begin() + texts("a"), id="no-end"),
        pytest.param(begin() + texts("a") + finish()[:-20], id="F16"),
        pytest.param(begin() + texts("a") + finish(""), id="no-reason"),
        pytest.param(b'{"type":"message","content":[', id="cut-document"),
    ],
)
def test_an_answer_without_its_end_is_truncated(data: bytes, slicing: Slicing) -> None:
    before, failure = error_of(data, slicing)

    assert isinstance(failure, StreamTruncatedError)
    assert before == ("a" if b"text" in data else "")


def test_every_cut_of_an_answer_is_truncated_or_complete() -> None:
    before = begin() + thinking("hm") + texts(*PIECES, index=1) + tool("{}", index=2)
    data = before + finish("tool_use") + STOP
    complete = len(before + finish("tool_use")) - len(b"\n\n")
    for cut in range(complete):
        _, failure = error_of(data[:cut])
        assert isinstance(failure, StreamTruncatedError), data[:cut]
    for cut in range(complete, len(data) + 1):
        events = decode(data[:cut])
        assert text_of(events) == TEXT
        assert end_of(events).reason == "tool_calls"
        assert end_of(events).state == end_of(decode(data)).state


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "unknown"),
        ("compaction", "unknown"),
        ("a new one", "unknown"),
        # Of other services that speak the protocol, and of gateways.
        ("stop", "stop"),
        ("length", "length"),
        ("MAX_TOKENS", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        ("sensitive", "content_filter"),
    ],
)
def test_a_reason_is_mapped_and_kept(word: str, reason: FinishReason) -> None:
    end = end_of(decode(begin() + texts("a") + finish(word) + STOP))  # S19

    assert end == Finish(
        reason=reason,
        details={
            "id": "msg_1",
            "model": "m-1",
            "finish_reason": word,
            "request_id": "req-1",
        },
    )


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "tool_calls"),
        ("stop", "tool_calls"),
        ("pause_turn", "tool_calls"),
        ("a new one", "tool_calls"),
        ("max_tokens", "length"),
        ("refusal", "content_filter"),
    ],
)
def test_an_answer_with_a_call_ends_for_the_call(
    word: str, reason: FinishReason
) -> None:
    finished = end_of(decode(begin() + tool("{}") + finish(word) + STOP))

    assert finished.reason == reason
    assert finished.details["finish_reason"] == word


def test_a_call_of_the_service_s_own_is_not_one() -> None:
    own = start(0, "server_tool_use", id="s", name="web_search", input={}) + stop(0)

    assert end_of(decode(begin() + own + finish() + STOP)).reason == "stop"


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("word", ["error", "network_error", "abort", "Cancelled"])
def test_a_reason_that_means_a_failure_is_an_error(word: str, slicing: Slicing) -> None:
    data = begin() + texts("a") + finish(word) + STOP

    text, told = reported(data, slicing)

    assert text == "a"
    message = f"the answer ended with the stop_reason {word!r}"
    assert told == {"type": "error", "error": {"type": word, "message": message}}


def test_details_of_the_end_are_kept() -> None:
    why = {"type": "refusal", "category": "bio", "explanation": "No."}
    edits = {"applied_edits": [{"type": "clear_thinking_20251015"}]}
    ended = {"stop_reason": "refusal", "stop_details": why, "stop_sequence": "end"}
    data = (
        begin(service_tier="standard", cache_creation_input_tokens=3)
        + event(
            {
                "type": "message_delta",
                "delta": {**ended, "container": {"id": "c"}},
                "usage": {"output_tokens": 4, "cache_creation": {"ephemeral_1h": 3}},
                "context_management": edits,
            }
        )
        + STOP
    )

    assert end_of(decode(data)).details == {
        "id": "msg_1",
        "model": "m-1",
        "finish_reason": "refusal",
        "stop_sequence": "end",
        "stop_details": why,
        "container": {"id": "c"},
        "context_management": edits,
        "service_tier": "standard",
        "cache_creation_input_tokens": 3,
        "cache_creation": {"ephemeral_1h": 3},
        "request_id": "req-1",
    }


# What an answer holds.


def counted(**counts: object) -> bytes:
    ended = {"stop_reason": "end_turn"}
    return event({"type": "message_delta", "delta": ended, "usage": counts})


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(
            begin() + counted(output_tokens=7),
            Usage(input_tokens=9, output_tokens=7),
            id="both",
        ),
        pytest.param(
            begin()
            + event({"type": "message_delta", "usage": {"output_tokens": 2}})
            + counted(output_tokens=7, input_tokens=11, cache_read_input_tokens=None),
            Usage(input_tokens=11, output_tokens=7),
            id="cumulative",
        ),
        pytest.param(
            begin(cache_read_input_tokens=100, cache_creation_input_tokens=20)
            + counted(output_tokens=7, output_tokens_details={"thinking_tokens": 5}),
            Usage(
                input_tokens=129,
                output_tokens=7,
                cached_tokens=100,
                reasoning_tokens=5,
                cache_write_tokens=20,
            ),
            id="cache",
        ),
        pytest.param(counted(output_tokens=7), Usage(output_tokens=7), id="no start"),
        pytest.param(
            begin()
            + finish()
            + event({"type": "message_stop", "usage": {"output_tokens": 7}}),
            Usage(input_tokens=9, output_tokens=7),
            id="at the mark",
        ),
        pytest.param(
            begin(output_tokens=0) + counted(input_tokens=0, output_tokens=7),
            Usage(input_tokens=9, output_tokens=7),
            id="zero at the end",
        ),
        pytest.param(
            begin() + counted(input_tokens=0, cache_read_input_tokens=9),
            Usage(input_tokens=18, cached_tokens=9),
            id="zero for one of them",
        ),
        pytest.param(
            event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
            None,
            id="missing",
        ),
    ],
)
def test_usage_is_cumulative(sent: bytes, expected: Usage | None) -> None:
    given = decode(sent + STOP)

    assert usage_of(given) == expected
    assert sum(isinstance(each, Usage) for each in given) == (expected is not None)


@pytest.mark.parametrize("odd", [7, "7", [], {"output_tokens": "7"}])
def test_odd_usage_is_logged_and_ignored(
    odd: object, caplog: pytest.LogCaptureFixture
) -> None:
    strange = event({"type": "message_delta", "delta": {}, "usage": odd})
    data = begin() + texts("a") + strange * 2 + finish() + strange + STOP

    assert usage_of(decode(data)) == Usage(input_tokens=9, output_tokens=4)
    assert caplog.messages == ["Vendor sent usage in an unknown form; it is ignored"]


@pytest.mark.parametrize("count", [-1, 7.5, True, "7", [7]])
def test_an_odd_count_does_not_replace_a_good_one(
    count: object, caplog: pytest.LogCaptureFixture
) -> None:
    data = begin() + counted(input_tokens=count, output_tokens=7) + STOP

    assert usage_of(decode(data)) == Usage(input_tokens=9, output_tokens=7)
    assert len(caplog.messages) == 1


COMPACTION = {
    "type": "compaction",
    "input_tokens": 100,
    "cache_read_input_tokens": 50,
    "cache_creation_input_tokens": 5,
    "output_tokens": 80,
}


@pytest.mark.parametrize(
    ("iterations", "expected"),
    [
        pytest.param(
            [COMPACTION, {"type": "message", "input_tokens": 10, "output_tokens": 7}],
            Usage(
                input_tokens=165,
                output_tokens=87,
                cached_tokens=50,
                cache_write_tokens=5,
            ),
            id="compaction",
        ),
        pytest.param(
            [{**COMPACTION, "type": "advisor_message"}],
            Usage(
                input_tokens=10, output_tokens=7, cached_tokens=0, cache_write_tokens=0
            ),
            id="another model",
        ),
        pytest.param(
            [7, {"type": "compaction", "input_tokens": "7"}],
            Usage(
                input_tokens=10, output_tokens=7, cached_tokens=0, cache_write_tokens=0
            ),
            id="odd",
        ),
        pytest.param(
            7,
            Usage(
                input_tokens=10, output_tokens=7, cached_tokens=0, cache_write_tokens=0
            ),
            id="not a list",
        ),
    ],
)
def test_what_compaction_cost_is_added(iterations: object, expected: Usage) -> None:
    # The start counts compaction, and the zeros of the end are true.
    data = (
        begin(input_tokens=100, cache_read_input_tokens=50)
        + counted(
            input_tokens=10,
            cache_read_input_tokens=0,
            cache_creation_input_tokens=0,
            output_tokens=7,
            iterations=iterations,
        )
        + STOP
    )
    events = decode(data)

    assert usage_of(events) == expected
    assert end_of(events).details["iterations"] == iterations


def test_usage_of_a_broken_answer_is_given() -> None:
    decoder, events = decoded(begin() + texts("a"))

    # The one token of output that the beginning tells of is not all of them.
    assert events == ["a", Usage(input_tokens=9)]
    assert not decoder.ended


def test_unknown_types_are_passed_over() -> None:
    # S10.
    data = (
        begin()
        + PING
        + event({"type": "message_note", "delta": {"text": "x"}})
        + thinking("hm", "")
        + start(1, "crystal_ball", colour="blue")
        + delta(1, "vision_delta", vision="fog")
        + stop(1)
        + start(2, "text", text="")
        + delta(2, "text_delta", text="a")
        + PING
        + delta(2, "odour_delta", text="x")
        + event({"type": "content_block_delta", "index": 2, "delta": {}})
        + delta(2, "text_delta", text="")
        + delta(2, "text_delta", text="b")
        + stop(2)
        + PING
        + finish()
        + STOP
    )

    *events, usage, _ = decode(data)

    assert events == [ReasoningDelta(text="hm"), "a", "b"]
    assert usage == Usage(input_tokens=9, output_tokens=4)


@pytest.mark.parametrize("slicing", SLICINGS)
def test_calls_of_tools_are_put_together(slicing: Slicing) -> None:
    arguments = '{"a": "é"}'  # S13
    data = (
        begin()
        + tool(*arguments, index=0, id="a", name="f")
        + tool("", index=1, id="b", name="g")
        + tool(index=2, id="c", name="h")
        + start(3, "tool_use", id="d", name="i", input={"x": 1})
        + stop(3)
        + finish("tool_use")
        + STOP
    )

    events = [e for e in decode(data, slicing) if isinstance(e, ToolCallDelta)]

    assert events == [
        ToolCallDelta(index=0, id="a", name="f"),
        *(ToolCallDelta(index=0, arguments=piece) for piece in arguments),
        ToolCallDelta(index=1, id="b", name="g"),
        ToolCallDelta(index=1, arguments="{}"),
        ToolCallDelta(index=2, id="c", name="h"),
        ToolCallDelta(index=2, arguments="{}"),
        ToolCallDelta(index=3, id="d", name="i"),
        ToolCallDelta(index=3, arguments='{"x":1}'),
    ]


def test_calls_may_come_in_turn_and_without_their_stops() -> None:
    data = (
        start(0, "tool_use", id="a", name="f", input={})
        + start(1, "tool_use", id="b", name="g", input={})
        + delta(0, "input_json_delta", partial_json="{}")
        + finish("tool_use")
        + STOP
    )

    assert decode(data)[:-2] == [
        ToolCallDelta(index=0, id="a", name="f"),
        ToolCallDelta(index=1, id="b", name="g"),
        ToolCallDelta(index=0, arguments="{}"),
        ToolCallDelta(index=1, arguments="{}"),
    ]


# What the service wants to see again.


def state_of(data: bytes) -> object:
    state = end_of(decode(begin() + data + finish() + STOP)).state
    return state and json.loads(json.dumps(state))["anthropic"]["content"]


@pytest.mark.parametrize(
    "data",
    [
        texts("a"),
        tool("{}"),
        b"",
        start(0, "text", text="a", citations=None),
        start(0, "text", text="a", citations=[]),
    ],
)
def test_without_thinking_there_is_no_state(data: bytes) -> None:
    assert state_of(data) is None


def test_thinking_is_kept_exactly_and_in_its_place() -> None:
    # S14.
    data = (
        thinking("Let me", " see. ", signature="c2lnbmF0dXJl")
        + start(1, "redacted_thinking", data="b3BhcXVl")
        + stop(1)
        + texts("It", " is.", index=2)
        + thinking(index=3, signature="bW9yZQ==")
        + tool('{"a"', ": 1}", index=4)
        + texts(index=5)
    )

    assert state_of(data) == [
        {"type": "thinking", "thinking": "Let me see. ", "signature": "c2lnbmF0dXJl"},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "text", "text": "It is."},
        {"type": "thinking", "thinking": "", "signature": "bW9yZQ=="},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
    ]


def test_tools_of_the_service_are_no_calls_and_kept() -> None:
    found = {"type": "web_search_result", "url": "u", "encrypted_content": "e"}
    cited = {"type": "web_search_result_location", "url": "u", "encrypted_index": "i"}
    data = (
        start(0, "server_tool_use", id="s", name="web_search", input={})
        + delta(0, "input_json_delta", partial_json='{"query":')
        + delta(0, "input_json_delta", partial_json='"x"}')
        + stop(0)
        + start(1, "web_search_tool_result", tool_use_id="s", content=[found])
        + stop(1)
        + start(2, "text", text="", citations=None)
        + delta(2, "citations_delta", citation=cited)
        + delta(2, "text_delta", text="It is.")
        + stop(2)
    )

    assert state_of(data) == [
        {
            "type": "server_tool_use",
            "id": "s",
            "name": "web_search",
            "input": {"query": "x"},
        },
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [found]},
        {"type": "text", "text": "It is.", "citations": [cited]},
    ]
    assert not any(isinstance(e, ToolCallDelta) for e in decode(data + STOP))


def test_arguments_that_were_cut_off_are_kept_as_they_are() -> None:
    *_, call = json.loads(json.dumps(state_of(thinking("a") + tool('{"a', index=1))))

    assert call["input"] == {"INVALID_JSON": '{"a'}


# What is no stream.

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m-1",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("before", [b"", b"\n\n", b"\xef\xbb\xbf \r\n"])
def test_a_whole_message_is_an_answer(before: bytes, slicing: Slicing) -> None:
    data = before + json.dumps(MESSAGE, indent=2).encode()  # F21

    assert decode(data, slicing) == [
        ReasoningDelta(text="hm"),
        "Hi",
        ToolCallDelta(index=0, id="a", name="f"),
        ToolCallDelta(index=0, arguments='{"x":1}'),
        Usage(input_tokens=1, output_tokens=2),
        Finish(
            reason="tool_calls",
            details={
                "id": "msg_1",
                "model": "m-1",
                "finish_reason": "tool_use",
                "request_id": "req-1",
            },
            state={"anthropic": {"content": MESSAGE["content"]}},
        ),
    ]


def test_a_whole_message_needs_no_reason() -> None:
    events = decode(b'{"content":[{"type":"text","text":"Hi"}]}')

    assert text_of(events) == "Hi"
    assert end_of(events) == Finish(reason="unknown", details={"request_id": "req-1"})


@pytest.mark.parametrize("document", [b'{"content":7}', b'{"content":[7]}'])
def test_content_that_is_not_of_the_protocol_breaks_it(document: bytes) -> None:
    assert isinstance(error_of(document)[1], ProtocolError)


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "document",
    [
        {"type": "error", "error": {"type": "api_error", "message": "no"}},
        [{"error": {"message": "no"}}],
        {"detail": "no"},
    ],
)
def test_a_document_in_place_of_an_answer_is_its_error(
    document: object, slicing: Slicing
) -> None:
    data = json.dumps(document, indent=2).encode()  # F20

    assert reported(data, slicing) == ("", document)


def test_a_page_in_place_of_an_answer_breaks_the_protocol() -> None:
    _, failure = error_of(b"\n<!DOCTYPE html><title>Log in</title>")  # F22

    assert isinstance(failure, ProtocolError)
    assert "base_url" in str(failure)


# Errors inside of an answer.


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("end", [b"", finish() + STOP])
@pytest.mark.parametrize(
    ("begun", "text"), [(b"", ""), (begin(), ""), (begin() + texts("a"), "a")]
)
def test_an_error_inside_an_answer_is_no_success(
    begun: bytes, text: str, end: bytes, slicing: Slicing
) -> None:
    told = {"type": "overloaded_error", "message": "Overloaded"}  # S11

    assert reported(begun + error() + end, slicing) == (
        text,
        {"type": "error", "error": told},
    )


def test_an_error_without_a_type_is_one() -> None:
    told = {"error": {"message": "no"}}
    data = begin() + b"data: " + json.dumps(told).encode() + b"\n\n"

    assert reported(data) == ("", told)


def test_an_error_whose_event_was_cut_off_counts_where_it_is_whole() -> None:
    assert reported(begin() + error().removesuffix(b"\n\n"))[0] == ""


def test_an_error_after_the_reason_counts() -> None:
    decoder, _ = decoded(begin() + texts("a") + finish() + error())

    assert decoder.reported is not None
