"""How vendors' answers depart, without any network. The ids are those of cases.md."""

from __future__ import annotations

import pytest

from turnout.errors import ProtocolError
from turnout.testing._slicing import Slicing, whole
from turnout.types import Event, ReasoningDelta, ToolCallDelta, Usage
from turnout_openai._deviations import (
    DeepSeekDecoder,
    GroqDecoder,
    MistralDecoder,
    OpenRouterDecoder,
    PerplexityDecoder,
)
from turnout_openai._protocol import Decoder

from ...support.made_ids import MADE
from ...support.openai_server import DONE, chunk, event, finish, text, usage
from ..reading import SLICINGS, Reading, end_of


def decode(kind: type[Decoder], data: bytes, slicing: Slicing = whole) -> list[Event]:
    """Return what an answer brings, which has to be complete."""
    return Reading(kind).decode(data, slicing)


def reported(
    kind: type[Decoder], data: bytes, slicing: Slicing = whole
) -> tuple[str, object]:
    """Return the text that came before a reported error, and the error."""
    return Reading(kind).reported(data, slicing)


def breaks(kind: type[Decoder], delta: object) -> bool:
    decoder, _ = Reading(kind).decoded(event(chunk(delta)) + DONE)
    with pytest.raises(ProtocolError):
        decoder.check()
    return True


@pytest.mark.parametrize(
    "kind",
    [
        DeepSeekDecoder,
        GroqDecoder,
        MistralDecoder,
        OpenRouterDecoder,
        PerplexityDecoder,
    ],
)
def test_an_answer_without_any_departure_is_read_as_any(kind: type[Decoder]) -> None:
    data = text("a") + text("b") + finish() + usage() + DONE

    assert decode(kind, data) == decode(Decoder, data)


# Groq.


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("end", [b"", DONE, finish() + DONE])
def test_groqs_error_is_one(end: bytes, slicing: Slicing) -> None:
    stopped = event(chunk({"content": "b"}, x_groq={"error": "stopped early"}))

    # S06.
    assert reported(GroqDecoder, text("a") + stopped + end, slicing) == (
        "ab",
        {"error": "stopped early"},
    )


def test_groqs_error_counts_beside_a_reason() -> None:
    data = event(chunk({}, "stop", x_groq={"error": "stopped early"})) + DONE

    assert reported(GroqDecoder, data)[1] == {"error": "stopped early"}


def test_the_first_error_is_told() -> None:
    both = chunk({}, error={"message": "no"}, x_groq={"error": "stopped early"})

    assert reported(GroqDecoder, event(both))[1] == both


@pytest.mark.parametrize("groq", [{"id": "r"}, {"error": None}, None, 7])
def test_groqs_other_words_are_no_error(groq: object) -> None:
    data = event(chunk({"content": "a"}, x_groq=groq)) + finish() + DONE

    assert decode(GroqDecoder, data)[0] == "a"


def test_groqs_words_in_a_text_are_text() -> None:
    assert decode(GroqDecoder, text('"x_groq"') + DONE)[0] == '"x_groq"'


def test_groqs_usage_counts() -> None:
    last = event(chunk({}, "stop", x_groq={"usage": {"prompt_tokens": 3}}))

    assert decode(GroqDecoder, last + DONE)[0] == Usage(input_tokens=3)


def test_what_is_no_json_is_told_where_it_stands() -> None:
    decoder, events = Reading(GroqDecoder).decoded(text("a") + b'data: {"x_groq"\n\n')

    assert events == ["a"]
    with pytest.raises(ProtocolError, match="no JSON"):
        decoder.check()


# DeepSeek.


def test_deepseek_sends_empty_lines_before_its_json() -> None:
    document = b'\n\n\n{"choices":[{"message":{"content":"Hi"}}]}'

    assert decode(DeepSeekDecoder, document)[0] == "Hi"


@pytest.mark.parametrize("slicing", SLICINGS)
def test_deepseek_ends_an_answer_that_it_has_no_resources_for(
    slicing: Slicing,
) -> None:
    data = text("a") + finish("insufficient_system_resource") + DONE  # S05

    assert reported(DeepSeekDecoder, data, slicing) == (
        "a",
        {
            "error": {
                "code": "insufficient_system_resource",
                "message": "the answer was interrupted",
            }
        },
    )


CALL = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}


def test_the_reasoning_that_led_to_a_call_is_kept() -> None:
    data = (
        event(chunk({"reasoning_content": "h", "content": None}))
        + event(chunk({"reasoning_content": "m"}))
        + event(chunk({"tool_calls": [CALL]}))
        + finish("tool_calls")
        + DONE
    )

    events = decode(DeepSeekDecoder, data)

    assert events[:2] == [ReasoningDelta(text="h"), ReasoningDelta(text="m")]  # S07
    assert end_of(events).state == {"deepseek": {"reasoning_content": "hm"}}


@pytest.mark.parametrize("delta", [{"reasoning_content": "hm"}, {"tool_calls": [CALL]}])
def test_other_reasoning_is_not_kept(delta: object) -> None:
    events = decode(DeepSeekDecoder, event(chunk(delta)) + finish() + DONE)

    assert end_of(events).state is None


# OpenRouter.


def details(*given: object, **beside: object) -> bytes:
    return event(chunk({"content": "", "reasoning_details": given, **beside}))


def said(piece: str, index: int = 0) -> dict[str, object]:
    return {"type": "reasoning.text", "index": index, "text": piece, "id": None}


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("beside", [{"reasoning": "hm"}, {}, {"reasoning": None}])
def test_reasoning_is_given_once(beside: dict[str, object], slicing: Slicing) -> None:
    data = details(said("h"), said("m"), **beside) + text("a") + DONE  # S07

    assert decode(OpenRouterDecoder, data, slicing)[:-1] == [
        ReasoningDelta(text="hm"),
        "a",
    ]


def test_details_are_kept_and_their_pieces_put_together() -> None:
    encrypted = {"type": "reasoning.encrypted", "index": 2, "data": "x"}
    data = (
        details(said("h"))
        + details({**said("m"), "signature": "s", "id": "r"})
        + details({"type": "reasoning.summary", "index": 1, "summary": "so"})
        + details(encrypted, encrypted)
        + finish()
        + DONE
    )

    assert end_of(decode(OpenRouterDecoder, data)).state == {
        "openrouter": {
            "reasoning_details": [
                {**said("hm"), "signature": "s", "id": "r"},
                {"type": "reasoning.summary", "index": 1, "summary": "so"},
                encrypted,
                encrypted,
            ]
        }
    }


def test_an_error_that_comes_with_text_is_no_success() -> None:
    failed = chunk(
        {"content": "b"},
        "error",
        error={"code": 502, "message": "no", "metadata": {"error_type": "server"}},
    )

    # S06.
    assert reported(OpenRouterDecoder, text("a") + event(failed) + DONE)[1] == failed


def test_who_answered_is_told() -> None:
    data = event(chunk({"content": "a"}, "stop", provider="Groq")) + DONE

    assert end_of(decode(OpenRouterDecoder, data)).details["provider"] == "Groq"


@pytest.mark.parametrize("odd", [7, ["a"], [{"text": 7}]])
def test_odd_details_break_the_protocol(odd: object) -> None:
    assert breaks(OpenRouterDecoder, {"reasoning_details": odd})


# Mistral.


@pytest.mark.parametrize("slicing", SLICINGS)
def test_content_may_be_a_list_of_chunks(slicing: Slicing) -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    empty = {"type": "thinking", "thinking": [{"type": "reference"}]}
    reference = {"type": "reference", "reference_ids": [1]}
    content = [thinking, empty, {"type": "text", "text": "a"}, reference]
    data = event(chunk({"role": "assistant", "content": content})) + text("b") + DONE

    assert decode(MistralDecoder, data, slicing)[:-1] == [
        ReasoningDelta(text="hm"),
        "a",
        "b",
    ]


def test_the_word_null_is_no_id() -> None:
    call = {"id": "null", "function": {"name": "f", "arguments": "{"}, "index": 0}
    more = {"id": "null", "function": {"name": "", "arguments": "}"}, "index": 0}
    named = {"id": "c", "function": {"name": "g", "arguments": "{}"}, "index": 1}
    data = event(chunk({"tool_calls": [call]})) + event(
        chunk({"content": "", "tool_calls": [more, named]}, "tool_calls")
    )

    assert decode(MistralDecoder, data + DONE)[:-1] == [
        ToolCallDelta(index=0, id=MADE, name="f", arguments="{"),
        ToolCallDelta(index=0, arguments="}"),
        ToolCallDelta(index=1, id="c", name="g", arguments="{}"),
    ]


def test_an_error_for_a_reason_is_an_error() -> None:
    assert reported(MistralDecoder, text("a") + finish("error") + DONE)[0] == "a"


@pytest.mark.parametrize(
    "delta",
    [
        {"content": ["a"]},
        {"content": [{"type": "text", "text": 7}]},
        {"content": [{"type": "thinking", "thinking": "hm"}]},
        {"content": [{"type": "thinking", "thinking": [7]}]},
        {"tool_calls": [7]},
    ],
)
def test_odd_chunks_break_the_protocol(delta: object) -> None:
    assert breaks(MistralDecoder, delta)


# Perplexity.


def test_sources_are_told() -> None:
    found = {"citations": ["https://a"], "search_results": [{"url": "https://a"}]}
    data = text("a") + event(chunk({}, "stop", **found)) + DONE

    assert end_of(decode(PerplexityDecoder, data)).details.items() >= found.items()
