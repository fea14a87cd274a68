"""How Groq's answers depart, without any network. The ids are those of cases.md."""

from __future__ import annotations

import pytest

from turnout.errors import ProtocolError
from turnout.testing._slicing import Slicing
from turnout.types import Usage
from turnout_openai._deviations import GroqDecoder
from turnout_openai._protocol import Decoder

from ...support.openai_server import DONE, chunk, event, finish, text, usage
from ..reading import SLICINGS, Reading, end_of, text_of

READING = Reading(GroqDecoder)
decode, reported = READING.decode, READING.reported


def test_an_answer_without_any_departure_is_read_as_any() -> None:
    data = text("a") + text("b") + finish() + usage() + DONE

    assert decode(data) == Reading(Decoder).decode(data)


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("end", [b"", DONE, finish() + DONE])
def test_groqs_error_is_one(end: bytes, slicing: Slicing) -> None:
    stopped = event(chunk({"content": "b"}, x_groq={"error": "stopped early"}))

    # S06.
    assert reported(text("a") + stopped + end, slicing) == (
        "ab",
        {"error": "stopped early"},
    )


def test_groqs_error_counts_beside_a_reason() -> None:
    data = event(chunk({}, "stop", x_groq={"error": "stopped early"})) + DONE

    assert reported(data)[1] == {"error": "stopped early"}


def test_the_first_error_is_reported() -> None:
    both = chunk({}, error={"message": "no"}, x_groq={"error": "stopped early"})

    assert reported(event(both))[1] == both


@pytest.mark.parametrize("groq", [{"id": "r"}, {"error": None}, None, 7])
def test_groqs_other_words_are_not_an_error(groq: object) -> None:
    data = event(chunk({"content": "a"}, x_groq=groq)) + finish() + DONE

    assert decode(data)[0] == "a"


def test_groqs_words_in_a_text_are_text() -> None:
    assert decode(text('"x_groq"') + DONE)[0] == '"x_groq"'


def test_groqs_usage_counts() -> None:
    last = event(chunk({}, "stop", x_groq={"usage": {"prompt_tokens": 3}}))

    assert decode(last + DONE)[0] == Usage(input_tokens=3)


def test_groqs_usage_counts_beside_half_a_pair() -> None:
    data = (
        b'data: {"choices": [{"delta": {"content": "\\ud83d"}}], '
        b'"x_groq": {"usage": {"prompt_tokens": 3}}}\n\n'
    )

    events = decode(data + finish() + DONE)

    assert text_of(events) == "\ufffd"
    assert Usage(input_tokens=3) in events
    assert end_of(events).reason == "stop"


def test_what_is_not_json_is_reported_where_it_stands() -> None:
    decoder, events = READING.decoded(text("a") + b'data: {"x_groq"\n\n')

    assert events == ["a"]
    with pytest.raises(ProtocolError, match="not valid JSON"):
        decoder.check()
