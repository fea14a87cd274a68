"""Bodies as they come: whole, in pieces, cut, compressed, too large, too slow."""

from __future__ import annotations

import asyncio
import gzip
import json
import weakref
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from turnout import _watchdog
from turnout.errors import ProtocolError, StreamStalledError, StreamTruncatedError
from turnout.http import Http, Response, ServerSentEvent
from turnout.testing import (
    CHUNKED,
    FaultServer,
    Step,
    chunk,
    fin,
    forever,
    respond,
    response_head,
    rst,
    send,
    until,
    wait_request,
)
from turnout.testing._slicing import Slicing, at_random, by_size, whole

Read = Callable[[Response], AsyncGenerator[object]]


@asynccontextmanager
async def answer(*script: Step, **options: object) -> AsyncGenerator[Response]:
    async with FaultServer(script) as server:
        http = Http(provider="P", base_url=server.url, **options)  # type: ignore[arg-type]
        async with http.post("/", json={}) as response:
            yield response


def body(
    data: bytes, *headers: tuple[str, str], slicing: Slicing = whole
) -> list[Step]:
    """Return a script that answers with a body, in chunks as they are cut."""
    head = response_head(200, CHUNKED, *headers)
    return [wait_request(), send(head), *map(chunk, slicing(data)), chunk(b"")]


async def joined(response: Response) -> bytes:
    return b"".join([piece async for piece in response.chunks()])


async def drain(chunks: AsyncIterator[bytes], read: list[int]) -> None:
    """Read to the end, and note the length of each piece."""
    async for piece in chunks:
        read.append(len(piece))


async def test_a_response_has_its_status_address_and_headers() -> None:
    async with answer(*respond(200, b"a", ("X-Thing", "Value"))) as response:
        assert response.status == 200
        assert response.url.startswith("http://127.0.0.1:")
        assert response.headers["x-thing"] == "Value"


@pytest.mark.parametrize(
    ("headers", "framed"),
    [
        ([("Content-Length", "2")], True),
        ([CHUNKED], True),
        ([], False),
        ([CHUNKED, ("Content-Encoding", "gzip")], False),
    ],
)
async def test_a_body_is_framed_by_a_length_or_chunks(
    headers: list[tuple[str, str]], framed: bool
) -> None:
    async with answer(wait_request(), send(response_head(200, *headers))) as response:
        assert response.framed is framed


@pytest.mark.parametrize("slicing", [whole, by_size(1), at_random(3)])
async def test_a_body_is_the_same_however_it_is_cut(slicing: Slicing) -> None:
    data = "Zwölf Boxkämpfer \U0001f5fc\n".encode() * 3
    async with answer(*body(data, slicing=slicing)) as response:
        assert await joined(response) == data


@pytest.mark.parametrize("compressed", [False, True])
async def test_the_chunks_of_one_read_are_one_piece(*, compressed: bool) -> None:
    text = b"".join(b"%4d " % number for number in range(500))
    data = gzip.compress(text, 0) if compressed else text
    headers = [CHUNKED, ("Content-Encoding", "gzip")][: 1 + compressed]
    chunks = [b"5\r\n%b\r\n" % data[at : at + 5] for at in range(0, len(text), 5)]
    rest = data[len(text) :]
    chunks.append(b"%x\r\n%b\r\n" % (len(rest), rest) if rest else b"")
    sent = send(response_head(200, *headers) + b"".join(chunks) + b"0\r\n\r\n")
    async with answer(wait_request(), sent) as response:
        # `chunks` always gives one piece; aiohttp's own buffer shows what it was fed.
        held = len(response._raw.content._buffer)  # pyright: ignore[reportPrivateUsage]
        pieces = [piece async for piece in response.chunks()]

    assert held == 1
    assert b"".join(pieces) == text


async def test_a_slow_reader_gets_all_of_many_chunks() -> None:
    numbers = [b"%7d " % number for number in range(50_000)]
    sent = b"".join(b"8\r\n%b\r\n" % number for number in numbers) + b"0\r\n\r\n"
    head = response_head(200, CHUNKED)
    async with answer(wait_request(), send(head), send(sent)) as response:
        read = bytearray()
        async for piece in response.chunks():
            read += piece
            # Longer than the buffers last, so that reading stops and goes on.
            await asyncio.sleep(0.005)

    assert read == b"".join(numbers)


async def test_a_body_that_has_ended_has_no_more_pieces() -> None:
    async with answer(*body(b"a")) as response:
        chunks = response.chunks()
        assert await anext(chunks) == b"a"
        for _ in range(2):
            with pytest.raises(StopAsyncIteration):
                await anext(chunks)


@pytest.mark.parametrize(
    "head",
    [response_head(200, CHUNKED), response_head(200, ("Content-Length", "500"))],
    ids=["chunked", "length"],
)
@pytest.mark.parametrize("end", [fin(), rst()], ids=["fin", "rst"])
async def test_a_body_that_is_cut_off_is_truncated_each_time(
    head: bytes, end: Step
) -> None:
    script = [wait_request(), send(head), chunk(b"a"), end]
    async with answer(*script) as response:
        chunks = response.chunks()
        assert b"a" in await anext(chunks)
        for _ in range(2):
            with pytest.raises(StreamTruncatedError, match=r"127\.0\.0\.1"):
                await anext(chunks)


@pytest.mark.parametrize("size", [b"xyz", b"-1"])
async def test_chunks_that_are_no_chunks_break_the_protocol(size: bytes) -> None:
    script = [
        wait_request(),
        send(response_head(200, CHUNKED)),
        chunk(b"a"),
        send(size + b"\r\nb\r\n"),
        fin(),
    ]
    async with answer(*script) as response:
        with pytest.raises(ProtocolError):
            await joined(response)


async def test_a_body_that_is_compressed_is_read_as_it_comes() -> None:  # H17
    coder = zlib.compressobj(wbits=31)
    first = coder.compress(b"one") + coder.flush(zlib.Z_SYNC_FLUSH)
    held = asyncio.Event()
    head = response_head(200, CHUNKED, ("Content-Encoding", "gzip"))
    script = [wait_request(), send(head), chunk(first), until(held)]
    async with answer(*script) as response:
        assert await anext(response.chunks()) == b"one"


async def test_a_compressed_body_that_is_corrupt_breaks_the_protocol() -> None:  # H19
    data = bytearray(gzip.compress(b"a" * 1000))
    data[12:20] = b"\xff" * 8
    async with answer(*body(bytes(data), ("Content-Encoding", "gzip"))) as response:
        with pytest.raises(ProtocolError):
            await joined(response)


async def test_a_compressed_bomb_stops_at_the_limit() -> None:  # H20
    data = gzip.compress(b"a" * (50 << 20))
    script = body(data, ("Content-Encoding", "gzip"))
    async with answer(*script, max_bytes=1 << 20) as response:
        read: list[int] = []
        with pytest.raises(ProtocolError, match="max_bytes"):
            await drain(response.chunks(), read)

    assert sum(read) <= 1 << 20


async def test_an_endless_body_stops_at_the_limit() -> None:  # H21
    script = [wait_request(), send(response_head(200, CHUNKED)), forever(chunk(b"a"))]
    async with answer(*script, max_bytes=100) as response:
        chunks = response.chunks()
        read: list[int] = []
        with pytest.raises(ProtocolError, match="max_bytes"):
            await drain(chunks, read)
        with pytest.raises(ProtocolError, match="max_bytes"):
            await anext(chunks)

    assert sum(read) <= 100


async def test_a_body_of_just_the_limit_is_read() -> None:
    async with answer(*body(b"a" * 100), max_bytes=100) as response:
        assert len(await joined(response)) == 100


async def test_a_body_without_bytes_stalls() -> None:
    script = [
        wait_request(),
        send(response_head(200, CHUNKED)),
        chunk(b"a"),
        until(asyncio.Event()),
    ]
    async with answer(*script, idle_timeout=0.05) as response:
        chunks = response.chunks()
        assert await anext(chunks) == b"a"
        with pytest.raises(StreamStalledError, match=r"idle_timeout=0\.05 s"):
            await anext(chunks)


async def test_the_rest_of_a_body_may_be_waited_for_no_longer() -> None:
    script = [
        wait_request(),
        send(response_head(200, CHUNKED)),
        chunk(b"a"),
        until(asyncio.Event()),
    ]
    async with answer(*script) as response:
        response.hurry(1.0)  # Of nothing that is read.
        chunks = response.chunks()
        assert await anext(chunks) == b"a"
        response.hurry(0.05)
        with pytest.raises(StreamStalledError, match="did not end in time"):
            await anext(chunks)


async def test_a_closed_response_is_watched_and_kept_no_longer() -> None:
    script = [wait_request(), send(response_head(200, CHUNKED)), chunk(b"a")]
    async with answer(*script, until(asyncio.Event())) as response:
        chunks = response.chunks()
        await anext(chunks)
        kept = weakref.ref(response)
        rounds = _watchdog._ROUNDS.get(asyncio.get_running_loop())  # pyright: ignore[reportPrivateUsage]
        assert rounds is not None
        assert len(rounds.watched) == 1
        del chunks
    assert rounds.watched == set()
    del response
    for _ in range(5):  # The connection's own end.
        await asyncio.sleep(0)

    assert kept() is None


@pytest.mark.parametrize("slicing", [whole, by_size(1)])
async def test_server_sent_events_are_read(slicing: Slicing) -> None:
    data = b": hi\n\nevent: x\ndata: 1\n\ndata: 2\r\n\r\ndata: last"
    async with answer(*body(data, slicing=slicing)) as response:
        events = [event async for event in response.sse()]

    assert events == [
        ServerSentEvent(b"1", "x"),
        ServerSentEvent(b"2"),
        ServerSentEvent(b"last"),
    ]


async def test_events_that_end_whole_have_nothing_after_them() -> None:
    async with answer(*body(b"data: 1\n\n")) as response:
        assert [event.data async for event in response.sse()] == [b"1"]


@pytest.mark.parametrize("slicing", [whole, by_size(1)])
@pytest.mark.parametrize("end", [b"", b"\n", b"\n \n\r\n"])
async def test_lines_of_json_are_read(slicing: Slicing, end: bytes) -> None:
    data = b'{"a":1}\n\n  \r\n[2]\r\n"\xc3\xa9"' + end
    async with answer(*body(data, slicing=slicing)) as response:
        assert [value async for value in response.json_lines()] == [{"a": 1}, [2], "é"]


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("line", [b"canary", b'{"canary', b'"\xff"', b"NaN"])
async def test_a_line_that_is_no_json_breaks_the_protocol(
    line: bytes, end: bytes
) -> None:
    async with answer(*body(b"1\n" + line + end)) as response:
        values = response.json_lines()
        assert await anext(values) == 1
        with pytest.raises(ProtocolError, match="not valid JSON") as caught:
            await anext(values)

    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


def as_events(response: Response) -> object:
    return response.sse()


def as_lines(response: Response) -> object:
    return response.json_lines()


@pytest.mark.parametrize("read", [as_events, as_lines])
async def test_a_line_of_nine_megabytes_breaks_the_protocol(
    read: Callable[[Response], AsyncGenerator[object]],
) -> None:
    async with answer(*body(b"data: " + b"x" * (9 << 20))) as response:
        with pytest.raises(ProtocolError, match="a line has"):
            async for _ in read(response):
                pass


async def test_json_is_read_whole() -> None:
    value = {"a": [1, "é"]}
    async with answer(
        *body(json.dumps(value).encode(), slicing=by_size(1))
    ) as response:
        assert await response.json() == value


@pytest.mark.parametrize("text", [b"<html>", b'{"a": NaN}', b"[Infinity]"])
async def test_a_body_that_is_no_json_breaks_the_protocol(text: bytes) -> None:
    async with answer(*body(text)) as response:
        with pytest.raises(ProtocolError, match="not valid JSON") as caught:
            await response.json()

    assert caught.value.__context__ is None


async def test_a_body_that_is_read_anew_goes_on() -> None:
    async with answer(*body(b"ab", slicing=by_size(1))) as response:
        first = await anext(response.chunks())
        assert first + await joined(response) == b"ab"


async def test_a_beginning_is_read_up_to_a_limit() -> None:
    async with answer(*body(b"a" * 1000, slicing=by_size(10))) as response:
        assert await response.read_some(25, 5.0) == b"a" * 25


async def test_a_beginning_is_read_to_the_end_of_a_short_body() -> None:
    async with answer(*body(b"abc", slicing=by_size(1))) as response:
        assert await response.read_some(25, 5.0) == b"abc"


async def test_a_beginning_is_read_for_no_longer_than_that() -> None:
    script = [wait_request(), send(response_head(200, CHUNKED)), chunk(b"a")]
    async with answer(*script, until(asyncio.Event())) as response:
        assert await response.read_some(25, 0.05) == b"a"


@pytest.mark.parametrize("end", [fin(), rst()], ids=["fin", "rst"])
async def test_a_beginning_is_what_came_before_a_cut(end: Step) -> None:
    held = asyncio.Event()
    head = response_head(200, CHUNKED)
    script = [wait_request(), send(head), until(held), chunk(b"abcdef"), end]
    async with FaultServer(script) as server:
        http = Http(provider="P", base_url=server.url)
        async with http.get("/") as response:
            held.set()
            await server.connections[0].wait_closed()
            for _ in range(10):
                await asyncio.sleep(0)
            assert await response.read_some(4, 5.0) == b"abcd"


@pytest.mark.parametrize(
    ("script", "kept"),
    [
        pytest.param([chunk(b"abc"), chunk(b"")], True, id="ends"),
        pytest.param([chunk(b"")], True, id="has-ended"),
        pytest.param([chunk(b"abc"), until(asyncio.Event())], False, id="goes-on"),
        pytest.param([chunk(b"abc"), fin()], False, id="fin"),
        pytest.param([chunk(b"abc"), rst()], False, id="rst"),
        pytest.param([send(b"garbage\r\n"), fin()], False, id="garbage"),
    ],
)
async def test_a_body_that_is_finished_keeps_the_connection_where_it_ends(
    script: list[Step], kept: bool
) -> None:
    head = send(response_head(200, CHUNKED))
    first = [wait_request(), head, *script, *([wait_request()] if kept else [])]
    async with FaultServer(
        first + body(b"")[1:] if kept else first, body(b"")
    ) as server:
        http = Http(provider="P", base_url=server.url)
        async with http.get("/") as response:
            await response.finish(5.0 if kept else 0.02)
            await response.finish(0.0)
        async with http.get("/"):
            pass

    assert len(server.connections) == (1 if kept else 2)


@pytest.mark.parametrize("name", ["x-request-id", "Request-Id", "X-Generation-Id"])
async def test_a_requests_name_is_that_of_the_headers(name: str) -> None:
    async with answer(*body(b"", (name, "req-1"))) as response:
        assert response.request_id == "req-1"
    async with answer(*body(b"")) as response:
        assert response.request_id is None


BOMB = 8 << 20

TURN = 64 * 1024


@pytest.mark.parametrize("kind", ["gzip", "deflate", "raw-deflate"])
@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_the_loop_has_turns_while_a_large_body_is_decompressed(
    kind: str, framing: str
) -> None:
    turns: list[int] = []
    read: list[int] = []

    async def count() -> None:
        while True:
            turns.append(len(read))
            await asyncio.sleep(0)

    coder = zlib.compressobj(
        wbits={"gzip": 31, "deflate": 15, "raw-deflate": -15}[kind]
    )
    data = coder.compress(b": x\n" * (BOMB // 4)) + coder.flush()
    encoding = ("Content-Encoding", kind.removeprefix("raw-"))
    script = (
        body(data, encoding) if framing == "chunks" else respond(200, data, encoding)
    )
    async with answer(*script) as response:
        counting = asyncio.create_task(count())
        await drain(response.chunks(), read)
        counting.cancel()

    assert sum(read) == BOMB
    # The pieces between two turns: never more than two, of 64 KiB each.
    assert max(read) <= 4 * TURN
    assert max(b - a for a, b in pairwise(turns)) <= 2


@pytest.mark.parametrize("most", [None, 10])
async def test_json_may_have_as_many_bytes_as_an_event(most: int | None) -> None:
    async with answer(*body(b'"12345678"'), max_event_bytes=10) as response:
        assert await response.json(max_bytes=most) == "12345678"
    async with answer(*body(b'"123456789"'), max_event_bytes=10) as response:
        with pytest.raises(
            ProtocolError, match="more than 10 bytes; set max_event_byte"
        ):
            await response.json(max_bytes=most)


async def test_an_event_may_have_as_many_bytes_as_an_option_says() -> None:
    data = b"data: 123456789\n\n"
    async with answer(*body(data), max_event_bytes=20) as response:
        assert [event.data async for event in response.sse()] == [b"123456789"]
    async with answer(*body(data), max_event_bytes=8) as response:
        with pytest.raises(ProtocolError, match="set max_event_bytes"):
            [event async for event in response.sse()]
    async with answer(*body(b'"123456789"\n'), max_event_bytes=8) as response:
        with pytest.raises(ProtocolError, match="set max_event_bytes"):
            [line async for line in response.json_lines()]
