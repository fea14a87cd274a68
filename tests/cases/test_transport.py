"""Connections that fail in every place they can. H01 to H26 of the cases."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
import tracemalloc
import zlib
from collections.abc import Generator
from functools import cache
from pathlib import Path

import aiohttp.connector
import pytest

from tests.support.openai_server import finish, text
from turnout.errors import (
    ConfigError,
    ConnectError,
    ConnectionLostError,
    ProtocolError,
    StreamTruncatedError,
)
from turnout.testing import (
    CHUNKED,
    Script,
    Step,
    chunk,
    fin,
    forever,
    last_chunk,
    refused_url,
    respond,
    response_head,
    rst,
    send,
    until,
    wait_request,
)

from .harness import OPENAI, PROMPT, Case, Service, serving

CERTIFICATES = Path(__file__).parents[1] / "core" / "http" / "certificates"

ENDS = [pytest.param(fin(), id="fin"), pytest.param(rst(), id="rst")]


# Before there is a response.


async def test_h01_a_refused_connection_falls_over(
    case: Case, service: Service
) -> None:
    with refused_url() as url:
        error = await case.fails_at(service, url, ConnectError)
        await case.falls_over_at(service, url, ConnectError)

    assert error.retryable


async def test_h02_an_unknown_name_falls_over(case: Case, service: Service) -> None:
    url = "http://nowhere.invalid"
    error = await case.fails_at(service, url, ConnectError)
    await case.falls_over_at(service, url, ConnectError)

    assert "nowhere.invalid" in str(error)


async def test_h03_a_host_that_does_not_answer_falls_over(
    case: Case, service: Service
) -> None:
    with socket.socket() as listening, socket.socket() as waiting:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        # The queue holds one connection that nobody accepts; the next one waits.
        waiting.connect(listening.getsockname())
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        await case.fails_at(service, url, ConnectError, connect_timeout=0.03)
        await case.falls_over_at(service, url, ConnectError, connect_timeout=0.03)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([fin()], id="H04-accept"),
        pytest.param([wait_request(), fin()], id="H04-asked"),
        pytest.param([wait_request(), rst()], id="H04-reset"),
    ],
)
async def test_a_server_that_hangs_up_falls_over(
    case: Case, service: Service, script: Script
) -> None:
    await case.breaks(service, script, ConnectionLostError)


MANY = [(f"X-{number}", "x") for number in range(200)]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="H05-cut"),
        pytest.param(b"HT", id="H05-cut-at-once"),
        pytest.param(b"hello there, how are you\r\n\r\n", id="H06-status-line"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="H06-status"),
        pytest.param(response_head(200, ("X", "x" * 9000)), id="H07-long"),
        pytest.param(response_head(200, *MANY), id="H08-many"),
    ],
)
async def test_a_head_that_is_no_head_breaks_the_protocol(
    case: Case, service: Service, head: bytes
) -> None:
    script = [wait_request(), send(head), fin()]
    error = await case.breaks(service, script, ProtocolError)

    assert error.status_code is None


# Connections that were used before.


@pytest.mark.parametrize("end", ENDS)
async def test_h09_a_kept_connection_that_was_closed_is_replaced_once(
    case: Case, service: Service, end: Step
) -> None:
    first = [*service.answering("one"), wait_request(), end]
    async with serving(first, service.answering("two")) as server:
        async with service.provider(server.url) as provider:
            assert (await provider.complete(PROMPT)).text == "one"
            assert (await provider.complete(PROMPT)).text == "two"

    assert [len(c.requests) for c in server.connections] == [2, 1]


@pytest.mark.parametrize("end", ENDS)
async def test_h10_a_kept_connection_that_began_to_answer_is_not(
    case: Case, service: Service, end: Step
) -> None:
    script = [*service.answering("one"), wait_request(), send(b"H"), end]
    async with serving(script) as server:
        async with service.provider(server.url) as provider:
            await provider.complete(PROMPT)
            with pytest.raises(ProtocolError) as caught:
                await provider.complete(PROMPT)

    case.raised.append(caught.value)
    assert [len(c.requests) for c in server.connections] == [2]


# Bodies.


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "last",
    [
        pytest.param(OPENAI.end, id="H11-mark"),
        pytest.param(OPENAI.end.rstrip(), id="H11-mark-without-its-line"),
        pytest.param(finish(), id="H11-reason"),
        pytest.param(finish().rstrip(), id="H11-reason-without-its-line"),
    ],
)
async def test_what_follows_the_last_word_is_of_no_account(
    case: Case, last: bytes, end: Step
) -> None:
    script = OPENAI.streaming(chunk(text("whole") + last), end)
    reply = await case.replies(OPENAI, script)

    assert (reply.text, reply.finish_reason) == ("whole", "stop")


CHUNKED_HEAD = [CHUNKED]
SIZED_HEAD = [("Content-Length", "5000")]


@pytest.mark.parametrize(
    ("headers", "version", "end"),
    [
        pytest.param([CHUNKED], b"1.1", fin(), id="H12-chunks-fin"),
        pytest.param([CHUNKED], b"1.1", rst(), id="H12-chunks-rst"),
        pytest.param(SIZED_HEAD, b"1.1", fin(), id="H12-length-fin"),
        pytest.param(SIZED_HEAD, b"1.1", rst(), id="H12-length-rst"),
        pytest.param([], b"1.1", fin(), id="H13-close-fin"),
        pytest.param([], b"1.1", rst(), id="H14-close-rst"),
        pytest.param([], b"1.0", fin(), id="H15-http10-fin"),
        pytest.param([], b"1.0", rst(), id="H15-http10-rst"),
    ],
)
@pytest.mark.parametrize("shown", ["", "half"], ids=["before", "after"])
async def test_a_body_that_was_cut_never_looks_whole(
    case: Case,
    service: Service,
    headers: list[tuple[str, str]],
    version: bytes,
    end: Step,
    shown: str,
) -> None:
    head = service.head(*headers).replace(b"HTTP/1.1", b"HTTP/" + version, 1)
    write = chunk if CHUNKED in headers else send
    begin = [write(service.piece(shown))] if shown else []
    script = [wait_request(), send(head), *begin, end]

    if shown:
        error = await case.fails(service, script, StreamTruncatedError)
    else:
        error = await case.breaks(service, script, StreamTruncatedError)
    assert error.reply is not None
    assert error.reply.text == shown
    assert error.reply.finish_reason is None


GZIP = (("Content-Encoding", "gzip"), CHUNKED)


def flushed(*events: bytes) -> list[bytes]:
    """Compress events, each to be read as soon as it comes."""
    coder = zlib.compressobj(wbits=31)
    return [coder.compress(e) + coder.flush(zlib.Z_SYNC_FLUSH) for e in events]


async def test_h17_a_compressed_answer_is_read_as_it_comes(case: Case) -> None:
    first, rest = flushed(text("one"), text("two") + OPENAI.end)
    read = asyncio.Event()
    script = [
        wait_request(),
        send(OPENAI.head(*GZIP)),
        chunk(first),
        until(read),
        chunk(rest),
        last_chunk(),
    ]
    async with serving(script) as server:
        async with OPENAI.provider(server.url) as provider:
            texts: list[str] = []
            async for piece in provider.stream(PROMPT):
                texts.append(piece)
                read.set()

    assert texts == ["one", "two"]


async def test_h18_a_compressed_answer_that_was_cut_is_truncated(
    case: Case, service: Service
) -> None:
    cut = flushed(service.piece("half"))
    script = [wait_request(), send(service.head(*GZIP)), *map(chunk, cut), last_chunk()]
    error = await case.fails(service, script, StreamTruncatedError)

    assert error.reply is not None
    assert error.reply.text == "half"


async def test_h19_a_compressed_answer_that_is_corrupt_breaks_the_protocol(
    case: Case, service: Service
) -> None:
    data = bytearray(gzip.compress(service.answer("lost")))
    data[12:20] = b"\xff" * 8
    script = [
        wait_request(),
        send(service.head(*GZIP)),
        chunk(bytes(data)),
        last_chunk(),
    ]

    await case.breaks(service, script, ProtocolError)


@cache
def bomb() -> bytes:
    """Return 200 MB of lines that say nothing, compressed to a thousandth."""
    coder = zlib.compressobj(wbits=31)
    line = b" " * 65535 + b"\n"
    parts = [coder.compress(line) for _ in range(3200)]
    return b"".join([*parts, coder.flush()])


@contextlib.contextmanager
def memory_below(megabytes: int) -> Generator[None]:
    """Insist on how much more memory is held at any moment."""
    tracemalloc.start(1)
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < megabytes << 20


@pytest.mark.ci
async def test_h20_a_compressed_bomb_stops_at_a_limit(
    case: Case, service: Service
) -> None:
    assert len(bomb()) < 300_000

    script = [wait_request(), send(service.head(*GZIP)), chunk(bomb()), last_chunk()]
    with memory_below(64):
        error = await case.fails(service, script, ProtocolError)

    assert "max_bytes" in str(error)


async def test_h21_an_endless_answer_stops_at_a_limit(
    case: Case, service: Service
) -> None:
    script = service.streaming(forever(chunk(service.piece("x") * 100)))
    with memory_below(64):
        error = await case.fails(service, script, ProtocolError, max_bytes=1 << 20)

    assert "max_bytes" in str(error)
    assert error.reply is not None
    assert set(error.reply.text) == {"x"}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_h22_a_redirect_is_the_configurations_and_not_followed(
    case: Case, service: Service, status: int
) -> None:
    async with serving(service.answering("no")) as elsewhere:
        script = respond(status, b"", ("Location", f"{elsewhere.url}/v1"))
        await case.fails(service, script, ConfigError)

    assert elsewhere.connections == []


async def test_h23_preliminary_responses_are_skipped(
    case: Case, service: Service
) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    (asked, *answer) = service.answering("whole")
    script = [asked, send(b"HTTP/1.1 100 Continue\r\n\r\n"), send(early), *answer]

    assert (await case.replies(service, script)).text == "whole"


@pytest.mark.parametrize("status", [204, 205])
async def test_h23_an_answer_without_content_breaks_the_protocol(
    case: Case, service: Service, status: int
) -> None:
    script = [wait_request(), send(response_head(status)), fin()]

    assert (await case.breaks(service, script, ProtocolError)).status_code == status


async def test_h24_a_call_ends_with_the_last_word(case: Case) -> None:
    took: list[float] = []
    loop = asyncio.get_running_loop()
    never = asyncio.Event()
    script = OPENAI.streaming(chunk(OPENAI.answer("whole")), until(never))
    # The quickest of some: another program may have the processor for a while.
    for _ in range(3):
        async with serving(script) as server:
            async with OPENAI.provider(server.url) as provider:
                async for _piece in provider.stream(PROMPT):
                    took.append(-loop.time())
                took[-1] += loop.time()
            await server.connections[0].wait_peer_closed()

    assert min(took) < 0.1


# TLS.


def over_tls(certificate: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(
        CERTIFICATES / f"{certificate}.pem", CERTIFICATES / "key.pem"
    )
    return context


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the certificates of these tests, which else nobody does."""
    context = ssl.create_default_context()
    for file in ("wrong_host", "expired"):
        context.load_verify_locations(CERTIFICATES / f"{file}.pem")
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", context)


@pytest.mark.parametrize(
    "certificate",
    [
        pytest.param("good", id="H26-self-signed"),
        pytest.param("wrong_host", id="H26-wrong-host"),
        pytest.param("expired", id="H26-expired"),
    ],
)
@pytest.mark.usefixtures("trusted")
async def test_a_certificate_that_does_not_hold_is_not_asked_again(
    case: Case, service: Service, certificate: str
) -> None:
    async with serving(service.answering("no"), tls=over_tls(certificate)) as server:
        error = await case.fails_at(service, server.url, ConnectError)
        await case.falls_over_at(service, server.url, ConnectError)

    assert "securely" in str(error)
    assert not error.retryable
    assert server.connections == []


async def test_h26_a_server_without_tls_is_told_nothing(
    case: Case, service: Service
) -> None:
    script = [send(response_head(400)), until(asyncio.Event())]
    async with serving(script) as server:
        url = server.url.replace("http://", "https://")
        error = await case.fails_at(service, url, ConnectError)

    assert "securely" in str(error)
    assert server.http_requests == []
