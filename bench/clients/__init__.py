"""Who is measured: one module for each way of asking, none loaded before it is asked.

A client is made inside of a running event loop, for a protocol and an address. Its
loop over the answer is its own, as a loop put around it would be measured with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import NamedTuple

Take = Callable[[str], object]
"""Is called with each piece of text."""


class Client(NamedTuple):
    """Somebody who asks."""

    ask: Callable[[Take], Awaitable[None]]
    """Asks once and reads the answer."""
    close: Callable[[], Awaitable[object]]


BARE = "bare aiohttp"
TURNOUT = "turnout"
ROUTE = "turnout, route of 3"
RAW = "raw httptools"

ADAPTERS = {
    BARE: "bench.clients.bare:client",
    TURNOUT: "bench.clients.ours:client",
    ROUTE: "bench.clients.ours:route",
    RAW: "bench.clients.raw:client",
    "openai": "bench.clients.peers:openai",
    "litellm": "bench.clients.peers:litellm",
    "any-llm-sdk": "bench.clients.peers:any_llm",
    "pydantic-ai-slim": "bench.clients.peers:pydantic_ai",
    "llm": "bench.clients.peers:llm",
    "langchain-openai": "bench.clients.peers:langchain",
    "g4f": "bench.clients.peers:g4f",
}
"""By the client's name: who makes it, called with a protocol and an address."""


def client_of(name: str, protocol: str, address: str) -> Client:
    """Return a client.

    Args:
        name: One of `ADAPTERS`.
        protocol: One of `bench.wire.WIRES`.
        address: The upstream's, with the load in it.
    """
    module, _, function = ADAPTERS[name].partition(":")
    made = getattr(import_module(module), function)(protocol, address)
    assert isinstance(made, Client)
    return made
