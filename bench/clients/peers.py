"""The peers, each by the face that its own documentation shows and that costs least.

Whatever can be kept between two requests is kept. Their packages are in environments
of their own (`bench.environments`) and not where this is type checked, which is why
they are imported by name.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bench.clients import Client, Take

KEY = "sk-0123456789"
MODEL = "gpt-4o-mini"
MESSAGES = [{"role": "user", "content": "hi"}]


async def _nothing() -> None:
    """Close what has no way to be closed."""


async def _take_chunks(chunks: Any, take: Take) -> None:
    """Read the chunks that OpenAI's SDK made customary."""
    async for chunk in chunks:
        if chunk.choices:
            text = chunk.choices[0].delta.content
            if text:
                take(text)


def openai(protocol: str, address: str) -> Client:
    assert protocol == "OpenAI"
    client = import_module("openai").AsyncOpenAI(base_url=address, api_key=KEY)

    async def ask(take: Take) -> None:
        chunks = await client.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=True
        )
        await _take_chunks(chunks, take)

    return Client(ask, client.close)


def litellm(protocol: str, address: str) -> Client:
    assert protocol == "OpenAI"
    acompletion = import_module("litellm").acompletion

    async def ask(take: Take) -> None:
        chunks = await acompletion(
            model=f"openai/{MODEL}",
            messages=MESSAGES,
            api_base=address,
            api_key=KEY,
            stream=True,
        )
        await _take_chunks(chunks, take)

    return Client(ask, _nothing)


def any_llm(protocol: str, address: str) -> Client:
    assert protocol == "OpenAI"
    client = import_module("any_llm").AnyLLM.create(
        "openai", api_key=KEY, api_base=address
    )

    async def ask(take: Take) -> None:
        chunks = await client.acompletion(model=MODEL, messages=MESSAGES, stream=True)
        await _take_chunks(chunks, take)

    return Client(ask, _nothing)


def pydantic_ai(protocol: str, address: str) -> Client:
    assert protocol == "OpenAI"
    models = import_module("pydantic_ai.models.openai")
    providers = import_module("pydantic_ai.providers.openai")
    provider = providers.OpenAIProvider(base_url=address, api_key=KEY)
    model = models.OpenAIChatModel(MODEL, provider=provider)
    agent = import_module("pydantic_ai").Agent(model)

    async def ask(take: Take) -> None:
        async with agent.run_stream("hi") as result:
            async for text in result.stream_text(delta=True, debounce_by=None):
                take(text)

    return Client(ask, _nothing)


def llm(protocol: str, address: str) -> Client:
    assert protocol == "OpenAI"
    models = import_module("llm.default_plugins.openai_models")
    model = models.AsyncChat(MODEL, key=KEY, model_name=MODEL, api_base=address)

    async def ask(take: Take) -> None:
        async for text in model.prompt("hi", stream=True):
            take(text)

    return Client(ask, _nothing)


def langchain(protocol: str, address: str) -> Client:
    assert protocol == "OpenAI"
    chat = import_module("langchain_openai").ChatOpenAI(
        model=MODEL, base_url=address, api_key=KEY
    )

    async def ask(take: Take) -> None:
        async for chunk in chat.astream("hi"):
            if chunk.content:
                take(chunk.content)

    return Client(ask, _nothing)


def g4f(protocol: str, address: str) -> Client:
    """Ask the provider itself: g4f's client fetches a list of providers first."""
    assert protocol == "OpenAI"
    factory = import_module("g4f.client.factory")
    provider = factory.create_custom_provider(
        address, KEY, default_model=MODEL, models=[MODEL]
    )

    async def ask(take: Take) -> None:
        chunks = provider.create_async_generator(
            MODEL, MESSAGES, base_url=address, api_key=KEY, stream=True
        )
        async for chunk in chunks:
            if isinstance(chunk, str):
                take(chunk)

    return Client(ask, _nothing)
