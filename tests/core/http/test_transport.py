"""Connections that fail: what each means, over real sockets where there is one."""

from __future__ import annotations

import asyncio
import inspect
import socket
import ssl
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import aiohttp.connector
import pytest
from aiohttp import client_exceptions, http_exceptions
from aiohttp.client_reqrep import ConnectionKey
from yarl import URL

from turnout.errors import (
    ConfigError,
    ConnectError,
    ConnectionLostError,
    ProtocolError,
    StreamTruncatedError,
    TurnoutError,
)
from turnout.http import _failures, _transport
from turnout.testing import (
    CHUNKED,
    Connection,
    FaultServer,
    Script,
    Step,
    chunk,
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

from ..scripted import Lines

CERTIFICATES = Path(__file__).parent / "certificates"


async def failure_at(url: str, **options: Any) -> TurnoutError:
    with pytest.raises(TurnoutError) as caught:
        await Lines(base_url=url, **options).complete("Why?")
    return caught.value


def classes_of(module: ModuleType) -> Iterator[type[BaseException]]:
    for value in vars(module).values():
        if (
            inspect.isclass(value)
            and issubclass(value, BaseException)
            and value.__module__ == module.__name__
        ):
            yield value


RAISED = [*classes_of(client_exceptions), *classes_of(http_exceptions)]

# A message for a WebSocket that is of the wrong type: turnout opens none.
UNRAISED = {aiohttp.WSMessageTypeError}


def made(kind: type[BaseException]) -> BaseException:
    """Return an instance whose every text has a canary in it."""

    place = ConnectionKey("canary.example", 443, True, True, None, None, None)
    info = aiohttp.RequestInfo(URL("http://canary/"), "GET", None, URL("http://x/"))  # type: ignore[arg-type]
    error = OSError(111, "canary")
    if issubclass(kind, aiohttp.ClientConnectorCertificateError):
        return kind(place, ssl.SSLCertVerificationError(1, "canary"))
    if kind is client_exceptions.UnixClientConnectorError:
        return client_exceptions.UnixClientConnectorError("canary", place, error)
    if issubclass(kind, aiohttp.ClientConnectorError):
        return kind(place, error)
    if issubclass(kind, aiohttp.ClientResponseError):
        return kind(info, (), status=400, message="canary")
    if issubclass(kind, aiohttp.ServerFingerprintMismatch):
        return kind(b"canary", b"canary", "canary", 1)
    if issubclass(kind, aiohttp.InvalidURL):
        return kind("http://canary")
    if issubclass(kind, http_exceptions.BadStatusLine):
        return kind("canary", "canary")
    if issubclass(
        kind, http_exceptions.InvalidHeader | http_exceptions.InvalidURLError
    ):
        return kind("canary")
    if issubclass(kind, http_exceptions.LineTooLong):
        return kind(b"canary", 1)
    if issubclass(kind, http_exceptions.BadHttpMessage):
        return kind("canary")
    if issubclass(kind, OSError):
        return kind(104, "canary")
    return kind("canary") if kind is not http_exceptions.HttpProcessingError else kind()


@pytest.mark.parametrize(
    "kind", [k for k in RAISED if k not in UNRAISED], ids=lambda kind: kind.__name__
)
def test_every_error_of_aiohttp_is_met(kind: type[BaseException]) -> None:
    error = made(kind)

    assert isinstance(error, _failures.ERRORS)
    before = _failures.open_error(error, "host", 5.0)
    within = _failures.body_error(error, "host")
    for met in (before, within):
        assert isinstance(met, TurnoutError)
        assert "host" in str(met)
        assert "canary" not in f"{met}{met!r}{vars(met)}"


@pytest.mark.parametrize(
    ("error", "before", "within"),
    [
        (TimeoutError(), ConnectError, StreamTruncatedError),
        (ConnectionResetError(104, "x"), ConnectionLostError, StreamTruncatedError),
        (BrokenPipeError(32, "x"), ConnectionLostError, StreamTruncatedError),
        (OSError(5, "x"), ConnectionLostError, StreamTruncatedError),
        (UnicodeError("x"), ConfigError, ProtocolError),
        (ValueError("x"), ConfigError, ProtocolError),
        (zlib.error("x"), ConnectionLostError, ProtocolError),
        (aiohttp.ServerDisconnectedError(), ConnectionLostError, StreamTruncatedError),
        (aiohttp.ClientPayloadError("x"), ConnectionLostError, StreamTruncatedError),
        (
            aiohttp.ClientPayloadError("400: Can not decode content-encoding: gzip"),
            ConnectionLostError,
            ProtocolError,
        ),
        (made(aiohttp.ClientResponseError), ProtocolError, ProtocolError),
        (made(aiohttp.ClientConnectorDNSError), ConnectError, StreamTruncatedError),
        (made(aiohttp.ServerFingerprintMismatch), ConnectError, StreamTruncatedError),
        (made(aiohttp.ClientHttpProxyError), ConnectError, ProtocolError),
        (made(aiohttp.ConnectionTimeoutError), ConnectError, StreamTruncatedError),
        (made(aiohttp.NonHttpUrlClientError), ConfigError, ProtocolError),
        (made(aiohttp.InvalidURL), ConfigError, ProtocolError),
    ],
    ids=lambda value: value.__name__ if inspect.isclass(value) else repr(value)[:40],
)
def test_an_error_has_its_class(
    error: BaseException, before: type[TurnoutError], within: type[TurnoutError]
) -> None:
    assert type(_failures.open_error(error, "host", 5.0)) is before
    assert type(_failures.body_error(error, "host")) is within


async def test_a_port_that_is_closed_cannot_be_reached() -> None:  # H01
    with refused_url() as url:
        error = await failure_at(url)

    assert isinstance(error, ConnectError)
    assert str(error) == f"cannot reach {url[7:]}: Connection refused"


async def test_a_name_that_is_not_known_cannot_be_reached() -> None:  # H02
    error = await failure_at("http://nowhere.invalid")

    assert isinstance(error, ConnectError)
    assert str(error) == "cannot reach nowhere.invalid: its name is not known"


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        pytest.param(socket.EAI_NONAME, False, id="no-such-name"),
        pytest.param(socket.EAI_AGAIN, True, id="no-look-up"),
    ],
)
def test_a_name_that_does_not_exist_is_not_asked_again(
    error: int, retryable: bool
) -> None:
    place = ConnectionKey("nowhere.invalid", 80, False, True, None, None, None)
    cause = aiohttp.ClientConnectorDNSError(place, socket.gaierror(error, "x"))
    met = _failures.open_error(cause, "nowhere.invalid", 5.0)

    assert isinstance(met, ConnectError)
    assert met.retryable is retryable


@pytest.mark.parametrize("url", ["http://" + "x" * 64 + ".invalid", "http://a..b"])
async def test_a_name_that_cannot_be_written_is_the_configurations(url: str) -> None:
    assert isinstance(await failure_at(url), ConfigError | ConnectError)


async def test_a_host_that_does_not_answer_is_given_up() -> None:  # H03
    with socket.socket() as listening, socket.socket() as waiting:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        # The queue holds one connection that nobody accepts; the next one waits.
        waiting.connect(listening.getsockname())
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        error = await failure_at(url, connect_timeout=0.05)

    assert isinstance(error, ConnectError)
    assert "no connection within connect_timeout=0.05 s" in str(error)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([fin()], id="accept-close"),  # H04
        pytest.param([wait_request(), rst()], id="reset"),
    ],
)
async def test_a_server_that_hangs_up_lost_the_connection(script: list[Step]) -> None:
    async with FaultServer(script) as server:
        error = await failure_at(server.url)

    assert isinstance(error, ConnectionLostError)
    assert len(server.connections) == 1


@pytest.mark.parametrize("end", [fin(), rst()], ids=["fin", "rst"])
@pytest.mark.parametrize(
    "head",
    [  # H05, H06, H07, H08
        b"H",
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ],
)
async def test_a_head_that_was_cut_breaks_the_protocol(head: bytes, end: Step) -> None:
    async with FaultServer([wait_request(), send(head), end]) as server:
        error = await failure_at(server.url)

    assert isinstance(error, ProtocolError)
    assert error.status_code is None
    assert len(server.connections) == 1


@pytest.mark.parametrize("end", [fin(), rst()], ids=["fin", "rst"])
async def test_a_kept_connection_that_was_closed_is_replaced(end: Step) -> None:  # H09
    first = [*respond(200, b"a\n"), wait_request(), end]
    async with FaultServer(first, respond(200, b"b\n")) as server:
        provider = Lines(base_url=server.url)
        await provider.complete("Why?")
        answer = await provider.complete("Why?")

    assert answer.text == "b"
    assert [len(c.requests) for c in server.connections] == [2, 1]


@pytest.mark.parametrize("end", [fin(), rst()], ids=["fin", "rst"])
@pytest.mark.parametrize("byte", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_a_kept_connection_that_began_to_answer_is_not(
    byte: bytes, end: Step
) -> None:  # H10
    script = [*respond(200, b"a\n"), wait_request(), send(byte), end]
    async with FaultServer(script) as server:
        provider = Lines(base_url=server.url)
        await provider.complete("Why?")
        with pytest.raises(ProtocolError):
            await provider.complete("Why?")

    assert [len(c.requests) for c in server.connections] == [2]


async def test_a_connection_is_replaced_by_a_new_one_and_once() -> None:
    meeting = [asyncio.Event(), asyncio.Event()]
    served = asyncio.Event()

    def closing(mine: int) -> list[Step]:
        # Two at the same time, so that two connections are kept.
        (_, answer) = respond(200, b"a\n")
        meet = [signal(meeting[mine]), until(meeting[1 - mine])]
        return [wait_request(), *meet, answer, wait_request(), fin()]

    async with FaultServer(closing(0), closing(1), [wait_request(), fin()]) as server:
        provider = Lines(base_url=server.url)
        await asyncio.gather(*(provider.complete("Why?") for _ in range(2)))
        served.set()
        with pytest.raises(ConnectionLostError):
            await provider.complete("Why?")

    # One of the two kept ones, and then not the other, but a third.
    assert sorted(len(c.requests) for c in server.connections) == [1, 1, 2]


async def test_a_new_connection_that_is_closed_is_not_replaced() -> None:
    async with FaultServer([wait_request(), fin()], respond(200, b"a\n")) as server:
        error = await failure_at(server.url)

    assert isinstance(error, ConnectionLostError)
    assert len(server.connections) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["elsewhere", "http://[::1", "//me:x@other/", ""])
async def test_a_redirect_is_not_followed(status: int, location: str) -> None:  # H22
    async with FaultServer(respond(200, b"a\n")) as elsewhere:
        to = elsewhere.url if location == "elsewhere" else location
        script = respond(status, b"", ("Location", to))
        async with FaultServer(script) as server:
            error = await failure_at(server.url)

    assert isinstance(error, ConfigError)
    assert f"status {status}" in str(error)
    assert "me:x" not in str(error)
    assert elsewhere.connections == []


async def test_preliminary_responses_are_skipped() -> None:  # H23
    script = [
        wait_request(),
        send(b"HTTP/1.1 100 Continue\r\n\r\n"),
        send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
        send(response_head(200, CHUNKED)),
        chunk(b"a\n"),
        chunk(b""),
    ]
    async with FaultServer(script) as server:
        answer = await Lines(base_url=server.url).complete("Why?")

    assert answer.text == "a"


@pytest.mark.parametrize("status", [101, 202, 204, 205, 299])
async def test_a_success_that_is_no_answer_breaks_the_protocol(status: int) -> None:
    script = [wait_request(), send(response_head(status)), fin()]
    async with FaultServer(script) as server:
        error = await failure_at(server.url)

    assert isinstance(error, ProtocolError)
    assert error.status_code == status


def tls_server(certificate: str, *scripts: Script) -> FaultServer:
    """Return a server over TLS; without a script, of one answer."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(
        CERTIFICATES / f"{certificate}.pem", CERTIFICATES / "key.pem"
    )
    return FaultServer(*scripts or [respond(200, b"a\n")], tls=context)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the certificates of these tests, which else nobody does."""
    context = ssl.create_default_context()
    for file in ("good", "wrong_host", "expired"):
        context.load_verify_locations(CERTIFICATES / f"{file}.pem")
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", context)


@pytest.mark.parametrize(
    ("certificate", "why"),
    [("wrong_host", "IP address mismatch"), ("expired", "certificate has expired")],
)
@pytest.mark.usefixtures("trusted")
async def test_a_certificate_that_does_not_hold_is_refused(
    certificate: str, why: str
) -> None:  # H26
    async with tls_server(certificate) as server:
        error = await failure_at(server.url)

    assert isinstance(error, ConnectError)
    assert "securely" in str(error)
    assert why in str(error)
    assert not error.retryable
    assert server.connections == []


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:  # H26
    async with tls_server("good") as server:
        error = await failure_at(server.url)

    assert isinstance(error, ConnectError)
    assert "self-signed certificate" in str(error)
    assert not error.retryable
    assert server.connections == []


@pytest.mark.usefixtures("trusted")
def test_an_answer_over_tls_leaves_nothing() -> None:
    async def main() -> str:
        async with tls_server("good") as server:
            async with Lines(base_url=server.url) as provider:
                return (await provider.complete("Why?")).text

    assert run_clean(main) == "a"


async def some_bytes(connection: Connection) -> None:
    await connection.reader.read(50)


async def test_a_port_that_does_not_speak_tls_is_named() -> None:
    script = [
        Step("read", some_bytes),
        send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        fin(),
    ]
    async with FaultServer(script) as server:
        error = await failure_at(server.url.replace("http://", "https://"))

    assert isinstance(error, ConnectError)
    assert "does not speak TLS; use http://" in str(error)
    assert not error.retryable


def tls_error(reason: str) -> aiohttp.ClientConnectorSSLError:
    place = ConnectionKey("host", 443, True, True, None, None, None)
    cause = ssl.SSLError(1, "canary")
    cause.reason = reason
    return aiohttp.ClientConnectorSSLError(place, cause)


@pytest.mark.parametrize(
    ("reason", "words", "retryable"),
    [
        ("WRONG_VERSION_NUMBER", "does not speak TLS", False),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "requires a client certificate", False),
        ("UNSUPPORTED_PROTOCOL", "securely: unsupported protocol", True),
    ],
)
def test_a_failure_of_tls_is_named_by_its_reason(
    reason: str, words: str, retryable: bool
) -> None:
    error = _failures.open_error(tls_error(reason), "host", 5.0)

    assert words in str(error)
    assert getattr(error, "retryable", None) is retryable


async def test_a_server_without_tls_is_told_nothing() -> None:  # H26
    async with FaultServer(respond(200, b"a\n")) as server:
        server_url = server.url.replace("http://", "https://")
        error = await failure_at(server_url, connect_timeout=0.2)
        # What cannot be read as a request is no failure of the server here.
        requests = server.http_requests
        server.failures.clear()

    assert isinstance(error, ConnectError)
    assert requests == []


async def test_a_body_that_failed_gives_out_what_came_before() -> None:
    cut = asyncio.Event()
    script = [
        wait_request(),
        send(response_head(200, CHUNKED)),
        chunk(b"a\n"),
        until(cut),
        *(chunk(b"b\n") for _ in range(5)),
        rst(),
    ]
    async with FaultServer(script) as server:
        stream = Lines(base_url=server.url).stream("Why?")
        texts = aiter(stream)
        assert await anext(texts) == "a"
        cut.set()
        await server.connections[0].wait_closed()
        for _ in range(10):
            await asyncio.sleep(0)
        with pytest.raises(StreamTruncatedError):
            async for _ in texts:
                pass

    assert stream.reply.text == "a" + "b" * 5


async def test_what_one_task_got_says_nothing_of_a_later_failure() -> None:
    async with FaultServer(respond(200, b"a\n")) as server:
        await Lines(base_url=server.url).complete("Why?")
        assert _transport.answered()
    with refused_url() as url:
        assert isinstance(await failure_at(url), ConnectError)

    assert not _transport.answered()
    assert not _transport.gone(ConnectionResetError())


class _Reading(asyncio.Transport):
    """A transport that says how much it reads at a time, as asyncio's own does."""

    max_size = 256 * 1024


async def test_no_read_is_as_large_as_what_the_c_library_gives_back() -> None:
    loop = asyncio.get_running_loop()
    reading, silent = _Reading(), asyncio.Transport()
    for transport in (reading, silent):
        _transport._Protocol(loop).connection_made(transport)  # pyright: ignore[reportPrivateUsage]

    assert reading.max_size < 128 * 1024 - 64
    assert not hasattr(silent, "max_size")


async def test_asyncio_still_tells_how_much_it_reads() -> None:
    async with FaultServer(respond(200, b"a")) as server:
        host, port = server.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        # Where it does not, reads are as dear as they were.
        assert hasattr(writer.transport, "max_size")
        writer.close()
        await writer.wait_closed()
