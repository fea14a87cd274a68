"""Connections that are used again, and bytes on them that answer no request."""

from __future__ import annotations

import asyncio
import select

import pytest

from turnout.http import Http
from turnout.http._surplus import whole_response
from turnout.testing import (
    CHUNKED,
    FaultServer,
    Step,
    chunked,
    http_response,
    respond,
    response_head,
    send,
    until,
    wait_request,
)

from .test_transport import tls_server, trusted

__all__ = ["trusted"]

WITH_LENGTH = http_response(200, b"mine\n\n")
IN_CHUNKS = response_head(200, CHUNKED) + chunked(b"mi", b"ne\n\n")

OTHER = http_response(200, b"another's")

SURPLUS = {
    "garbage": b"garbage",
    "lines": b"some garbage\r\nand more\r\n\r\n",
    "zeros": b"\0\0\0",
    "another-response": OTHER,
    "no-body": http_response(408),
    "half-a-status": b"HTTP/1.1 2",
    "half-a-head": b"HTTP/1.1 200 OK\r\nContent-",
    "bad-head": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
}

TRAILERS = {
    "without-a-colon": b"trailer\r\n\r\n",
    "with-a-space": b"a trailer: x\r\n\r\n",
    "without-a-name": b": x\r\n\r\n",
    "binary": b"\xff\xfe\r\n\r\n",
    "long": b"X" * 9000 + b": x\r\n\r\n",
    "many": b"X: x\r\n" * 200 + b"\r\n",
    "another-response": OTHER,
}

BODIES = [
    *(
        pytest.param(first + surplus, id=f"{how}-{name}")
        for how, first in (("length", WITH_LENGTH), ("chunks", IN_CHUNKS))
        for name, surplus in SURPLUS.items()
    ),
    *(
        pytest.param(IN_CHUNKS[:-2] + trailer, id=f"trailer-{name}")
        for name, trailer in TRAILERS.items()
    ),
]


async def read(http: Http, arrived: asyncio.Event | None = None) -> bytes:
    async with http.post("/", data=b"?") as response:
        if arrived is not None:
            arrived.set()
        return b"".join([piece async for piece in response.chunks()])


async def answers(*script: Step) -> list[bytes]:
    """Ask twice; the script is that of the first connection."""
    async with FaultServer(script, respond(200, b"next")) as server:
        http = Http(provider="P", base_url=server.url)
        found = [await read(http), await read(http)]

    assert len(server.connections) == 2
    return found


@pytest.mark.parametrize("data", BODIES)
async def test_a_whole_answer_is_whole_whatever_stands_behind_it(data: bytes) -> None:
    assert await answers(wait_request(), send(data)) == [b"mine\n\n", b"next"]


@pytest.mark.parametrize("data", BODIES)
async def test_so_it_is_when_its_head_came_before(data: bytes) -> None:
    arrived = asyncio.Event()
    head, blank, rest = data.partition(b"\r\n\r\n")
    script = [wait_request(), send(head + blank), until(arrived), send(rest)]
    async with FaultServer(script, respond(200, b"next")) as server:
        http = Http(provider="P", base_url=server.url)
        found = [await read(http, arrived), await read(http)]

    assert found == [b"mine\n\n", b"next"]
    assert len(server.connections) == 2


@pytest.mark.parametrize("cut", [5, 30])
async def test_so_it_is_when_its_head_comes_in_two_reads(cut: int) -> None:
    data = WITH_LENGTH + b"garbage"
    script = [wait_request(), send(data[:cut]), send(data[cut:])]

    assert await answers(*script) == [b"mine\n\n", b"next"]


async def test_an_interim_response_is_not_the_answer() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    script = [wait_request(), send(interim), send(WITH_LENGTH + b"garbage")]

    assert await answers(*script) == [b"mine\n\n", b"next"]


async def test_a_connection_without_surplus_is_kept() -> None:
    script = [wait_request(), send(WITH_LENGTH)] * 2 + [wait_request(), send(IN_CHUNKS)]
    async with FaultServer(script) as server:
        http = Http(provider="P", base_url=server.url)
        found = [await read(http) for _ in range(3)]

    assert found == [b"mine\n\n"] * 3
    assert len(server.connections) == 1


@pytest.mark.parametrize("data", [OTHER, http_response(408), b"HTTP/1.1 2", b"x"])
async def test_bytes_on_an_idle_connection_close_it(data: bytes) -> None:
    idle = asyncio.Event()
    script = [wait_request(), send(WITH_LENGTH), until(idle), send(data)]
    script += [wait_request(), send(OTHER)]
    async with FaultServer(script, respond(200, b"next")) as server:
        http = Http(provider="P", base_url=server.url)
        first = await read(http)
        idle.set()
        await server.connections[0].expect_close(within=5)
        second = await read(http)

    assert [first, second] == [b"mine\n\n", b"next"]


@pytest.mark.parametrize("poll", [True, False])
async def test_bytes_that_were_not_read_yet_close_it_too(
    poll: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not poll:  # As on Windows.
        monkeypatch.delattr(select, "poll")
    script = [wait_request(), send(WITH_LENGTH), wait_request()]
    async with FaultServer(script, respond(200, b"next")) as server:
        http = Http(provider="P", base_url=server.url)
        first = await read(http)
        server.connections[0]._writer.write(OTHER)  # pyright: ignore[reportPrivateUsage]
        second = await read(http)  # Without a turn of the loop before.
        server.failures.clear()

    assert [first, second] == [b"mine\n\n", b"next"]


@pytest.mark.usefixtures("trusted")
async def test_so_it_is_over_tls() -> None:
    idle = asyncio.Event()
    script = [wait_request(), send(WITH_LENGTH), until(idle), send(OTHER)]
    server = tls_server("good", script, respond(200, b"next"))
    async with server:
        http = Http(provider="P", base_url=server.url)
        first = await read(http)
        idle.set()
        await server.connections[0].expect_close(within=5)
        second = await read(http)

    assert [first, second] == [b"mine\n\n", b"next"]


def test_a_kept_connection_that_has_no_socket_is_taken_as_it_is() -> None:
    from turnout.http import _transport

    loop = asyncio.new_event_loop()
    protocol = _transport._Protocol(loop)  # pyright: ignore[reportPrivateUsage]

    assert not protocol.readable()
    loop.close()


@pytest.mark.parametrize("head", ["Content-Length: 2", "Transfer-Encoding: chunked"])
def test_a_whole_response_ends_where_it_says(head: str) -> None:
    body = b"ab" if "Length" in head else b"1;x=y\r\na\r\n1 \nb\n0\r\n"
    data = b"HTTP/1.1 200 OK\r\n" + head.encode() + b"\r\n\r\n" + body

    whole = whole_response(data + b"garbage")

    assert whole == data + (b"" if "Length" in head else b"\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\na\r\n0\r\n",
    ],
)
def test_half_a_response_is_not_whole(data: bytes) -> None:
    assert whole_response(data) is None
