"""HTTP proxies over sockets: what they are sent, and what their failures are called."""

from __future__ import annotations

import asyncio
import base64
import ssl
import traceback
from pathlib import Path
from typing import Any

import pytest

from turnout.errors import (
    AuthenticationError,
    ConfigError,
    ConnectError,
    ConnectionLostError,
    InvalidRequestError,
    ProtocolError,
    ServerError,
    TurnoutError,
)
from turnout.testing import (
    Connection,
    FaultServer,
    HttpRequest,
    Step,
    fin,
    refused_url,
    respond,
    response_head,
    run_clean,
    send,
    wait_request,
)

from ...support.forward_proxy import ForwardProxy
from ..scripted import Lines

CERTIFICATES = Path(__file__).parent / "certificates"
HOST = "service.example"


def server_context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / "good.pem", CERTIFICATES / "key.pem")
    return context


def trusting(**options: Any) -> dict[str, Any]:
    return {"ca_file": CERTIFICATES / "good.pem", **options}


async def failure_at(url: str, **options: Any) -> TurnoutError:
    with pytest.raises(TurnoutError) as caught:
        await Lines(base_url=url, **options).complete("Why?")
    assert "canary" not in f"{caught.value}{vars(caught.value)}"
    return caught.value


def authorization(head: HttpRequest) -> bytes:
    (value,) = head.values("Proxy-Authorization")
    return base64.b64decode(value.removeprefix("Basic "))


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("proxy_tls", [False, True], ids=["http-proxy", "https-proxy"])
async def test_a_request_goes_through_the_proxy_with_its_password(
    tls: bool, proxy_tls: bool
) -> None:
    server = FaultServer(
        [*respond(200, b"a\n"), *respond(200, b"b\n")],
        tls=server_context() if tls else None,
    )
    proxy = ForwardProxy(
        credentials=("us", "pé"), tls=server_context() if proxy_tls else None
    )
    async with server, proxy:
        provider = Lines(
            base_url=server.url, proxy=proxy.url_with_credentials, **trusting()
        )
        texts = [(await provider.complete("Why?")).text for _ in range(2)]

    assert texts == ["a", "b"]
    assert len(server.connections) == len(proxy.connections) == 1
    assert proxy.forwarded[0].method == ("CONNECT" if tls else "POST")
    assert {authorization(head) for head in proxy.forwarded} == {"us:pé".encode()}
    for request in server.http_requests:
        assert request.values("Proxy-Authorization") == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_of_the_environment_is_used(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FaultServer(
        respond(200, b"a\n"), tls=server_context() if scheme == "https" else None
    )
    async with server, ForwardProxy(hosts={HOST: ("127.0.0.1", 0)}) as proxy:
        proxy._hosts = {HOST: ("127.0.0.1", server.port)}  # pyright: ignore[reportPrivateUsage]
        monkeypatch.setenv("ALL_PROXY", proxy.url.removeprefix("http://"))
        context = ssl.create_default_context(cafile=CERTIFICATES / "good.pem")
        context.check_hostname = False
        provider = Lines(
            base_url=server.url.replace("127.0.0.1", HOST), ssl_context=context
        )
        assert (await provider.complete("Why?")).text == "a"
        assert len(proxy.forwarded) == 1


async def test_this_machine_is_asked_past_a_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with refused_url() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        async with FaultServer(respond(200, b"a\n")) as server:
            assert (await Lines(base_url=server.url).complete("Why?")).text == "a"


async def test_this_machine_is_asked_through_the_option() -> None:
    async with FaultServer(respond(200, b"a\n")) as server, ForwardProxy() as proxy:
        provider = Lines(base_url=server.url, proxy=proxy.url)
        assert (await provider.complete("Why?")).text == "a"

    assert len(proxy.forwarded) == 1


async def test_a_wrong_variable_is_the_configurations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://me:canary@p")

    error = await failure_at(f"https://{HOST}")

    assert isinstance(error, ConfigError)
    assert str(error).startswith("Lines: HTTPS_PROXY has the unknown scheme 'ftp'")
    assert error.__context__ is None


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("credentials", "advice"),
    [
        ("", "; put a user name and a password into proxy"),
        ("me:canary@", "; check the user name and the password in proxy"),
    ],
)
async def test_a_proxy_that_requires_a_password_is_asked_once(
    scheme: str, credentials: str, advice: str
) -> None:
    async with ForwardProxy(credentials=("me", "right")) as proxy:
        address = proxy.url.replace("://", f"://{credentials}")
        error = await failure_at(f"{scheme}://{HOST}", proxy=address)

    assert isinstance(error, ConnectError)
    assert not error.retryable
    assert f"the proxy 127.0.0.1:{proxy.port}" in str(error)
    assert HOST in str(error)
    assert "status 407" in str(error)
    assert str(error).endswith(advice)
    assert len(proxy.refused) == 1


@pytest.mark.parametrize(
    ("status", "headers", "told", "retryable"),
    [
        (403, "", "status 403", False),
        (405, "", "status 405; check that proxy is the address of an HTTP", False),
        (429, "", "status 429", True),
        (502, "", "status 502", True),
        (503, "X-Squid-Error: ERR_DNS_FAIL 0\r\n", "status 503 (ERR_DNS_FAIL)", True),
        (
            502,
            "Proxy-Status: p; error=dns_error; canary\r\n",
            "status 502 (dns_error)",
            True,
        ),
    ],
)
async def test_a_tunnel_that_is_refused_is_the_proxys(
    status: int, headers: str, told: str, retryable: bool
) -> None:
    refusal = f"HTTP/1.1 {status} canary\r\n{headers}Content-Length: 0\r\n\r\n".encode()
    async with ForwardProxy(refusal=refusal) as proxy:
        error = await failure_at(f"https://{HOST}", proxy=proxy.url)

    assert isinstance(error, ConnectError)
    name = f"the proxy 127.0.0.1:{proxy.port}"
    assert f"{name} refused to connect to {HOST}: {told}" in str(error)
    assert error.retryable is retryable


@pytest.mark.parametrize(
    ("status", "header", "told", "retryable"),
    [
        (503, "X-Squid-Error: ERR_DNS_FAIL 0", "status 503 (ERR_DNS_FAIL)", True),
        (502, "Proxy-Status: x;error=dns_timeout", "status 502 (dns_timeout)", True),
        (403, "Server: squid/6.6", "status 403", False),
        (500, "Server: tinyproxy/1.11", "status 500", True),
        (502, "Server: mitmproxy 10.1", "status 502", True),
        (400, "Server: Privoxy", "status 400; check that proxy is the address", False),
        (401, "Proxy-Authenticate: Basic", "status 401", False),
    ],
)
async def test_a_page_of_the_proxy_is_not_the_services(
    status: int, header: str, told: str, retryable: bool
) -> None:
    refusal = f"HTTP/1.1 {status} x\r\n{header}\r\nContent-Length: 0\r\n\r\n".encode()
    async with ForwardProxy(refusal=refusal) as proxy:
        error = await failure_at(f"http://{HOST}", proxy=proxy.url)

    assert isinstance(error, ConnectError)
    name = f"the proxy 127.0.0.1:{proxy.port}"
    assert f"{name} did not forward the request to {HOST}: {told}" in str(error)
    assert error.retryable is retryable


async def test_an_error_that_may_be_the_proxys_names_it() -> None:
    refusal = response_head(502, ("Via", "1.1 p"), ("Content-Length", "0"))
    async with ForwardProxy(refusal=refusal) as proxy:
        error = await failure_at(f"http://{HOST}", proxy=proxy.url)

    assert isinstance(error, ServerError)
    assert f"(status 502) through the proxy 127.0.0.1:{proxy.port}" in str(error)


async def test_a_tunnel_hides_no_status_of_the_service() -> None:
    server = FaultServer(respond(407, b""), tls=server_context())
    async with server, ForwardProxy() as proxy:
        error = await failure_at(server.url, proxy=proxy.url, **trusting())

    assert isinstance(error, InvalidRequestError)
    assert "proxy" not in str(error)


async def test_a_service_in_a_tunnel_is_itself() -> None:
    server = FaultServer(respond(401, b""), tls=server_context())
    async with server, ForwardProxy() as proxy:
        error = await failure_at(server.url, proxy=proxy.url, **trusting())

    assert isinstance(error, AuthenticationError)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_cannot_be_reached_is_named(scheme: str) -> None:
    with refused_url() as url:
        error = await failure_at(f"{scheme}://{HOST}", proxy=url)

    assert isinstance(error, ConnectError)
    assert str(error) == (
        f"cannot reach the proxy {url[7:]} on the way to {HOST}: Connection refused"
    )


async def test_a_variables_proxy_is_named_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with refused_url() as url:
        monkeypatch.setenv("all_proxy", url)
        error = await failure_at(f"http://{HOST}")

    assert f"the proxy {url[7:]} of all_proxy" in str(error)


async def test_a_proxys_name_that_is_not_known_is_the_proxys() -> None:
    error = await failure_at(f"http://{HOST}", proxy="http://me:canary@proxy.invalid:1")

    assert isinstance(error, ConnectError)
    assert str(error) == (
        f"cannot reach the proxy proxy.invalid:1 on the way to {HOST}: its name is not "
        "known"
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_hangs_up_is_named(scheme: str) -> None:
    async with ForwardProxy(refusal=b"") as proxy:
        error = await failure_at(f"{scheme}://{HOST}", proxy=proxy.url)

    assert isinstance(error, ConnectionLostError)
    assert f"the proxy 127.0.0.1:{proxy.port} on the way to {HOST} closed" in str(error)


async def test_a_service_that_hangs_up_in_a_tunnel_is_itself() -> None:
    server = FaultServer([wait_request(), fin()], tls=server_context())
    async with server, ForwardProxy() as proxy:
        error = await failure_at(server.url, proxy=proxy.url, **trusting())

    assert isinstance(error, ConnectionLostError)
    assert "proxy" not in str(error)


async def test_a_proxy_that_does_not_speak_http_is_named() -> None:
    async with ForwardProxy(refusal=b"SSH-2.0-x\r\n") as proxy:
        error = await failure_at(f"https://{HOST}", proxy=proxy.url)

    assert isinstance(error, ProtocolError)
    assert f"the proxy 127.0.0.1:{proxy.port} on the way to {HOST} sent" in str(error)


async def test_a_proxy_that_takes_too_long_is_named() -> None:
    held = asyncio.Event()

    async def hold(connection: object) -> None:
        await held.wait()

    async with FaultServer([Step("hold", hold)]) as server:
        error = await failure_at(
            f"https://{HOST}", proxy=server.url, connect_timeout=0.1
        )
        held.set()

    assert isinstance(error, ConnectError)
    name = f"the proxy {server.url[7:]}"
    assert f"cannot reach {HOST} through {name}: no connection within" in str(error)


async def test_an_https_proxy_that_is_not_trusted_is_named() -> None:
    async with ForwardProxy(tls=server_context()) as proxy:
        error = await failure_at(f"http://{HOST}", proxy=proxy.url)

    assert isinstance(error, ConnectError)
    assert f"the proxy 127.0.0.1:{proxy.port} on the way to {HOST}" in str(error)
    assert "self-signed certificate" in str(error)


async def some_bytes(connection: Connection) -> None:
    await connection.reader.read(50)


async def test_an_https_proxy_that_does_not_speak_tls_is_named() -> None:
    script = [Step("read", some_bytes), send(response_head(400)), fin()]
    async with FaultServer(script) as server:
        address = server.url.replace("http://", "https://")
        error = await failure_at(f"http://{HOST}", proxy=address)

    assert isinstance(error, ConnectError)
    assert "use http:// in place of https:// in proxy" in str(error)
    assert not error.retryable


async def test_an_http_proxy_that_speaks_tls_is_named() -> None:
    alert = b"\x15\x03\x03\x00\x02\x02\x46"
    async with FaultServer([wait_request(), send(alert), fin()]) as server:
        error = await failure_at(f"http://{HOST}", proxy=server.url)

    assert isinstance(error, ConnectError)
    assert "its port speaks TLS; use https:// in place of http:// in proxy" in str(
        error
    )


def test_a_tunnel_leaves_nothing() -> None:
    async def main() -> None:
        server = FaultServer(respond(200, b"a\n"), tls=server_context())
        async with server, ForwardProxy() as proxy:
            provider = Lines(base_url=server.url, proxy=proxy.url, **trusting())
            assert (await provider.complete("Why?")).text == "a"

    run_clean(main)


@pytest.mark.parametrize("service", ["http", "https"])
@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
async def test_no_frame_of_turnout_shows_the_password(
    service: str, scheme: str
) -> None:
    async with FaultServer([fin()]) as server:
        proxy = server.url.replace("http://", f"{scheme}://me:canary@")
        error = await failure_at(f"{service}://192.0.2.1", proxy=proxy)

    encoded = base64.b64encode(b"me:canary").decode()
    frames = [
        frame
        for frame in traceback.TracebackException.from_exception(
            error, capture_locals=True
        ).stack
        if "/turnout/" in frame.filename
    ]
    assert frames
    assert error.__context__ is None
    for frame in frames:
        assert "canary" not in str(frame.locals)
        assert encoded not in str(frame.locals)
