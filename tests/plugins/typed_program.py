"""What type checkers see of turnout in a program. It is checked, and never run."""

from __future__ import annotations

from typing import Any, assert_type

from pydantic import BaseModel

import turnout
from turnout import (
    Event,
    Message,
    MessageLike,
    Reply,
    Stream,
    fallback,
    get_provider,
)
from turnout.streams import StreamItems
from turnout.types import from_dict, to_dict


class City(BaseModel):
    name: str
    inhabitants: int


def options_of_providers() -> None:
    get_provider("OpenAI", base_url="http://127.0.0.1", api_key="k", protocol="chat")
    get_provider("openai", headers={"X-Team": "a"}, max_queued=None, deadline=3)
    get_provider("Anthropic", anthropic_beta=["a"], default_max_tokens=5)
    get_provider("Gemini", include_thoughts=True)
    get_provider("Local", model_path="model.gguf", threads=2)
    own: dict[str, Any] = {"region": "eu"}
    get_provider("Vendor", base_url="http://127.0.0.1", **own)

    get_provider("OpenAI", bas_url="x")  # type: ignore[call-arg]
    get_provider("OpenAI", timeout=5)  # type: ignore[call-arg]
    get_provider("OpenAI", deadline="5")  # type: ignore[arg-type]
    get_provider("OpenAI", protocol="grpc")  # type: ignore[arg-type]


def options_of_routes() -> None:
    fallback("a", get_provider("b"), first_delta_timeout=3, failover="off")
    fallback("a", first_delta_timout=3)  # type: ignore[call-arg]
    fallback("a", join="loose")  # type: ignore[arg-type]


async def options_of_requests() -> None:
    provider, route = get_provider("Local"), fallback("a")
    _ = provider.stream("Hi", temperature=0.5, extra={"top_k": 1})

    _ = provider.stream("Hi", temprature=0.5)  # type: ignore[call-overload]
    _ = route.stream("Hi", timeout=5)  # type: ignore[call-overload]
    _ = turnout.stream("Hi", stream=True)  # type: ignore[call-overload]
    provider.target("a", deadline=5)  # type: ignore[call-arg]


async def parsed_answers() -> None:
    provider, route = get_provider("Local"), fallback("a")
    for reply in [
        await provider.complete("Hi", response_format=City, temperature=0.1),
        await route.complete("Hi", response_format=City),
        await turnout.complete("Hi", response_format=City, model="a"),
        await provider.stream("Hi", response_format=City),
        await route.stream("Hi", response_format=City).collect(),
        turnout.stream("Hi", response_format=City).reply,
        turnout.run(provider.complete("Hi", response_format=City)),
        from_dict({}, Reply[City]),
    ]:
        assert_type(reply, Reply[City])
        assert_type(reply.parsed, City)
        assert_type(reply.parsed.inhabitants, int)
        _ = reply.parsed.people  # type: ignore[attr-defined]

    assert_type((await provider.complete("Hi")).parsed, Any)
    schema = await route.complete("Hi", response_format={"type": "object"})
    assert_type(schema, Reply[Any])


def plain(reply: Reply, stream: Stream) -> Any:
    """Take any reply and any stream, as functions of before do."""
    assert_type(stream.reply, Reply[Any])
    return reply.parsed


def plain_names(reply: Reply[City], stream: Stream[City]) -> None:
    plain(reply, stream)
    assert_type(Reply(text="a").parsed, Any)


async def ways_to_read(stream: Stream) -> None:
    async for text in stream:
        assert_type(text, str)
    async for event in stream.events():
        assert_type(event, Event)
    async for batch in stream.batches():
        assert_type(batch, list[Event])
    assert_type(stream.events(), StreamItems[Event])


def ways_to_read_without_asyncio(stream: Stream[City]) -> None:
    with stream as entered:
        _ = assert_type(entered, Stream[City])
        for text in entered:
            assert_type(text, str)
    for event in stream.events():
        assert_type(event, Event)
    for batch in stream.batches():
        assert_type(batch, list[Event])
    stream.close()


async def conversations(reply: Reply) -> None:
    provider = get_provider("Local")
    first = {"role": "user", "content": "Hi"}
    await provider.complete([first, "Hi", reply.to_message()])
    messages: list[MessageLike] = ["Hi"]
    messages.append({"role": "user", "content": "Hi"})
    messages.append(reply.to_message())
    await provider.complete(messages)


def kept(message: Message) -> None:
    assert_type(to_dict(message), dict[str, object])
    assert_type(from_dict({}, Message), Message)
    assert_type(from_dict({}), object)
