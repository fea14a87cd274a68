from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import aiohttp
import pytest

from turnout.testing import (
    CHUNKED,
    FaultServer,
    MalformedRequestError,
    chunk,
    expect_close,
    fin,
    refused_url,
    respond,
    response_head,
    rst,
    run_clean,
    send,
    signal,
    until,
    wait_request,
)
from turnout.testing._connection import reset_transport

from .forward_proxy import ForwardProxy


@contextlib.asynccontextmanager
async def client(
    proxy: ForwardProxy,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def absolute(server: FaultServer, *headers: str, body: bytes = b"hello") -> bytes:
    lines = [
        f"POST {server.url}/p?q=1 HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        *headers,
        f"Content-Length: {len(body)}",
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode() + body


async def tunnel(
    server: FaultServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\n\r\n".encode())
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")


async def test_a_request_in_absolute_form_reaches_its_origin() -> None:
    async with (
        FaultServer(respond(200, b"there")) as server,
        ForwardProxy() as proxy,
        aiohttp.ClientSession() as session,
    ):
        async with session.post(
            f"{server.url}/p?q=1", data=b"hello", headers={"X-A": "1"}, proxy=proxy.url
        ) as response:
            assert (response.status, await response.read()) == (200, b"there")

    (request,) = server.http_requests
    assert (request.method, request.target) == ("POST", "/p?q=1")
    assert (request.body, request.header("X-A")) == (b"hello", "1")
    assert request.header("Host") == f"127.0.0.1:{server.port}"
    (forwarded,) = proxy.forwarded
    assert forwarded.target == f"{server.url}/p?q=1"


async def test_what_is_for_the_proxy_stays_with_it() -> None:
    async with (
        FaultServer(respond(200)) as server,
        ForwardProxy() as proxy,
        client(proxy) as (reader, writer),
    ):
        writer.write(
            absolute(
                server,
                "Proxy-Connection: close",
                "proxy-authorization: Basic x",
                "A: b",
            )
        )
        assert b" 200 " in await reader.readline()

    (request,) = server.http_requests
    assert [name for name, _ in request.headers] == ["Host", "A", "Content-Length"]


async def test_an_origin_without_a_path_is_asked_for_its_root() -> None:
    async with (
        FaultServer(respond(200)) as server,
        ForwardProxy() as proxy,
        client(proxy) as (reader, writer),
    ):
        writer.write(f"GET {server.url} HTTP/1.1\r\n\r\n".encode())
        await reader.readline()

    assert server.http_requests[0].target == "/"


async def test_a_connection_serves_many_requests_of_one_origin() -> None:
    script = [*respond(200, b"one"), *respond(200, b"two")]
    async with (
        FaultServer(script) as server,
        ForwardProxy() as proxy,
        aiohttp.ClientSession() as session,
    ):
        for text in ("one", "two"):
            async with session.post(
                server.url, data=b"x" * 200_000, proxy=proxy.url
            ) as response:
                assert await response.text() == text

    assert len(proxy.connections) == len(server.connections) == 1
    assert len(proxy.forwarded) == 2
    assert {len(request.body) for request in server.http_requests} == {200_000}


async def test_a_connection_refuses_a_second_origin() -> None:
    async with (
        FaultServer([wait_request(), send(b"x"), expect_close(5)]) as server,
        FaultServer(respond(200)) as other,
        ForwardProxy() as proxy,
        client(proxy) as (reader, writer),
    ):
        writer.write(absolute(server))
        assert await reader.readexactly(1) == b"x"
        writer.write(absolute(other))
        assert (await reader.read()).startswith(b"HTTP/1.1 421 ")

    assert other.connections == []


async def test_a_tunnel_carries_bytes_both_ways() -> None:
    async with (
        FaultServer([wait_request(), send(b"\x00raw\xff"), fin()]) as server,
        ForwardProxy() as proxy,
        client(proxy) as (reader, writer),
    ):
        await tunnel(server, reader, writer)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await reader.read() == b"\x00raw\xff"

    assert [entry.method for entry in proxy.forwarded] == ["CONNECT"]
    assert proxy.forwarded[0].target == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("through_tunnel", [False, True])
async def test_an_answer_is_passed_on_as_it_comes(through_tunnel: bool) -> None:
    go = asyncio.Event()
    script = [
        wait_request(),
        send(response_head(200, CHUNKED)),
        chunk(b"early"),
        until(go),
        chunk(b"late"),
        chunk(b""),
    ]
    async with (
        FaultServer(script) as server,
        ForwardProxy() as proxy,
        client(proxy) as (reader, writer),
    ):
        if through_tunnel:
            await tunnel(server, reader, writer)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
        else:
            writer.write(absolute(server))
        await reader.readuntil(b"early\r\n")
        go.set()
        assert await reader.read() == b"4\r\nlate\r\n0\r\n\r\n"


async def test_a_request_is_passed_on_as_it_comes() -> None:
    async with (
        FaultServer([until(asyncio.Event())]) as server,
        ForwardProxy() as proxy,
        client(proxy) as (_, writer),
    ):
        writer.write(absolute(server, body=b"0123456789")[:-3])
        connection = await server.wait_connection()
        early = await connection.reader.readuntil(b"0123456")
        writer.write(b"789")

        assert early.endswith(b"\r\n\r\n0123456")
        assert await connection.reader.readexactly(3) == b"789"


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("through_tunnel", [False, True])
async def test_a_client_that_leaves_ends_the_connection_to_the_origin(
    through_tunnel: bool, reset: bool
) -> None:
    script = [wait_request(), send(b"x"), expect_close(5), until(asyncio.Event())]
    async with FaultServer(script) as server, ForwardProxy() as proxy:
        async with client(proxy) as (reader, writer):
            if through_tunnel:
                await tunnel(server, reader, writer)
                writer.write(b"GET / HTTP/1.1\r\n\r\n")
            else:
                writer.write(absolute(server))
            await reader.readexactly(1)
            if reset:
                reset_transport(writer)
        await server.connections[0].wait_peer_closed()

    assert server.connections[0].peer_reset == reset


async def test_a_client_that_leaves_within_its_body_ends_the_connection() -> None:
    async with FaultServer([until(asyncio.Event())]) as server, ForwardProxy() as proxy:
        async with client(proxy) as (_, writer):
            writer.write(absolute(server)[:-1])
            connection = await server.wait_connection()
            await connection.reader.readuntil(b"hell")
        await connection.wait_peer_closed()


@pytest.mark.parametrize("through_tunnel", [False, True])
async def test_a_reset_of_the_origin_is_passed_on(through_tunnel: bool) -> None:
    go = asyncio.Event()
    script = [wait_request(), send(b"part"), until(go), rst()]
    async with (
        FaultServer(script) as server,
        ForwardProxy() as proxy,
        client(proxy) as (reader, writer),
    ):
        if through_tunnel:
            await tunnel(server, reader, writer)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
        else:
            writer.write(absolute(server))
        assert await reader.readexactly(4) == b"part"
        go.set()
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_a_slow_client_slows_the_origin_down() -> None:
    sent = asyncio.Event()
    script = [wait_request(), send(b"x" * (1 << 26)), signal(sent)]
    async with (
        FaultServer(script) as server,
        ForwardProxy() as proxy,
        client(proxy) as (reader, writer),
    ):
        writer.write(absolute(server))
        await reader.readexactly(1)
        # Reading on, the proxy would have all of it within these turns.
        for _ in range(2000):
            await asyncio.sleep(0)
        assert not sent.is_set()


@pytest.mark.parametrize("method", ["POST", "CONNECT"])
async def test_an_origin_that_refuses_is_a_bad_gateway(method: str) -> None:
    with refused_url() as url:
        target = url if method == "POST" else url.removeprefix("http://")
        async with ForwardProxy() as proxy, client(proxy) as (reader, writer):
            writer.write(f"{method} {target} HTTP/1.1\r\n\r\n".encode())
            assert (await reader.read()).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


async def test_a_name_that_only_the_proxy_knows_is_resolved_by_it() -> None:
    async with FaultServer(respond(200, b"there")) as server:
        hosts = {"chat.invalid": ("127.0.0.1", server.port)}
        async with (
            ForwardProxy(hosts=hosts) as proxy,
            aiohttp.ClientSession() as session,
        ):
            async with session.get("http://chat.invalid/", proxy=proxy.url) as response:
                assert await response.text() == "there"

    assert server.http_requests[0].header("Host") == "chat.invalid"


async def test_credentials_let_a_request_through() -> None:
    async with (
        FaultServer(respond(200)) as server,
        ForwardProxy(credentials=("me@x", "p:ss/w")) as proxy,
        aiohttp.ClientSession() as session,
    ):
        assert (
            proxy.url_with_credentials
            == f"http://me%40x:p%3Ass%2Fw@127.0.0.1:{proxy.port}"
        )
        async with session.get(
            server.url, proxy=proxy.url_with_credentials
        ) as response:
            assert response.status == 200

    assert proxy.refused == []
    assert server.http_requests[0].header("Proxy-Authorization") is None


@pytest.mark.parametrize("method", ["POST", "CONNECT"])
@pytest.mark.parametrize("shown", ["", "Basic eDp5", "Bearer bWU6c2VjcmV0"])
async def test_without_credentials_nothing_is_forwarded(
    method: str, shown: str
) -> None:
    async with (
        FaultServer(respond(200)) as server,
        ForwardProxy(credentials=("me", "secret")) as proxy,
        client(proxy) as (reader, writer),
    ):
        target = server.url if method == "POST" else server.url.removeprefix("http://")
        header = f"Proxy-Authorization: {shown}\r\n" if shown else ""
        writer.write(f"{method} {target} HTTP/1.1\r\n{header}\r\n".encode())
        answer = await reader.read()

    assert answer.startswith(b"HTTP/1.1 407 Proxy Authentication Required\r\n")
    assert b'\r\nProxy-Authenticate: Basic realm="proxy"\r\n' in answer
    assert server.connections == []
    assert proxy.forwarded == []
    assert [head.method for head in proxy.refused] == [method]


async def test_a_proxy_without_credentials_has_a_plain_url() -> None:
    async with ForwardProxy() as proxy:
        assert proxy.url_with_credentials == proxy.url


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("GET / HTTP/1.1", id="origin-form"),
        pytest.param("GET https://x/ HTTP/1.1", id="https-without-a-tunnel"),
        pytest.param("GET http:///x HTTP/1.1", id="no-host"),
        pytest.param("GET http://x:99999/ HTTP/1.1", id="no-such-port"),
        pytest.param("CONNECT x HTTP/1.1", id="tunnel-without-port"),
        pytest.param("CONNECT http://x:80 HTTP/1.1", id="tunnel-to-a-url"),
    ],
)
async def test_what_is_not_for_a_proxy_is_a_failure(line: str) -> None:
    proxy = ForwardProxy()
    with pytest.RaisesGroup(
        pytest.RaisesExc(MalformedRequestError, match="not for a proxy")
    ):
        async with proxy, client(proxy) as (reader, writer):
            writer.write(f"{line}\r\n\r\n".encode())
            assert await reader.read() == b""


def test_nothing_is_left_of_a_proxy() -> None:
    async def main() -> None:
        scripts = [
            respond(200),
            [wait_request(), rst()],
            [wait_request(), send(response_head(200, CHUNKED)), until(asyncio.Event())],
        ]
        async with FaultServer(*scripts) as server, ForwardProxy() as proxy:
            for _ in range(4):
                async with client(proxy) as (reader, writer):
                    writer.write(absolute(server))
                    with contextlib.suppress(ConnectionError):
                        await reader.read(4096)
            # One that is open on both sides when the block is left.
            _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(absolute(server))
            await server.wait_connection(4)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    run_clean(main)
