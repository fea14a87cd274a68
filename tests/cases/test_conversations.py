"""Conversations that one protocol began and another goes on with: each with each.

Their servers here are those that refuse whatever breaks the rules of their protocol.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import pytest

from tests.support import (
    anthropic_server,
    gemini_server,
    ollama_server,
    openai_server,
)
from tests.support.anthropic_server import AnthropicServer
from tests.support.flowgpt_rules import Rules
from tests.support.flowgpt_server import FlowGptServer
from tests.support.gemini_server import GeminiServer
from tests.support.ollama_server import OllamaServer
from tests.support.openai_server import OpenAIServer
from turnout.testing import chunk, last_chunk
from turnout.types import Message, Reply

from .harness import KEY, PROMPT, Service, serving
from .services import ANTHROPIC, FLOWGPT, GEMINI, OLLAMA, OPENAI

Strict: TypeAlias = (
    OpenAIServer | AnthropicServer | GeminiServer | OllamaServer | FlowGptServer
)

TOOLS: list[Mapping[str, object]] = [
    {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
]

THOUGHT = "a thought 4711"
SIGNATURE = "c2lnbmF0dXJl"
SAID = "Mal sehen … 🤷‍♀️"
GIVEN = {"ort": "Zürich", "tage": 2}
ARGUMENTS = json.dumps(GIVEN, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A service that thinks, says something, and perhaps calls two tools."""

    service: Service
    said: bytes
    calls: bytes = b""
    end: bytes
    kept: tuple[str, ...] = ()
    """What of its state it sees again."""


def called(index: int, id: str) -> bytes:
    function = {"name": "look", "arguments": ARGUMENTS}
    call = {"index": index, "id": id, "type": "function", "function": function}
    return openai_server.event(openai_server.chunk({"tool_calls": [call]}))


OPENAI_SAID = openai_server.event(
    openai_server.chunk({"reasoning_content": THOUGHT})
) + openai_server.text(SAID)

SOURCES = {
    "OpenAI": Source(
        service=OPENAI,
        said=OPENAI_SAID,
        calls=called(0, "call_1") + called(1, "call_2"),
        end=OPENAI.end,
    ),
    # What OpenAI's protocol lets others write for an id.
    "Kimi": Source(
        service=OPENAI,
        said=OPENAI_SAID,
        calls=called(0, "functions.look:0") + called(1, "functions.look:1"),
        end=OPENAI.end,
    ),
    "Anthropic": Source(
        service=ANTHROPIC,
        said=anthropic_server.begin()
        + anthropic_server.thinking(THOUGHT, signature=SIGNATURE)
        + anthropic_server.texts(SAID, index=1),
        calls=anthropic_server.tool(ARGUMENTS, index=2, id="toolu_1", name="look")
        + anthropic_server.tool(ARGUMENTS, index=3, id="toolu_2", name="look"),
        end=anthropic_server.finish() + anthropic_server.STOP,
        kept=(THOUGHT, SIGNATURE),
    ),
    "Gemini": Source(
        service=GEMINI,
        said=gemini_server.part(text=THOUGHT, thought=True)
        + gemini_server.part(text=SAID, thoughtSignature=SIGNATURE),
        calls=gemini_server.part(functionCall={"name": "look", "args": GIVEN})
        + gemini_server.part(functionCall={"name": "look", "args": GIVEN}),
        end=gemini_server.finish(),
        kept=(THOUGHT, SIGNATURE),
    ),
    "Ollama": Source(
        service=OLLAMA,
        said=ollama_server.thinking(THOUGHT) + ollama_server.text(SAID),
        calls=ollama_server.calls(("look", GIVEN), ("look", GIVEN)),
        end=ollama_server.done(),
        kept=(THOUGHT,),
    ),
    "FlowGpt": Source(service=FLOWGPT, said=FLOWGPT.piece(SAID), end=b""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A service that is asked to go on."""

    service: Service
    server: Callable[[], Strict]
    path: str = ""
    """What stands after the server's address."""


SINKS = {
    sink.service.name: sink
    for sink in (
        Sink(service=OPENAI, server=partial(OpenAIServer, key=KEY), path="/v1"),
        Sink(service=ANTHROPIC, server=partial(AnthropicServer, key=KEY)),
        Sink(service=GEMINI, server=partial(GeminiServer, key=KEY), path="/v1beta"),
        Sink(service=OLLAMA, server=partial(OllamaServer, key=KEY)),
        Sink(service=FLOWGPT, server=lambda: FlowGptServer(rules=Rules(token=KEY))),
    )
}


async def first_reply(source: Source, body: bytes, **ask: Any) -> Reply:
    """Return what the source answers."""
    service = source.service
    script = service.streaming(chunk(body), last_chunk())
    async with serving(script) as server:
        async with service.provider(server.url) as provider:
            reply = await provider.complete(PROMPT, model=service.model, **ask)
    assert reply.text == SAID
    # OpenAI's protocol keeps it for the address, and each server here has its own.
    assert bool(reply.state) is (bool(source.kept) or service is OPENAI)
    return reply


async def go_on(sink: Sink, *history: Message, **ask: Any) -> str:
    """Ask for more, which must not be refused; return what was sent."""
    service = sink.service
    async with sink.server() as server:
        async with service.provider(f"{server.url}{sink.path}") as provider:
            reply = await provider.complete(
                [Message(role="user", content=PROMPT), *history],
                model=service.model,
                **ask,
            )
    assert server.refusals == []
    assert reply.finish_reason in {"stop", "unknown"}
    (sent,) = server.http_requests
    # As it is read, and not with the escapes that it may have.
    return json.dumps(sent.json(), ensure_ascii=False)


def check_state(source: Source, sink: Sink, sent: str) -> None:
    """Insist that a service sees its own state again, and none of another's."""
    own = source.service is sink.service
    for mark in (THOUGHT, SIGNATURE):
        assert (mark in sent) is (own and mark in source.kept), mark


@pytest.mark.parametrize("sink", SINKS.values(), ids=list(SINKS))
@pytest.mark.parametrize("source", SOURCES.values(), ids=list(SOURCES))
async def test_what_one_said_is_sent_to_another(source: Source, sink: Sink) -> None:
    reply = await first_reply(source, source.said + source.end)
    more = Message(role="user", content="Und dann?")
    sent = await go_on(sink, reply.to_message(), more)

    assert SAID in sent
    check_state(source, sink, sent)


# FlowGPT knows no tools.
@pytest.mark.parametrize("sink", list(SINKS.values())[:-1], ids=list(SINKS)[:-1])
@pytest.mark.parametrize("source", list(SOURCES.values())[:-1], ids=list(SOURCES)[:-1])
async def test_the_calls_of_one_are_answered_to_another(
    source: Source, sink: Sink
) -> None:
    body = source.said + source.calls + source.end
    reply = await first_reply(source, body, tools=TOOLS)
    assert [json.loads(call.arguments) for call in reply.tool_calls] == [GIVEN] * 2
    results = [
        Message(role="tool", tool_call_id=call.id, content=f"{number} °C")
        for number, call in enumerate(reply.tool_calls)
    ]
    sent = await go_on(sink, reply.to_message(), *results, tools=TOOLS)

    assert sent.count("Zürich") == 2
    assert sent.index("0 °C") < sent.index("1 °C")
    check_state(source, sink, sent)
