"""The bytes of an answer in each protocol, of the sizes that the services send.

A text event has about 290 bytes in OpenAI's protocol, 130 in Anthropic's, 350 in
Gemini's, 130 in Ollama's and 60 in FlowGPT's, for 17 characters of text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from bench.load import Load, piece


@dataclass(frozen=True, kw_only=True)
class Wire:
    """A protocol, as its server speaks it."""

    path: str
    """What the path of a request contains."""
    content_type: str
    event: Callable[[str], bytes]
    """Makes an event of a piece of text."""
    first: bytes = b""
    """What comes before the first event."""
    last: bytes = b""
    """What comes after the last event."""


def _openai(choices: str, usage: str = "null") -> bytes:
    return (
        'data: {"id":"chatcmpl-AbCdEfGh1234567890","object":"chat.completion.chunk",'
        '"created":1700000000,"model":"gpt-4o-mini-2024-07-18",'
        '"service_tier":"default","system_fingerprint":"fp_0123456789",'
        f'"choices":[{choices}],"usage":{usage}}}\n\n'
    ).encode()


def _openai_choice(delta: str, reason: str = "null") -> str:
    return f'{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{reason}}}'


def _openai_event(text: str) -> bytes:
    return _openai(_openai_choice(f'{{"content":"{text}"}}'))


def _anthropic(kind: str, rest: str = "") -> bytes:
    return f'event: {kind}\ndata: {{"type":"{kind}"{rest}}}\n\n'.encode()


def _anthropic_event(text: str) -> bytes:
    delta = f',"index":0,"delta":{{"type":"text_delta","text":"{text}"}}'
    return _anthropic("content_block_delta", delta)


def _gemini(text: str, end: str = "") -> bytes:
    return (
        f'data: {{"candidates": [{{"content": {{"parts": [{{"text": "{text}"}}],'
        f'"role": "model"}}{end},"index": 0}}],"usageMetadata": {{'
        '"promptTokenCount": 8,"candidatesTokenCount": 10,"totalTokenCount": 18,'
        '"promptTokensDetails": [{"modality": "TEXT","tokenCount": 8}]},'
        '"modelVersion": "gemini-2.5-flash","responseId": "AbCdEfGh1234567890"}\r\n\r\n'
    ).encode()


def _ollama(text: str, end: str = '"done":false') -> bytes:
    return (
        '{"model":"llama3.2","created_at":"2026-11-22T10:00:00.123456789Z",'
        f'"message":{{"role":"assistant","content":"{text}"}},{end}}}\n'
    ).encode()


def _flowgpt(text: str) -> bytes:
    return f'{{"event":"text","data":"{text}"}}\n'.encode()


WIRES = {
    "OpenAI": Wire(
        path="/chat/completions",
        content_type="text/event-stream",
        event=_openai_event,
        last=_openai(_openai_choice("{}", '"stop"')) + b"data: [DONE]\n\n",
    ),
    "Anthropic": Wire(
        path="/v1/messages",
        content_type="text/event-stream",
        event=_anthropic_event,
        first=_anthropic(
            "message_start",
            ',"message":{"id":"msg_AbCdEfGh1234567890","type":"message",'
            '"role":"assistant","model":"claude-sonnet-4-5","content":[],'
            '"stop_reason":null,"stop_sequence":null,'
            '"usage":{"input_tokens":8,"output_tokens":1}}',
        )
        + _anthropic(
            "content_block_start",
            ',"index":0,"content_block":{"type":"text","text":""}',
        )
        + _anthropic("ping"),
        last=_anthropic("content_block_stop", ',"index":0')
        + _anthropic(
            "message_delta",
            ',"delta":{"stop_reason":"end_turn","stop_sequence":null},'
            '"usage":{"output_tokens":10}',
        )
        + _anthropic("message_stop"),
    ),
    "Gemini": Wire(
        path=":streamGenerateContent",
        content_type="text/event-stream",
        event=_gemini,
        last=_gemini("", ',"finishReason": "STOP"'),
    ),
    "Ollama": Wire(
        path="/api/chat",
        content_type="application/x-ndjson",
        event=_ollama,
        last=_ollama(
            "",
            '"done_reason":"stop","done":true,"total_duration":4883583458,'
            '"load_duration":1334875,"prompt_eval_count":8,'
            '"prompt_eval_duration":342546000,"eval_count":10,'
            '"eval_duration":4535599000',
        ),
    ),
    "FlowGPT": Wire(
        path="/v3/chat-anonymous",
        content_type="application/json",
        event=_flowgpt,
    ),
}
"""By the name of the protocol."""


def wire_of(path: str) -> Wire:
    """Return the protocol that a request's path is of.

    Raises:
        LookupError: It is of none.
    """
    for wire in WIRES.values():
        if wire.path in path:
            return wire
    raise LookupError(path)


def head_of(wire: Wire) -> bytes:
    """Return the head of a response."""
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {wire.content_type}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    ).encode()


@lru_cache
def writes_of(path: str, load: Load) -> list[bytes]:
    """Return what is written after the head, a chunk of HTTP each.

    What a service sends before its first text comes with that, and what it sends after
    the last text comes in a write of its own, with the end of the body.
    """
    wire = wire_of(path)
    events = [wire.event(piece(number)) for number in range(load.events)]
    starts = range(0, load.events, load.batch)
    bodies = [b"".join(events[start : start + load.batch]) for start in starts]
    bodies[0] = wire.first + bodies[0]
    chunks = [b"%x\r\n%s\r\n" % (len(body), body) for body in bodies]
    last = b"%x\r\n%s\r\n" % (len(wire.last), wire.last) if wire.last else b""
    return [*chunks, last + b"0\r\n\r\n"]
