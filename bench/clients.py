"""What is measured: one client a process, which prints its CPU time a unit.

    python -m bench.clients PROTOCOL CASE PORT CLIENT

prints the microseconds of CPU, user and system, that the client took for one stream
or one event, after a warm-up that is not counted.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Awaitable, Callable

# The paths that providers ask are fixed; a query after it says what is answered.
PATH = "/v3/chat-anonymous"
OPENAI_PATH = "/chat/completions"

# By case: how many streams, of how many events, how many events a write.
CASES = {
    "one event": (1500, 1, 1),
    "full speed, 1 a write": (2, 40_000, 1),
    "full speed, 50 a write": (4, 40_000, 50),
}

Ask = Callable[[], Awaitable[int]]
"""Reads one answer; returns the number of its characters."""


def headers() -> dict[str, str]:
    """Return what FlowGPT wants of a request, its proof included."""
    import hashlib
    import secrets
    import time

    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    proof = f"{timestamp}-{nonce}-Bearer null".encode()
    return {
        "User-Agent": "Mozilla/5.0 (Windows NT 10.0; rv:122.0) Firefox/122.0",
        "Accept": "*/*",
        "Accept-Language": "en-US;q=0.7,en;q=0.3",
        "Accept-Encoding": "identity",
        "Referer": "https://flowgpt.com/",
        "Content-Type": "application/json",
        "Origin": "https://flowgpt.com",
        "Sec-Fetch-Dest": "empty",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Site": "same-site",
        "TE": "trailers",
        "Authorization": "Bearer null",
        "x-flow-device-id": "f-0123456789abcdefghi",
        "x-timestamp": timestamp,
        "x-nonce": nonce,
        "x-signature": hashlib.md5(proof).hexdigest(),
    }


def body(question: str) -> dict[str, object]:
    """Return FlowGPT's body of a request."""
    return {
        "model": "gpt-3.5-turbo",
        "nsfw": False,
        "question": question,
        "history": [{"role": "assistant", "content": "Hello, how can I help?"}],
        "system": "You are helpful assistant.",
        "temperature": 0.7,
        "promptId": "model-gpt-3.5-turbo",
        "documentIds": [],
        "chatFileDocumentIds": [],
        "generateImage": False,
        "generateAudio": False,
    }


async def bare(port: int, query: str) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    """The loop that a good programmer writes by hand, proof and headers included."""
    import aiohttp
    import orjson

    session = aiohttp.ClientSession()
    url = f"http://127.0.0.1:{port}{PATH}{query}"

    async def ask() -> int:
        characters = 0
        async with session.post(url, json=body("hi"), headers=headers()) as response:
            response.raise_for_status()
            async for line in response.content:
                event = orjson.loads(line)
                if event.get("event") == "text":
                    characters += len(event["data"])
        return characters

    return ask, session.close


async def turnout(port: int, query: str) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    """One target."""
    import turnout
    from turnout_flowgpt import _protocol

    _protocol.PATH = PATH + query
    provider = turnout.get_provider("FlowGpt", base_url=f"http://127.0.0.1:{port}")

    async def ask() -> int:
        characters = 0
        async for text in provider.stream("hi"):
            characters += len(text)
        return characters

    return ask, provider.aclose


async def route(port: int, query: str) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    """A route of three targets, the first of which answers."""
    import turnout
    from turnout_flowgpt import _protocol

    _protocol.PATH = PATH + query
    provider = turnout.get_provider("FlowGpt", base_url=f"http://127.0.0.1:{port}")
    chat = turnout.fallback(
        provider, provider.target("gpt-4-turbo"), provider.target("gemini")
    )

    async def ask() -> int:
        characters = 0
        async for text in chat.stream("hi"):
            characters += len(text)
        return characters

    return ask, chat.aclose


async def bare_openai(
    port: int, query: str
) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    """The loop that a good programmer writes by hand."""
    import aiohttp
    import orjson

    session = aiohttp.ClientSession()
    url = f"http://127.0.0.1:{port}{OPENAI_PATH}{query}"
    headers = {"Authorization": "Bearer sk-0123456789"}

    def body(question: str) -> dict[str, object]:
        return {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": question}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    async def ask() -> int:
        characters = 0
        async with session.post(url, json=body("hi"), headers=headers) as response:
            response.raise_for_status()
            async for line in response.content:
                if not line.startswith(b"data: ") or line == b"data: [DONE]\n":
                    continue
                event = orjson.loads(line[6:])
                if event["choices"]:
                    characters += len(event["choices"][0]["delta"].get("content", ""))
        return characters

    return ask, session.close


async def turnout_openai(
    port: int, query: str
) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    """One target."""
    import turnout
    from turnout_openai import _protocol

    _protocol.PATH = OPENAI_PATH + query
    address = f"http://127.0.0.1:{port}"
    provider = turnout.get_provider("OpenAI", base_url=address, api_key="sk-0123456789")

    async def ask() -> int:
        characters = 0
        async for text in provider.stream("hi"):
            characters += len(text)
        return characters

    return ask, provider.aclose


async def route_openai(
    port: int, query: str
) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    """A route of three targets, the first of which answers."""
    import turnout
    from turnout_openai import _protocol

    _protocol.PATH = OPENAI_PATH + query
    address = f"http://127.0.0.1:{port}"
    provider = turnout.get_provider("OpenAI", base_url=address, api_key="sk-0123456789")
    chat = turnout.fallback(
        provider, provider.target("gpt-4o"), provider.target("gpt-4.1")
    )

    async def ask() -> int:
        characters = 0
        async for text in chat.stream("hi"):
            characters += len(text)
        return characters

    return ask, chat.aclose


CLIENTS = {
    "FlowGPT's lines": {
        "bare aiohttp": bare,
        "turnout": turnout,
        "turnout, route of 3": route,
    },
    "OpenAI's events": {
        "bare aiohttp": bare_openai,
        "turnout": turnout_openai,
        "turnout, route of 3": route_openai,
    },
}
"""By protocol."""


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure(protocol: str, case: str, port: int, client: str) -> float:
    streams, events, batch = CASES[case]
    ask, close = await CLIENTS[protocol][client](
        port, f"?events={events}&batch={batch}"
    )
    expected = sum(len(f"benchmark {i:06d} ") for i in range(events))
    for _ in range(max(1, streams // 10)):
        assert await ask() == expected
    before = cpu()
    for _ in range(streams):
        assert await ask() == expected
    spent = cpu() - before
    await close()
    return spent / (streams * events) * 1e6


if __name__ == "__main__":
    protocol, case, port, client = sys.argv[1:]
    print(asyncio.run(measure(protocol, case, int(port), client)))
