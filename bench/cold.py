"""A whole program that asks once: it imports, asks, prints the answer and ends.

    python -m bench.cold PORT CLIENT

What it costs is measured from outside, as the import and the end belong to it.
"""

from __future__ import annotations

import asyncio
import sys


async def bare(port: int) -> None:
    import aiohttp
    import orjson

    from bench.clients import PATH, body, headers

    url = f"http://127.0.0.1:{port}{PATH}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body("hi"), headers=headers()) as response,
    ):
        response.raise_for_status()
        async for line in response.content:
            event = orjson.loads(line)
            if event.get("event") == "text":
                print(event["data"], end="")


async def turnout(port: int) -> None:
    import turnout

    provider = turnout.get_provider("FlowGpt", base_url=f"http://127.0.0.1:{port}")
    async for text in provider.stream("hi"):
        print(text, end="")


async def route(port: int) -> None:
    import turnout

    provider = turnout.get_provider("FlowGpt", base_url=f"http://127.0.0.1:{port}")
    chat = turnout.fallback(
        provider, provider.target("gpt-4-turbo"), provider.target("gemini")
    )
    async for text in chat.stream("hi"):
        print(text, end="")


COLD = {"bare aiohttp": bare, "turnout": turnout, "turnout, route of 3": route}


if __name__ == "__main__":
    asyncio.run(COLD[sys.argv[2]](int(sys.argv[1])))
