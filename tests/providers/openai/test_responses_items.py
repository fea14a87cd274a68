"""What an answer by Responses has beside text, without any network.

Calls of tools that OpenAI defines and the client runs, citations, images, sounds, and
what the service did itself. The forms are those of OpenAI's SDK 3.57.0.
"""

from __future__ import annotations

import json
from typing import cast

import pytest

from turnout.types import Citation, Event, Finish, MediaDelta, ToolCallDelta
from turnout_openai._responses import ResponsesDecoder

from ...support.made_ids import MADE
from ...support.responses_events import (
    Fields,
    created,
    delta,
    ended,
    item_done,
    message,
    message_item,
    numbered,
    response,
)
from ..reading import Reading, end_of, text_of

READING = Reading(ResponsesDecoder)

SCREENSHOT: Fields = {"type": "screenshot"}

CALLS: list[tuple[Fields, str, str]] = [
    (
        {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "SELECT"},
        "sql",
        "SELECT",
    ),
    (
        {
            "type": "apply_patch_call",
            "call_id": "c",
            "operation": {"type": "delete_file", "path": "é"},
        },
        "apply_patch_call",
        '{"type": "delete_file", "path": "é"}',
    ),
    (
        {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}},
        "shell_call",
        '{"commands": ["ls"]}',
    ),
    (
        {
            "type": "shell_call",
            "call_id": "c",
            "action": {"commands": []},
            "environment": {"type": "local"},
        },
        "shell_call",
        '{"commands": []}',
    ),
    (
        {"type": "local_shell_call", "call_id": "c", "action": {"type": "exec"}},
        "local_shell_call",
        '{"type": "exec"}',
    ),
    (
        {"type": "computer_call", "call_id": "c", "actions": [SCREENSHOT]},
        "computer_call",
        '[{"type": "screenshot"}]',
    ),
    (
        {"type": "computer_call", "call_id": "c", "action": SCREENSHOT},
        "computer_call",
        '{"type": "screenshot"}',
    ),
    (
        {
            "type": "tool_search_call",
            "call_id": "c",
            "execution": "client",
            "arguments": {"q": "x"},
        },
        "tool_search_call",
        '{"q": "x"}',
    ),
    (
        {
            "type": "mcp_approval_request",
            "id": "c",
            "name": "pay",
            "arguments": '{"a": 1}',
            "server_label": "bank",
        },
        "pay",
        '{"a": 1}',
    ),
]

OF_THE_SERVICE: list[Fields] = [
    {"type": "web_search_call", "id": "w", "status": "completed"},
    {"type": "file_search_call", "id": "f", "queries": []},
    {"type": "code_interpreter_call", "id": "ci", "code": "1", "outputs": None},
    {"type": "mcp_call", "id": "m", "name": "pay", "arguments": "{}", "output": "ok"},
    {"type": "mcp_list_tools", "id": "l", "tools": []},
    {"type": "compaction", "id": "cmp", "encrypted_content": "gAAA"},
    {"type": "tool_search_call", "id": "t", "execution": "server", "call_id": None},
    {"type": "tool_search_output", "id": "to", "execution": "server", "tools": []},
    {
        "type": "shell_call",
        "call_id": "c",
        "environment": {"type": "container_reference", "container_id": "1"},
    },
    {"type": "shell_call_output", "call_id": "c", "output": []},
    {"type": "program", "id": "p", "call_id": "c", "code": ""},
    {"type": "custom_tool_call", "call_id": "xs_call_1", "name": "x_search"},
    {"type": "image_generation_call", "id": "i", "status": "failed", "result": None},
    {"type": "hologram", "id": "h"},
    {"type": ["odd"], "id": "o"},
]


def both(item: Fields) -> list[bytes]:
    """Return an answer of an item, as a stream and as a document."""
    whole = response("completed", output=[item])
    stream = numbered(created(), item_done(item), ended("completed", item))
    return [stream, json.dumps(whole).encode()]


def events_of(item: Fields) -> list[Event]:
    """Return what an item brings, the same as a stream and as a document."""
    stream, document = (
        [event for event in READING.decode(data) if not _is_usage(event)]
        for data in both(item)
    )
    assert stream == document
    return stream


def _is_usage(event: Event) -> bool:
    return type(event).__name__ == "Usage"


@pytest.mark.parametrize(("item", "name", "arguments"), CALLS)
def test_a_call_that_the_client_answers_is_a_call(
    item: Fields, name: str, arguments: str
) -> None:
    *deltas, end = events_of(item)

    kind = item["type"]
    assert deltas == [
        ToolCallDelta(index=0, id="c", name=name, kind=str(kind), item=item),
        ToolCallDelta(index=0, arguments=arguments),
    ]
    assert isinstance(end, Finish)
    assert (end.reason, end.items) == ("tool_calls", ())
    assert end.state == {"openai-responses": {"items": [item]}}


@pytest.mark.parametrize("item", OF_THE_SERVICE)
def test_what_the_service_did_itself_is_an_item(item: Fields) -> None:
    (end,) = events_of(item)

    assert isinstance(end, Finish)
    assert (end.reason, end.items) == ("stop", (item,))
    assert end.state == {"openai-responses": {"items": [item]}}


def test_the_input_of_a_custom_tool_comes_in_increments() -> None:
    item: Fields = {
        "type": "custom_tool_call",
        "id": "ctc_1",
        "call_id": "c",
        "name": "sql",
        "input": "SELECT 1",
    }
    place: Fields = {"item_id": "ctc_1", "output_index": 0}
    kind = "response.custom_tool_call_input"
    begun = {**item, "input": ""}

    *deltas, _, end = READING.decode(
        numbered(
            created(),
            {"type": "response.output_item.added", "output_index": 0, "item": begun},
            {"type": f"{kind}.delta", **place, "delta": "SELECT"},
            {"type": f"{kind}.delta", **place, "delta": " 1"},
            {"type": f"{kind}.done", **place, "input": "SELECT 1"},
            item_done(item),
            ended("completed", item),
        )
    )

    assert deltas == [
        ToolCallDelta(index=0, id="c", name="sql", kind="custom_tool_call"),
        ToolCallDelta(index=0, arguments="SELECT"),
        ToolCallDelta(index=0, arguments=" 1"),
        ToolCallDelta(index=0, item=item),
    ]
    assert isinstance(end, Finish)
    assert end.reason == "tool_calls"


def test_a_custom_tool_that_xai_runs_is_no_call_of_the_client() -> None:
    item: Fields = {
        "type": "custom_tool_call",
        "id": "ctc_1",
        "call_id": "xs_call_1",
        "name": "x_keyword_search",
        "input": "{}",
    }
    added: Fields = {"type": "response.output_item.added", "item": item}
    increment: Fields = {
        "type": "response.custom_tool_call_input.delta",
        "item_id": "ctc_1",
        "delta": "{}",
    }
    given = [added, increment, item_done(item), *message("Hi")]

    events = READING.decode(numbered(created(), *given, ended("completed")))

    assert events[0] == "Hi"
    assert (end_of(events).reason, end_of(events).items) == ("stop", (item,))


def test_a_call_of_the_client_without_an_id_has_one_of_its_own() -> None:
    first, *_ = events_of_stream({"type": "shell_call", "action": {"commands": []}})

    assert isinstance(first, ToolCallDelta)
    assert first.id == MADE


def events_of_stream(item: Fields) -> list[Event]:
    return READING.decode(both(item)[0])


@pytest.mark.parametrize(
    "fields", [{"namespace": "crm"}, {"caller": {"type": "program", "caller_id": "p"}}]
)
def test_what_a_function_call_has_for_the_service_is_kept(fields: Fields) -> None:
    item: Fields = {
        "type": "function_call",
        "call_id": "c",
        "name": "f",
        "arguments": "{}",
        **fields,
    }

    state = end_of(events_of(item)).state

    assert state == {"openai-responses": {"items": [item]}}


def test_the_phase_of_a_message_is_kept() -> None:
    item = {**message_item("a"), "phase": "commentary"}

    assert end_of(events_of(item)).state == {"openai-responses": {"items": [item]}}


# Citations.

WEB: Fields = {
    "type": "url_citation",
    "url": "https://host/a",
    "title": "A",
    "start_index": 1,
    "end_index": 3,
}
FILE: Fields = {
    "type": "file_citation",
    "file_id": "file-1",
    "filename": "a.pdf",
    "index": 7,
}
IN_CONTAINER: Fields = {
    "type": "container_file_citation",
    "container_id": "cntr",
    "file_id": "cfile",
    "filename": "",
    "start_index": 0,
    "end_index": 2,
}


def cited(text: str, *annotations: Fields) -> Fields:
    part: Fields = {"type": "output_text", "text": text, "annotations": [*annotations]}
    return {**message_item(""), "content": [part]}


def citations_of(events: list[Event]) -> list[Citation]:
    return [event for event in events if isinstance(event, Citation)]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (
            WEB,
            Citation(url="https://host/a", title="A", start=1, end=3, item=WEB),
        ),
        (FILE, Citation(source="a.pdf", item=FILE)),
        (IN_CONTAINER, Citation(source="cfile", start=0, end=2, item=IN_CONTAINER)),
        (
            {"type": "file_path", "file_id": "file-1", "index": 3},
            Citation(
                source="file-1",
                item={"type": "file_path", "file_id": "file-1", "index": 3},
            ),
        ),
        # xAI's have no place.
        (
            {"type": "url_citation", "url": "https://x.ai"},
            Citation(
                url="https://x.ai",
                item={"type": "url_citation", "url": "https://x.ai"},
            ),
        ),
        # In the form of chat completions.
        (
            {"type": "url_citation", "url_citation": {"url": "u", "start_index": -1}},
            Citation(
                url="u",
                item={
                    "type": "url_citation",
                    "url_citation": {"url": "u", "start_index": -1},
                },
            ),
        ),
        ({"type": "new"}, Citation(item={"type": "new"})),
    ],
)
def test_an_annotation_is_a_citation(annotation: Fields, expected: Citation) -> None:
    assert citations_of(events_of(cited("abcd", annotation))) == [expected]


def test_a_citation_is_given_once_and_while_the_text_comes() -> None:
    added: Fields = {
        "type": "response.output_text.annotation.added",
        "annotation": WEB,
    }
    item = cited("abcd", WEB, FILE)
    given = [delta("ab"), added, delta("cd"), item_done(item)]

    *events, _, _ = READING.decode(
        numbered(created(), *given, ended("completed", item))
    )

    web = Citation(url="https://host/a", title="A", start=1, end=3, item=WEB)
    assert events == ["ab", web, "cd", Citation(source="a.pdf", item=FILE)]


def test_the_same_source_may_be_named_twice() -> None:
    item = cited("abcd", WEB, WEB)
    given = numbered(created(), item_done(item), ended("completed", item))

    assert len(citations_of(READING.decode(given))) == 2


def test_a_citation_may_stand_in_the_whole_answer_alone() -> None:
    first, second = message_item("ab"), {**cited("cdef", WEB), "id": "2"}
    done = [item_done(first), item_done({**message_item("cdef"), "id": "2"})]
    data = numbered(delta("abcdef"), *done, ended("completed", first, second))

    (citation,) = citations_of(READING.decode(data))

    assert (citation.start, citation.end) == (3, 5)


def test_a_gateway_need_not_part_the_text() -> None:
    first, second = message_item("ab"), {**cited("cdef", WEB), "id": "2"}
    data = numbered(delta("abc"), delta("def"), ended("completed", first, second))

    events = READING.decode(data)

    (citation,) = citations_of(events)
    assert text_of(events) == "abcdef"
    assert (citation.start, citation.end) == (3, 5)


def test_places_count_from_the_beginning_of_the_whole_text() -> None:
    parts = [
        {"type": "output_text", "text": "ab", "annotations": [IN_CONTAINER]},
        {"type": "refusal", "refusal": "cd"},
        {"type": "output_text", "text": "efgh", "annotations": [WEB]},
    ]
    first, second = {**message_item(""), "content": parts}, cited("ijkl", WEB)
    whole = response("completed", output=[first, {**second, "id": "2"}])

    events = READING.decode(json.dumps(whole).encode())

    text = text_of(events)
    spans = [text[c.start : c.end] for c in citations_of(events)]
    assert spans == ["ab", "fg", "jk"]


@pytest.mark.parametrize("begins", [True, False])
def test_places_count_so_while_the_text_comes(begins: bool) -> None:
    added: Fields = {"type": "response.output_text.annotation.added", "annotation": WEB}
    part: Fields = {"type": "response.content_part.added"}
    given = [*message("ab"), *([part] if begins else []), delta("cdef"), added]
    done: Fields = {"type": "response.output_text.done", "text": "cdef"}
    # After the end of its part, too.
    given += [done, {**added, "annotation": {**WEB, "start_index": 0}}]

    events = READING.decode(numbered(created(), *given, ended("completed")))

    text = text_of(events)
    assert [text[c.start : c.end] for c in citations_of(events)] == ["de", "cde"]


def test_a_place_in_a_text_that_differs_is_unknown() -> None:
    done: Fields = {"type": "response.output_text.done", "text": "other"}
    added: Fields = {"type": "response.output_text.annotation.added", "annotation": WEB}
    nothing = {**added, "annotation": None}
    data = numbered(delta("ab"), done, added, nothing, ended("completed"))

    (citation,) = citations_of(READING.decode(data))

    assert (citation.start, citation.end) == (None, None)


def test_items_of_one_id_in_the_whole_answer_are_all_read() -> None:
    item = cited("other", WEB)
    data = numbered(delta("ab"), ended("completed", message_item("ab"), item))

    (citation,) = citations_of(READING.decode(data))

    assert (citation.start, citation.end) == (3, 5)


# Images and sounds.

PNG = "iVBORw0KGgoAAA"


@pytest.mark.parametrize(
    ("fields", "media_type", "url"),
    [
        ({"result": PNG}, "image/png", f"data:image/png;base64,{PNG}"),
        ({"result": "/9j/4AA"}, "image/jpeg", "data:image/jpeg;base64,/9j/4AA"),
        (
            {"result": "AAAA", "output_format": "webp"},
            "image/webp",
            "data:image/webp;base64,AAAA",
        ),
        (
            {"result": "AAAA", "output_format": "svg"},
            "image/svg+xml",
            "data:image/svg+xml;base64,AAAA",
        ),
        ({"result": "AAAA"}, "image/png", "data:image/png;base64,AAAA"),
        ({"result": "https://host/a.png"}, None, "https://host/a.png"),
        (
            {"result": "data:image/gif;base64,AA"},
            "image/gif",
            "data:image/gif;base64,AA",
        ),
    ],
)
def test_an_image_is_media(fields: Fields, media_type: str | None, url: str) -> None:
    item: Fields = {"type": "image_generation_call", "id": "i", **fields}

    image, end = events_of(item)

    assert image == MediaDelta(index=0, media_type=media_type, url=url)
    assert isinstance(end, Finish)
    assert end.items == (item,)


def test_a_partial_image_is_not_given() -> None:
    partial: Fields = {
        "type": "response.image_generation_call.partial_image",
        "partial_image_b64": PNG,
    }
    item: Fields = {"type": "image_generation_call", "id": "i", "result": PNG}
    data = numbered(partial, item_done(item), ended("completed", item))

    assert sum(isinstance(e, MediaDelta) for e in READING.decode(data)) == 1


def test_the_images_of_a_program_are_media() -> None:
    outputs = [
        {"type": "logs", "logs": "1"},
        {"type": "image", "url": "https://host/1.png"},
        {"type": "image", "url": f"data:image/png;base64,{PNG}"},
    ]
    item: Fields = {"type": "code_interpreter_call", "id": "c", "outputs": outputs}

    first, second, _ = events_of(item)

    assert first == MediaDelta(index=0, url="https://host/1.png")
    assert isinstance(second, MediaDelta)
    assert (second.index, second.media_type) == (1, "image/png")


def test_a_sound_comes_in_increments() -> None:
    data = numbered(
        {"type": "response.audio.delta", "delta": "YWI="},
        {"type": "response.audio.transcript.delta", "delta": "Hi"},
        {"type": "response.audio.delta", "delta": "Y2Q="},
        {"type": "response.audio.delta", "delta": "abcde"},
        {"type": "response.audio.delta", "delta": 7},
        ended("completed"),
    )

    assert READING.decode(data)[:-2] == [
        MediaDelta(index=0, data=b"ab"),
        MediaDelta(index=0, transcript="Hi"),
        MediaDelta(index=0, data=b"cd"),
    ]


def test_a_sound_may_be_a_part_of_a_message() -> None:
    part = {"type": "output_audio", "data": "YWI=", "transcript": "Hi"}

    sound, end = events_of({**message_item(""), "content": [part]})

    assert sound == MediaDelta(index=0, data=b"ab", transcript="Hi")
    assert isinstance(end, Finish)


def test_a_message_with_parts_of_an_unknown_type_is_an_item() -> None:
    part: Fields = {"type": "hologram", "url": "https://host"}
    item = {**message_item(""), "content": [part, {"type": "output_text", "text": "a"}]}

    events = events_of(item)

    assert events[0] == "a"
    assert end_of(events).items == (item,)


# Details.


def test_logprobs_that_were_requested_are_details() -> None:
    one, two = {"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -0.2}
    done: Fields = {
        "type": "response.output_text.done",
        "text": "ab",
        "logprobs": [one, two],
    }
    item = {**message_item("ab"), "content": [{"text": "ab", "logprobs": [one, two]}]}
    endings = [[done], [done, item_done(item)], [item_done(item)]]

    for ending in endings:
        events = READING.decode(numbered(delta("ab"), *ending, ended("completed")))
        assert end_of(events).details["logprobs"] == [one, two]


def test_what_the_service_says_of_its_answer_are_details() -> None:
    fields: Fields = {
        "service_tier": "flex",
        "moderation": {"flagged": False},
        "content_filters": [{"blocked": False}],
        "citations": ["https://x.ai"],
    }
    last = ended("completed", message_item("a"), **fields)

    details = end_of(READING.decode(numbered(*message("a"), last))).details

    assert {name: details[name] for name in fields} == fields
    assert cast("str", details["id"]) == "resp_1"
