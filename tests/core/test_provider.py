"""What every provider has of its base class."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from turnout.errors import (
    ArgumentError,
    AuthenticationError,
    ConfigError,
    PluginError,
    UnknownModelError,
    UnsupportedError,
)
from turnout.provider import BoundTarget, Provider, ProviderOptions
from turnout.testing import FaultServer, respond, run_clean
from turnout.types import ChatRequest, ProviderInfo, Secret, Target

from .scripted import Lines, saying


def test_options_have_their_defaults() -> None:
    assert saying().options == ProviderOptions()


@pytest.mark.parametrize(
    "name",
    ["connect_timeout", "first_delta_timeout", "idle_timeout", "stall_timeout"],
)
@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan")])
def test_a_timer_is_more_than_no_time(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        Lines(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"deadline": 0}, "deadline"),
        ({"max_bytes": 0}, "max_bytes"),
        ({"max_event_bytes": 0}, "max_event_bytes"),
        ({"base_url": "h"}, "base_url is not an http or https address"),
        ({"base_url": "ftp://h"}, "base_url is not an http or https address"),
        ({"base_url": "http://me@h"}, "set api_key"),
        ({"base_url": "http://[::1"}, "base_url is not an http or https address"),
        ({"base_url": "http://h\r\nX: y/v1"}, "base_url has a space or a control"),
        ({"base_url": "http://h/v1\n"}, "base_url has a space or a control"),
        ({"base_url": "ht\ttp://h/v1"}, "base_url has a space or a control"),
        ({"base_url": "http://h/v1\0"}, "base_url has a space or a control"),
        ({"base_url": "http://h/\u2028v1"}, "base_url has a space or a control"),
        ({"base_url": "http://h/\u202ev1"}, "base_url has a space or a control"),
        ({"base_url": " http://h/v1"}, "base_url has a space or a control"),
        ({"proxy": "http://h\r\n:1"}, "proxy: it has a line break; remove it"),
        ({"proxy": "http://h h:1"}, "proxy has a space or a control character"),
        ({"queue_timeout": True}, "queue_timeout: expected a number, not True"),
        ({"max_queued": False}, "max_queued: expected a number, not False"),
        ({"max_concurrent": True}, "max_concurrent: expected a number, not True"),
        ({"deadline": True}, "deadline: expected a number, not True"),
        ({"queue_timeout": "nan"}, "queue_timeout: input should be a finite number"),
        ({"base_url": "http://h/v1?key=1"}, "base_url has a query or a fragment"),
        ({"base_url": "http://h/v1#top"}, "base_url has a query or a fragment"),
        ({"base_url": "http://h:port"}, "base_url is not an http or https address"),
        ({"proxy": "h:port"}, "proxy is not the address of a proxy"),
        ({"proxy": "gopher://h"}, "proxy has the unknown scheme 'gopher'"),
        ({"stall_time": 1.0}, "stall_timeout"),
        ({"deadline": "soon"}, "deadline"),
    ],
)
def test_an_option_that_is_wrong_is_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        saying(**options)


@pytest.mark.parametrize("proxy", ["http://me:canary/x@h", "ftp://me:canary@h"])
def test_a_proxy_that_is_wrong_is_not_shown(proxy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        saying(proxy=proxy)

    assert "canary" not in f"{caught.value!r}{caught.value.__context__!r}"


def test_a_plugin_may_add_options() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Options(ProviderOptions):
        region: str = "eu"

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.region == "mars":
                raise ValueError("region is a name")

    class Regional(Lines):
        options_type = Options

    provider = Regional(region="us", stall_timeout=1.0)

    assert isinstance(provider.options, Options)
    assert (provider.options.region, provider.options.stall_timeout) == ("us", 1.0)
    with pytest.raises(ConfigError, match="region is a name"):
        Regional(region="mars")


@pytest.mark.parametrize("own", ["http://h/v1", "http://h/v1/"])
@pytest.mark.parametrize("asked", ["http://h/v1", "http://h/v1/"])
def test_a_slash_at_its_end_makes_no_other_address(own: str, asked: str) -> None:
    info = ProviderInfo(name="Row", models=("m",), options={"base_url": own})

    provider = Lines(info=info, base_url=asked)

    assert provider.options.base_url == "http://h/v1"
    assert provider.at_own_address


def test_any_address_is_the_own_one_of_a_provider_without_an_address() -> None:
    assert Lines().at_own_address
    assert Lines(base_url="http://h").at_own_address


def test_options_of_the_info_stand_where_none_are_given() -> None:
    info = ProviderInfo(
        name="Row", models=("m",), options={"base_url": "http://h", "deadline": 5.0}
    )
    provider = Lines(info=info, deadline=6.0)

    assert provider.options.base_url == "http://h"
    assert provider.options.deadline == 6.0
    assert repr(provider) == "<Lines 'Row'>"


def test_a_provider_lacks_nothing_unless_it_says_so() -> None:
    assert Lines().unavailable() is None


def test_a_key_is_the_option_else_the_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Lines().api_key is None
    monkeypatch.setenv("LINES_KEY", "from-environment")
    assert Lines().required_key().reveal() == "from-environment"
    assert Lines(api_key="given").required_key().reveal() == "given"
    assert saying().api_key is None


def test_a_key_that_is_missing_is_told_by_its_place() -> None:
    with pytest.raises(
        AuthenticationError, match="set LINES_KEY in the environment"
    ) as caught:
        Lines().required_key()
    assert caught.value.provider == "Lines"
    with pytest.raises(
        AuthenticationError, match=r"; set api_key in turnout\.toml or in code$"
    ):
        saying().required_key()


def test_a_key_is_not_shown() -> None:
    provider = Lines(api_key="canary", proxy="http://me:canary@h")

    assert "canary" not in f"{provider!r}{provider.options!r}{provider.http!r}"


def test_the_client_has_the_options() -> None:
    provider = Lines(
        base_url="http://h",
        proxy="http://p",
        connect_timeout=1.0,
        idle_timeout=2.0,
        max_bytes=3,
        max_event_bytes=4,
    )
    http = provider.http

    assert http is provider.http
    assert (http.provider, http.base_url) == ("Lines", "http://h")
    assert (http.connect_timeout, http.idle_timeout, http.max_bytes) == (1.0, 2.0, 3)
    assert http.max_event_bytes == 4
    assert isinstance(http.proxy, Secret)
    assert http.key == (
        "LINES_KEY in the environment, or api_key in turnout.toml or in code"
    )


def test_a_request_that_is_wrong_is_refused_at_once() -> None:
    provider = saying("a")
    with pytest.raises(ArgumentError):
        _ = provider.stream([])
    with pytest.raises(UnknownModelError, match="two"):
        _ = provider.stream("Why?", model="tow")
    with pytest.raises(UnsupportedError, match="tools") as caught:
        _ = provider.stream(
            "Why?", tools=[{"type": "function", "function": {"name": "f"}}]
        )
    # It says whose it is, and that nothing was sent.
    assert (caught.value.provider, caught.value.status_code) == (
        provider.info.name,
        None,
    )
    with pytest.raises(ArgumentError):
        _ = provider.stream("Why?", deadline=-1.0)
    assert provider.requests == []


async def test_a_request_reaches_the_provider_as_it_was_made() -> None:
    provider = saying("a")
    await provider.complete("Why?", model="two", extra={"a": 1})
    (request,) = provider.requests

    assert isinstance(request, ChatRequest)
    assert (request.model, request.last_user_text) == ("two", "Why?")
    assert request.extra == {"a": 1}


def test_a_target_is_a_provider_with_one_of_its_models() -> None:
    provider = saying()

    assert provider.target("two") == BoundTarget(provider, "two")
    assert provider.target().target == Target("Scripted", "one")
    with pytest.raises(UnknownModelError):
        provider.target("three")


def test_a_provider_without_generate_is_none() -> None:
    class Half(Provider):
        info = ProviderInfo(name="Half", models=("m",))

    with pytest.raises(TypeError, match="generate"):
        Half()  # type: ignore[abstract]


def test_a_provider_that_is_not_entered_shares_its_connections() -> None:
    async def main() -> None:
        async with FaultServer([*respond(200, b"a"), *respond(200, b"b")]) as server:
            for _ in range(2):
                await Lines(base_url=server.url).complete("Why?")
            assert len(server.connections) == 1

    run_clean(main)


def test_a_provider_that_is_entered_keeps_connections_of_its_own() -> None:
    async def main() -> None:
        async with FaultServer([*respond(200, b"a"), *respond(200, b"b")]) as server:
            provider = Lines(base_url=server.url)
            await provider.complete("Why?")
            async with provider as entered:
                assert entered is provider
                await provider.complete("Why?")
                assert len(server.connections) == 2
                assert not server.connections[1].peer_closed
            await server.connections[1].wait_peer_closed()
            assert not server.connections[0].peer_closed

    run_clean(main)


def test_a_provider_may_be_entered_by_several_at_once() -> None:
    async def main() -> None:
        async with FaultServer([*respond(200, b"a"), *respond(200, b"b")]) as server:
            provider = Lines(base_url=server.url)
            async with provider:
                async with provider:
                    await provider.complete("Why?")
                await provider.complete("Why?")
            assert len(server.connections) == 1
            await server.connections[0].wait_closed()
            await provider.aclose()

    run_clean(main)


def test_a_provider_that_is_entered_may_serve_another_loop_first() -> None:
    async def main() -> None:
        async with FaultServer([*respond(200, b"a"), *respond(200, b"b")]) as server:
            async with Lines(base_url=server.url) as provider:
                stream = provider.stream("Why?")
                assert await asyncio.to_thread("".join, stream) == "a"
                own = server.connections
                assert (await provider.complete("Why?")).text == "a"
                assert len(own) == 2
            # What the loop opened that entered it is closed when it is left.
            await own[1].wait_peer_closed()

    asyncio.run(main())


def test_a_provider_that_is_entered_serves_other_loops_too() -> None:
    async def main() -> list[str]:
        async with FaultServer(respond(200, b"a"), respond(200, b"b")) as server:
            async with Lines(base_url=server.url) as provider:
                here = await provider.complete("Why?")
                there = await asyncio.to_thread(
                    lambda: asyncio.run(provider.complete("Why?"))
                )
            return [here.text, there.text]

    assert run_clean(main) == ["a", "b"]


class Nameless(Provider):
    async def generate(self, request: ChatRequest) -> AsyncIterator[str]:
        yield request.last_user_text


class Misnamed(Nameless):
    info = cast("ProviderInfo", "Misnamed")


@pytest.mark.parametrize("cls", [Nameless, Misnamed])
def test_a_class_without_an_info_is_told_what_it_lacks(cls: type[Provider]) -> None:
    with pytest.raises(PluginError) as caught:
        cls()

    assert str(caught.value) == (
        f'{cls.__name__} has no info; write info = ProviderInfo(name="…") into its body'
    )


async def test_a_provider_without_a_live_list_lists_what_it_declares() -> None:
    provider = saying("Hi")

    assert await provider.list_models() == tuple(provider.catalog.models.values())


def test_options_that_are_made_by_hand_refuse_a_user_name() -> None:
    with pytest.raises(ValueError, match="base_url has a user name"):
        ProviderOptions(base_url="http://me:secret@h/v1")


class Uninitialized(Lines):
    """A provider whose `__init__` does not call its base."""

    def __init__(self) -> None:
        self.mine = 1


def _stream(provider: Provider) -> object:
    return provider.stream("Why?")


def _target(provider: Provider) -> object:
    return provider.target("m")


def _http(provider: Provider) -> object:
    return provider.http


def _enter(provider: Provider) -> object:
    return asyncio.run(provider.__aenter__())


@pytest.mark.parametrize("use", [_stream, _target, _http, _enter])
def test_a_provider_that_does_not_call_its_base_says_so(
    use: Callable[[Provider], object],
) -> None:
    with pytest.raises(PluginError) as caught:
        use(Uninitialized())

    assert str(caught.value) == (
        "Uninitialized.__init__ has not called super().__init__(); write it as `def "
        "__init__(self, **options)`, and begin it with super().__init__(**options)"
    )


def test_the_attributes_of_a_class_can_be_listed() -> None:
    assert all(hasattr(Uninitialized, name) for name in dir(Uninitialized))
