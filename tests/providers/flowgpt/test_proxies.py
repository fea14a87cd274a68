"""The provider through a real proxy; `flowgpt.invalid` is known to the proxy alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from turnout.errors import ConnectError, StreamTruncatedError, TurnoutError
from turnout.testing import FaultServer, fin, refused_url
from turnout_flowgpt import FlowGpt

from ...support.flowgpt_rules import PATH
from ...support.flowgpt_server import Answer, FlowGptServer
from ...support.forward_proxy import ForwardProxy

HIDDEN = "http://flowgpt.invalid"
SERVICE = "prod-backend-k8s.flowgpt.com"
CREDENTIALS = ("me@home", "canary:p/w")


@contextlib.asynccontextmanager
async def service(
    *answers: Answer, credentials: tuple[str, str] | None = None
) -> AsyncGenerator[tuple[FlowGptServer, ForwardProxy]]:
    async with FlowGptServer(*answers) as server:
        hosts = {"flowgpt.invalid": ("127.0.0.1", server.port)}
        async with ForwardProxy(credentials=credentials, hosts=hosts) as proxy:
            yield server, proxy


async def failure_of(provider: FlowGpt) -> TurnoutError:
    with pytest.raises(TurnoutError) as caught:
        await provider.complete("Why?")
    return caught.value


async def test_a_proxy_is_asked_in_absolute_form() -> None:
    async with service() as (server, proxy):
        answer = await FlowGpt(base_url=HIDDEN, proxy=proxy.url).complete("Why?")

    assert answer.text == Answer().text
    assert server.refusals == []
    (forwarded,) = proxy.forwarded
    assert (forwarded.method, forwarded.target) == ("POST", HIDDEN + PATH)
    assert forwarded.header("Proxy-Authorization") is None


async def test_the_class_method_goes_through_its_proxy() -> None:
    async with service() as (server, proxy):
        generator = await FlowGpt.create_async_generator(
            "gemini", "Why?", proxy.url, base_url=HIDDEN
        )
        assert "".join([chunk async for chunk in generator]) == Answer().text

    assert server.refusals == []
    assert len(proxy.forwarded) == 1


async def test_credentials_are_shown_to_the_proxy_alone() -> None:
    async with service(credentials=CREDENTIALS) as (server, proxy):
        provider = FlowGpt(base_url=HIDDEN, proxy=proxy.url_with_credentials)
        answer = await provider.complete("Why?")

    assert answer.text == Answer().text
    assert server.refusals == []
    assert proxy.refused == []
    assert "canary" not in f"{provider!r}{provider.options!r}"


async def test_pieces_come_through_a_proxy_as_they_are_sent() -> None:
    held = asyncio.Event()
    answer = Answer(pieces=("a", "b"), holds={1: held})
    async with service(answer) as (_, proxy):
        stream = FlowGpt(base_url=HIDDEN, proxy=proxy.url).stream("Why?")
        seen: list[str] = []
        async for piece in stream:
            seen.append(piece)
            held.set()

    assert seen == ["a", "b"]


async def test_leaving_a_stream_closes_it_through_the_proxy() -> None:
    answer = Answer(pieces=("a", "b"), holds={1: asyncio.Event()})
    async with service(answer) as (server, proxy):
        async with FlowGpt(base_url=HIDDEN, proxy=proxy.url).stream("Why?") as stream:
            async for _ in stream:
                break
        await server.connections[0].wait_peer_closed()


async def test_a_cut_is_seen_through_a_proxy() -> None:
    cut = len(Answer().wire()) - 1
    async with service(Answer(cut_after=cut)) as (_, proxy):
        error = await failure_of(FlowGpt(base_url=HIDDEN, proxy=proxy.url))

    assert isinstance(error, StreamTruncatedError)
    assert error.reply is not None
    assert error.reply.text == Answer().text


async def test_a_proxy_that_wants_credentials_is_the_way_that_failed() -> None:
    async with service(credentials=CREDENTIALS) as (server, proxy):
        error = await failure_of(FlowGpt(base_url=HIDDEN, proxy=proxy.url))

    assert isinstance(error, ConnectError)
    assert "proxy" in str(error)
    assert server.connections == []
    assert len(proxy.refused) == 1


async def test_a_proxy_that_refuses_a_tunnel_is_the_way_that_failed() -> None:
    async with ForwardProxy(credentials=CREDENTIALS) as proxy:
        error = await failure_of(FlowGpt(proxy=proxy.url))

    assert isinstance(error, ConnectError)
    assert "proxy" in str(error)
    assert [head.target for head in proxy.refused] == [f"{SERVICE}:443"]


async def test_a_proxy_that_cannot_be_reached_is_told_without_its_password() -> None:
    with refused_url() as url:
        proxy = url.replace("://", "://me:canary@")
        error = await failure_of(FlowGpt(base_url=HIDDEN, proxy=proxy))

    assert isinstance(error, ConnectError)
    assert "canary" not in f"{error!r}{error}{vars(error)}"


async def test_the_services_own_address_is_reached_by_a_tunnel() -> None:
    async with FaultServer([fin()]) as server:
        hosts = {SERVICE: ("127.0.0.1", server.port)}
        async with ForwardProxy(credentials=CREDENTIALS, hosts=hosts) as proxy:
            error = await failure_of(FlowGpt(proxy=proxy.url_with_credentials))

    assert isinstance(error, TurnoutError)
    # The second asks for nothing but a handshake, see `_certificate_check.py`.
    assert len(server.connections) == 2
    forwarded = proxy.forwarded[0]
    assert (forwarded.method, forwarded.target) == ("CONNECT", f"{SERVICE}:443")
    # What is for the service is inside the tunnel.
    assert forwarded.header("Authorization") is None
    assert forwarded.header("x-nonce") is None


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
async def test_the_environments_proxy_is_used(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service(credentials=CREDENTIALS) as (server, proxy):
        monkeypatch.setenv(variable, proxy.url_with_credentials)
        answer = await FlowGpt(base_url=HIDDEN).complete("Why?")

    assert answer.text == Answer().text
    assert server.refusals == []
    assert len(proxy.forwarded) == 1


async def test_the_environments_proxy_for_https_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ForwardProxy(credentials=CREDENTIALS) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        await failure_of(FlowGpt())

    assert [head.target for head in proxy.refused] == [f"{SERVICE}:443"]


@pytest.mark.parametrize("exempt", ["127.0.0.1", "*", "example.com, 127.0.0.1"])
async def test_a_host_without_a_proxy_is_reached_directly(
    exempt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service() as (server, proxy):
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", exempt)
        await FlowGpt(base_url=server.base_url).complete("Why?")

    assert proxy.connections == []
    assert len(server.requests) == 1


async def test_a_proxy_that_is_given_goes_before_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with service() as (_, proxy), ForwardProxy() as other:
        monkeypatch.setenv("HTTP_PROXY", other.url)
        monkeypatch.setenv("NO_PROXY", "*")
        await FlowGpt(base_url=HIDDEN, proxy=proxy.url).complete("Why?")

    assert other.connections == []
    assert len(proxy.forwarded) == 1
