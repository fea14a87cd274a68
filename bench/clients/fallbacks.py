"""Ask two targets with another library's own fallback, and print what came.

    python -m bench.clients.fallbacks LIBRARY FIRST SECOND

Run in the library's environment, which has no turnout. Each library is used as its
documentation shows, with one retry and a timeout of ten seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

from bench import loopback

KEY = "sk-0123456789"
MODEL = "gpt-4o-mini"
MESSAGES = [{"role": "user", "content": "Tell me."}]
TIMEOUT = 10.0


async def litellm(first: str, second: str) -> AsyncIterator[str]:
    def deployment(name: str, address: str) -> dict[str, object]:
        params = {"model": f"openai/{MODEL}", "api_base": address, "api_key": KEY}
        return {"model_name": name, "litellm_params": params}

    router = import_module("litellm").Router(
        model_list=[deployment("first", first), deployment("second", second)],
        fallbacks=[{"first": ["second"]}],
        num_retries=1,
        timeout=TIMEOUT,
    )
    chunks = await router.acompletion(model="first", messages=MESSAGES, stream=True)
    async for chunk in chunks:
        if chunk.choices:
            yield chunk.choices[0].delta.content or ""


async def pydantic_ai(first: str, second: str) -> AsyncIterator[str]:
    models = import_module("pydantic_ai.models.openai")
    providers = import_module("pydantic_ai.providers.openai")
    client_class = import_module("openai").AsyncOpenAI

    def model(address: str) -> Any:
        client = client_class(
            base_url=address, api_key=KEY, max_retries=1, timeout=TIMEOUT
        )
        provider = providers.OpenAIProvider(openai_client=client)
        return models.OpenAIChatModel(MODEL, provider=provider)

    fallback = import_module("pydantic_ai.models.fallback").FallbackModel
    agent = import_module("pydantic_ai").Agent(fallback(model(first), model(second)))
    async with agent.run_stream("Tell me.") as result:
        async for text in result.stream_text(delta=True, debounce_by=None):
            yield text


async def langchain(first: str, second: str) -> AsyncIterator[str]:
    chat_class = import_module("langchain_openai").ChatOpenAI

    def chat(address: str) -> Any:
        return chat_class(
            model=MODEL, base_url=address, api_key=KEY, max_retries=1, timeout=TIMEOUT
        )

    async for chunk in chat(first).with_fallbacks([chat(second)]).astream("Tell me."):
        yield chunk.content


async def llm(first: str, second: str) -> AsyncIterator[str]:
    del second  # It has no fallback.
    models = import_module("llm.default_plugins.openai_models")
    model = models.AsyncChat(MODEL, key=KEY, model_name=MODEL, api_base=first)
    async for text in model.prompt("Tell me.", stream=True):
        yield text


LIBRARIES = {
    "litellm": litellm,
    "pydantic-ai-slim": pydantic_ai,
    "langchain-openai": langchain,
    "llm": llm,
}


async def main(library: str, first: str, second: str) -> None:
    text, error = "", None
    try:
        async for piece in LIBRARIES[library](first, second):
            text += piece
    except Exception as raised:  # noqa: BLE001 whatever the library raises
        error = type(raised).__name__
    print(json.dumps({"text": text, "error": error}))


if __name__ == "__main__":
    loopback.enforce()
    asyncio.run(main(*sys.argv[1:]))
