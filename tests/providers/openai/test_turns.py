"""Answers that are sent back, and what else a request brings, on loopback."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, cast

import pytest

from turnout import Provider, Reply, get_provider
from turnout.errors import EmptyReplyError, ServerError, StreamError
from turnout.testing import FaultServer, respond
from turnout.types import Message, Usage
from turnout_openai import OpenAI

from ...support.openai_server import DONE, answer, chunk, event, finish, text

TOOL: Mapping[str, object] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}
FUNCTION = {"name": "look", "arguments": "{}"}
CALL: dict[str, object] = {"id": "a", "type": "function", "function": FUNCTION}
SIGNED = {**CALL, "extra_content": {"google": {"thought_signature": "s"}}}

REASONED = (
    event(chunk({"reasoning_content": "hm"}))
    + event(chunk({"tool_calls": [{"index": 0, **SIGNED}]}))
    + finish("tool_calls")
    + DONE
)


def streamed(body: bytes) -> Any:
    return respond(200, body, ("Content-Type", "text/event-stream"))


@asynccontextmanager
async def answering(body: bytes, **options: Any) -> AsyncGenerator[Provider]:
    """A server that answers with a body, and a provider of it."""
    async with FaultServer(streamed(body)) as server:
        name = options.pop("name", "OpenAI")
        async with get_provider(name, base_url=server.url, **options) as provider:
            yield provider


def second_message(server: FaultServer, request: int) -> dict[str, Any]:
    """Return the second message of a request."""
    body = cast("dict[str, list[Any]]", server.http_requests[request].json())
    return cast("dict[str, Any]", body["messages"][1])


async def reply_to(body: bytes, **options: Any) -> Reply:
    async with answering(body, **options) as provider:
        return await provider.complete("Why?", model="m", tools=[TOOL])


async def sent_with(reply: Reply, body: bytes = b"", **options: Any) -> dict[str, Any]:
    """Send an answer back with results; return it as it was sent."""
    results = [
        Message(role="tool", tool_call_id=call.id, content="1")
        for call in reply.tool_calls
    ]
    history = [Message(role="user", content="q"), reply.to_message(), *results]
    async with FaultServer(streamed(body or answer("so"))) as server:
        name = options.pop("name", "OpenAI")
        url = options.pop("base_url", server.url)
        async with get_provider(name, base_url=url, **options) as provider:
            await provider.complete(history, model="m", tools=[TOOL])
    return second_message(server, 0)


async def both_turns(body: bytes, **options: Any) -> dict[str, Any]:
    """Return an answer as it is sent back to the same address."""
    async with FaultServer(streamed(body), streamed(answer("so"))) as server:
        async with OpenAI(base_url=server.url, **options) as provider:
            reply = await provider.complete("Why?", model="m", tools=[TOOL])
            results: list[Message] = [
                Message(role="tool", tool_call_id=call.id, content="1")
                for call in reply.tool_calls
            ]
            more = results or [Message(role="user", content="And?")]
            await provider.complete(
                [Message(role="user", content="Why?"), reply.to_message(), *more],
                model="m",
                tools=[TOOL],
            )
    return second_message(server, 1)


async def test_at_an_unknown_address_an_answer_is_sent_back_with_all_of_it() -> None:
    sent = await both_turns(REASONED)

    assert sent == {
        "role": "assistant",
        "content": "",
        "tool_calls": [SIGNED],
        "reasoning_content": "hm",
    }


@pytest.mark.parametrize(
    ("delta", "fields"),
    [
        ({"reasoning_content": "hm"}, {"reasoning_content": "hm"}),
        (
            {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
            {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        ),
        (
            {"thinking_blocks": [{"type": "thinking", "thinking": "hm"}]},
            {"thinking_blocks": [{"type": "thinking", "thinking": "hm"}]},
        ),
        # vLLM reads it, and its row says so; Groq refuses it for some models.
        ({"reasoning": "hm"}, {}),
    ],
)
async def test_what_came_without_calls_is_sent_back_too(
    delta: dict[str, object], fields: dict[str, object]
) -> None:
    sent = await both_turns(event(chunk(delta)) + answer("so"))

    assert sent == {"role": "assistant", "content": "so", **fields}


async def test_vllm_is_sent_its_reasoning() -> None:
    sent = await both_turns(
        event(chunk({"reasoning": "hm"})) + answer("so"), vendor="vLLM"
    )

    assert sent["reasoning"] == "hm"


async def test_two_unknown_addresses_are_two_services() -> None:
    reply = await reply_to(REASONED)

    sent = await sent_with(reply)

    assert sent == {"role": "assistant", "content": "", "tool_calls": [CALL]}


@pytest.mark.parametrize("name", ["Mistral", "OpenAI", "Groq", "OpenRouter"])
async def test_another_service_gets_nothing_of_it(name: str) -> None:
    reply = await reply_to(REASONED, name="Moonshot", api_key="k")
    assert reply.state is not None
    assert set(reply.state) == {"moonshot"}

    sent = await sent_with(reply, name=name, api_key="k")

    assert sent.keys() == {"role", "content", "tool_calls"}
    assert sent["tool_calls"][0].keys() == CALL.keys()


async def test_the_same_service_at_another_address_gets_all_of_it() -> None:
    reply = await reply_to(REASONED, name="Moonshot", api_key="k")

    sent = await sent_with(reply, name="Moonshot", api_key="k")

    assert sent["reasoning_content"] == "hm"
    assert sent["tool_calls"] == [SIGNED]


async def test_thoughts_in_content_go_back_to_mistral() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    body = event(chunk({"content": [thought]})) + answer("so")
    reply = await reply_to(body, name="Mistral", api_key="k")
    assert (reply.reasoning, reply.text) == ("hm", "so")

    sent = await sent_with(reply, name="Mistral", api_key="k")

    assert sent["content"] == [thought, {"type": "text", "text": "so"}]
    assert (await sent_with(reply, name="OpenAI", api_key="k"))["content"] == "so"


# What a request asks for.


async def test_an_answer_that_is_not_streamed_is_read() -> None:
    message = {"role": "assistant", "content": "Hi", "tool_calls": [CALL]}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps({"choices": [choice], "usage": {"prompt_tokens": 3}}).encode()
    answered = respond(200, body, ("Content-Type", "application/json"))
    async with FaultServer(answered) as server:
        async with OpenAI(base_url=server.url) as provider:
            reply = await provider.complete("Why?", extra={"stream": False})

    assert (reply.text, reply.finish_reason) == ("Hi", "tool_calls")
    assert reply.usage == Usage(input_tokens=3)
    (request,) = server.http_requests
    assert request.values("Accept") == ["application/json"]
    sent = cast("dict[str, Any]", request.json())
    assert sent["stream"] is False
    assert "stream_options" not in sent


async def test_log_probabilities_that_were_asked_for_are_kept() -> None:
    found = {"content": [{"token": "Hi", "logprob": -0.1}]}
    choice: dict[str, object] = {
        "index": 0,
        "delta": {"content": "Hi"},
        "logprobs": found,
    }
    body = event({"choices": [choice]}) + finish() + DONE
    async with answering(body) as provider:
        asked = await provider.complete("Why?", extra={"logprobs": True})

    assert asked.details["logprobs"] == found


async def test_a_sound_has_the_type_that_was_asked_for() -> None:
    audio = {"id": "s", "data": b64encode(b"RIFF").decode(), "transcript": "Hello"}
    body = event(chunk({"audio": audio})) + finish() + DONE
    extra = {"audio": {"voice": "alloy", "format": "wav"}, "modalities": ["audio"]}
    async with answering(body) as provider:
        reply = await provider.complete("Why?", model="m", extra=extra)

    (media,) = reply.media
    assert (media.media_type, media.data) == ("audio/wav", b"RIFF")
    assert media.transcript == "Hello"
    assert reply.state is not None


async def test_a_row_says_how_the_service_counts() -> None:
    counts: dict[str, object] = {
        "prompt_tokens": 32,
        "completion_tokens": 9,
        "total_tokens": 135,
        "completion_tokens_details": {"reasoning_tokens": 94},
        "cost_in_usd_ticks": 37756000,
    }
    body = text("Hi") + event({**chunk({}, "stop"), "usage": counts}) + DONE

    apart = await reply_to(body, vendor="xAI")
    together = await reply_to(body)

    assert apart.usage == Usage(
        input_tokens=32,
        output_tokens=103,
        reasoning_tokens=94,
        cost=Decimal("0.0037756"),
    )
    assert together.usage is not None
    assert together.usage.output_tokens == 9
    assert apart.cost == Decimal("0.0037756")


# An answer that is not one.


@pytest.mark.parametrize(
    "delta",
    [
        {"content": ""},
        {"reasoning_content": "hm"},
        {"channel": "final"},
        {"provider_specific_fields": {"a": 1}},
        {"tool_calls": [{"index": 0, "id": "a", "function": None}]},
    ],
)
async def test_an_answer_of_nothing_is_an_error(delta: object) -> None:
    async with answering(event(chunk(delta)) + finish() + DONE) as provider:
        with pytest.raises(EmptyReplyError):
            await provider.complete("Why?", model="m")


@pytest.mark.parametrize(
    "delta",
    [
        {"images": [{"url": "https://a"}]},
        {"executed_tools": [{"type": "search"}]},
        {"new": {"a": 1}},
        {"content": [{"type": "new"}]},
        {"tool_calls": [{"index": 0, "type": "mcp", "mcp": {"name": "f"}}]},
        {"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": "{}"}}]},
    ],
)
async def test_an_answer_that_did_something_is_not_empty(delta: object) -> None:
    async with answering(event(chunk(delta)) + finish() + DONE) as provider:
        reply = await provider.complete("Why?", model="m")

    assert reply.media or reply.items


@pytest.mark.parametrize("word", ["abort", "network_error", "cancelled"])
async def test_a_reason_that_means_failure_is_raised(word: str) -> None:
    async with answering(text("Half") + finish(word) + DONE) as provider:
        with pytest.raises((StreamError, ServerError)):
            await provider.complete("Why?", model="m")
