"""Answers of many calls, blocks and pieces: reading them takes linear time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from turnout.decoding import Decoder
from turnout.testing import sse
from turnout_anthropic._protocol import Decoder as Anthropic
from turnout_gemini._protocol import Decoder as Gemini
from turnout_ollama._protocol import Decoder as Ollama
from turnout_openai._protocol import Decoder as OpenAI
from turnout_openai._responses import ResponsesDecoder

FUNCTION = {"name": "f", "arguments": "{}"}

EMPTY: dict[str, object] = {}


def delta(**fields: object) -> bytes:
    return sse({"choices": [{"delta": fields}]})


def part(**fields: object) -> bytes:
    return sse({"candidates": [{"content": {"parts": [fields]}}]})


def block(index: int) -> bytes:
    tool = {"type": "tool_use", "id": f"t{index}", "name": "f", "input": EMPTY}
    piece = {"type": "input_json_delta", "partial_json": "{}"}
    return sse(
        {"type": "content_block_start", "index": index, "content_block": tool},
        {"type": "content_block_delta", "index": index, "delta": piece},
        {"type": "content_block_delta", "index": index // 2, "delta": piece},
        {"type": "content_block_stop", "index": index},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    )


def item(index: int) -> bytes:
    call = {"type": "function_call", "id": f"i{index}", "call_id": "c", "name": "f"}
    done = {**call, "arguments": "{}"}
    return sse(
        {"type": "response.output_item.added", "output_index": index, "item": call},
        {"type": "response.output_item.done", "output_index": index, "item": done},
    )


def said(index: int) -> bytes:
    text = f"{index:050}"
    source = {"type": "url_citation", "url": text, "start_index": 0, "end_index": 9}
    content = [{"type": "output_text", "text": text, "annotations": [source]}]
    done = {"type": "message", "id": f"m{index}", "content": content}
    return sse(
        {"type": "response.content_part.added"},
        {"type": "response.output_text.delta", "delta": text},
        {"type": "response.output_text.done", "text": text},
        {"type": "response.output_item.done", "output_index": index, "item": done},
    )


def said_otherwise(index: int) -> bytes:
    return sse(
        {"type": "response.output_text.delta", "delta": f"{index:050}"},
        {"type": "response.output_text.done", "text": "another"},
    )


def said_in_parts(index: int) -> bytes:
    text = "x" * (100_000 if index == 0 else 50)
    return sse(
        {"type": "response.output_text.delta", "delta": text},
        {"type": "response.output_text.done", "text": "x" * 50},
    )


def argument(index: int) -> bytes:
    piece = {"jsonPath": "$.a", "stringValue": "x" * 50, "willContinue": True}
    return part(
        functionCall={"name": "f", "partialArgs": [piece], "willContinue": True}
    )


def line(index: int) -> bytes:
    call = {"function": {"name": "f", "arguments": EMPTY}}
    return json.dumps({"message": {"tool_calls": [call]}}).encode() + b"\n"


def detail(index: int) -> bytes:
    return delta(reasoning_details=[{"type": "text", "index": 0, "text": "x" * 50}])


def reasoning(index: int) -> bytes:
    return delta(reasoning_content="x")


def pieces_of_a_call(index: int) -> bytes:
    piece = '{"a": "' if index == 0 else "{}"
    function = {"name": "f", "arguments": piece}
    return delta(tool_calls=[{"index": 0, "id": "c", "function": function}])


def signed(index: int) -> bytes:
    signature = "s" if index % 2 else ""
    block = {"type": "thinking", "thinking": "x" * 50, "signature": signature}
    return delta(thinking_blocks=[block])


def blocks(index: int) -> bytes:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "x" * 50}]}
    return delta(content=[thought, {"type": "text", "text": "x"}, {"type": "new"}])


def parts(index: int) -> bytes:
    cited = {"type": "url_citation", "url": f"https://{index}"}
    image = {"url": f"https://{index}"}
    return delta(annotations=[cited], images=[image], audio={"data": "A"}, new=[index])


def texts(index: int) -> bytes:
    return delta(content="x" * (8 if index < 2 else 1 << min(index + 2, 12)))


def whole_call(index: int) -> bytes:
    return part(functionCall={"name": "f"})


def thought(index: int) -> bytes:
    return part(text="x" * 50, thought=True)


def called(**fields: object) -> Callable[[int], bytes]:
    def event(index: int) -> bytes:
        filled = {
            name: value.format(index) if isinstance(value, str) else value
            for name, value in fields.items()
        }
        return delta(tool_calls=[{**filled, "function": FUNCTION}])

    return event


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        pytest.param(OpenAI, called(id="c{}"), id="openai-ids"),
        pytest.param(OpenAI, called(), id="openai-names"),
        pytest.param(OpenAI, called(index=0, id="c{}"), id="openai-same-index"),
        pytest.param(OpenAI, called(index=0, id="c"), id="openai-same-call"),
        pytest.param(OpenAI, pieces_of_a_call, id="openai-pieces"),
        pytest.param(OpenAI, reasoning, id="openai-reasoning"),
        pytest.param(OpenAI, detail, id="openai-details"),
        pytest.param(OpenAI, signed, id="openai-signed"),
        pytest.param(OpenAI, blocks, id="openai-blocks"),
        pytest.param(OpenAI, parts, id="openai-parts"),
        pytest.param(OpenAI, texts, id="openai-texts"),
        pytest.param(ResponsesDecoder, item, id="responses"),
        pytest.param(ResponsesDecoder, said, id="responses-text"),
        pytest.param(ResponsesDecoder, said_otherwise, id="responses-other-text"),
        pytest.param(ResponsesDecoder, said_in_parts, id="responses-parts"),
        pytest.param(Anthropic, block, id="anthropic"),
        pytest.param(Gemini, whole_call, id="gemini"),
        pytest.param(Gemini, argument, id="gemini-arguments"),
        pytest.param(Gemini, thought, id="thoughts"),
        pytest.param(Ollama, line, id="ollama"),
    ],
)
def test_many_events_take_linear_time(
    kind: type[Decoder], event: Callable[[int], bytes]
) -> None:
    def seconds(count: int) -> float:
        decoder = kind("Vendor")
        data = b"".join(map(event, range(count)))
        began = time.process_time()
        for start in range(0, len(data), 65536):
            decoder.feed(data[start : start + 65536])
        decoder.close()
        return time.process_time() - began

    # Eight times as many take 8 times as long, and 64 times if it were quadratic.
    assert seconds(8000) < 30 * max(0.002, *(seconds(1000) for _ in range(2)))
