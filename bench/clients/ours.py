"""turnout, with everything on that it does: one target, or a route of three."""

from __future__ import annotations

from dataclasses import dataclass

import turnout
from bench.clients import Client, Take

KEY = "sk-0123456789"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A provider, and the models of a route."""

    name: str
    models: tuple[str, str, str]
    key: str | None = KEY


SERVICES = {
    "OpenAI": Service(name="OpenAI", models=("gpt-4o-mini", "gpt-4o", "gpt-4.1")),
    "Anthropic": Service(
        name="Anthropic",
        models=("claude-sonnet-5", "claude-haiku-5-5", "claude-opus-5"),
    ),
    "Gemini": Service(
        name="Gemini",
        models=("gemini-3.8-flash", "gemini-3.7-flash", "gemini-3.6-flash"),
    ),
    "Ollama": Service(name="Ollama", models=("llama3.2", "gemma3", "qwen3"), key=None),
    "FlowGPT": Service(
        name="FlowGpt", models=("gpt-3.5-turbo", "gpt-4-turbo", "gemini"), key=None
    ),
}
"""By the name of the protocol."""


def provider_of(service: Service, address: str) -> turnout.Provider:
    """Return a provider that lets as many streams be open at once as are asked for."""
    return turnout.get_provider(
        service.name, base_url=address, api_key=service.key, max_concurrent=10_000
    )


def client(protocol: str, address: str) -> Client:
    service = SERVICES[protocol]
    provider = provider_of(service, address)
    model = service.models[0]

    async def ask(take: Take) -> None:
        async for text in provider.stream("hi", model=model):
            take(text)

    return Client(ask, provider.aclose)


def route(protocol: str, address: str) -> Client:
    """Return a route of three targets, the first of which answers."""
    service = SERVICES[protocol]
    provider = provider_of(service, address)
    chat = turnout.fallback(*map(provider.target, service.models))

    async def ask(take: Take) -> None:
        async for text in chat.stream("hi"):
            take(text)

    return Client(ask, chat.aclose)
