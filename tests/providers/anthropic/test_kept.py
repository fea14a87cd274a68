"""What an answer has besides text, reasoning and calls: items, state and citations."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from turnout.testing._slicing import Slicing
from turnout.types import ChatRequest, Citation, Event, Message, ToolCallDelta, Usage
from turnout_anthropic._body import body
from turnout_anthropic._protocol import Decoder
from turnout_anthropic._usage import Counts

from ...support.anthropic_server import (
    STOP,
    begin,
    delta,
    finish,
    start,
    stop,
    texts,
    thinking,
    tool,
)
from ..reading import SLICINGS, Reading, end_of, text_of

decode = Reading(Decoder).decode


def answer_of(*parts: bytes, reason: str = "end_turn", **fields: Any) -> list[Event]:
    return decode(b"".join([begin(), *parts, finish(reason, **fields), STOP]))


def plain(value: object) -> Any:
    return json.loads(json.dumps(value))


def items_of(*parts: bytes) -> Any:
    return plain(end_of(answer_of(*parts)).items)


def state_of(*parts: bytes, reason: str = "end_turn") -> Any:
    state = plain(end_of(answer_of(*parts, reason=reason)).state)
    return state and state["anthropic"]["content"]


SEARCH: dict[str, Any] = {
    "type": "server_tool_use",
    "id": "s",
    "name": "web_search",
    "input": {"query": "x"},
}
FOUND: dict[str, Any] = {
    "type": "web_search_tool_result",
    "tool_use_id": "s",
    "content": [{"type": "web_search_result", "url": "u", "encrypted_content": "e"}],
}
EDITED: dict[str, Any] = {
    "type": "text_editor_code_execution_tool_result",
    "tool_use_id": "t",
    "content": {"type": "text_editor_code_execution_create_result"},
}
UPLOAD: dict[str, Any] = {"type": "container_upload", "file_id": "file_1"}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}


def block(index: int, fields: dict[str, Any]) -> bytes:
    rest = dict(fields)
    return start(index, rest.pop("type"), **rest) + stop(index)


SEARCHED = (
    start(0, "server_tool_use", id="s", name="web_search", input={})
    + delta(0, "input_json_delta", partial_json='{"query":')
    + delta(0, "input_json_delta", partial_json='"x"}')
    + stop(0)
)


# Items.


def test_what_the_service_did_is_in_the_items() -> None:
    parts = [SEARCHED, block(1, FOUND), block(2, EDITED), block(3, UPLOAD)]
    events = answer_of(*parts, texts("a", index=4), thinking("hm", index=5))

    assert plain(end_of(events).items) == [SEARCH, FOUND, EDITED, UPLOAD]
    assert text_of(events) == "a"


def test_an_answer_of_text_reasoning_and_calls_has_no_items() -> None:
    hidden = block(1, {"type": "redacted_thinking", "data": "x"})

    assert items_of(thinking("hm"), hidden, texts("a", index=2), tool(index=3)) == []


# Increments of unknown types.


def unknown(index: int) -> bytes:
    return delta(index, "odour_delta", odour="rose")


LOST = [{"type": "odour_delta", "odour": "rose"}]


@pytest.mark.parametrize(
    "sent",
    [
        unknown(0),
        delta(0, "text_delta"),
        delta(0, "citations_delta", citation=7),
        delta(0, "compaction_delta"),
    ],
)
def test_an_increment_that_is_not_understood_is_in_the_items(sent: bytes) -> None:
    (item,) = items_of(start(0, "text", text="a"), sent, stop(0))

    told = json.loads(sent.partition(b"data: ")[2])
    assert item == {"type": "text", "text": "a", "deltas": [told["delta"]]}


def test_an_incomplete_block_is_not_sent_back() -> None:
    odd = start(1, "aroma", odour="") + unknown(1) + stop(1)

    assert state_of(thinking("hm"), odd, texts("a", index=2)) == [
        THOUGHT,
        {"type": "text", "text": "a"},
    ]
    assert items_of(thinking("hm"), odd, texts("a", index=2)) == [
        {"type": "aroma", "odour": "", "deltas": LOST}
    ]


def test_a_call_and_its_result_are_left_out_together() -> None:
    begun = start(0, "server_tool_use", id="s", name="web_search", input={})
    search = begun + unknown(0) + stop(0)
    result = start(1, FOUND["type"], tool_use_id="s", content=[]) + unknown(1) + stop(1)
    other = block(2, {**SEARCH, "id": "t"}) + block(3, {**FOUND, "tool_use_id": "t"})

    kept = [{**SEARCH, "id": "t"}, {**FOUND, "tool_use_id": "t"}]
    assert state_of(search, block(1, FOUND), other) == kept
    assert state_of(SEARCHED, result, other) == kept
    assert state_of(search, block(1, FOUND)) is None


def test_an_incomplete_text_or_call_is_sent_back_as_what_was_read() -> None:
    cited = {"type": "char_location", "cited_text": "x"}
    text = start(1, "text", text="a", odour="") + delta(
        1, "citations_delta", citation=cited
    )
    call = start(2, "tool_use", id="a", name="f", input={"x": 1}, odour="")

    assert state_of(
        thinking("hm"), text + unknown(1) + stop(1), call + unknown(2) + stop(2)
    ) == [
        THOUGHT,
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
    ]


@pytest.mark.parametrize("kind", ["thinking", "redacted_thinking"])
def test_incomplete_reasoning_leaves_text_and_calls_alone(kind: str) -> None:
    odd = start(0, kind, thinking="hm", data="x", signature="c2ln") + unknown(0)

    assert (
        state_of(odd + stop(0), SEARCHED.replace(b'"index": 0', b'"index": 1')) is None
    )


# Compaction.


@pytest.mark.parametrize("slicing", SLICINGS)
def test_a_compaction_is_put_together(slicing: Slicing) -> None:
    data = (
        begin()
        + start(0, "compaction", content=None)
        + delta(0, "compaction_delta", content="So ", encrypted_content=None)
        + delta(0, "compaction_delta", content="far.", encrypted_content="ZW5j")
        + stop(0)
        + texts("Hello.", index=1)
        + finish()
        + STOP
    )
    end = end_of(decode(data, slicing))

    whole = {"type": "compaction", "content": "So far.", "encrypted_content": "ZW5j"}
    assert plain(end.items) == [whole]
    assert plain(end.state) == {
        "anthropic": {"content": [whole, {"type": "text", "text": "Hello."}]}
    }


def test_a_compaction_that_failed_stays_null() -> None:
    failed = block(0, {"type": "compaction", "content": None})

    assert state_of(failed) == [{"type": "compaction", "content": None}]


def test_connector_text_is_put_together() -> None:
    begun = start(0, "connector_text", connector_text="", signature="")
    piece = delta(0, "connector_text_delta", connector_text="Now ")
    signed = delta(0, "signature_delta", signature="c2ln")

    assert state_of(begun, piece, piece, signed, stop(0)) == [
        {
            "type": "connector_text",
            "connector_text": "Now Now ",
            "signature": "c2ln",
        }
    ]


# Reasoning that a limit cut off.


def test_reasoning_without_its_signature_is_not_sent_back() -> None:
    cut = start(1, "thinking", thinking="", signature="") + delta(
        1, "thinking_delta", thinking="hm"
    )

    assert state_of(texts("a"), cut + stop(1), reason="max_tokens") is None
    assert state_of(thinking("hm"), cut, reason="max_tokens") == [THOUGHT]


def test_services_without_signatures_get_their_reasoning_back() -> None:
    unsigned = {"type": "thinking", "thinking": "hm", "signature": ""}
    whole = block(0, unsigned)

    # DeepSeek's and Kimi's.
    assert state_of(whole, texts("a", index=1)) == [
        unsigned,
        {"type": "text", "text": "a"},
    ]
    # It was not the thinking that was cut.
    assert state_of(whole, texts("a", index=1), reason="max_tokens") is not None


# Calls of the service's own sets of tools.


@pytest.mark.parametrize("pieces", [['{"x"', ":1}"], []])
def test_a_call_of_a_set_of_tools_has_its_kind_and_item(pieces: list[str]) -> None:
    given: dict[str, int] = {} if pieces else {"x": 1}
    call = start(
        0, "tool_use", id="a", name="zoom", input=given, toolset_name="computer"
    )
    deltas = [delta(0, "input_json_delta", partial_json=piece) for piece in pieces]
    events = answer_of(call, *deltas, stop(0), reason="tool_use")
    calls = [event for event in events if isinstance(event, ToolCallDelta)]

    assert [call.kind for call in calls if call.kind] == ["computer"]
    assert "".join(call.arguments for call in calls) == '{"x":1}'
    assert calls[-1].item == {
        "type": "tool_use",
        "id": "a",
        "name": "zoom",
        "input": {"x": 1},
        "toolset_name": "computer",
    }


# Calls from code.


def test_the_container_is_kept_with_the_calls_that_wait_in_it() -> None:
    caller = {"type": "code_execution_20260120", "tool_id": "s"}
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}, "caller": caller}
    named = {"id": "c1", "expires_at": "soon"}
    end = end_of(answer_of(block(0, call), reason="tool_use", container=named))

    assert plain(end.state) == {"anthropic": {"content": [call], "container": "c1"}}
    assert end.details["container"] == named


@pytest.mark.parametrize("container", [7, {}, {"id": 7}, None])
def test_a_container_without_a_name_is_not_kept(container: object) -> None:
    end = end_of(answer_of(block(0, FOUND), container=container))

    assert plain(end.state) == {"anthropic": {"content": [FOUND]}}


# Citations.

DOCUMENT = {"document_index": 0, "document_title": "Notes", "cited_text": "in 1993"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param(
            {"type": "char_location", "start_char_index": 5, **DOCUMENT},
            {"title": "Notes", "cited_text": "in 1993", "source": "0"},
            id="text",
        ),
        pytest.param(
            {"type": "page_location", "file_id": "file_1", **DOCUMENT},
            {"title": "Notes", "cited_text": "in 1993", "source": "file_1"},
            id="file",
        ),
        pytest.param(
            {"type": "content_block_location", **DOCUMENT, "document_title": None},
            {"cited_text": "in 1993", "source": "0"},
            id="blocks",
        ),
        pytest.param(
            {
                "type": "web_search_result_location",
                "url": "https://example.org",
                "title": "Example",
                "cited_text": "in 1993",
                "encrypted_index": "e",
            },
            {
                "url": "https://example.org",
                "title": "Example",
                "cited_text": "in 1993",
            },
            id="web",
        ),
        pytest.param(
            {"type": "search_result_location", "source": "shelf 7", "title": "Seven"},
            {"title": "Seven", "source": "shelf 7"},
            id="result",
        ),
        pytest.param(
            {"type": "search_result_location", "source": "https://example.org/7"},
            {"url": "https://example.org/7"},
            id="address",
        ),
        pytest.param({"type": "a_new_one", "cited_text": 7}, {}, id="unknown"),
    ],
)
def test_citations_are_read(told: dict[str, object], expected: dict[str, Any]) -> None:
    cited = (
        start(0, "text", text="", citations=[])
        + delta(0, "citations_delta", citation=told)
        + delta(0, "text_delta", text="It was made in 1993.")
        + stop(0)
    )
    events = answer_of(cited)

    assert [event for event in events if isinstance(event, Citation)] == [
        Citation(**expected, start=0, end=20, item=told)
    ]
    assert state_of(cited) == [
        {"type": "text", "text": "It was made in 1993.", "citations": [told]}
    ]


@pytest.mark.parametrize("slicing", SLICINGS)
def test_a_citation_says_which_text_it_is_for(slicing: Slicing) -> None:
    one, two = ({"type": "char_location", "cited_text": text} for text in "ab")
    data = (
        begin()
        + thinking("hm")
        + texts("Made", " in ", index=1)
        + start(2, "text", text="19", citations=[one])
        + delta(2, "text_delta", text="19")
        + delta(2, "text_delta", text="93")
        + delta(2, "citations_delta", citation=two)
        + stop(2)
        + texts(", or not", index=3)
        + start(4, "text", text=".")
        + delta(4, "citations_delta", citation=one)
        + finish()
        + STOP
    )
    events = decode(data, slicing)
    text = text_of(events)
    found = [event for event in events if isinstance(event, Citation)]

    assert text == "Made in 1993, or not."
    assert [(c.cited_text, text[c.start : c.end]) for c in found] == [
        ("a", "1993"),
        ("b", "1993"),
        ("a", "."),
    ]


def test_a_citation_after_the_end_of_its_block_is_given() -> None:
    late = {"type": "char_location", "cited_text": "b"}
    data = [texts("a"), delta(0, "citations_delta", citation=late), stop(0)]
    found = [event for event in answer_of(*data) if isinstance(event, Citation)]

    assert found == [Citation(cited_text="b", start=0, end=1, item=late)]


def test_citations_of_a_whole_message_are_given() -> None:
    told = {"type": "char_location", "cited_text": "b"}
    content = [
        {"type": "text", "text": "So ", "citations": None},
        {"type": "text", "text": "a", "citations": [told, 7]},
    ]
    events = decode(
        json.dumps({"content": content, "stop_reason": "end_turn"}).encode()
    )

    assert [event for event in events if isinstance(event, Citation)] == [
        Citation(cited_text="b", start=3, end=4, item=told)
    ]


def test_a_state_names_the_host_that_it_is_from() -> None:
    data = b"".join([begin(), block(0, SEARCH), block(1, FOUND), finish(), STOP])
    decoder = Decoder("Anthropic", origin="a.example")

    state = plain(end_of([*decoder.feed(data), *decoder.close()]).state)

    assert state["anthropic"]["origin"] == "a.example"


@pytest.mark.parametrize(
    ("origin", "kept"), [("a.example", True), ("b.example", False), (None, True)]
)
def test_a_state_of_another_host_is_not_sent(origin: str | None, kept: bool) -> None:
    content = [THOUGHT, {"type": "text", "text": "a"}]
    own = {"content": content, "container": "c1", "origin": origin}
    message = Message(
        role="assistant",
        content="a",
        state={"anthropic": {k: v for k, v in own.items() if v is not None}},
    )
    request = ChatRequest.build(["q", message, "more"], model="m")

    sent = body(request, 9, "a.example")

    turns = cast("list[dict[str, Any]]", sent["messages"])
    assert turns[1]["content"] == (content if kept else content[1:])


@pytest.mark.parametrize(
    ("end", "output"),
    [
        ({"output_tokens": 0}, 7),
        ({"output_tokens": 3}, 3),
        ({"output_tokens": 0, "iterations": [{"type": "message"}]}, 0),
    ],
)
def test_a_zero_does_not_replace_the_output_of_the_start(
    end: dict[str, Any], output: int
) -> None:
    counts = Counts("Anthropic")

    counts.add({"input_tokens": 5, "output_tokens": 7}, "output_tokens")
    counts.add(end)

    assert counts.usage() == Usage(input_tokens=5, output_tokens=output)


def test_a_zero_after_the_end_replaces_nothing() -> None:
    counts = Counts("Anthropic")

    for tokens in (3, 0):
        counts.add({"output_tokens": 7}, "output_tokens")
        counts.add({"output_tokens": tokens})

    assert counts.usage() == Usage(output_tokens=3)
