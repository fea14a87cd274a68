from __future__ import annotations

import asyncio
import contextlib
import gzip
import random
import zlib
from dataclasses import replace

import aiohttp
import pytest

from turnout.testing import run_clean
from turnout.testing._slicing import Slicing, at, at_random, by_size, whole

from .flowgpt_asking import (
    Asking,
    ask,
    ask_raw,
    service,
    text_of,
)
from .flowgpt_rules import PATH
from .flowgpt_server import (
    Answer,
    Framing,
    StatusAnswer,
    html_status,
    json_status,
)


@pytest.mark.parametrize("framing", ["chunked", "content-length", "close"])
@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("final_newline", [False, True])
async def test_an_answer_reads_the_same_in_every_form(
    framing: Framing, noise: bool, newline: bytes, final_newline: bool
) -> None:
    answer = Answer(
        framing=framing, noise=noise, newline=newline, final_newline=final_newline
    )
    async with service(answer) as server:
        status, read = await ask(server)

    assert (status, text_of(read)) == (200, answer.text)
    assert read.endswith(newline) == final_newline
    assert (b"metadata" in read) == noise
    assert read.count(newline) == read.count(b"\n")


@pytest.mark.parametrize("framing", ["chunked", "content-length", "close"])
@pytest.mark.parametrize(
    "slicing",
    [
        pytest.param(by_size(1), id="bytes"),
        pytest.param(by_size(100), id="hundreds"),
        pytest.param(at(5, 100, 150), id="at"),
        pytest.param(at_random(1), id="at-random"),
    ],
)
async def test_slices_are_the_same_bytes(framing: Framing, slicing: Slicing) -> None:
    answer = Answer(framing=framing, cut_after=10_000)
    sliced = replace(answer, slicing=slicing)
    async with service(answer, sliced) as server:
        in_one = await ask_raw(server)
        in_many = await ask_raw(server, Asking(nonce="f" * 32))

    assert in_one == in_many == answer.wire()


async def test_the_framings_are_what_they_are_called() -> None:
    pieces = ("a", "b")
    lines = b'{"event": "text", "data": "a"}\n{"event": "text", "data": "b"}\n'

    chunked = Answer(pieces=pieces).wire()
    sized = Answer(pieces=pieces, framing="content-length").wire()
    closed = Answer(pieces=pieces, framing="close").wire()

    assert b"Transfer-Encoding: chunked\r\n" in chunked
    assert chunked.endswith(
        b'\r\n\r\n1f\r\n{"event": "text", "data": "a"}\n\r\n'
        b'1f\r\n{"event": "text", "data": "b"}\n\r\n0\r\n\r\n'
    )
    assert sized.endswith(b"Content-Length: 62\r\n\r\n" + lines)
    assert closed.endswith(b"Connection: close\r\n\r\n" + lines)
    assert b"Content-Length" not in closed


async def test_chunks_can_be_cut_anywhere() -> None:
    answer = Answer(pieces=("é",), chunk_size=7)

    assert answer.wire().endswith(
        b'\r\n\r\n7\r\n{"event\r\n7\r\n": "tex\r\n7\r\nt", "da\r\n7\r\nta": "\xc3\r\n'
        b'4\r\n\xa9"}\n\r\n0\r\n\r\n'
    )
    async with service(answer) as server:
        assert text_of((await ask(server))[1]) == "é"


@pytest.mark.parametrize("framing", ["chunked", "content-length"])
async def test_an_answer_without_pieces_is_an_empty_body(framing: Framing) -> None:
    async with service(Answer(pieces=(), framing=framing)) as server:
        assert await ask(server) == (200, b"")


async def test_raw_lines_go_out_as_they_are() -> None:
    answer = Answer(pieces=("a", b"not json", "b"))
    async with service(answer) as server:
        _, read = await ask(server)

    assert read.split(b"\n")[1] == b"not json"
    assert answer.text == "ab"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_answer_can_be_decoded(encoding: str) -> None:
    answer = (
        Answer(content_encoding="gzip")
        if encoding == "gzip"
        else Answer(content_encoding="deflate")
    )
    async with service(answer) as server:
        assert text_of((await ask(server))[1]) == answer.text

    sized = replace(answer, framing="content-length").wire()
    packed = sized.partition(b"\r\n\r\n")[2]
    unpack = gzip.decompress if encoding == "gzip" else zlib.decompress
    assert text_of(unpack(packed)) == answer.text


async def test_a_hold_of_a_sized_answer_keeps_its_end_back() -> None:
    end = asyncio.Event()
    answer = Answer(pieces=("a",), framing="close", holds={1: end})
    async with service(answer) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(Asking().wire())
        await reader.readuntil(b'"a"}\n')
        assert not reader.at_eof()
        end.set()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_a_hold_keeps_a_piece_back() -> None:
    held, end = asyncio.Event(), asyncio.Event()
    answer = Answer(pieces=("a", "b"), holds={1: held, 2: end})
    async with service(answer) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(Asking().wire())
        await reader.readuntil(b"\r\n\r\n")
        assert b'"a"' in await reader.read(4096)
        held.set()
        assert b'"b"' in await reader.read(4096)
        end.set()
        assert await reader.read(4096) == b"0\r\n\r\n"
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("framing", ["chunked", "content-length", "close"])
async def test_a_cut_ends_the_connection_at_that_byte(framing: Framing) -> None:
    whole_answer = Answer(pieces=("abc",), framing=framing).wire()
    random_cuts = random.Random(1).sample(range(len(whole_answer) + 1), 20)
    for nonce, cut in enumerate([0, len(whole_answer), *random_cuts]):
        answer = Answer(pieces=("abc",), framing=framing, cut_after=cut)
        async with service(answer) as server:
            read = await ask_raw(server, Asking(nonce=f"{nonce:032x}"))
        assert read == whole_answer[:cut]


async def test_the_whole_of_an_answer_can_end_in_a_close_too() -> None:
    answer = Answer(pieces=("a",), framing="content-length", cut_after=10_000)
    async with service(answer) as server:
        assert await ask_raw(server) == answer.wire()


async def test_a_cut_comes_before_what_is_held_behind_it() -> None:
    head = len(Answer().head())
    answer = Answer(holds={0: asyncio.Event()}, cut_after=head)
    async with service(answer) as server:
        assert await ask_raw(server) == answer.head()


async def test_a_cut_can_be_a_reset() -> None:
    answer = Answer(cut_after=150, cut_by="rst", slicing=whole)
    async with service(answer) as server:
        with pytest.raises(ConnectionResetError):
            await ask_raw(server)


async def test_answers_are_taken_in_order_and_connections_kept() -> None:
    answers = (
        json_status(429, retry_after="7"),
        json_status(429),
        html_status(503, "Busy"),
        StatusAnswer(status=204),
        Answer(pieces=("a",)),
        Answer(pieces=("b",), framing="content-length"),
    )
    seen: list[tuple[int, str | None, str]] = []
    async with service(*answers) as server, aiohttp.ClientSession() as session:
        for n in range(7):
            asking = Asking(nonce=f"{n:032x}")
            async with session.post(
                server.base_url + PATH, data=asking.content(), headers=asking.headers()
            ) as response:
                text = await response.text()
                seen.append(
                    (response.status, response.headers.get("Retry-After"), text)
                )

    assert [status for status, *_ in seen] == [429, 429, 503, 204, 200, 200, 200]
    assert [hint for _, hint, _ in seen[:2]] == ["7", None]
    assert "<title>Busy</title>" in seen[2][2]
    assert text_of(seen[4][2].encode()) == "a"
    assert [text_of(text.encode()) for *_, text in seen[5:]] == ["b", "b"]
    assert len(server.connections) == 1
    assert server.refusals == []


def test_nothing_is_left_of_a_server() -> None:
    async def main() -> None:
        never = asyncio.Event()
        answers = (
            Answer(cut_after=150, cut_by="rst"),
            Answer(cut_after=150),
            Answer(holds={2: never}),
        )
        async with service(*answers) as server:
            for n in range(3):
                asking = Asking(nonce=f"{n:032x}")
                with contextlib.suppress(TimeoutError, ConnectionError):
                    async with asyncio.timeout(0.05):
                        await ask_raw(server, asking)

    run_clean(main)
