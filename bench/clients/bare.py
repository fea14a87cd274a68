"""The loop that a good programmer writes by hand: aiohttp's lines, and orjson."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import orjson

from bench.clients import Client, Take

KEY = "sk-0123456789"


@dataclass(frozen=True, kw_only=True)
class Loop:
    """What is sent in a protocol, and how its lines are read."""

    path: str
    headers: Callable[[], dict[str, str]]
    body: dict[str, object]
    read: Callable[[AsyncIterable[bytes], Take], Awaitable[None]]


async def openai(lines: AsyncIterable[bytes], take: Take) -> None:
    async for line in lines:
        if line.startswith(b"data: ") and line != b"data: [DONE]\n":
            choices = orjson.loads(line[6:])["choices"]
            if choices:
                text = choices[0]["delta"].get("content")
                if text:
                    take(text)


async def anthropic(lines: AsyncIterable[bytes], take: Take) -> None:
    async for line in lines:
        if line.startswith(b"data: "):
            event = orjson.loads(line[6:])
            if event["type"] == "content_block_delta":
                delta = event["delta"]
                if delta["type"] == "text_delta":
                    take(delta["text"])


async def gemini(lines: AsyncIterable[bytes], take: Take) -> None:
    async for line in lines:
        if line.startswith(b"data: "):
            for candidate in orjson.loads(line[6:])["candidates"]:
                for part in candidate["content"]["parts"]:
                    text = part.get("text")
                    if text:
                        take(text)


async def ollama(lines: AsyncIterable[bytes], take: Take) -> None:
    async for line in lines:
        text = orjson.loads(line)["message"]["content"]
        if text:
            take(text)


async def flowgpt(lines: AsyncIterable[bytes], take: Take) -> None:
    async for line in lines:
        event = orjson.loads(line)
        if event.get("event") == "text":
            take(event["data"])


def flowgpt_headers() -> dict[str, str]:
    """Return what FlowGPT wants of a request, its proof included."""
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


LOOPS = {
    "OpenAI": Loop(
        path="/chat/completions",
        headers=lambda: {"Authorization": f"Bearer {KEY}"},
        body={
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": "hi"}],
            "stream": True,
            "stream_options": {"include_usage": True},
        },
        read=openai,
    ),
    "Anthropic": Loop(
        path="/v1/messages",
        headers=lambda: {"x-api-key": KEY, "anthropic-version": "2023-06-01"},
        body={
            "model": "claude-sonnet-5",
            "max_tokens": 4096,
            "messages": [{"role": "user", "content": "hi"}],
            "stream": True,
        },
        read=anthropic,
    ),
    "Gemini": Loop(
        path="/models/gemini-3.8-flash:streamGenerateContent?alt=sse",
        headers=lambda: {"x-goog-api-key": KEY},
        body={"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
        read=gemini,
    ),
    "Ollama": Loop(
        path="/api/chat",
        headers=dict,
        body={
            "model": "llama3.2",
            "messages": [{"role": "user", "content": "hi"}],
            "stream": True,
        },
        read=ollama,
    ),
    "FlowGPT": Loop(
        path="/v3/chat-anonymous",
        headers=flowgpt_headers,
        body={
            "model": "gpt-3.5-turbo",
            "nsfw": False,
            "question": "hi",
            "history": [{"role": "assistant", "content": "Hello, how can I help?"}],
            "system": "You are helpful assistant.",
            "temperature": 0.7,
            "promptId": "model-gpt-3.5-turbo",
            "documentIds": [],
            "chatFileDocumentIds": [],
            "generateImage": False,
            "generateAudio": False,
        },
        read=flowgpt,
    ),
}
"""By the name of the protocol."""


def client(protocol: str, address: str) -> Client:
    loop = LOOPS[protocol]
    url = address + loop.path
    # No limit: with aiohttp's own of 100, many streams would wait for each other.
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def ask(take: Take) -> None:
        headers = loop.headers()
        async with session.post(url, json=loop.body, headers=headers) as response:
            response.raise_for_status()
            await loop.read(response.content, take)

    return Client(ask, session.close)
