from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from turnout.testing import (
    FaultServer,
    HttpRequest,
    MalformedRequestError,
    fin,
    refused_url,
    respond,
    run_clean,
    send,
    until,
    wait_request,
)
from turnout.testing._requests import body_length, parse_head


def test_a_head_is_parsed_as_it_stands() -> None:
    request = parse_head(
        b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nX-Twice: 1\r\nx-twice:  2 \r\n\r\n"
    )

    assert request == HttpRequest(
        method="POST",
        target="/a?b=c",
        version="HTTP/1.1",
        headers=(("Host", "x"), ("X-Twice", "1"), ("x-twice", "2")),
    )
    assert request.path == "/a"
    assert request.values("X-TWICE") == ["1", "2"]
    assert request.header("host") == "x"
    assert request.header("absent") is None


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /\r\n\r\n", id="no-version"),
        pytest.param(b"GET  / HTTP/1.1\r\n\r\n", id="two-spaces"),
        pytest.param(b"GET / HTTP/2\r\n\r\n", id="http-2"),
        pytest.param(b"GET / HTTP/1.1\r\nNo colon\r\n\r\n", id="no-colon"),
        pytest.param(b"GET / HTTP/1.1\r\nA : b\r\n\r\n", id="space-before-colon"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", id="folded"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", id="bare-newline"),
    ],
)
def test_a_malformed_head_is_refused(head: bytes) -> None:
    with pytest.raises(MalformedRequestError):
        parse_head(head)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(b"Transfer-Encoding: chunked", id="chunked"),
        pytest.param(b"Content-Length: 1\r\nContent-Length: 1", id="twice"),
        pytest.param(b"Content-Length: -1", id="negative"),
        pytest.param(b"Content-Length: ", id="empty"),
    ],
)
def test_a_body_without_a_plain_length_is_refused(headers: bytes) -> None:
    head = parse_head(b"POST / HTTP/1.1\r\n" + headers + b"\r\n\r\n")

    with pytest.raises(MalformedRequestError):
        body_length(head)


def test_a_request_that_declares_no_body_has_none() -> None:
    assert body_length(parse_head(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")) == 0


async def test_a_request_is_read_whole_from_any_slices() -> None:
    async with FaultServer(respond(200)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for byte in b"POST /p HTTP/1.1\r\nContent-Length: 11\r\n\r\n" + b'{"a": true}':
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await writer.wait_closed()

    (request,) = server.http_requests
    assert (request.method, request.path, request.json()) == ("POST", "/p", {"a": True})


async def test_a_malformed_request_is_raised_at_the_end() -> None:
    with pytest.RaisesGroup(
        pytest.RaisesExc(MalformedRequestError, match="longer than 1 MiB")
    ):
        async with FaultServer([wait_request()]) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET / HTTP/1.1\r\nA: " + b"a" * (1 << 20))
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()


async def test_a_failure_of_the_block_is_not_hidden() -> None:
    server = FaultServer([wait_request()])

    async def block() -> None:
        async with server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"nonsense\r\n\r\n")
            await reader.read()
            writer.close()
            await writer.wait_closed()
            raise LookupError

    with pytest.raises(LookupError):
        await block()
    assert len(server.failures) == 1


async def test_a_refused_url_refuses() -> None:
    with refused_url() as url:
        host, _, port = url.removeprefix("http://").partition(":")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, int(port))


def test_leaving_the_block_ends_connections_that_are_open() -> None:
    async def main() -> None:
        never = asyncio.Event()
        async with FaultServer([until(never)], [wait_request()], [fin()]) as server:
            writers = [
                (await asyncio.open_connection("127.0.0.1", server.port))[1]
                for _ in range(3)
            ]
            await server.wait_connection(2)
        for writer in writers:
            writer.close()
            await writer.wait_closed()

    run_clean(main)


def test_leaving_the_block_drops_what_a_slow_client_does_not_read() -> None:
    async def main() -> None:
        async with FaultServer([send(b"x" * (1 << 24))]) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            await server.wait_connection()
        writer.transport.abort()

    run_clean(main)


@pytest.mark.parametrize("turns", range(5))
def test_a_connection_that_comes_as_the_block_is_left_is_closed(turns: int) -> None:
    async def main() -> None:
        async with FaultServer([until(asyncio.Event())]) as server:
            client = socket.create_connection(("127.0.0.1", server.port), timeout=60)
            # After none the kernel alone knows of it; then the loop; then the server.
            for _ in range(turns):
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        with client, contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""

    run_clean(main)


async def test_nothing_is_sent_on_a_closed_connection() -> None:
    async with FaultServer([fin(), send(b"x")]) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        assert await reader.read() == b""
        connection = server.connections[0]
        with pytest.raises(ConnectionResetError, match="closed"):
            await connection.send(b"x")
        with pytest.raises(ConnectionResetError, match="closed"):
            await connection.half_close()
        writer.close()
        await writer.wait_closed()

    assert server.failures == []
