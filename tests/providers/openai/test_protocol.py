"""The protocol, without any network. The ids are those of cases.md."""

from __future__ import annotations

import json
import random

import pytest

from turnout.errors import ProtocolError, StreamTruncatedError
from turnout.testing._slicing import Slicing, at, at_random, by_size, whole
from turnout.types import (
    Finish,
    ReasoningDelta,
    ToolCallDelta,
    Usage,
)
from turnout_openai._protocol import Decoder

from ...support.openai_server import (
    DONE,
    answer,
    chunk,
    event,
    finish,
    text,
    usage,
)
from ..reading import PIECES, SLICINGS, TEXT, Reading, end_of, text_of, usage_of

READING = Reading(Decoder)
decode, decoded = READING.decode, READING.decoded
error_of, reported = READING.error_of, READING.reported

# Framing.

COMMENTS = b": OPENROUTER PROCESSING\n\n: keep-alive\n"

FORMS = [
    pytest.param(answer(*PIECES), id="F01"),
    pytest.param(answer(*PIECES).replace(b"\n", b"\r\n"), id="F02"),
    pytest.param(answer(*PIECES).replace(b"\n", b"\r"), id="F03"),
    pytest.param(answer(*PIECES).replace(b"}\n\n", b"}\r\n\n"), id="F04"),
    pytest.param(answer(*PIECES).replace(b"data: ", b"data:"), id="F05"),
    pytest.param(answer(*PIECES).replace(b"data: {", b"data:  {"), id="F06"),
    pytest.param(b"\xef\xbb\xbf" + answer(*PIECES), id="F07"),
    pytest.param(
        b"\n\n" + answer(*PIECES).replace(b"data: {", COMMENTS + b"data: {"), id="F08"
    ),
    pytest.param(
        answer(*PIECES).replace(b', "choices"', b',\ndata:\ndata: "choices"'), id="F09"
    ),
    pytest.param(
        answer(*PIECES).replace(
            b"data: {", b"event: ping\n\nid: 1\nretry: 5\nx: y\nevent: m\ndata: {"
        ),
        id="F10",
    ),
    pytest.param(answer(*PIECES).removesuffix(b"\n\n"), id="F15"),
    pytest.param(
        b"".join([*map(text, PIECES), usage(), finish()]).removesuffix(b"\n\n"),
        id="F15-json",
    ),
    pytest.param(answer(*PIECES).replace(DONE, b"data:\n\n" + DONE), id="empty-data"),
    pytest.param(answer(*PIECES).replace(DONE, b"data: [DONE] \n\n"), id="blank-after"),
    pytest.param(answer(*PIECES) + b"data: what follows\n\n", id="after-the-mark"),
    pytest.param(
        answer(*PIECES).replace(b"\n\n", b"\n\ndata:  \n\n"), id="blank-between"
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

    assert decoder.feed(text("a")[:-1]) == []
    assert decoder.feed(b"\n" + text("b") + text("c")[:9]) == ["a", "b"]
    assert decoder.feed(text("c")[9:]) == ["c"]


def test_ten_thousand_comments_bring_nothing() -> None:
    data = b": keep-alive\n\n" * 10_000 + answer("a")  # F08

    assert text_of(decode(data, by_size(4096))) == "a"


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b'data: {"choices":[{"delta":{"content":"\xff"}}]}', id="F14"),
        pytest.param(b"data: {", id="cut-json"),
        pytest.param(b"data: oops", id="words"),
        pytest.param(b"data: []", id="list"),
        pytest.param(b"data: 7", id="number"),
        pytest.param(b"data: " + b"[" * 9000, id="deep"),
        pytest.param(b'data: {"choices":{"a":1}}', id="choices"),
        pytest.param(b'data: {"choices":[7]}', id="choice"),
        *(
            pytest.param(b"data: " + json.dumps(chunk(delta)).encode(), id=f"{delta}")
            for delta in [
                "text",
                {"content": 7},
                {"refusal": {"a": 1}},
                {"tool_calls": {"a": 1}},
                {"function_call": [7]},
                {"tool_calls": [7]},
                {"tool_calls": [{"function": "f"}]},
                {"tool_calls": [{"function": {"arguments": 7}}]},
            ]
        ),
    ],
)
def test_an_event_that_is_not_of_the_protocol_breaks_it(
    bad: bytes, slicing: Slicing
) -> None:
    before, error = error_of(text("before") + bad + b"\n\n" + DONE, slicing)

    assert before == "before"
    assert isinstance(error, ProtocolError)
    assert str(error).startswith("Vendor sent an event that ")


def test_a_finish_reason_is_a_text() -> None:
    data = event({**chunk({}), "choices": [{"finish_reason": 7}]})

    assert isinstance(error_of(data)[1], ProtocolError)


def test_an_error_does_not_quote_the_answer() -> None:
    _, error = error_of(b'data: {"private": \n\n')

    assert "private" not in str(error)


@pytest.mark.parametrize("slicing", [whole, by_size(65536), by_size(1009)])
def test_an_event_of_nearly_a_megabyte_is_read(slicing: Slicing) -> None:
    data = answer("é" * 500_000)  # F17

    assert len(text_of(decode(data, slicing))) == 500_000


def test_an_event_of_more_than_a_megabyte_is_refused() -> None:
    _, error = error_of(text("x" * (1 << 20)), by_size(65536))  # F18

    assert isinstance(error, ProtocolError)
    assert "too much" in str(error)


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_break_nothing_else(seed: int) -> None:
    # F25. What looks like events at first gets deeper.
    source = random.Random(seed)
    whole_answer = answer("a", "b")
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
    "end",
    [
        pytest.param(finish() + DONE, id="both"),
        pytest.param(finish(), id="reason"),
        pytest.param(finish() + b"data: {", id="reason-then-cut"),
    ],
)
def test_a_reason_or_the_mark_makes_an_answer_complete(
    end: bytes, slicing: Slicing
) -> None:
    assert end_of(decode(text("a") + end, slicing)).reason == "stop"


def test_the_mark_alone_tells_no_reason() -> None:
    events = decode(text("a") + DONE)  # S05

    assert end_of(events).reason == "unknown"
    assert "finish_reason" not in end_of(events).details


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="F23"),
        pytest.param(b"\r\n \n", id="blank"),
        pytest.param(b": comments\n\n", id="comments"),
        pytest.param(text("a"), id="no-end"),
        pytest.param(text("a") + usage(), id="usage-alone"),
        pytest.param(text("a") + finish()[:-20], id="F16"),
        pytest.param(text("a") + b"data: [DON", id="cut-mark"),
        pytest.param(
            text("a") + event({"choices": [{"index": 1, "finish_reason": "stop"}]}),
            id="another's-end",
        ),
        pytest.param(b'{"choices":[{"message":{"content":"a"', id="cut-document"),
    ],
)
def test_an_answer_without_its_end_is_truncated(data: bytes, slicing: Slicing) -> None:
    before, error = error_of(data, slicing)

    assert isinstance(error, StreamTruncatedError)
    assert before == ("a" if data.startswith(b"data") else "")


def test_every_cut_of_an_answer_is_truncated_or_complete() -> None:
    data = b"".join(map(text, PIECES)) + finish()
    complete = len(data) - len(b"\n\n")
    for cut in range(complete):
        assert isinstance(error_of(data[:cut])[1], StreamTruncatedError)
    for cut in range(complete, len(data) + 1):
        assert text_of(decode(data[:cut])) == TEXT


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("STOP", "stop"),
        ("<|eot_id|>", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("tool_use", "tool_calls"),
        ("content_filter", "content_filter"),
        ("sensitive", "content_filter"),
        ("safety", "content_filter"),
        ("refusal", "content_filter"),
        ("a new word", "unknown"),
    ],
)
def test_a_reason_is_mapped_and_kept(word: str, reason: str) -> None:
    end = end_of(decode(finish(word) + DONE))  # S05

    assert end == Finish(
        reason=reason,  # type: ignore[arg-type]
        details={
            "id": "chatcmpl-1",
            "model": "m-1",
            "finish_reason": word,
            "request_id": "req-1",
        },
    )


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "word",
    [
        "abort",
        "aborted",
        "cancelled",
        "insufficient_system_resource",
        "MALFORMED_FUNCTION_CALL",
        "network_error",
        "timeout",
    ],
)
def test_a_reason_that_means_failure_is_an_error(word: str, slicing: Slicing) -> None:
    error = {"code": word, "message": "the answer was interrupted"}

    assert reported(text("a") + finish(word) + DONE, slicing) == (
        "a",
        {"error": error},
    )


def test_a_reason_may_be_an_object() -> None:
    # SGLang's own protocol has this form, and proxies pass it on.
    failed = {"type": "abort", "message": "out of memory", "status_code": 500}
    stopped = {"type": "stop", "matched": 2}

    def ending(reason: object) -> bytes:
        delta: dict[str, object] = {}
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return event({"choices": [choice]})

    assert reported(text("a") + ending(failed) + DONE)[1] == {
        "error": {"code": "abort", "message": "out of memory"}
    }
    assert end_of(decode(text("a") + ending(stopped) + DONE)).reason == "stop"


@pytest.mark.parametrize("word", ["null", "None", "", "in_progress"])
def test_a_word_for_no_reason_ends_nothing(word: str) -> None:
    running = event(chunk({"content": "a"}, word))

    assert isinstance(error_of(running)[1], StreamTruncatedError)
    assert text_of(decode(running + finish() + DONE)) == "a"


def test_a_reply_without_names_has_none() -> None:
    decoder = Decoder("Vendor")

    assert decoder.feed(b'data: {"choices":[],"id":""}\n\n' + DONE) == [
        Finish(reason="unknown")
    ]


# What an answer holds.


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param([], None, id="missing"),
        pytest.param([usage(1, 2)], Usage(input_tokens=1, output_tokens=2), id="once"),
        pytest.param(
            [usage(1, 2), usage(3, 4)],
            Usage(input_tokens=3, output_tokens=4),
            id="twice",
        ),
        pytest.param(
            [
                event(chunk({"content": ""}, usage={"prompt_tokens": 3})),
                event(chunk({}, usage={"completion_tokens": 4})),
            ],
            Usage(input_tokens=3, output_tokens=4),
            id="on every chunk",
        ),
        pytest.param(
            [
                usage(
                    prompt_tokens_details={"cached_tokens": 5},
                    completion_tokens_details={"reasoning_tokens": 6},
                )
            ],
            Usage(input_tokens=9, output_tokens=4, cached_tokens=5, reasoning_tokens=6),
            id="details",
        ),
        pytest.param(
            [usage(prompt_tokens_details=None, completion_tokens_details=[])],
            Usage(input_tokens=9, output_tokens=4),
            id="no details",
        ),
        pytest.param(
            [event({"choices": [], "usage": {"prompt_tokens": "9"}})],
            Usage(),
            id="no number",
        ),
    ],
)
def test_the_last_usage_holds(sent: list[bytes], expected: Usage | None) -> None:
    given = decode(text("a") + finish() + b"".join(sent) + DONE)  # S01

    assert usage_of(given) == expected
    assert sum(isinstance(each, Usage) for each in given) == bool(sent)

    broken = event(chunk({"content": "a"}, usage={"prompt_tokens": 3}))

    decoder, events = decoded(broken)

    assert events == ["a", Usage(input_tokens=3)]
    assert not decoder.ended


def test_azures_frames_without_text_bring_nothing() -> None:
    # S02.
    first: dict[str, object] = {
        "choices": [],
        "created": 0,
        "id": "",
        "prompt_filter_results": [{}],
    }
    note = chunk({}, content_filter_results={}, content_filter_offsets={})
    data = event(first) + text("a") + event(note) + text("b") + finish() + DONE

    assert decode(data)[:-1] == ["a", "b"]


@pytest.mark.parametrize("slicing", SLICINGS)
def test_azures_last_words_take_no_name_away(slicing: Slicing) -> None:
    note: dict[str, object] = {
        "choices": [{"index": 0, "content_filter_offsets": {"end_offset": 1}}],
        "id": "",
        "model": "",
    }

    end = end_of(decode(text("a") + finish() + event(note) + DONE, slicing))

    assert (end.details["id"], end.details["model"]) == ("chatcmpl-1", "m-1")


def test_deltas_may_be_anything_that_is_empty() -> None:
    deltas: list[object] = [None, {}, {"content": None}, {"role": "assistant"}]
    more: list[object] = [
        {"choices": None},
        {"choices": [{}]},
        {"choices": [{"delta": None}]},
        {},
    ]
    data = b"".join(event(chunk(delta)) for delta in deltas)

    assert decode(data + b"".join(map(event, more)) + DONE)[:-1] == []


def test_other_answers_are_left_out() -> None:
    # S09: a stream is one answer, and several are refused before they are asked for.
    other = {"choices": [{"index": 1, "delta": {"content": "other"}}]}

    assert decode(event(other) + text("a") + DONE)[:-1] == ["a"]


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hm", "content": None},
        {"reasoning": "hm"},
        {"reasoning_content": "hm", "reasoning": "hm"},
        {"reasoning_content": None, "reasoning": "hm"},
    ],
)
def test_reasoning_is_given_once(delta: object) -> None:
    assert decode(event(chunk(delta)) + text("a") + DONE)[:-1] == [
        ReasoningDelta(text="hm"),
        "a",
    ]


def test_the_reasoning_that_is_not_empty_counts() -> None:
    delta = {"reasoning_content": "", "reasoning": "hm", "content": "a"}
    empty = {"reasoning_content": "", "reasoning": None, "content": "b"}

    data = event(chunk(delta)) + event(chunk(empty)) + DONE

    assert decode(data)[:-1] == [ReasoningDelta(text="hm"), "a", "b"]


def test_a_refusal_is_text_and_is_told() -> None:
    data = event(chunk({"refusal": "I will"})) + event(chunk({"refusal": " not."}))

    events = decode(data + finish() + DONE)

    assert text_of(events) == "I will not."
    assert end_of(events).details["refusal"] is True


# What is no stream.

COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hi",
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "f"}},
                    {"id": "b", "type": "function", "function": {"name": "g"}},
                ],
            },
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2},
}


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("before", [b"", b"\n\n", b"\xef\xbb\xbf \r\n"])
def test_a_whole_completion_is_an_answer(before: bytes, slicing: Slicing) -> None:
    data = before + json.dumps(COMPLETION, indent=2).encode()  # F21

    *events, end = decode(data, slicing)

    assert events == [
        "Hi",
        ToolCallDelta(index=0, id="a", name="f"),
        ToolCallDelta(index=1, id="b", name="g"),
        Usage(input_tokens=1, output_tokens=2),
    ]
    assert isinstance(end, Finish)
    assert end.reason == "tool_calls"
    assert end.details["finish_reason"] == "stop"


def test_a_message_beside_a_delta_is_passed_over() -> None:
    # Perplexity sends what was said so far with every chunk.
    so_far = {"delta": {}, "message": {"content": "ab"}, "finish_reason": "stop"}

    assert text_of(decode(text("a") + text("b") + event({"choices": [so_far]}))) == "ab"


def test_a_whole_completion_needs_no_reason() -> None:
    events = decode(b'{"choices":[{"message":{"content":"Hi"}}]}')

    assert text_of(events) == "Hi"
    assert end_of(events).reason == "unknown"


def test_a_whole_completion_may_have_an_empty_delta_too() -> None:
    # Perplexity's have.
    said = {"message": {"content": "Hi"}, "delta": {"content": ""}}

    assert text_of(decode(json.dumps({"choices": [said]}).encode())) == "Hi"


def test_a_document_may_be_one_chunk() -> None:
    document = json.dumps(chunk({"content": "Hi"}, "stop")).encode()

    assert text_of(decode(document)) == "Hi"


@pytest.mark.parametrize("choices", [[], None])
def test_a_completion_without_choices_is_no_answer(choices: object) -> None:
    _, error = error_of(json.dumps({"choices": choices}).encode())

    assert isinstance(error, StreamTruncatedError)


def test_a_completion_may_be_long() -> None:
    data = json.dumps({"choices": [{"message": {"content": "x" * 200_000}}]})

    assert len(text_of(decode(data.encode(), by_size(65536)))) == 200_000


def test_a_document_may_not_be_too_long() -> None:
    _, error = error_of(b'{"a":"' + b"x" * (9 << 20), by_size(65536))

    assert isinstance(error, ProtocolError)


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "document",
    [
        {"error": {"message": "no", "code": "rate_limit_exceeded"}},
        [{"error": {"message": "no"}}],
        {"object": "error", "message": "no", "code": 400},
        {"detail": [{"msg": "no"}]},
        {"error": {"message": "no"}, "choices": []},
    ],
)
def test_a_document_in_place_of_an_answer_is_its_error(
    document: object, slicing: Slicing
) -> None:
    data = json.dumps(document, indent=2).encode()  # F20

    assert reported(data, slicing) == ("", document)


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("more", [0, 100_000])
def test_a_page_in_place_of_an_answer_breaks_the_protocol(
    more: int, slicing: Slicing
) -> None:
    # F22.
    _, error = error_of(
        b"\n<!DOCTYPE html><title>Log in</title>" + b"x" * more, slicing
    )

    assert isinstance(error, ProtocolError)
    assert "base_url" in str(error)


def test_a_document_that_is_no_json_breaks_the_protocol() -> None:
    _, error = error_of(b"{'a': 1}")

    assert isinstance(error, ProtocolError)


# Errors inside of an answer.


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("end", [b"", DONE, finish() + DONE])
@pytest.mark.parametrize(
    "error",
    [
        pytest.param({"error": {"message": "no", "code": 500}}, id="vLLM"),
        pytest.param({"error": "no"}, id="text"),
        pytest.param(chunk({}, error={"message": "no", "code": 502}), id="beside"),
        pytest.param(
            chunk({"content": ""}, "error", error={"message": "no"}), id="OpenRouter"
        ),
        pytest.param({"object": "error", "message": "no", "code": 400}, id="flat"),
        pytest.param({"detail": "no"}, id="detail"),
        pytest.param(chunk({}, "error"), id="reason"),
    ],
)
def test_an_error_inside_an_answer_is_no_success(
    error: object, end: bytes, slicing: Slicing
) -> None:
    # S05 and S06.
    assert reported(text("a") + event(error) + end, slicing) == ("a", error)


@pytest.mark.parametrize("reason", ["error", "stop"])
def test_an_error_in_a_choice_is_an_error(reason: str) -> None:
    # OpenRouter's place for that of the service behind it.
    error = {"code": 502, "message": "no"}
    choice = {"index": 0, "delta": {"content": "b"}, "error": error}
    failed = event({"choices": [{**choice, "finish_reason": reason}]})

    assert reported(text("a") + failed + DONE)[0] == "ab"


def test_an_error_whose_event_was_cut_off_counts_where_it_is_whole() -> None:
    assert reported(text("a") + b'data: {"error":"no"}') == ("a", {"error": "no"})


def test_an_error_after_the_reason_counts() -> None:
    assert reported(finish() + event({"error": "no"}))[1] == {"error": "no"}
