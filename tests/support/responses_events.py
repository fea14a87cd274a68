"""Answers by OpenAI's Responses, event by event, as its documentation has them.

    numbered(created(), *message("Hi"), completed("Hi"))

Written from the reference of responses and the types of OpenAI's SDK 3.57.0, and not
with the product's code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias

Fields: TypeAlias = dict[str, object]

USAGE: Fields = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 16,
}


def numbered(*events: Mapping[str, object], start: int = 0) -> bytes:
    """Return events as they are sent, each with its number."""
    return b"".join(
        sent({**event, "sequence_number": number})
        for number, event in enumerate(events, start)
    )


def sent(event: Mapping[str, object]) -> bytes:
    """Return one event as it is sent."""
    data = json.dumps(event, ensure_ascii=False).encode()
    return b"event: %b\ndata: %b\n\n" % (str(event.get("type")).encode(), data)


def response(status: str, **fields: object) -> Fields:
    """Return a response, as the first event and the last one have it."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": "m-1",
        "output": [],
        "usage": None,
        **fields,
    }


def created() -> Fields:
    return {"type": "response.created", "response": response("in_progress")}


def delta(text: str) -> Fields:
    """Return a piece of a message's text."""
    return {
        "type": "response.output_text.delta",
        "item_id": "msg_1",
        "output_index": 0,
        "content_index": 0,
        "delta": text,
        "logprobs": [],
    }


def message_item(text: str) -> Fields:
    part: Fields = {"type": "output_text", "text": text, "annotations": []}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


def message(*pieces: str) -> list[Fields]:
    """Return the events of a message."""
    text = "".join(pieces)
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part: Fields = {"type": "output_text", "text": "", "annotations": []}
    begun: Fields = {**message_item(""), "status": "in_progress", "content": []}
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        {"type": "response.content_part.added", **place, "part": part},
        *map(delta, pieces),
        {"type": "response.output_text.done", **place, "text": text},
        {"type": "response.content_part.done", **place, "part": part},
        item_done(message_item(text)),
    ]


def item_done(item: Fields) -> Fields:
    return {"type": "response.output_item.done", "output_index": 0, "item": item}


def call_item(name: str, arguments: str, number: int = 1) -> Fields:
    return {
        "id": f"fc_{number}",
        "type": "function_call",
        "call_id": f"call_{number}",
        "name": name,
        "arguments": arguments,
        "status": "completed",
    }


def call(name: str, *pieces: str, number: int = 1) -> list[Fields]:
    """Return the events of a call of a function."""
    arguments = "".join(pieces)
    place = {"item_id": f"fc_{number}", "output_index": number}
    begun = {**call_item(name, "", number), "status": "in_progress"}
    kind = "response.function_call_arguments"
    return [
        {"type": "response.output_item.added", "output_index": number, "item": begun},
        *({"type": f"{kind}.delta", **place, "delta": piece} for piece in pieces),
        {"type": f"{kind}.done", **place, "name": name, "arguments": arguments},
        {**item_done(call_item(name, arguments, number)), "output_index": number},
    ]


def reasoning_item(*paragraphs: str, encrypted: str | None = "gAAA") -> Fields:
    return {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in paragraphs],
        "encrypted_content": encrypted,
    }


def reasoning(*paragraphs: str, encrypted: str | None = "gAAA") -> list[Fields]:
    """Return the events of reasoning that is summed up in paragraphs."""
    kind = "response.reasoning_summary"
    begun = reasoning_item(encrypted=None)
    events: list[Fields] = [
        {"type": "response.output_item.added", "output_index": 0, "item": begun}
    ]
    for index, text in enumerate(paragraphs):
        place: Fields = {"item_id": "rs_1", "output_index": 0, "summary_index": index}
        part: Fields = {"type": "summary_text", "text": ""}
        events += [
            {"type": f"{kind}_part.added", **place, "part": part},
            {"type": f"{kind}_text.delta", **place, "delta": text},
            {"type": f"{kind}_text.done", **place, "text": text},
            {"type": f"{kind}_part.done", **place, "part": part},
        ]
    return [*events, item_done(reasoning_item(*paragraphs, encrypted=encrypted))]


def ended(status: str, *items: Fields, **fields: object) -> Fields:
    """Return the last event, of a status."""
    whole = response(status, **{"output": list(items), "usage": USAGE, **fields})
    return {"type": f"response.{status}", "response": whole}


def completed(text: str) -> Fields:
    return ended("completed", message_item(text))


def answer(*pieces: str) -> bytes:
    """Return a whole answer of one message."""
    return numbered(created(), *message(*pieces), completed("".join(pieces)))
