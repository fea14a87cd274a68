"""The sources that an answer names."""

from __future__ import annotations

from typing import Any

import pytest

from turnout import get_provider
from turnout.types import Citation, Finish
from turnout_gemini._protocol import Decoder

from ...support.gemini_server import GeminiServer, event, part, response, text
from ..reading import Reading, end_of, text_of

READING = Reading(Decoder)

WEB = {"web": {"uri": "https://a.example/", "title": "A"}}
MAP = {"maps": {"uri": "https://maps.example/", "title": "B", "placeId": "places/b"}}
FILE = {
    "retrievedContext": {
        "title": "c.txt",
        "text": "It is so.",
        "fileSearchStore": "fileSearchStores/c",
        "customMetadata": [{"key": "k"}],
    }
}
IMAGE = {
    "image": {"sourceUri": "https://d.example/", "imageUri": "https://d.example/i"}
}


def support(start: object, end: object, *indices: Any, **more: Any) -> dict[str, Any]:
    """Return what says of which sources a segment is."""
    place = {"startIndex": start, "endIndex": end, **more}
    segment = {k: v for k, v in place.items() if v is not None}
    return {"segment": segment, "groundingChunkIndices": list(indices)}


def grounding(chunks: list[Any], *supports: Any) -> dict[str, Any]:
    return {"groundingChunks": chunks, "groundingSupports": list(supports)}


def read(*chunks: bytes, **candidate: object) -> tuple[str, list[Citation]]:
    """Return the text and the citations of an answer, whose last response has more."""
    last = event(response([{"text": ""}], "STOP", **candidate))
    events = READING.decode(b"".join([*chunks, last]))
    found = [each for each in events if isinstance(each, Citation)]
    # They come before the end.
    assert isinstance(events[-1], Finish)
    return text_of(events), found


def spans(*chunks: bytes, **candidate: object) -> list[str | None]:
    """Return the words that each citation of an answer is for; None without."""
    words, found = read(*chunks, **candidate)
    return [
        None if each.start is None else words[each.start : each.end] for each in found
    ]


def test_each_source_of_a_segment_is_a_citation() -> None:
    grounded = grounding([WEB, MAP], support(None, 6, 0, 1), support(7, 16, 1))

    words, found = read(text("It is so. "), text("And so."), groundingMetadata=grounded)

    first, second = grounded["groundingSupports"]
    assert found == [
        Citation(
            url="https://a.example/",
            title="A",
            start=0,
            end=6,
            item={"groundingChunk": WEB, "groundingSupport": first},
        ),
        Citation(
            url="https://maps.example/",
            title="B",
            source="places/b",
            start=0,
            end=6,
            item={"groundingChunk": MAP, "groundingSupport": first},
        ),
        Citation(
            url="https://maps.example/",
            title="B",
            source="places/b",
            start=7,
            end=16,
            item={"groundingChunk": MAP, "groundingSupport": second},
        ),
    ]
    assert words[0:6] == "It is "


def test_sources_without_a_segment_are_citations() -> None:
    _, found = read(text("a"), groundingMetadata=grounding([FILE, IMAGE]))

    assert found == [
        Citation(
            title="c.txt",
            cited_text="It is so.",
            source="fileSearchStores/c",
            item={"groundingChunk": FILE},
        ),
        Citation(url="https://d.example/", item={"groundingChunk": IMAGE}),
    ]


def test_positions_in_bytes_become_positions_in_characters() -> None:
    words = "Größe 🗼: 5\u00b0. Ja."
    start = len("Größe 🗼: ".encode())
    grounded = grounding([WEB], support(start, start + 3, 0), support(start + 5, 99, 0))

    assert spans(*map(text, words), groundingMetadata=grounded) == ["5°", "Ja."]


def test_a_position_within_a_character_is_after_it() -> None:
    grounded = grounding([WEB], support(None, 1, 0))

    assert spans(text("éa"), groundingMetadata=grounded) == ["é"]


def test_thoughts_do_not_count() -> None:
    grounded = grounding([WEB], support(1, 3, 0))
    thought = part(text="Größe", thought=True)

    assert spans(thought, text("xab"), groundingMetadata=grounded) == ["ab"]


def test_positions_may_count_from_a_part() -> None:
    code = part(executableCode={"code": "1"})
    grounded = grounding(
        [WEB],
        support(0, 2, 0, partIndex=2),
        support(0, 2, 0, partIndex=2, text="éa"),
        support(0, 2, 0, partIndex=9),
        support(0, 1, 0, partIndex=-1),
    )

    assert spans(text("éa"), code, text("bc"), groundingMetadata=grounded) == [
        "bc",
        "éa",
        "",
        "é",
    ]


@pytest.mark.parametrize(
    ("start", "words", "expected"),
    [
        (0, "so.", "so."),
        (8, "so.", "so."),
        (6, "So.", "so."),
        (300, "It", ""),
    ],
)
def test_the_words_of_a_segment_say_more_than_its_position(
    start: int, words: str, expected: str
) -> None:
    grounded = grounding([WEB], support(start, start + len(words), 0, text=words))

    assert spans(text("It is so. " + "x" * 300), groundingMetadata=grounded) == [
        expected or "xxx"[: len(words)]
    ]


ODD_SEGMENTS = [
    support(None, None, 0),
    support("1", 2, 0),
    support(1, "2", 0),
    support(2, 1, 0),
    support(-1, 1, 0),
    {"segment": 7, "groundingChunkIndices": [0]},
    {"groundingChunkIndices": [0]},
]


@pytest.mark.parametrize("odd", ODD_SEGMENTS)
def test_a_source_without_a_position_is_a_citation(odd: dict[str, Any]) -> None:
    assert spans(text("abc"), groundingMetadata=grounding([WEB], odd)) == [None]


ODD_METADATA: list[Any] = [
    7,
    [],
    {"groundingChunks": 7, "groundingSupports": 7},
    {"groundingChunks": None, "groundingSupports": [7, {}]},
    {"webSearchQueries": ["a"]},
]


@pytest.mark.parametrize("odd", ODD_METADATA)
def test_odd_metadata_is_in_the_details_alone(odd: Any) -> None:
    end = response([{"text": "a"}], "STOP", groundingMetadata=odd)
    events = READING.decode(event(end))

    assert not any(isinstance(each, Citation) for each in events)
    assert end_of(events).details.get("grounding", []) == odd


@pytest.mark.parametrize("index", [-1, 1, "0", True, None])
def test_a_segment_of_no_source_is_passed_over(index: object) -> None:
    grounded = grounding([WEB], support(0, 1, index))

    assert spans(text("abc"), groundingMetadata=grounded) == [None]


def test_a_source_of_another_kind_is_a_citation() -> None:
    new = {"brandNew": {"uri": "https://e.example/", "title": 7}}

    _, found = read(text("a"), groundingMetadata=grounding([new, 7, {}]))

    assert [each.url for each in found] == ["https://e.example/", None]


def test_sources_are_those_of_all_responses() -> None:
    first = response([{"text": "ab"}], groundingMetadata=grounding([WEB]))
    # "The grounding_chunk_indices refer to the indices across all responses."
    grounded = grounding([MAP], support(0, 1, 0), support(1, 2, 1))

    _, found = read(event(first), groundingMetadata=grounded)

    assert [(each.title, each.start) for each in found] == [("A", 0), ("B", 1)]


def test_sources_that_come_again_are_given_once() -> None:
    grounded = grounding([WEB], support(0, 2, 0))
    first = response([{"text": "ab"}], groundingMetadata=grounded)
    more = grounding([WEB, MAP], *grounded["groundingSupports"], support(0, 2, 1))

    _, found = read(event(first), event(first), groundingMetadata=more)

    assert [each.title for each in found] == ["A", "B"]


@pytest.mark.parametrize("name", ["citationSources", "citations"])
def test_what_is_quoted_is_a_citation(name: str) -> None:
    source = {
        "startIndex": 2,
        "endIndex": 4,
        "uri": "https://f.example/",
        "title": "F",
        "license": "MIT",
    }

    words, found = read(text("éab"), citationMetadata={name: [source, 7]})

    assert words[1:3] == "ab"
    assert found == [
        Citation(url="https://f.example/", title="F", start=1, end=3, item=source)
    ]


def test_pages_that_were_read_are_citations() -> None:
    pages = [
        {"retrievedUrl": "https://a.example/"},
        {
            "retrievedUrl": "https://g.example/",
            "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS",
        },
        {
            "retrievedUrl": "https://h.example/",
            "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_ERROR",
        },
        {"urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
    ]

    _, found = read(
        text("a"),
        groundingMetadata=grounding([WEB]),
        urlContextMetadata={"urlMetadata": pages},
    )

    # The first is a source already.
    assert [each.url for each in found] == ["https://a.example/", "https://g.example/"]


def test_half_of_a_pair_does_not_move_a_position() -> None:
    halves = event(response([{"text": "HALF"}])).replace(b"HALF", rb"\ud83d")
    other = event(response([{"text": "HALF"}])).replace(b"HALF", rb"\udfe2 ok")
    grounded = grounding([WEB], support(5, 7, 0, text="ok"))

    assert spans(halves, other, groundingMetadata=grounded) == ["ok"]


async def test_a_reply_has_the_citations() -> None:
    grounded = grounding([WEB], support(0, 2, 0))
    body = event(response([{"text": "ab"}], "STOP", groundingMetadata=grounded))
    async with GeminiServer(body) as server:
        provider = get_provider("Gemini", base_url=server.base_url)
        reply = await provider.complete("Hi", tools=[{"googleSearch": {}}])

    assert [each.url for each in reply.citations] == ["https://a.example/"]
    assert reply.details["grounding"] == grounded
    assert server.bodies[0]["tools"] == [{"googleSearch": {}}]
    assert server.refusals == []
