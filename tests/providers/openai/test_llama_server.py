"""The provider against llama.cpp's own server: a real one, which is not ours."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

import turnout
from tests.support.llama_server import LlamaServer
from tests.support.openai_server import text
from turnout import get_provider
from turnout.errors import AuthenticationError, ContextLengthError
from turnout.testing import (
    CHUNKED,
    FaultServer,
    Step,
    chunk,
    response_head,
    rst,
    send,
    wait_request,
)
from turnout.types import ChatRequest, Failover, Finish, Message, Tool, ToolCall, Usage
from turnout_openai import OpenAI

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}

PROTOCOLS = ["chat", "responses"]


def of(server: LlamaServer, **options: Any) -> OpenAI:
    options = {"base_url": server.base_url, "api_key": server.key, **options}
    provider = get_provider("llama.cpp", **options)
    assert isinstance(provider, OpenAI)
    return provider


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_it_streams_an_answer(llama_server: LlamaServer, protocol: str) -> None:
    llama = of(llama_server, protocol=protocol)
    stream = llama.stream("Say hello.", max_tokens=8, temperature=0)
    events = [event async for event in stream.events()]

    *texts, usage, end = events
    assert "".join(piece for piece in texts if isinstance(piece, str))
    assert isinstance(usage, Usage)
    assert usage.output_tokens is not None
    assert 0 < usage.output_tokens <= 8
    assert isinstance(end, Finish)
    assert end.reason in {"stop", "length"}
    assert end.details["id"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_it_reads_a_conversation(
    llama_server: LlamaServer, protocol: str
) -> None:
    reply = await of(llama_server, protocol=protocol).complete(
        [
            {"role": "system", "content": "You are brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": "Who are you?"},
        ],
        max_tokens=4,
        top_p=0.9,
    )

    assert reply.text


async def test_an_answer_is_bound_to_a_schema(llama_server: LlamaServer) -> None:
    # By chat completions alone: of Responses, this server passes over the schema.
    reply = await of(llama_server).complete(
        "Is water wet?", response_format=SCHEMA, max_tokens=24, temperature=0
    )

    assert json.loads(reply.text)["answer"] in {"yes", "no"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_tools_and_what_they_found_are_taken(
    llama_server: LlamaServer, protocol: str
) -> None:
    # The model is too small to call one.
    look = Tool(name="look", description="Look.", parameters=SCHEMA, strict=True)
    call = ToolCall(id="call-1", name="look", arguments='{"answer": "yes"}')
    reply = await of(llama_server, protocol=protocol).complete(
        [
            Message(role="user", content="Look!"),
            Message(role="assistant", content="So", tool_calls=(call,)),
            Message(role="tool", content="yes", tool_call_id=call.id),
        ],
        tools=[look],
        tool_choice="auto",
        max_tokens=4,
    )

    assert reply.finish_reason is not None


async def test_it_goes_on_with_the_beginning_of_an_answer(
    llama_server: LlamaServer,
) -> None:
    llama = of(llama_server)
    question = Message(role="user", content="Count from one to nine in digits.")
    begun = Message(role="assistant", content="1, 2, 3, 4,")
    request = ChatRequest(
        messages=(question, begun), model="m", prefill=True, max_tokens=6, temperature=0
    )

    assert llama.catalog.info_of("m").prefill == "trailing"
    events = [event async for events in llama.generate(request) for event in events]

    rest = "".join(event for event in events if isinstance(event, str))
    assert "5" in rest


async def test_it_goes_on_where_another_broke_off(llama_server: LlamaServer) -> None:
    said = "1, 2, 3, 4,"
    broken = [wait_request(), *started(text(said)), rst()]
    async with FaultServer(broken) as server:
        # A name of its own: what fails is remembered by the process.
        info = replace(OpenAI.info, name=f"At{server.url.rpartition(':')[2]}")
        first = OpenAI(info=info, base_url=server.url)
        route = turnout.fallback(first, of(llama_server).target("smollm2"))
        stream = route.stream(
            "Count from one to nine in digits.", max_tokens=40, temperature=0
        )
        events = [event async for event in stream.events()]

    assert any(isinstance(event, Failover) for event in events)
    assert stream.reply.text.startswith(said)
    assert "5" in stream.reply.text[len(said) :]
    assert str(stream.reply.target) == "llama.cpp:smollm2"


def started(body: bytes) -> list[Step]:
    head = response_head(200, ("Content-Type", "text/event-stream"), CHUNKED)
    return [send(head), chunk(body)]


async def test_its_models_are_listed(llama_server: LlamaServer) -> None:
    (model,) = await of(llama_server).list_models()

    assert model.name == "smollm2"
    assert model.context_window == llama_server.context_window


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_it_refuses_another_key(llama_server: LlamaServer, protocol: str) -> None:
    with pytest.raises(AuthenticationError):
        await of(llama_server, api_key="no", protocol=protocol).complete("Hi")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_it_refuses_what_is_too_long(
    llama_server: LlamaServer, protocol: str
) -> None:
    question = "word " * llama_server.context_window

    with pytest.raises(ContextLengthError):
        await of(llama_server, protocol=protocol).complete(question)
