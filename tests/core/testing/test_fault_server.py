from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from turnout.testing import (
    CHUNKED,
    Connection,
    ExpectationError,
    FaultServer,
    chunk,
    expect_close,
    fin,
    forever,
    half_close,
    last_chunk,
    respond,
    respond_in_chunks,
    response_head,
    rst,
    run_clean,
    send,
    signal,
    sleep,
    until,
    wait_request,
)
from turnout.testing._connection import reset_transport

CERTIFICATES = Path(__file__).parents[1] / "http" / "certificates"

REQUEST = (
    b"POST /ask HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nhi"
)


@contextlib.asynccontextmanager
async def client(
    server: FaultServer,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_bytes_are_sent_as_they_are_and_the_end_is_a_fin() -> None:
    async with (
        FaultServer([send(b"anything"), send(b"\x00\xff")]) as server,
        client(server) as (reader, _),
    ):
        assert await reader.read() == b"anything\x00\xff"


async def test_two_sends_are_two_reads() -> None:
    async with (
        FaultServer([send(b"a"), send(b"b"), send(b"c")]) as server,
        client(server) as (reader, _),
    ):
        assert [await reader.read(99) for _ in range(3)] == [b"a", b"b", b"c"]


async def test_chunks_are_framed() -> None:
    async with (
        FaultServer([chunk(b"x" * 26), chunk(b"")]) as server,
        client(server) as (reader, _),
    ):
        assert await reader.read() == b"1a\r\n" + b"x" * 26 + b"\r\n0\r\n\r\n"


async def test_the_log_has_the_whole_request() -> None:
    async with FaultServer(respond(200)) as server, client(server) as (reader, writer):
        writer.write(REQUEST)
        await reader.read()

    (request,) = server.http_requests
    assert (request.method, request.path, request.body) == ("POST", "/ask", b"hi")
    assert request.headers == (
        ("Host", "x"),
        ("X-A", "1"),
        ("X-A", "2"),
        ("Content-Length", "2"),
    )


async def test_connections_take_the_scripts_in_order_and_the_last_repeats() -> None:
    async with FaultServer([send(b"first")], [send(b"later")]) as server:
        heard: list[bytes] = []
        for _ in range(3):
            async with client(server) as (reader, _):
                heard.append(await reader.read())

    assert heard == [b"first", b"later", b"later"]
    assert [connection.index for connection in server.connections] == [0, 1, 2]


async def test_a_connection_can_answer_many_requests() -> None:
    script = [*respond(200, b"one"), *respond(201, b"two")]
    async with FaultServer(script) as server, aiohttp.ClientSession() as session:
        for status, text in ((200, "one"), (201, "two")):
            async with session.post(server.url, data=b"q") as response:
                assert (response.status, await response.text()) == (status, text)

    assert len(server.connections) == 1
    assert [request.body for request in server.http_requests] == [b"q", b"q"]


async def test_a_fin_follows_all_that_was_sent() -> None:
    much = b"x" * (1 << 22)
    async with FaultServer([send(much), fin()]) as server:
        async with client(server) as (reader, _):
            assert await reader.read() == much


async def test_a_reset_is_seen_as_a_reset_after_what_was_sent() -> None:
    reset = asyncio.Event()
    async with (
        FaultServer([send(b"part"), until(reset), rst()]) as server,
        client(server) as (reader, _),
    ):
        assert await reader.read(99) == b"part"
        reset.set()
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_a_reset_of_a_connection_that_is_closed_is_nothing() -> None:
    async with (
        FaultServer([send(b"bye"), fin(), rst()]) as server,
        client(server) as (reader, _),
    ):
        assert await reader.read() == b"bye"

    assert server.failures == []


async def test_a_half_closed_connection_still_reads() -> None:
    async with (
        FaultServer([send(b"bye"), half_close(), wait_request()]) as server,
        client(server) as (reader, writer),
    ):
        assert await reader.read() == b"bye"
        writer.write(REQUEST)
        await server.wait_for(lambda: len(server.http_requests) == 1)


async def test_events_put_the_two_sides_in_order() -> None:
    asked, go = asyncio.Event(), asyncio.Event()
    script = [wait_request(), signal(asked), until(go), sleep(0), send(b"now")]
    async with FaultServer(script) as server, client(server) as (reader, writer):
        writer.write(REQUEST)
        await asked.wait()
        answer = asyncio.ensure_future(reader.read())
        go.set()
        assert await answer == b"now"


async def test_the_log_says_when_the_client_closed_in_any_step() -> None:
    async with FaultServer([until(asyncio.Event())]) as server:
        async with client(server):
            connection = await server.wait_connection()
            assert not connection.peer_closed
        await connection.wait_peer_closed()

    assert connection.peer_closed_at is not None
    assert connection.peer_closed_at >= connection.opened_at
    assert not connection.peer_reset


async def test_the_log_tells_a_reset_from_a_close() -> None:
    async with FaultServer([until(asyncio.Event())]) as server:
        async with client(server) as (_, writer):
            connection = await server.wait_connection()
            reset_transport(writer)
            await connection.wait_peer_closed()

    assert connection.peer_reset


async def test_the_log_keeps_the_time_of_a_close_that_a_reset_follows() -> None:
    gone = asyncio.Event()
    async with FaultServer([until(gone), forever(send(b"x"))]) as server:
        async with client(server) as (_, writer):
            connection = await server.wait_connection()
            writer.write_eof()
            await connection.wait_peer_closed()
            closed_at = connection.peer_closed_at
            reset_transport(writer)
            gone.set()
            await server.wait_for(lambda: connection.peer_reset)

    assert connection.peer_closed_at == closed_at


async def test_a_close_in_time_is_as_expected() -> None:
    async with FaultServer([wait_request(), expect_close(5)]) as server:
        async with client(server) as (_, writer):
            writer.write(REQUEST)
            await server.wait_for(lambda: len(server.http_requests) == 1)
        await server.connections[0].wait_peer_closed()

    assert server.failures == []


async def test_a_close_that_does_not_come_fails_the_block() -> None:
    server = FaultServer([expect_close(0.01)])
    with pytest.RaisesGroup(
        pytest.RaisesExc(ExpectationError, match="open for 0.01 s")
    ):
        async with server, client(server) as (reader, _):
            assert await reader.read() == b""

    (failure,) = server.failures
    assert failure.__notes__ == ["in step expect_close(0.01) of connection 0"]


async def test_an_endless_script_ends_with_the_client() -> None:
    async with FaultServer([forever(send(b"x" * 65536))]) as server:
        async with client(server) as (reader, writer):
            await reader.readexactly(1 << 20)
            reset_transport(writer)
        await server.connections[0].wait_peer_closed()

    assert server.failures == []


async def test_a_server_without_a_script_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one script"):
        FaultServer()


def test_a_single_step_is_not_a_script() -> None:
    with pytest.raises(TypeError, match="is a single step"):
        FaultServer(fin())  # type: ignore[arg-type]


async def test_a_generator_of_steps_serves_every_connection() -> None:
    async with FaultServer(send(data) for data in (b"a", b"b")) as server:
        for _ in range(2):
            async with client(server) as (reader, _):
                assert await reader.read() == b"ab"


async def test_a_script_may_be_a_function_of_the_connection() -> None:
    async def echo(connection: Connection) -> None:
        request = await connection.read_request()
        await connection.send(response_head(200, CHUNKED))
        await connection.chunk(request.body)
        await connection.chunk(b"")

    async with FaultServer(echo) as server, aiohttp.ClientSession() as session:
        async with session.post(server.url, data=b"hi") as response:
            assert await response.read() == b"hi"


async def test_what_a_function_raises_fails_the_block() -> None:
    async def broken(_: Connection) -> None:
        raise LookupError("which test?")

    with pytest.RaisesGroup(pytest.RaisesExc(LookupError, match="which test")):
        async with FaultServer(broken) as server, client(server) as (reader, _):
            assert await reader.read() == b""


async def test_a_kept_connection_takes_the_next_script_at_the_next_request() -> None:
    scripts = [respond(200, b"one"), respond(201, b"two"), [wait_request(), rst()]]
    async with (
        FaultServer(*scripts, keep_alive=True) as server,
        aiohttp.ClientSession() as session,
    ):
        for status, text in ((200, "one"), (201, "two")):
            async with session.post(server.url, data=b"q") as response:
                assert (response.status, await response.text()) == (status, text)
        with pytest.raises(aiohttp.ClientError):
            await session.post(server.url, data=b"last")

    assert len(server.connections) == 1
    assert [request.body for request in server.http_requests] == [b"q", b"q", b"last"]


async def test_requests_on_several_kept_connections_share_the_scripts() -> None:
    scripts = [respond(200, b"one"), respond(200, b"two"), respond(200, b"three")]
    async with FaultServer(*scripts, keep_alive=True) as server:
        async with client(server) as (first, to_first):
            async with client(server) as (second, to_second):
                heard: list[bytes] = []
                for reader, writer in (
                    (first, to_first),
                    (second, to_second),
                    (first, to_first),
                ):
                    writer.write(REQUEST)
                    await reader.readuntil(b"\r\n\r\n")
                    heard.append(await reader.read(99))

    assert heard == [b"one", b"two", b"three"]


async def test_a_half_closed_connection_takes_no_further_script() -> None:
    script = [*respond(200), half_close()]
    async with (
        FaultServer(script, [send(b"no")], keep_alive=True) as server,
        client(server) as (reader, writer),
    ):
        writer.write(REQUEST)
        assert (await reader.read()).endswith(b"\r\n\r\n")

    assert server.failures == []


async def test_the_log_has_what_was_sent_and_when_requests_came() -> None:
    script = [wait_request(), send(b"a"), chunk(b"b"), last_chunk()]
    async with FaultServer(script) as server, client(server) as (reader, writer):
        writer.write(REQUEST)
        await reader.read()

    (connection,) = server.connections
    assert connection.sent == [b"a", b"1\r\nb\r\n", b"0\r\n\r\n"]
    assert connection.requests[0].received_at >= connection.opened_at


async def test_a_server_speaks_tls() -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(CERTIFICATES / "good.pem", CERTIFICATES / "key.pem")
    trusting = ssl.create_default_context(cafile=CERTIFICATES / "good.pem")
    pieces = [b"a", b"b" * (1 << 20), b"c"]
    async with (
        FaultServer([*respond_in_chunks(pieces), rst()], tls=tls) as server,
        aiohttp.ClientSession() as session,
    ):
        async with session.post(server.url, ssl=trusting) as response:
            assert await response.read() == b"".join(pieces)

    assert server.url.startswith("https://")
    assert len(server.http_requests) == 1


async def test_lines_reach_an_http_client_whole() -> None:
    lines = [b'{"a":1}\n', b"\n", '{"b":"é"}\n'.encode()]
    script = respond_in_chunks(lines, ("Content-Type", "application/x-ndjson"))
    async with (
        FaultServer(script) as server,
        aiohttp.ClientSession() as session,
    ):
        async with session.post(server.url, json={}) as response:
            assert response.status == 200
            assert response.content_type == "application/x-ndjson"
            assert await response.read() == b"".join(lines)


async def test_a_cut_chunked_body_is_an_error_to_an_http_client() -> None:
    script = [wait_request(), send(response_head(200, CHUNKED)), chunk(b"half"), fin()]
    async with FaultServer(script) as server, aiohttp.ClientSession() as session:
        async with session.post(server.url) as response:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()


def test_a_step_names_itself() -> None:
    assert repr(send(b"x" * 50)).startswith("Step(name=\"send(b'xxx")
    assert send(b"x" * 50).name.endswith("... 50 bytes)")
    assert forever(sleep(1), fin()).name == "forever(sleep(1), fin)"


def test_nothing_is_left_of_broken_connections() -> None:
    async def main() -> None:
        scripts = [
            [wait_request(), send(response_head(200, CHUNKED)), chunk(b"half"), rst()],
            [rst()],
            [fin()],
            [wait_request(), half_close(), expect_close(5)],
            respond_in_chunks([b"{}"]),
        ]
        async with FaultServer(*scripts) as server:
            async with aiohttp.ClientSession() as session:
                for _ in range(6):
                    with contextlib.suppress(aiohttp.ClientError):
                        async with session.post(server.url) as response:
                            await response.read()

    run_clean(main)
