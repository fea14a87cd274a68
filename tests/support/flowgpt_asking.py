"""A client of FlowGPT, independent of the product, to try the server with."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from .flowgpt_rules import GREETING, HEADERS, PATH, Rules
from .flowgpt_server import (
    Answer,
    FlowGptServer,
    StatusAnswer,
)

NOW = 1_700_000_000
FIREFOX = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"
)
BODY: dict[str, object] = {
    "model": "gpt-3.5-turbo",
    "nsfw": False,
    "question": "Why?",
    "history": [GREETING],
    "system": "Be brief.",
    "temperature": 0.7,
    "promptId": "model-gpt-3.5-turbo",
    "documentIds": [],
    "chatFileDocumentIds": [],
    "generateImage": False,
    "generateAudio": False,
}


@dataclass(frozen=True)
class Asking:
    """A request that keeps the rules at `NOW`, but for what a test changes in it."""

    method: str = "POST"
    target: str = PATH
    body: bytes | Mapping[str, object] = field(default_factory=lambda: BODY)
    timestamp: str = str(NOW)
    nonce: str = "0123456789abcdef0123456789abcdef"
    authorization: str = "Bearer null"
    signature: str | None = None
    changed: Mapping[str, str] = field(default_factory=dict[str, str])
    added: Sequence[tuple[str, str]] = ()
    dropped: str = ""

    def headers(self) -> list[tuple[str, str]]:
        signed = f"{self.timestamp}-{self.nonce}-{self.authorization}".encode()
        good = {
            **HEADERS,
            "User-Agent": FIREFOX,
            "Accept-Encoding": "gzip, deflate",
            "x-flow-device-id": "f-abcdefghij012345678",
            "x-timestamp": self.timestamp,
            "x-nonce": self.nonce,
            "Authorization": self.authorization,
            "x-signature": self.signature or hashlib.md5(signed).hexdigest(),
            **self.changed,
        }
        kept = [pair for pair in good.items() if pair[0] != self.dropped]
        return [*kept, *self.added]

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).encode()

    def wire(self) -> bytes:
        content = self.content()
        headers = [*self.headers(), ("Content-Length", str(len(content)))]
        lines = [f"{self.method} {self.target} HTTP/1.1", "Host: flowgpt"]
        lines += [f"{name}: {value}" for name, value in headers]
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode() + content


def body(**changes: object) -> dict[str, object]:
    return {**BODY, **changes}


def without(key: str) -> dict[str, object]:
    return {name: value for name, value in BODY.items() if name != key}


@contextlib.asynccontextmanager
async def service(
    *answers: Answer | StatusAnswer, rules: Rules | None = None, now: float = NOW
) -> AsyncGenerator[FlowGptServer]:
    async with FlowGptServer(*answers, rules=rules, clock=lambda: now) as server:
        yield server


async def ask(server: FlowGptServer, asking: Asking = Asking()) -> tuple[int, bytes]:
    """Ask through aiohttp, as an independent client; return status and body."""
    async with aiohttp.ClientSession(
        skip_auto_headers=["Accept", "Accept-Encoding", "User-Agent", "Content-Type"]
    ) as session:
        request = session.request(
            asking.method,
            server.base_url + asking.target,
            data=asking.content(),
            headers=asking.headers(),
        )
        async with request as response:
            return response.status, await response.read()


async def ask_raw(server: FlowGptServer, asking: Asking = Asking()) -> bytes:
    """Ask through a socket and return all bytes up to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(asking.wire())
        return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def text_of(answer: bytes) -> str:
    """Join the text of the lines of an answer."""
    text = ""
    for line in answer.split(b"\n"):
        if line.strip():
            item = json.loads(line)
            if item.get("event") == "text":
                text += item["data"]
    return text
