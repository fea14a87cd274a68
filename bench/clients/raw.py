"""The limit: an asyncio Protocol, httptools and orjson, for OpenAI's protocol.

It checks nothing but the status and keeps its idle connections in a list.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import httptools
import orjson

from bench.clients import Client, Take

BODY = orjson.dumps(
    {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
)


class Connection(asyncio.Protocol):
    """Reads one answer after another."""

    transport: asyncio.Transport
    parser: httptools.HttpResponseParser
    take: Take
    done: asyncio.Future[None]
    rest: bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    async def ask(self, request: bytes, take: Take) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self.take = take
        self.rest = b""
        self.parser = httptools.HttpResponseParser(self)
        self.transport.write(request)
        await self.done

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_headers_complete(self) -> None:
        assert self.parser.get_status_code() == 200

    def on_body(self, body: bytes) -> None:
        *lines, self.rest = (self.rest + body).split(b"\n")
        for line in lines:
            if line.startswith(b"data: ") and line != b"data: [DONE]":
                choices = orjson.loads(line[6:])["choices"]
                if choices:
                    text = choices[0]["delta"].get("content")
                    if text:
                        self.take(text)

    def on_message_complete(self) -> None:
        self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("closed too early"))


def client(protocol: str, address: str) -> Client:
    assert protocol == "OpenAI"
    parts = urlsplit(address)
    host, port = parts.hostname, parts.port
    assert host is not None
    assert port is not None
    head = (
        f"POST {parts.path}/chat/completions HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        "Authorization: Bearer sk-0123456789\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n"
    )
    request = head.encode() + BODY
    idle: list[Connection] = []

    async def ask(take: Take) -> None:
        if idle:
            connection = idle.pop()
        else:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, host, port)
        await connection.ask(request, take)
        idle.append(connection)

    async def close() -> None:
        for connection in idle:
            connection.transport.close()

    return Client(ask, close)
