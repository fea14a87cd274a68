"""What deltas and messages have beside text and calls, without any network.

The forms are those of the services' pages and SDKs, of public reports, and of answers
recorded in the repositories of pydantic-ai and vercel/ai.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any, cast

import pytest

from turnout.errors import ProtocolError
from turnout.testing._slicing import Slicing
from turnout.types import Citation, Event, MediaDelta, ReasoningDelta
from turnout_openai._protocol import Decoder

from ...support.openai_server import DONE, answer, chunk, event, finish, text
from ..reading import SLICINGS, Reading, end_of, text_of


class Keeping(Decoder):
    """A decoder as a provider sets it."""

    state_name = "s"
    reads_reasoning = True
    audio_type = "audio/wav"


READING = Reading(Keeping)
decode = READING.decode


def deltas(*found: object, **fields: object) -> bytes:
    """Return a stream of deltas; the last chunk has further fields."""
    last = event(chunk({}, "stop", **fields))
    return b"".join(event(chunk(delta)) for delta in found) + last + DONE


def whole(message: object, **fields: object) -> bytes:
    """Return a whole completion."""
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], **fields}).encode()


def reasoning_of(events: list[Event]) -> str:
    return "".join(e.text for e in events if isinstance(e, ReasoningDelta))


def state_of(events: list[Event]) -> dict[str, Any]:
    """Return what was kept, without the checksum of the text."""
    state = end_of(events).state
    assert state is not None
    (fields,) = state.values()
    kept = dict(cast("dict[str, Any]", fields))
    kept.pop("checksum")
    return kept


def citations(events: list[Event]) -> list[Citation]:
    return [event for event in events if isinstance(event, Citation)]


def media(events: list[Event]) -> list[MediaDelta]:
    return [event for event in events if isinstance(event, MediaDelta)]


# Content of any form.

THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
SUMMARY = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param([{"type": "text", "text": "a"}], "a", id="block"),
        pytest.param({"type": "text", "text": "a"}, "a", id="object"),
        pytest.param({"text": "a"}, "a", id="object without a type"),
        pytest.param({"parts": [{"text": "a"}]}, "a", id="parts"),
        pytest.param({"type": "text", "text": {"value": "a"}}, "a", id="value"),
        pytest.param(["a", "b"], "ab", id="texts"),
        pytest.param([{"type": "output_text", "text": "a"}], "a", id="Responses"),
        pytest.param([{"type": "refusal", "refusal": "no"}], "no", id="refusal"),
        pytest.param([{"type": "new", "text": "a"}], "a", id="new"),
        pytest.param([{"type": "text", "text": ""}, None, "", {}], "", id="empty"),
    ],
)
@pytest.mark.parametrize("slicing", SLICINGS)
def test_content_of_any_form_is_text(
    content: object, expected: str, slicing: Slicing
) -> None:
    for data in (deltas({"content": content}), whole({"content": content})):
        assert text_of(decode(data, slicing)) == expected


def test_a_refusal_in_a_block_is_one() -> None:
    data = deltas({"content": [{"type": "refusal", "refusal": "no"}]})

    assert end_of(decode(data)).details["refusal"] is True


@pytest.mark.parametrize("thought", [THINKING, SUMMARY])
@pytest.mark.parametrize("slicing", SLICINGS)
def test_thoughts_in_content_are_reasoning_and_kept(
    thought: dict[str, object], slicing: Slicing
) -> None:
    reference = {"type": "reference", "reference_ids": [1, 2]}
    content = [thought, {"type": "text", "text": "a"}, reference]
    data = deltas({"role": "assistant", "content": content}, {"content": "b"})

    events = decode(data, slicing)

    assert events[:-1] == [
        ReasoningDelta(text="hm"),
        "a",
        Citation(source="1", item=reference),
        Citation(source="2", item=reference),
        "b",
    ]
    assert state_of(events) == {"content": [thought]}


def test_pieces_of_thoughts_in_content_are_put_together() -> None:
    # As Mistral and Databricks stream them.
    more = {"type": "thinking", "thinking": [{"type": "text", "text": "!"}]}
    nothing: list[object] = []
    signed = {"type": "thinking", "thinking": nothing, "signature": "s", "id": None}
    other = {"type": "thinking", "thinking": [{"type": "reference", "ids": [1]}]}
    data = deltas(
        {"content": [THINKING]},
        {"content": [more]},
        {"content": [other]},
        {"content": [signed]},
        {"content": [{"type": "thinking", "thinking": [{"type": "reference"}]}]},
        {"content": "a"},
    )

    events = decode(data)

    assert reasoning_of(events) == "hm!"
    assert state_of(events)["content"] == [
        {
            "type": "thinking",
            "thinking": [
                {"type": "text", "text": "hm!"},
                {"type": "reference", "ids": [1]},
            ],
            "signature": "s",
        },
        {"type": "thinking", "thinking": [{"type": "reference"}]},
    ]


def test_blocks_of_unknown_types_are_items() -> None:
    result = {"type": "code_result", "content": "stdout"}
    data = deltas({"content": [result, {"type": "text", "text": "a"}]})

    events = decode(data)

    assert text_of(events) == "a"
    assert end_of(events).items == (result,)


# Reasoning of any form.


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([{"reasoning_content": "hm"}], id="reasoning_content"),
        pytest.param([{"reasoning": "hm"}], id="reasoning"),
        pytest.param([{"thinking": "hm"}], id="thinking"),
        pytest.param([{"reasoning_text": "hm"}], id="reasoning_text"),
        pytest.param([{"reasoning": {"content": "hm"}}], id="object"),
        pytest.param([{"reasoning": [{"text": "h"}, {"text": "m"}]}], id="list"),
        pytest.param(
            [{"reasoning_content": "", "reasoning": "hm"}], id="beside an empty one"
        ),
        pytest.param(
            [{"reasoning_content": "hm", "reasoning": "hm"}], id="under two names"
        ),
        pytest.param(
            [
                {"reasoning": "hm", "reasoning_details": [{"text": "hm"}]},
                {"reasoning_details": [{"text": "hm", "signature": "s"}]},
            ],
            id="and in details",
        ),
        pytest.param(
            [{"reasoning_details": [{"text": "h"}]}, {"reasoning_details": ["m"]}],
            id="in details alone",
        ),
        pytest.param(
            [
                {"thinking_blocks": [{"type": "thinking", "thinking": "hm"}]},
                {
                    "thinking_blocks": [
                        {"type": "thinking", "thinking": "hm", "signature": "s"}
                    ]
                },
            ],
            id="in a signed block again",
        ),
    ],
)
def test_reasoning_of_any_form_is_given_once(
    sent: list[object], slicing: Slicing
) -> None:
    events = decode(deltas(*sent, {"content": "a"}), slicing)

    assert reasoning_of(events) == "hm"
    assert text_of(events) == "a"


def test_reasoning_without_words_is_kept() -> None:
    events = decode(deltas({"reasoning": {"tokens": 7}}, {"content": "a"}))

    assert reasoning_of(events) == ""
    assert end_of(events).details["reasoning"] == {"tokens": 7}


# What the service wants to see again.


def test_reasoning_content_is_kept() -> None:
    data = deltas({"reasoning_content": "h"}, {"reasoning_content": "m"})

    assert state_of(decode(data)) == {"reasoning_content": "hm"}


def test_an_object_of_reasoning_is_kept_as_it_is() -> None:
    data = deltas({"reasoning_content": {"text": "hm"}})

    assert state_of(decode(data)) == {"reasoning_content": {"text": "hm"}}


def test_reasoning_is_kept_where_the_service_reads_it() -> None:
    data = deltas({"reasoning": "hm"})
    other = Reading(Decoder)

    assert state_of(decode(data)) == {"reasoning": "hm"}
    assert end_of(other.decode(data)).state is None


def details(*given: object, **beside: object) -> dict[str, object]:
    return {"content": "", "reasoning_details": given, **beside}


def piece(text: str, index: int = 0) -> dict[str, object]:
    return {"type": "reasoning.text", "index": index, "text": text, "id": None}


@pytest.mark.parametrize("slicing", SLICINGS)
def test_details_are_kept_and_their_pieces_put_together(slicing: Slicing) -> None:
    encrypted = {"type": "reasoning.encrypted", "index": 2, "data": "x"}
    data = deltas(
        details(piece("h"), reasoning="h"),
        details({**piece("m"), "signature": "s", "id": "r"}, reasoning="m"),
        details({"type": "reasoning.summary", "index": 1, "summary": "so"}),
        details(encrypted, encrypted),
    )

    assert state_of(decode(data, slicing)) == {
        "reasoning_details": [
            {**piece("hm"), "signature": "s", "id": "r"},
            {"type": "reasoning.summary", "index": 1, "summary": "so"},
            encrypted,
            encrypted,
        ]
    }


def test_whole_blocks_without_an_index_stay_apart() -> None:
    blocks = [{"type": "reasoning.summary", "summary": text} for text in "ab"]

    assert state_of(decode(whole({"content": "t", "reasoning_details": blocks}))) == {
        "reasoning_details": blocks
    }


def test_signed_blocks_are_kept_without_repetition() -> None:
    # LiteLLM repeats all of the text in the signed block: open-webui, pull request
    # 29860.
    def thinking(text: str, signature: str = "") -> dict[str, object]:
        block = {"type": "thinking", "thinking": text, "signature": signature}
        return {"thinking_blocks": [block], "reasoning_content": text * (not signature)}

    redacted = {"type": "redacted_thinking", "data": "x"}
    data = deltas(
        thinking("h"),
        thinking("m"),
        thinking("hm", "s"),
        {"thinking_blocks": [redacted]},
        thinking("so"),
        thinking("", "t"),
    )

    events = decode(data)

    assert reasoning_of(events) == "hmso"
    assert state_of(events) == {
        "thinking_blocks": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            redacted,
            {"type": "thinking", "thinking": "so", "signature": "t"},
        ],
        "reasoning_content": "hmso",
    }


def test_signatures_of_gemini_are_kept_with_their_calls() -> None:
    signature = {"google": {"thought_signature": "s"}}
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}}
    data = deltas(
        {"content": "a", "extra_content": {"google": {"thought": True}}},
        {"tool_calls": [{**call, "extra_content": signature}]},
        {"extra_content": signature},
    )

    assert state_of(decode(data)) == {
        "extra_content": signature,
        "tool_calls": {"a": {"extra_content": signature}},
    }


@pytest.mark.parametrize("odd", ["s", {"google": {"thought": True}}, {"google": 7}])
def test_a_signature_of_another_form_is_not_kept(odd: object) -> None:
    assert end_of(decode(deltas({"content": "a", "extra_content": odd}))).state is None


def test_what_was_kept_has_the_checksum_of_the_text() -> None:
    state = end_of(decode(deltas({"reasoning_content": "hm"}, {"content": "a"}))).state
    silent = end_of(decode(whole({"reasoning_content": "hm", "content": "a"}))).state

    assert state == silent
    assert state is not None
    assert isinstance(state["s"], dict)
    assert isinstance(state["s"]["checksum"], int)


def test_a_text_with_half_a_pair_has_no_checksum() -> None:
    # It is another text once the halves are joined.
    data = (
        event(chunk({"reasoning_content": "hm"}))
        + b'data: {"choices": [{"delta": {"content": "\\ud83d"}}]}\n\n'
        + b'data: {"choices": [{"delta": {"content": "\\ude00"}}]}\n\n'
        + DONE
    )

    events = decode(data)

    assert text_of(events) == "\U0001f600"
    assert end_of(events).state == {"s": {"reasoning_content": "hm"}}


# Citations.

SOURCE = {"url": "https://a", "title": "A", "start_index": 1, "end_index": 3}
CITED = Citation(url="https://a", title="A", start=1, end=3)


def without_items(found: list[Citation]) -> list[Citation]:
    return [
        Citation(
            url=each.url,
            title=each.title,
            cited_text=each.cited_text,
            start=each.start,
            end=each.end,
            source=each.source,
        )
        for each in found
    ]


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "annotation",
    [
        {"type": "url_citation", "url_citation": SOURCE},
        {"type": "url_citation", **SOURCE},
        {"type": "citation", "url": {}, **SOURCE},
    ],
)
def test_a_citation_is_given_once(
    annotation: dict[str, object], slicing: Slicing
) -> None:
    found = {"annotations": [annotation]}
    data = deltas({"content": "Fact", **found}, found)
    document = whole({"content": "Fact", **found})

    for sent in (data, document):
        (citation,) = citations(decode(sent, slicing))
        assert without_items([citation]) == [CITED]
        assert citation.item == annotation


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"content": "words"}, Citation(url="https://a", cited_text="words")),
        # OpenRouter's, if the place is not known.
        ({"start_index": 0, "end_index": 0}, Citation(url="https://a")),
        ({"start_index": "0", "end_index": 5}, Citation(url="https://a")),
        ({"start_index": True, "end_index": 5}, Citation(url="https://a")),
        ({"title": 7}, Citation(url="https://a")),
    ],
)
def test_a_citation_has_what_is_known_of_it(
    fields: dict[str, object], expected: Citation
) -> None:
    annotation = {"type": "url_citation", "url": "https://a", **fields}

    found = citations(decode(deltas({"content": "a", "annotations": [annotation]})))

    assert without_items(found) == [expected]


def test_a_file_that_is_cited_has_a_name() -> None:
    cited = {"file_id": "f", "filename": "a.pdf", "index": 3, "quote": "words"}
    annotations = [
        {"type": "file_citation", "file_citation": cited},
        {"type": "file_citation", "file_id": "f"},
    ]

    found = citations(decode(deltas({"content": "a", "annotations": annotations})))

    assert without_items(found) == [
        Citation(source="a.pdf", cited_text="words"),
        Citation(source="f"),
    ]


def test_places_in_a_block_count_from_the_answers_beginning() -> None:
    block = {"type": "output_text", "text": "Fact", "annotations": [SOURCE]}
    data = deltas({"content": "1234"}, {"content": ["5", block]})

    assert without_items(citations(decode(data))) == [
        Citation(url="https://a", title="A", start=6, end=8)
    ]


def test_sources_beside_the_choices_are_cited_once() -> None:
    # Perplexity's; xAI has the first of the two fields.
    found: dict[str, Any] = {
        "citations": ["https://a", "https://b", ""],
        "search_results": [
            {"url": "https://a", "title": "A", "snippet": "words"},
            {"title": "no address"},
        ],
    }
    sent = [event(chunk({"role": "assistant", "content": "a"}, **found))]
    data = b"".join(sent) + deltas({"content": "b"}, **found)

    events = decode(data)

    assert without_items(citations(events)) == [
        Citation(url="https://a", title="A", cited_text="words"),
        Citation(url="https://b"),
    ]
    assert end_of(events).details.items() >= found.items()


def test_a_source_that_was_cited_is_not_cited_again_without_a_place() -> None:
    annotation = {"type": "url_citation", "url_citation": SOURCE}
    data = deltas(
        {"content": "Fact", "annotations": [annotation]}, citations=["https://a"]
    )

    assert len(citations(decode(data))) == 1


def test_a_reference_to_a_tool_is_a_citation() -> None:
    block = {"type": "tool_reference", "tool": "web", "url": "https://a", "title": "A"}
    odd = {"type": "reference"}

    events = decode(deltas({"content": ["Fact", block, odd]}))

    assert citations(events) == [
        Citation(url="https://a", title="A", item=block),
        Citation(item=odd),
    ]


def test_what_was_parsed_of_a_file_is_kept() -> None:
    # OpenRouter's.
    parsed = {"type": "file", "file": {"hash": "h", "content": [{"text": "PDF"}]}}
    other = {"type": "file_path", "file_path": {"file_id": "f"}}
    data = deltas({"content": "a", "annotations": [parsed, other]}, {"annotations": 7})

    events = decode(data)

    assert citations(events) == []
    assert state_of(events) == {"annotations": [parsed]}
    assert end_of(events).details["annotations"] == [parsed, other, 7]


# Images and sounds.

URL = "data:image/png;base64,AAAA"


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    ("image", "url", "kind"),
    [
        ({"type": "image_url", "image_url": {"url": URL}}, URL, "image/png"),
        (
            {"type": "image_url", "image_url": "https://a/b.png"},
            "https://a/b.png",
            None,
        ),
        ({"url": URL, "index": 0}, URL, "image/png"),
        ({"b64_json": "AAAA"}, URL, "image/png"),
        (
            {"source": {"media_type": "image/webp", "data": "AAAA"}},
            "data:image/webp;base64,AAAA",
            "image/webp",
        ),
        (URL, URL, "image/png"),
    ],
)
def test_an_image_is_given_once(
    image: object, url: str, kind: str | None, slicing: Slicing
) -> None:
    data = deltas({"images": [image]}, {"content": "", "images": [image]})

    events = decode(data, slicing)

    assert media(events) == [MediaDelta(index=0, media_type=kind, url=url)]
    assert end_of(events).items == ()


def test_an_image_may_stand_in_the_content() -> None:
    blocks = [
        {"type": "image_url", "image_url": {"url": URL}},
        {"type": "text", "text": "a"},
        {"type": "image", "url": "https://a"},
    ]

    assert decode(whole({"content": blocks}))[:-1] == [
        MediaDelta(index=0, media_type="image/png", url=URL),
        "a",
        MediaDelta(index=1, url="https://a"),
    ]


def test_an_image_of_an_unknown_form_is_kept() -> None:
    end = end_of(decode(deltas({"images": [{"form": "new"}]})))

    assert end.details["images"] == [{"form": "new"}]
    assert end.items == ({"images": [{"form": "new"}]},)


SOUND = bytes(range(50))


@pytest.mark.parametrize("step", [1, 3, 4, 7, 100])
def test_a_sound_comes_in_pieces(step: int) -> None:
    encoded = b64encode(SOUND).decode()
    pieces = [encoded[start : start + step] for start in range(0, len(encoded), step)]
    data = deltas(
        {"role": "assistant", "audio": {"id": "s", "transcript": "Hel"}},
        *({"audio": {"data": each}} for each in pieces),
        {"audio": {"transcript": "lo"}},
        {"audio": {"expires_at": 1}},
    )

    events = decode(data)

    found = media(events)
    assert b"".join(each.data for each in found) == SOUND
    assert "".join(each.transcript for each in found) == "Hello"
    assert {(each.index, each.media_type) for each in found} == {(0, "audio/wav")}
    assert state_of(events) == {"audio": {"id": "s"}}


def test_a_whole_sound_is_one_piece() -> None:
    audio = {"id": "s", "data": b64encode(SOUND).decode(), "transcript": "Hello"}

    events = decode(whole({"content": None, "audio": audio}))

    assert media(events) == [
        MediaDelta(index=0, media_type="audio/wav", data=SOUND, transcript="Hello")
    ]


def test_a_sound_may_stand_in_the_content_beside_an_image() -> None:
    blocks = [
        {"type": "image", "url": "https://a"},
        {"type": "audio", "audio": {"transcript": "Hello"}},
        {"type": "output_audio", "transcript": "!"},
    ]

    assert media(decode(whole({"content": blocks}))) == [
        MediaDelta(index=0, url="https://a"),
        MediaDelta(index=1, media_type="audio/wav", transcript="Hello"),
        MediaDelta(index=1, media_type="audio/wav", transcript="!"),
    ]


def test_the_padding_of_a_sound_may_be_missing() -> None:
    encoded = b64encode(SOUND).decode().rstrip("=")

    found = media(decode(deltas({"audio": {"id": "s", "data": encoded}})))

    assert b"".join(each.data for each in found) == SOUND


@pytest.mark.parametrize(
    "audio", ["odd", {"data": "", "id": "", "transcript": ""}, {"data": "=AAA"}, [7]]
)
def test_an_odd_sound_does_not_end_an_answer(audio: object) -> None:
    events = decode(deltas({"content": "a", "audio": audio}))

    assert text_of(events) == "a"
    assert media(events) == []


# Everything else.


def test_log_probabilities_are_kept() -> None:
    def token(name: str, probability: float) -> dict[str, object]:
        return {"content": [{"token": name, "logprob": probability}], "refusal": None}

    def said(name: str, probability: float) -> bytes:
        delta = {"content": name}
        choice = {"index": 0, "delta": delta, "logprobs": token(name, probability)}
        return event({"choices": [choice]})

    data = said("a", -0.1) + said("b", -0.2) + finish() + DONE
    expected = {
        "content": [{"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -0.2}]
    }

    assert end_of(decode(data)).details["logprobs"] == expected


def test_log_probabilities_of_another_form_are_kept() -> None:
    choice = {"message": {"content": "a"}, "logprobs": [1], "finish_reason": "stop"}

    details = end_of(decode(json.dumps({"choices": [choice]}).encode())).details

    assert details["logprobs"] == {"content": [1]}


def test_tools_that_the_service_ran_are_items() -> None:
    # Groq's.
    tools = [{"index": 0, "type": "search", "arguments": "{}"}]
    more = [{"index": 0, "type": "search", "output": "found"}]
    data = deltas({"executed_tools": tools}, {"executed_tools": more})

    end = end_of(decode(data))

    assert end.details["executed_tools"] == tools + more
    assert end.items == ({"executed_tools": tools + more},)


def test_fields_about_an_answer_are_details() -> None:
    data = (
        event(chunk({"role": "assistant", "channel": "final", "content": "a"}))
        + event(chunk({"channel": "final", "content": "b", "token_id": 1}))
        + event(chunk({"channel": "other", "content": "c", "token_id": 2}))
        + event({"choices": [], "moderation": {"results": []}, "id": "x"})
        + event(
            {
                "choices": [
                    {
                        "index": 0,
                        "delta": {},
                        "finish_reason": "stop",
                        "native_finish_reason": "end_turn",
                        "content_filter_results": {"hate": {"filtered": False}},
                        "token_ids": [1, 2],
                        "empty": None,
                    }
                ],
                "provider": "Groq",
                "service_tier": "flex",
            }
        )
        + DONE
    )

    end = end_of(decode(data))

    assert end.items == ()
    assert end.details == {
        "channel": ["final", "other"],
        "token_id": [1, 2],
        "moderation": {"results": []},
        "native_finish_reason": "end_turn",
        "content_filter_results": {"hate": {"filtered": False}},
        "token_ids": [1, 2],
        "provider": "Groq",
        "service_tier": "flex",
        "id": "x",
        "model": "m-1",
        "finish_reason": "stop",
        "request_id": "req-1",
    }


def test_fields_of_a_gateway_are_not_an_answer() -> None:
    # LiteLLM has them with each message.
    more = {"provider_specific_fields": {"refusal": None}}

    end = end_of(decode(deltas({"content": "", **more})))

    assert end.items == ()
    assert end.details["provider_specific_fields"] == {"refusal": None}


# The whole message again.


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "last",
    [
        pytest.param({"message": {"content": "Hello there."}}, id="message"),
        pytest.param(
            {"message": {"content": [{"type": "text", "text": "Hello there."}]}},
            id="message of blocks",
        ),
        pytest.param(
            {
                "delta": {"content": ""},
                "message": {
                    "content": "Hello there.",
                    "reasoning_content": "hm",
                    "new": {"a": 1},
                },
            },
            id="message beside a delta",
        ),
        pytest.param(
            {"delta": {"content": "."}, "message": {"content": "Hello there."}},
            id="message beside the last piece",
        ),
        pytest.param({"message": {"content": "Hello there"}}, id="less of it"),
        pytest.param({"message": {"content": "Another text."}}, id="another text"),
        pytest.param({"message": {"refusal": "Hello there."}}, id="as a refusal"),
        # RAGFlow's issue 15286.
        pytest.param({"delta": {"content": "Hello there."}}, id="delta"),
    ],
)
@pytest.mark.parametrize("reason", ["stop", None])
def test_a_message_that_comes_again_is_text_once(
    last: dict[str, Any], reason: str | None, slicing: Slicing
) -> None:
    beside = last.get("delta", {}).get("content") == "."
    if beside and reason is None:
        return  # Each chunk may have the message so far.
    pieces = ["Hello ", "there"] if beside else ["Hello ", "there."]
    before = event(
        chunk({"role": "assistant", "reasoning_content": "hm", "new": {"a": 1}})
    )
    again = event({"choices": [{"index": 0, "finish_reason": reason, **last}]})
    data = before + b"".join(map(text, pieces)) + again + finish() + DONE

    events = decode(data, slicing)

    assert text_of(events) == "Hello there."
    assert reasoning_of(events) == "hm"
    assert end_of(events).details["new"] == {"a": 1}


def test_what_a_message_adds_to_the_deltas_is_given() -> None:
    message = {
        "content": "Hello there.",
        "images": [{"url": URL}],
        "audio": {"id": "s"},
    }
    data = text("Hello ") + event({"choices": [{"message": message}]}) + DONE

    events = decode(data)

    assert text_of(events) == "Hello there."
    assert len(media(events)) == 1


def test_a_sound_that_comes_again_is_one() -> None:
    audio = {"id": "s", "data": b64encode(SOUND).decode()}
    data = event(chunk({"audio": audio})) + event(
        {"choices": [{"message": {"content": None, "audio": audio}}]}
    )

    assert len(media(decode(data + finish() + DONE))) == 1


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(["ha", "ha", "haha"], id="short"),
        pytest.param(["Twice. ", "Twice. "], id="one piece before"),
        pytest.param(["One. ", "Two. ", "One. Two. ", "Three."], id="more after it"),
        pytest.param(["One. ", "Two. ", "Two. One. "], id="another order"),
    ],
)
def test_a_text_may_repeat_itself(pieces: list[str], slicing: Slicing) -> None:
    assert text_of(decode(answer(*pieces), slicing)) == "".join(pieces)


def test_a_long_text_is_measured() -> None:
    pieces = [f"{number} " for number in range(2000)]
    data = [text(piece) for piece in pieces]
    whole_text = "".join(pieces)
    again = event({"choices": [{"message": {"content": whole_text + "."}}]})
    decoder = Keeping("Vendor")
    events: list[Event] = []
    for each in [*data, again, text("!"), finish(), DONE]:
        events += decoder.feed(each)

    assert text_of(events) == f"{whole_text}.!"


# What is not of the protocol.


@pytest.mark.parametrize("delta", [{"content": 7}, {"content": True}])
def test_content_that_is_no_content_breaks_the_protocol(delta: object) -> None:
    decoder, _ = READING.decoded(event(chunk(delta)) + DONE)

    with pytest.raises(ProtocolError, match="for content"):
        decoder.check()


# What single services and relays send in a form of their own.


@pytest.mark.parametrize("delta", [{"content": "b"}, {"role": "assistant"}])
def test_a_field_of_a_chunk_in_the_middle_is_kept(delta: object) -> None:
    first, middle = event(chunk({"content": "a"})), event(chunk(delta, flock=3))
    events = decode(first + middle + event(chunk({"content": "c"})) + finish() + DONE)

    assert end_of(events).details["flock"] == 3
    assert text_of(events) == ("abc" if "content" in cast("Any", delta) else "ac")


def test_a_logarithm_of_zero_does_not_end_an_answer() -> None:
    odd = event(chunk({"content": "a"})).replace(b'"a"', b'"a", "logprob": -Infinity')
    assert text_of(decode(odd + finish() + DONE)) == "a"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("content-filter", "content_filter"),
        ("content_moderation", "content_filter"),
        ("end_of_turn", "stop"),
        ("stop_str", "stop"),
    ],
)
def test_words_of_relays_are_known(word: str, reason: str) -> None:
    assert end_of(decode(text("a") + finish(word) + DONE)).reason == reason


def test_a_failure_is_known_behind_the_name_of_a_filter() -> None:
    word = "function_call_filter: MALFORMED_FUNCTION_CALL"
    decoder = Keeping("S")
    decoder.feed(text("a") + finish(word))
    assert decoder.reported is not None
    assert b'"MALFORMED_FUNCTION_CALL"' in decoder.reported


def test_opaque_reasoning_is_kept() -> None:
    events = decode(deltas({"reasoning_opaque": "OP"}, {"content": "a"}))
    assert state_of(events) == {"reasoning_opaque": "OP"}


def test_the_last_chunk_says_all_that_openai_says() -> None:
    about = {"id": "c", "model": "m", "service_tier": "x", "system_fingerprint": "f"}
    data = text("a") + event({**chunk({}, "stop"), **about}) + DONE

    details = end_of(decode(data)).details
    assert {name: details[name] for name in about} == about
