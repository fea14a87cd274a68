"""SOCKS proxies over sockets: what they are asked, and how connections are used."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from turnout._proxy import read_proxy
from turnout.errors import (
    ConnectError,
    ConnectionLostError,
    ProtocolError,
    TurnoutError,
)
from turnout.http import Http
from turnout.http._transport import MOST_SESSIONS, Pool, answered
from turnout.testing import (
    FaultServer,
    Step,
    fin,
    refused_url,
    respond,
    rst,
    run_clean,
    send,
    until,
    wait_request,
)
from turnout.types import Secret

from ...support.socks_server import SocksServer
from ..scripted import Lines

CERTIFICATES = Path(__file__).parent / "certificates"
HOST = "service.example"


def tls_server(*scripts: list[Step]) -> FaultServer:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / "good.pem", CERTIFICATES / "key.pem")
    return FaultServer(*scripts, tls=context)


async def failure_at(url: str, **options: Any) -> TurnoutError:
    with pytest.raises(TurnoutError) as caught:
        await Lines(base_url=url, **options).complete("Why?")
    assert "canary" not in f"{caught.value}{vars(caught.value)}"
    return caught.value


async def body(http: Http) -> bytes:
    async with http.post("/", data=b"?") as response:
        return b"".join([chunk async for chunk in response.chunks()])


@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5", "socks5h"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_a_request_goes_through_the_proxy_and_the_connection_is_kept(
    scheme: str, tls: bool
) -> None:
    script = [*respond(200, b"a\n"), *respond(200, b"b\n")]
    server = tls_server(script) if tls else FaultServer(script)
    async with server, SocksServer() as proxy:
        provider = Lines(
            base_url=server.url,
            proxy=proxy.address(scheme),
            ca_file=CERTIFICATES / "good.pem",
        )
        texts = [(await provider.complete("Why?")).text for _ in range(2)]

    assert texts == ["a", "b"]
    assert len(server.connections) == len(proxy.connections) == 1
    (request,) = proxy.accepted
    assert (request.version, request.host) == (int(scheme[5]), "127.0.0.1")
    for sent in server.http_requests:
        assert sent.target == "/ask"


@pytest.mark.parametrize(
    ("scheme", "asked"),
    [
        ("socks4", "127.0.0.1"),
        ("socks4a", "localhost"),
        ("socks5", "127.0.0.1"),
        ("socks5h", "localhost"),
    ],
)
async def test_some_proxies_look_the_name_up(scheme: str, asked: str) -> None:
    async with FaultServer(respond(200, b"a\n")) as server, SocksServer() as proxy:
        url = server.url.replace("127.0.0.1", "localhost")
        provider = Lines(base_url=url, proxy=proxy.address(scheme))
        assert (await provider.complete("Why?")).text == "a"

    # A machine may have an IPv6 address for the name too, which is tried first.
    assert proxy.accepted[-1].host == asked


@pytest.mark.parametrize("scheme", ["socks4a", "socks5h"])
async def test_a_name_that_only_the_proxy_knows_is_reached(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FaultServer(respond(200, b"a\n")) as server:
        hosts = {HOST: ("127.0.0.1", server.port)}
        async with SocksServer(hosts=hosts) as proxy:
            monkeypatch.setenv("ALL_PROXY", proxy.address(scheme))
            assert (await Lines(base_url=f"http://{HOST}").complete("?")).text == "a"

    assert server.http_requests[0].values("Host") == [HOST]


async def test_a_name_that_is_not_known_here_is_the_services() -> None:
    async with SocksServer() as proxy:
        error = await failure_at("http://x.invalid", proxy=proxy.address("socks5"))

    assert str(error) == "cannot reach x.invalid: its name is not known"
    assert proxy.accepted == []


async def test_user_and_password_are_shown_to_the_proxy() -> None:
    async with (
        FaultServer(respond(200, b"a\n")) as server,
        SocksServer(credentials=("me", "p:/@")) as proxy,
    ):
        address = proxy.address("socks5h")
        provider = Lines(base_url=server.url, proxy=address)
        assert (await provider.complete("Why?")).text == "a"

    assert (proxy.accepted[0].user, proxy.accepted[0].password) == ("me", "p:/@")
    assert server.http_requests[0].values("Proxy-Authorization") == []


async def test_version_4_has_a_user() -> None:
    async with FaultServer(respond(200, b"a\n")) as server, SocksServer() as proxy:
        address = proxy.address("socks4", ("me", "unused"))
        await Lines(base_url=server.url, proxy=address).complete("Why?")

    assert proxy.accepted[0].user == "me"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("me", "canary"), "username and password authentication failure"),
        (None, "no acceptable authentication methods were offered"),
    ],
)
async def test_a_wrong_password_is_told_and_not_tried_again(
    given: tuple[str, str] | None, told: str
) -> None:
    async with SocksServer(credentials=("me", "right")) as proxy:
        address = f"socks5h://127.0.0.1:{proxy.port}"
        if given is not None:
            address = proxy.address("socks5h", given)
        error = await failure_at(f"http://{HOST}", proxy=address)

    assert isinstance(error, ConnectError)
    assert not error.retryable
    name = f"the proxy 127.0.0.1:{proxy.port}"
    assert str(error) == f"{name} did not connect to {HOST}: {told}"


@pytest.mark.parametrize(
    ("scheme", "code", "told", "retryable"),
    [
        ("socks5h", 1, "general SOCKS server failure", True),
        ("socks5h", 2, "connection not allowed by ruleset", False),
        ("socks5h", 4, "host unreachable", True),
        ("socks5h", 5, "connection refused by destination host", True),
        ("socks5h", 8, "address type not supported", False),
        ("socks4a", 0x5B, "request rejected or failed", True),
    ],
)
async def test_a_refusal_is_the_proxys(
    scheme: str, code: int, told: str, retryable: bool
) -> None:
    async with SocksServer(code=code) as proxy:
        error = await failure_at(f"http://{HOST}", proxy=proxy.address(scheme))

    assert isinstance(error, ConnectError)
    assert str(error).endswith(f" did not connect to {HOST}: {told}")
    assert error.retryable is retryable


async def test_a_status_of_the_service_is_not_the_proxys() -> None:
    async with FaultServer(respond(502, b"{}")) as server, SocksServer() as proxy:
        error = await failure_at(server.url, proxy=proxy.address("socks5"))

    assert "proxy" not in str(error)


async def test_a_proxy_that_hangs_up_is_told() -> None:
    async with SocksServer(silent=True) as proxy:
        error = await failure_at(f"http://{HOST}", proxy=proxy.address("socks5h"))

    assert isinstance(error, ConnectError)
    assert str(error).endswith(f" did not connect to {HOST}: it closed the connection")
    assert error.retryable


async def test_a_proxy_that_resets_the_connection_is_named() -> None:
    async with FaultServer([rst()]) as server:
        address = server.url.replace("http", "socks5h")
        error = await failure_at(f"http://{HOST}", proxy=address)

    assert isinstance(error, ConnectError | ConnectionLostError)
    assert f"the proxy {server.url[7:]}" in str(error)


async def test_a_proxy_that_speaks_http_is_told() -> None:
    async with FaultServer([send(b"HTTP/1.1 400 x\r\n\r\n"), fin()]) as server:
        address = server.url.replace("http", "socks5h")
        error = await failure_at(f"http://{HOST}", proxy=address)

    assert isinstance(error, ConnectError)
    assert "unexpected SOCKS version number" in str(error)
    assert not error.retryable


async def test_a_proxy_that_cannot_be_reached_is_named() -> None:
    with refused_url() as url:
        address = url.replace("http", "socks5")
        error = await failure_at("http://127.0.0.1:1", proxy=address)

    assert isinstance(error, ConnectError)
    assert str(error) == (
        f"cannot reach the proxy {url[7:]} on the way to 127.0.0.1:1: Connection "
        "refused"
    )


async def test_a_proxys_name_that_is_not_known_is_the_proxys() -> None:
    error = await failure_at(f"http://{HOST}", proxy="socks5h://proxy.invalid:1")

    assert str(error) == (
        f"cannot reach the proxy proxy.invalid:1 on the way to {HOST}: its name is not "
        "known"
    )


async def test_a_proxy_that_takes_too_long_is_named() -> None:
    async with FaultServer([until(asyncio.Event())]) as server:
        address = server.url.replace("http", "socks5h")
        error = await failure_at(f"http://{HOST}", proxy=address, connect_timeout=0.1)

    assert isinstance(error, ConnectError)
    name = f"the proxy {server.url[7:]}"
    assert f"cannot reach {HOST} through {name}: no connection within" in str(error)


async def test_version_4_does_not_reach_ipv6() -> None:
    async with SocksServer() as proxy:
        error = await failure_at("http://[::2]", proxy=proxy.address("socks4"))

    assert isinstance(error, ConnectError)
    assert "Address family not supported" in str(error)
    assert proxy.accepted == []


async def test_a_certificate_is_checked_behind_the_proxy() -> None:
    async with tls_server(respond(200, b"a\n")) as server, SocksServer() as proxy:
        error = await failure_at(server.url, proxy=proxy.address("socks5h"))

    assert isinstance(error, ConnectError)
    assert "self-signed certificate" in str(error)
    assert "proxy" not in str(error)


async def test_a_port_of_http_behind_the_proxy_is_the_services() -> None:
    async with FaultServer([send(b"HTTP/1.1 400 x\r\n\r\n"), fin()]) as server:
        async with SocksServer() as proxy:
            url = server.url.replace("http://", "https://")
            error = await failure_at(url, proxy=proxy.address("socks5h"))

    assert "does not speak TLS; use http:// in place of https://, or" in str(error)


async def test_bytes_on_an_idle_connection_close_it() -> None:
    idle = asyncio.Event()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
    script = [wait_request(), send(answer + b"a"), until(idle), send(answer + b"x")]
    script.append(until(asyncio.Event()))
    server = FaultServer(script, respond(200, b"b"))
    async with server, SocksServer() as proxy:
        address = Secret(proxy.address("socks5h"))
        http = Http(provider="P", base_url=server.url, proxy=address)
        assert await body(http) == b"a"
        idle.set()
        await server.connections[0].wait_peer_closed()
        assert await body(http) == b"b"
        assert answered()


@pytest.mark.parametrize("end", [fin(), rst()], ids=["fin", "rst"])
async def test_a_kept_connection_that_was_closed_is_replaced(end: Step) -> None:
    first = [*respond(200, b"a"), wait_request(), end]
    server = FaultServer(first, respond(200, b"b"))
    async with server, SocksServer() as proxy:
        address = Secret(proxy.address("socks5h"))
        http = Http(provider="P", base_url=server.url, proxy=address)
        assert [await body(http), await body(http)] == [b"a", b"b"]

    assert len(proxy.accepted) == 2


async def test_an_answer_that_is_cut_is_the_services() -> None:
    server = FaultServer([wait_request(), send(b"HTTP/1.1 20"), fin()])
    async with server, SocksServer() as proxy:
        error = await failure_at(server.url, proxy=proxy.address("socks5h"))

    assert isinstance(error, ProtocolError)
    assert (
        str(error)
        == f"{server.url[7:]} closed the connection in the head of its response"
    )


async def test_cancelling_closes_the_connection() -> None:
    async with (
        FaultServer([wait_request(), until(asyncio.Event())]) as server,
        SocksServer() as proxy,
    ):
        provider = Lines(base_url=server.url, proxy=proxy.address("socks5h"))
        task = asyncio.ensure_future(provider.complete("Why?"))
        await server.wait_for(lambda: bool(server.http_requests))
        task.cancel()
        await server.connections[0].wait_peer_closed()
        await asyncio.wait([task])

    assert task.cancelled()


async def test_cancelling_while_the_proxy_is_asked_closes_the_connection() -> None:
    async with FaultServer([until(asyncio.Event())]) as server:
        address = server.url.replace("http", "socks5h")
        provider = Lines(base_url=f"http://{HOST}", proxy=address)
        task = asyncio.ensure_future(provider.complete("Why?"))
        connection = await server.wait_connection()
        task.cancel()
        await asyncio.wait([task])
        await connection.wait_peer_closed()

    assert task.cancelled()


def test_a_proxy_leaves_nothing() -> None:
    async def main() -> None:
        async with tls_server(respond(200, b"a\n")) as server, SocksServer() as proxy:
            provider = Lines(
                base_url=server.url,
                proxy=proxy.address("socks5h"),
                ca_file=CERTIFICATES / "good.pem",
            )
            assert (await provider.complete("Why?")).text == "a"

    run_clean(main)


async def test_a_provider_that_is_left_closes_its_connections() -> None:
    script = [*respond(200, b"a\n"), until(asyncio.Event())]
    async with FaultServer(script) as server, SocksServer() as proxy:
        async with Lines(
            base_url=server.url, proxy=proxy.address("socks5h")
        ) as provider:
            await provider.complete("Why?")
            assert not server.connections[0].peer_closed
        await server.connections[0].wait_peer_closed()


async def test_proxies_do_not_share_connections_and_passwords_neither() -> None:
    script = respond(200, b"a\n")
    server = FaultServer(script, script, script)
    credentials = ("me", "right")
    async with server, SocksServer() as one, SocksServer() as other:
        for address in (
            one.address("socks5h"),
            one.address("socks5h", credentials),
            other.address("socks5h"),
        ):
            await Lines(base_url=server.url, proxy=address).complete("Why?")

    assert [len(proxy.accepted) for proxy in (one, other)] == [2, 1]


async def test_only_so_many_idle_sessions_are_kept() -> None:
    pool = Pool()
    proxies = [read_proxy(f"socks5h://p:{n}", "proxy") for n in range(1, 100)]
    first = await pool.other(proxies[0], keep=True)
    for proxy in proxies[1:]:
        await pool.other(proxy, keep=True)
        assert await pool.other(proxy, keep=True) is await pool.other(proxy, keep=True)

    assert first.closed
    assert len(pool._others) == MOST_SESSIONS  # pyright: ignore[reportPrivateUsage]
    kept = await pool.other(proxies[-1], keep=True)
    await pool.aclose()
    assert kept.closed
    assert pool.session.closed


async def test_a_session_that_is_in_use_is_not_closed_for_another() -> None:
    sent = asyncio.Event()
    server = FaultServer([wait_request(), until(sent), *respond(200, b"a\n")[1:]])
    async with server, SocksServer() as proxy:
        async with Lines(
            base_url=server.url, proxy=proxy.address("socks5h")
        ) as provider:
            task = asyncio.ensure_future(provider.complete("Why?"))
            await server.wait_for(lambda: bool(server.http_requests))
            pool = provider.http.pool
            assert pool is not None
            for number in range(1, 100):
                await pool.other(read_proxy(f"socks5h://p:{number}", "x"), keep=True)
            sent.set()
            assert (await task).text == "a"
