"""The answers, without any network. The ids are those of cases.md."""

from __future__ import annotations

import logging
import random
import re
from typing import Any

import pytest

from turnout.errors import ProtocolError, StreamTruncatedError
from turnout.testing._slicing import Slicing, at, at_random, by_size, whole
from turnout.types import (
    Finish,
    MediaDelta,
    ReasoningDelta,
    ToolCallDelta,
    Usage,
)
from turnout_ollama._protocol import Decoder

from ...support.ollama_server import (
    answer,
    calls,
    done,
    line,
    message,
    text,
    thinking,
)
from ..reading import PIECES, SLICINGS, TEXT, Reading, end_of, text_of, usage_of

USAGE = Usage(input_tokens=26, output_tokens=298)
READING = Reading(Decoder)
decode, decoded = READING.decode, READING.decoded
error_of = READING.error_of

# Framing.

ODD: list[dict[str, Any]] = [
    {"content": 7},
    {"content": [7]},
    {"content": {"text": "a"}},
    {"content": [{"text": 7}]},
    {"content": None, "thinking": 7},
    {"images": "a"},
    {"tool_calls": {"a": 1}},
    {"tool_calls": "a"},
    {"tool_calls": [7]},
    {"tool_calls": [{"function": "f"}]},
    {"tool_calls": [{}]},
    {"tool_calls": [{"function": {"arguments": {}}}]},
    {"tool_calls": [{"id": 7, "function": {"name": "f"}}]},
]

FORMS = [
    pytest.param(answer(*PIECES), id="F01"),
    pytest.param(answer(*PIECES).replace(b"\n", b"\r\n"), id="F02"),
    pytest.param(b"\n \n" + answer(*PIECES).replace(b"\n", b"\n\r\n\n"), id="blank"),
    pytest.param(answer(*PIECES).removesuffix(b"\n"), id="F15"),
    pytest.param(answer(*PIECES) + b"what follows", id="after-the-end"),
    pytest.param(answer(*PIECES) + done("length"), id="S17-twice"),
    pytest.param(
        answer(*PIECES).replace(b'"role": "assistant", ', b""), id="without-role"
    ),
]


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("data", FORMS)
def test_an_answer_is_the_same_however_it_is_written_and_cut(
    data: bytes, slicing: Slicing
) -> None:
    events = decode(data, slicing)

    assert text_of(events) == TEXT
    assert events[-2] == USAGE
    assert end_of(events).reason == "stop"


@pytest.mark.parametrize("data", FORMS)
def test_an_answer_is_the_same_cut_in_two_at_any_byte(data: bytes) -> None:
    # F11: within a character too.
    expected = decode(data)

    for position in range(len(data) + 1):
        assert decode(data, at(position)) == expected


def test_every_cut_of_an_answer_is_truncated_or_complete() -> None:
    data = answer(*PIECES)
    complete = len(data) - len(b"\n")
    for cut in range(complete):
        shown, error = error_of(data[:cut])
        assert isinstance(error, StreamTruncatedError)
        assert TEXT.startswith(shown)
    for cut in range(complete, len(data) + 1):
        assert text_of(decode(data[:cut])) == TEXT


def test_a_piece_is_given_as_soon_as_its_line_has_ended() -> None:
    decoder = Decoder("Ollama")

    assert decoder.feed(text("a")[:-1]) == []
    assert decoder.feed(b"\n" + text("b") + text("c")[:9]) == ["a", "b"]
    assert decoder.feed(text("c")[9:]) == ["c"]


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b'{"message":{"role":"a","content":"\xff"}}', id="F14"),
        pytest.param(b"{", id="cut-json"),
        pytest.param(b"data: {}", id="event"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"7", id="number"),
        pytest.param(b'{"eval_count":NaN}', id="nan"),
        pytest.param(b"[" * 9000, id="deep"),
        pytest.param(b'{"message":"text","done":true}', id="message"),
        *(pytest.param(line(message(**fields))[:-1], id=f"{fields}") for fields in ODD),
    ],
)
def test_a_line_that_is_not_of_the_protocol_breaks_it(
    bad: bytes, slicing: Slicing
) -> None:
    before, error = error_of(text("before") + bad + b"\n" + done(), slicing)

    assert before == "before"
    assert isinstance(error, ProtocolError)
    assert str(error).startswith("Vendor sent an event that ")


def test_an_error_does_not_quote_the_answer() -> None:
    _, error = error_of(b'{"private": \n')

    assert "private" not in str(error)


@pytest.mark.parametrize("slicing", [whole, by_size(65536), by_size(1009)])
def test_a_line_of_nearly_a_megabyte_is_read(slicing: Slicing) -> None:
    data = answer("é" * 500_000)  # F17

    assert len(text_of(decode(data, slicing))) == 500_000


def test_a_line_of_more_than_a_megabyte_is_refused() -> None:
    _, error = error_of(text("x" * (1 << 20)), by_size(65536))  # F18

    assert isinstance(error, ProtocolError)
    assert "too much" in str(error)


@pytest.mark.parametrize("slicing", SLICINGS)
def test_a_page_is_no_answer(slicing: Slicing) -> None:
    _, error = error_of(b"<html><title>Log in</title>", slicing)  # F22

    assert isinstance(error, ProtocolError)
    assert "a page in place of an answer" in str(error)


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_break_nothing_else(seed: int) -> None:
    # F25. What looks like lines at first gets deeper.
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
    "data",
    [
        pytest.param(b"", id="F23"),
        pytest.param(b"\r\n \n", id="blank"),
        pytest.param(text("a"), id="no-end"),
        pytest.param(text("a") + done()[:-20], id="F16"),
        pytest.param(text("a") + done(None), id="S17-no-reason"),
        pytest.param(text("a") + done(""), id="S17-empty-reason"),
        pytest.param(text("a") + done("") + done(), id="S17-reason-after"),
        pytest.param(text("a") + line({"done": True}), id="bare"),
    ],
)
def test_an_answer_without_its_end_is_truncated(data: bytes, slicing: Slicing) -> None:
    before, error = error_of(data, slicing)

    assert isinstance(error, StreamTruncatedError)
    assert str(error) == ("Vendor's answer ended without a line with done_reason")
    assert before == ("a" if data.startswith(b"{") else "")


@pytest.mark.parametrize("reason", ["load", "unload"])
def test_the_loading_of_a_model_is_no_answer(reason: str) -> None:
    _, error = error_of(done(reason))  # S17

    assert isinstance(error, ProtocolError)
    assert str(error).endswith(f"is not an answer: its done_reason is {reason}")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "unknown"),
        ("moonrise", "unknown"),
        ("7", "unknown"),
    ],
)
def test_a_reason_is_mapped_and_kept(word: str, reason: str) -> None:
    assert end_of(decode(text("a") + done(word))) == Finish(
        reason=reason,  # type: ignore[arg-type]
        details={
            "model": "llama3.2",
            "total_duration": 5_191_566_416,
            "load_duration": 2_154_458,
            "prompt_eval_duration": 383_809_000,
            "eval_duration": 4_799_921_000,
            "finish_reason": word,
            "request_id": "req-1",
        },
    )


def test_an_end_that_tells_nothing_more_has_no_more() -> None:
    decoder = Decoder("Ollama")

    assert decoder.feed(b'{"done":true,"done_reason":"stop"}\n') == [
        Finish(reason="stop", details={"finish_reason": "stop"})
    ]


def test_the_last_line_may_hold_text() -> None:
    events = decode(text("a") + done(content="b"))

    assert text_of(events) == "ab"


def test_a_whole_answer_in_one_line_is_an_answer() -> None:
    # F21: what the service gives where no stream is asked for.
    assert text_of(decode(done(content="Hello!").removesuffix(b"\n"))) == "Hello!"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"prompt_eval_count": None, "eval_count": None}, None),
        ({"prompt_eval_count": None}, Usage(output_tokens=298)),
        ({"prompt_eval_count": 0}, Usage(input_tokens=0, output_tokens=298)),
        ({}, USAGE),
    ],
)
def test_usage_is_what_the_last_line_counts(
    counts: dict[str, Any], expected: Usage | None, caplog: pytest.LogCaptureFixture
) -> None:
    events = decode(text("a") + done(**counts))  # S01

    assert usage_of(events) == expected
    assert caplog.records == []


@pytest.mark.parametrize("odd", ["7", -7, True, [7], {}, 7.5])
def test_odd_usage_is_logged_and_passed_over(
    odd: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="turnout"):
        events = decode(text("a") + done(eval_count=odd))

    assert usage_of(events) == Usage(input_tokens=26)
    (record,) = caplog.records
    assert record.getMessage().endswith("ignored: eval_count")


def test_what_lines_say_beside_the_message_is_kept() -> None:
    def piece(token: str) -> bytes:
        told = [{"token": token, "logprob": -0.5}]
        return line({**message(content=token), "logprobs": told, "brand_new": token})

    end = end_of(decode(piece("a") + piece("a") + done(remote_host="x")))

    assert end.details["logprobs"] == [{"token": "a", "logprob": -0.5}] * 2
    assert (end.details["brand_new"], end.details["remote_host"]) == ("a", "x")


# What an answer holds.


def test_lines_may_bring_nothing() -> None:
    nothing: list[dict[str, object]] = [
        {},
        {"status": "loading"},
        {"message": None},
        {"message": {}},
        {"error": None, "message": {"role": "assistant", "content": None}},
        message(),
        message(content="", thinking="", tool_calls=None),
        message(content=[], images=None, tool_name="x", brand_new=None),
        message(content=["", {"text": None}, {}]),
    ]

    assert decode(b"".join(map(line, nothing)) + done())[:-2] == []


def test_thinking_is_given_and_kept_for_the_next_turn() -> None:
    events = decode(thinking("h") + thinking("m") + text("a") + done())

    assert events[:3] == [ReasoningDelta(text="h"), ReasoningDelta(text="m"), "a"]
    assert end_of(events).state == {"ollama": {"thinking": "hm"}}
    assert end_of(decode(answer("a"))).state is None


def test_text_may_stand_beside_thinking_and_calls() -> None:
    call: object = {"function": {"name": "f", "arguments": {}}, "id": "c"}
    data = line(message(content="a", thinking="hm", tool_calls=[call]))

    assert decode(data + done())[:-2] == [
        ReasoningDelta(text="hm"),
        "a",
        ToolCallDelta(index=0, id="c", name="f", arguments="{}"),
    ]


def test_calls_are_whole_and_their_arguments_a_text() -> None:
    # S17: they come as an object.
    data = (
        calls(("f", {"at": "Zürich", "n": [1, 2.5, None]}), ("f", {}), ids=True)
        + line(message(tool_calls=[{"id": "x", "function": {"name": "g"}}]))
        + done()
    )

    events = decode(data)

    assert events[:3] == [
        ToolCallDelta(
            index=0, id="call_0", name="f", arguments='{"at":"Zürich","n":[1,2.5,null]}'
        ),
        ToolCallDelta(index=1, id="call_1", name="f", arguments="{}"),
        ToolCallDelta(index=2, id="x", name="g", arguments="{}"),
    ]
    assert end_of(events).reason == "tool_calls"
    assert end_of(events).details["finish_reason"] == "stop"


@pytest.mark.parametrize("word", ["length", "content_filter"])
def test_calls_that_were_cut_off_say_so(word: str) -> None:
    assert end_of(decode(calls(("f", {})) + done(word))).reason == word


@pytest.mark.parametrize("word", ["stop", "tool_calls", "moonrise"])
def test_an_answer_with_a_call_ends_with_tool_calls(word: str) -> None:
    end = end_of(decode(calls(("f", {})) + done(word)))

    assert (end.reason, end.details["finish_reason"]) == ("tool_calls", word)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('{"a', '{"a'),
        ("", "{}"),
        (None, "{}"),
        ([1], "[1]"),
        (7, "7"),
    ],
)
def test_arguments_may_have_another_form(arguments: object, expected: str) -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": arguments}}

    for given in ([call], call):
        events = decode(line(message(tool_calls=given)) + done())
        assert events[0] == ToolCallDelta(index=0, id="c", name="f", arguments=expected)


def test_a_content_may_be_a_list() -> None:
    content: list[object] = [{"type": "text", "text": "a"}, "b", {"text": "c"}]

    assert text_of(decode(line(message(content=content)) + done())) == "abc"


def test_blocks_that_are_not_text_are_an_item() -> None:
    image = {"type": "image", "image": "eA=="}
    data = line(message(content=[image, "a"])) + line(message(content=[image]))

    events = decode(data + done())

    assert text_of(events) == "a"
    assert end_of(events).items == ({"content": [image, image]},)


def test_images_are_media() -> None:
    data = line(message(images=["cG5n"])) + line(message(images=["cG5n", "eA=="]))

    assert [e for e in decode(data + done()) if isinstance(e, MediaDelta)] == [
        MediaDelta(index=0, data=b"png"),
        MediaDelta(index=1, data=b"png"),
        MediaDelta(index=2, data=b"x"),
    ]


def test_other_fields_of_a_message_are_an_item() -> None:
    odd: list[object] = ["odd", 7]
    data = (
        line(message(content="a", brand_new="b", annotations=[1], other={"c": 1}))
        + line(message(brand_new="d", annotations=[2], other={"c": 2}))
        + line(message(images=odd))
    )

    events = decode(data + done())

    assert text_of(events) == "a"
    assert end_of(events).items == (
        {
            "brand_new": "bd",
            "annotations": [1, 2],
            "other": {"c": 2},
            "images": ["odd", 7],
        },
    )


def test_half_of_a_pair_is_joined_over_lines() -> None:
    halves = text("HALF").replace(b"HALF", rb"a\ud83d")
    other = text("HALF").replace(b"HALF", rb"\udfe2b")

    assert text_of(decode(halves + other + done())) == "a\U0001f7e2b"
    assert text_of(decode(halves + done())) == "a\ufffd"


def test_calls_of_older_servers_get_ids_of_their_own() -> None:
    events = decode(calls(("f", {}), ("f", {})) + calls(("f", {})) + done())

    ids = [each.id or "" for each in events if isinstance(each, ToolCallDelta)]
    assert all(re.fullmatch(r"call_[0-9a-f]{16}", each) for each in ids)
    assert len(set(ids)) == 3


# Errors.


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("before", ["", "Hi"])
def test_an_error_ends_the_answer(before: str, slicing: Slicing) -> None:
    error = {"error": "an error was encountered while running the model"}  # S17
    data = (text(before) if before else b"") + line(error) + done()

    assert READING.reported(data, slicing) == (before, error)


FLAT: list[dict[str, object]] = [
    {"code": 401, "message": "Unauthorized"},
    {"code": 401, "msg": "no"},
    {"detail": "no"},
    {"success": False},
]


@pytest.mark.parametrize("told", FLAT)
def test_an_error_in_another_form_is_an_error(told: dict[str, object]) -> None:
    assert READING.reported(text("a") + line(told)) == ("a", told)


@pytest.mark.parametrize("word", ["abort", "cancelled", "error"])
def test_a_reason_that_tells_of_a_failure_is_an_error(word: str) -> None:
    _, value = READING.reported(text("a") + done(word))

    assert value == {"error": f"the answer ended with done_reason {word!r}"}


def test_an_error_that_the_end_cut_off_counts_if_it_is_whole() -> None:
    decoder, _ = decoded(text("a") + b'{"error":"no"}')

    assert decoder.reported == b'{"error":"no"}'


def test_probabilities_are_kept_if_the_time_is_missing() -> None:
    said: dict[str, Any] = {"role": "assistant", "content": "a"}
    first = {"model": "m", "message": said, "done": False, "logprobs": [{"token": "a"}]}

    events = decode(line(first) + done())

    assert end_of(events).details["logprobs"] == [{"token": "a"}]


@pytest.mark.parametrize("slicing", SLICINGS)
def test_a_last_line_that_repeats_the_answer_adds_nothing(slicing: Slicing) -> None:
    look: dict[str, Any] = {"id": "c", "function": {"name": "look", "arguments": {}}}
    pieces: list[dict[str, Any]] = [
        {"thinking": "Hm"},
        {"content": "Hel"},
        {"content": "lo"},
        {"tool_calls": [look]},
    ]
    whole = {"thinking": "Hm", "content": "Hello", "tool_calls": [look]}
    last = {"message": {"role": "assistant", **whole}, "done": True}
    data = b"".join(line(message(**piece)) for piece in pieces)
    data += line({**last, "done_reason": "stop"})

    events = decode(data, slicing)

    assert text_of(events) == "Hello"
    assert [e.text for e in events if isinstance(e, ReasoningDelta)] == ["Hm"]
    assert sum(isinstance(event, ToolCallDelta) for event in events) == 1


@pytest.mark.parametrize(
    ("pieces", "last", "said"),
    [
        ([], "Hi", "Hi"),
        (["H"], "H", "HH"),
        (["Hi"], "Hi", "Hi"),
        (["Hi", " you"], "you", "Hi youyou"),
    ],
)
def test_what_is_only_like_a_repetition_is_text(
    pieces: list[str], last: str, said: str
) -> None:
    events = decode(b"".join(map(text, pieces)) + done(content=last))

    assert text_of(events) == said


@pytest.mark.parametrize("slicing", SLICINGS)
def test_a_byte_order_mark_is_passed_over(slicing: Slicing) -> None:
    assert text_of(decode(b"\xef\xbb\xbf" + answer("Hi"), slicing)) == "Hi"
