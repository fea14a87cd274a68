"""What the provider makes of answers, whole, broken and slow, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Literal

import pytest

from turnout.errors import (
    ConnectionLostError,
    ProtocolError,
    StreamTruncatedError,
    TurnoutError,
)
from turnout.testing import (
    CHUNKED,
    FaultServer,
    chunk,
    half_close,
    respond,
    response_head,
    run_clean,
    send,
    until,
    wait_request,
)
from turnout.testing._slicing import Slicing, at_random, by_size, whole
from turnout_flowgpt import FlowGpt

from ...support.flowgpt_server import (
    Answer,
    ContentEncoding,
    FlowGptServer,
    Framing,
    StatusAnswer,
)

PIECES = ("Café", " \U0001f5fc", " end")


async def failure_of(provider: FlowGpt) -> TurnoutError:
    """Ask, and return the error that comes of it."""
    with pytest.raises(TurnoutError) as caught:
        await provider.complete("Why?")
    return caught.value


async def drain(pieces: AsyncIterator[str]) -> None:
    async for _ in pieces:
        pass


def text_of(error: TurnoutError) -> str:
    assert error.reply is not None
    assert error.reply.finish_reason is None
    return error.reply.text


def text_in(body: bytes, framing: Framing) -> str:
    """Return the text of the whole lines in the beginning of a body on the wire."""
    payload = dechunked(body) if framing == "chunked" else body
    lines = payload.split(b"\n")[:-1]
    return "".join(json.loads(line)["data"] for line in lines)


def dechunked(body: bytes) -> bytes:
    payload = b""
    while b"\r\n" in body:
        size, _, body = body.partition(b"\r\n")
        payload += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
    return payload


@pytest.mark.parametrize("framing", ["chunked", "content-length"])
@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("final_newline", [False, True])
async def test_every_form_of_an_answer_has_the_same_text(
    framing: Framing, noise: bool, newline: bytes, final_newline: bool
) -> None:
    form = {
        "framing": framing,
        "noise": noise,
        "newline": newline,
        "final_newline": final_newline,
    }
    slicings: list[Slicing] = [whole, by_size(1), by_size(7), at_random(5)]
    answers = [Answer(slicing=slicing, **form) for slicing in slicings]  # type: ignore[arg-type]
    answers.append(Answer(chunk_size=3, **form))  # type: ignore[arg-type]
    async with FlowGptServer(*answers) as server:
        provider = FlowGpt(base_url=server.base_url)
        texts = [(await provider.complete("Why?")).text for _ in answers]

    assert texts == [Answer().text] * len(answers)
    assert server.refusals == []


async def test_pieces_come_as_they_are_sent() -> None:
    holds = {1: asyncio.Event(), 2: asyncio.Event(), 3: asyncio.Event()}
    async with FlowGptServer(Answer(pieces=PIECES, holds=holds)) as server:
        async with FlowGpt(base_url=server.base_url).stream("Why?") as stream:
            seen: list[str] = []
            async for piece in stream:
                seen.append(piece)
                assert stream.reply.text == "".join(seen)
                holds[len(seen)].set()

    assert seen == list(PIECES)


@pytest.mark.parametrize("content_type", ["text/html", "text/event-stream", "x"])
async def test_the_content_type_says_nothing(content_type: str) -> None:
    async with FlowGptServer(Answer(content_type=content_type)) as server:
        answer = await FlowGpt(base_url=server.base_url).complete("Why?")

    assert answer.text == Answer().text


@pytest.mark.parametrize("framing", ["chunked", "content-length"])
@pytest.mark.parametrize("cut_by", ["fin", "rst"])
async def test_a_cut_at_any_byte_is_no_whole_answer(
    framing: Framing, cut_by: Literal["fin", "rst"]
) -> None:
    uncut = Answer(pieces=PIECES, framing=framing)
    wire, head = uncut.wire(), len(uncut.head())
    cuts = range(len(wire))
    answers = [
        Answer(pieces=PIECES, framing=framing, cut_after=cut, cut_by=cut_by)
        for cut in cuts
    ]
    async with FlowGptServer(*answers, uncut) as server:
        provider = FlowGpt(base_url=server.base_url)
        errors = [await failure_of(provider) for _ in cuts]
        complete = await provider.complete("Why?")

    assert server.refusals == []
    assert complete.text == "".join(PIECES)
    for cut, error in zip(cuts, errors, strict=True):
        if cut < head:
            assert isinstance(error, ConnectionLostError | ProtocolError), cut
            assert text_of(error) == ""
        else:
            assert isinstance(error, StreamTruncatedError), cut
            assert text_of(error) == text_in(wire[head:cut], framing), cut


@pytest.mark.parametrize("cut_by", ["fin", "rst"])
async def test_what_came_before_a_cut_reaches_a_slow_reader(
    cut_by: Literal["fin", "rst"],
) -> None:
    held = asyncio.Event()
    cut = len(Answer(pieces=PIECES).wire()) - 1
    answer = Answer(pieces=PIECES, holds={1: held}, cut_after=cut, cut_by=cut_by)
    async with FlowGptServer(answer) as server:
        stream = FlowGpt(base_url=server.base_url).stream("Why?")
        pieces = aiter(stream)
        assert await anext(pieces) == PIECES[0]
        held.set()
        await server.connections[0].wait_closed()
        for _ in range(10):  # The client's loop reads what has come, and the end.
            await asyncio.sleep(0)
        with pytest.raises(StreamTruncatedError) as caught:
            await drain(pieces)

    assert text_of(caught.value) == "".join(PIECES)


@pytest.mark.parametrize("cut_by", ["fin", "rst"])
async def test_an_answer_without_framing_has_no_provable_end(
    cut_by: Literal["fin", "rst"],
) -> None:
    # "The end of a correctly framed HTTP body [...] is the end of the answer": this
    # one has no frame, so that even its whole text may lack something.
    answer = Answer(pieces=PIECES, framing="close", cut_after=1 << 20, cut_by=cut_by)
    async with FlowGptServer(answer) as server:
        error = await failure_of(FlowGpt(base_url=server.base_url))

    assert isinstance(error, StreamTruncatedError)
    assert text_of(error) == "".join(PIECES)


async def test_an_answer_in_http_1_0_has_no_provable_end() -> None:
    script = [
        wait_request(),
        send(b"HTTP/1.0 200 OK\r\n\r\n"),
        send(b'{"event":"text","data":"all"}\n'),
    ]
    async with FaultServer(script) as server:
        error = await failure_of(FlowGpt(base_url=server.url))

    assert isinstance(error, StreamTruncatedError)
    assert text_of(error) == "all"


async def test_a_half_closed_connection_is_a_truncated_answer() -> None:
    script = [
        wait_request(),
        send(response_head(200, CHUNKED)),
        chunk(b'{"event":"text","data":"half"}\n'),
        half_close(),
        until(asyncio.Event()),
    ]
    async with FaultServer(script) as server:
        error = await failure_of(FlowGpt(base_url=server.url))

    assert isinstance(error, StreamTruncatedError)
    assert text_of(error) == "half"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("framing", ["chunked", "content-length"])
async def test_a_compressed_answer_that_was_not_asked_for_has_no_provable_end(
    encoding: ContentEncoding, framing: Framing
) -> None:
    answer = Answer(pieces=PIECES, content_encoding=encoding, framing=framing)
    async with FlowGptServer(answer) as server:
        error = await failure_of(FlowGpt(base_url=server.base_url))

    assert isinstance(error, StreamTruncatedError)
    assert text_of(error) == "".join(PIECES)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param((), id="nothing"),
        pytest.param((b"", b"  ", b"\r"), id="blank-lines"),
    ],
)
@pytest.mark.parametrize("framing", ["chunked", "content-length"])
async def test_an_empty_answer_is_truncated(
    lines: tuple[bytes, ...], framing: Framing
) -> None:
    async with FlowGptServer(Answer(pieces=lines, framing=framing)) as server:
        error = await failure_of(FlowGpt(base_url=server.base_url))

    assert isinstance(error, StreamTruncatedError)


async def test_an_answer_without_text_is_an_empty_text() -> None:
    answer = Answer(pieces=(b'{"event":"metadata"}', ""))
    async with FlowGptServer(answer) as server:
        provider = FlowGpt(base_url=server.base_url)
        complete = await provider.complete("Why?", allow_empty=True)

    assert complete.text == ""
    assert complete.finish_reason == "unknown"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"oops", id="words"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"event":"text","data":"\xff"}', id="not-utf-8"),
        pytest.param(b'{"event":"text","data":7}', id="data-is-no-text"),
        pytest.param(b'{"event":"text"', id="cut-off"),
    ],
)
@pytest.mark.parametrize("slicing", [whole, by_size(1)])
async def test_a_broken_line_ends_the_answer(line: bytes, slicing: Slicing) -> None:
    held = asyncio.Event()
    answer = Answer(
        pieces=("before", line, "never shown"), slicing=slicing, holds={1: held}
    )
    async with FlowGptServer(answer) as server:
        stream = FlowGpt(base_url=server.base_url).stream("Why?")
        pieces = aiter(stream)
        assert await anext(pieces) == "before"
        held.set()
        with pytest.raises(ProtocolError) as caught:
            await anext(pieces)

    assert text_of(caught.value) == "before"


async def test_a_broken_line_frees_the_connection() -> None:
    answer = Answer(pieces=("before", b"oops", "after"), holds={2: asyncio.Event()})
    async with FlowGptServer(answer) as server:
        await failure_of(FlowGpt(base_url=server.base_url))
        await server.connections[0].wait_peer_closed()


async def test_a_page_in_place_of_an_answer_breaks_the_protocol() -> None:
    script = respond(200, b"<!DOCTYPE html>\n<title>Log in</title>\n")
    async with FaultServer(script) as server:
        error = await failure_of(FlowGpt(base_url=server.url))

    assert isinstance(error, ProtocolError)


@pytest.mark.parametrize("status", [204, 205, 206, 299])
async def test_another_success_is_no_answer(status: int) -> None:
    async with FlowGptServer(StatusAnswer(status=status)) as server:
        error = await failure_of(FlowGpt(base_url=server.base_url))

    assert isinstance(error, ProtocolError)
    assert error.status_code == status


@pytest.mark.parametrize("framing", ["chunked", "content-length"])
async def test_a_line_of_nearly_a_megabyte_is_one_piece(framing: Framing) -> None:
    text = "é" * 500_000
    answer = Answer(pieces=("a", text, "b"), framing=framing)
    async with FlowGptServer(answer) as server:
        stream = FlowGpt(base_url=server.base_url).stream("Why?")
        pieces = [piece async for piece in stream]

    assert pieces == ["a", text, "b"]


async def test_a_line_of_more_than_a_megabyte_is_refused() -> None:
    async with FlowGptServer(Answer(pieces=("x" * (1 << 20),))) as server:
        error = await failure_of(FlowGpt(base_url=server.base_url))

    assert isinstance(error, ProtocolError)


async def test_more_bytes_than_are_accepted_are_refused() -> None:
    async with FlowGptServer(Answer(pieces=("x" * 500,) * 4)) as server:
        error = await failure_of(FlowGpt(base_url=server.base_url, max_bytes=1000))

    assert isinstance(error, ProtocolError)


def test_leaving_a_stream_frees_its_connection() -> None:
    async def main() -> None:
        answer = Answer(pieces=PIECES, holds={1: asyncio.Event()})
        async with FlowGptServer(answer) as server:
            async with FlowGpt(base_url=server.base_url).stream("Why?") as stream:
                async for _ in stream:
                    break
            await server.connections[0].wait_peer_closed()

    run_clean(main)


@pytest.mark.parametrize("hold", [0, 1, 3])
def test_cancelling_frees_the_connection(hold: int) -> None:
    async def main() -> None:
        answer = Answer(pieces=PIECES, holds={hold: asyncio.Event()})
        async with FlowGptServer(answer) as server:
            provider = FlowGpt(base_url=server.base_url)
            task = asyncio.create_task(provider.complete("Why?"))
            await server.wait_for(lambda: len(server.requests) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await server.connections[0].wait_peer_closed()

    run_clean(main)


def test_broken_answers_leave_nothing() -> None:
    async def main() -> None:
        answers = [
            Answer(cut_after=0),
            Answer(cut_after=200),
            Answer(cut_after=200, cut_by="rst"),
            Answer(pieces=("a", b"broken")),
            Answer(framing="close"),
        ]
        async with FlowGptServer(*answers) as server:
            for _ in answers:
                await failure_of(FlowGpt(base_url=server.base_url))

    run_clean(main)
