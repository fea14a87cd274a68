"""Nothing that is shown has a key, a proxy's password or a prompt. X01."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from turnout import get_provider
from turnout._app import App
from turnout._config import read_config
from turnout.errors import ConfigError, FallbackError, TurnoutError
from turnout.routes import Route
from turnout.testing import (
    CHUNKED,
    FaultServer,
    Step,
    chunk,
    fin,
    refused_url,
    respond,
    response_head,
    rst,
    send,
    sleep,
    wait_request,
)
from turnout_local import Local
from turnout_openai import OpenAI

from .scripted import Lines

KEY = "canary-key-4711"
PASSWORD = "canary-pass-0815"
TESTS = Path(__file__).parents[1]
PROMPT = "A question that stays private."


def ok(*steps: Step) -> list[Step]:
    return [wait_request(), send(response_head(200, CHUNKED)), *steps]


ECHO = f'{{"error":{{"message":"{KEY} {PROMPT}","code":"{KEY}"}}}}'.encode()

SCRIPTS: list[list[Step]] = [
    [fin()],
    [wait_request(), rst()],
    [wait_request(), send(b"garbage\r\n\r\n"), fin()],
    [wait_request(), send(b"HTTP/1.1 200 OK\r\nA"), rst()],
    *(
        respond(status, ECHO, ("X-Request-Id", KEY), ("Location", f"/{KEY}"))
        for status in (204, 301, 400, 401, 402, 403, 404, 407, 413, 429, 500, 503)
    ),
    ok(chunk(b"a"), fin()),
    ok(chunk(b"a"), rst()),
    ok(chunk(b"a"), send(b"zz\r\n"), fin()),
    ok(chunk(b"\xff"), chunk(b"")),
    ok(chunk(b"a" * 200), sleep(60)),
    ok(sleep(60)),
    ok(chunk(b"a"), sleep(60)),
]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and the errors that it refers to."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__)
        if isinstance(error, FallbackError):
            for inner in error.exceptions:
                yield from chain(inner)


def shown(error: TurnoutError) -> str:
    """Return everything that a tool may show of an error."""
    parts: list[str] = []
    for each in chain(error):
        parts += [str(each), repr(each), repr(vars(each))]
        if isinstance(each, TurnoutError):
            parts.append(repr(pickle.dumps(each)))
        # As `traceback.TracebackException` does with `capture_locals`, and in full;
        # but for the tests' own frames, which hold the canaries.
        for frame, _ in traceback.walk_tb(each.__traceback__):
            if TESTS not in Path(frame.f_code.co_filename).parents:
                parts += map(repr, frame.f_locals.values())
    return "".join(parts)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    caplog.set_level(logging.DEBUG)
    return lambda: caplog.text


async def ask(url: str, **options: Any) -> TurnoutError:
    provider = Lines(
        base_url=url,
        api_key=KEY,
        max_bytes=100,
        idle_timeout=0.2,
        first_delta_timeout=0.1,
        **options,
    )
    with pytest.raises(TurnoutError) as caught:
        await provider.complete(PROMPT)
    return caught.value


@pytest.mark.parametrize("script", SCRIPTS, ids=range(len(SCRIPTS)))
@pytest.mark.parametrize("proxied", [False, True])
async def test_no_failure_shows_a_secret(
    script: list[Step], proxied: bool, log: Callable[[], str]
) -> None:
    async with FaultServer(script) as server:
        if proxied:
            # For an http address a proxy gets the same request as the service itself.
            proxy = server.url.replace("://", f"://me:{PASSWORD}@")
            error = await ask("http://hidden.example", proxy=proxy)
        else:
            error = await ask(server.url)

    assert "canary" not in shown(error).lower()
    assert PROMPT not in f"{error}{error!r}{vars(error)}"
    assert "canary" not in log().lower()
    assert PROMPT not in log()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_connection_that_fails_shows_a_secret(
    scheme: str, log: Callable[[], str]
) -> None:
    with refused_url() as url:
        errors = [
            await ask(url.replace("http", scheme)),
            await ask(
                f"{scheme}://hidden.example",
                proxy=url.replace("://", f"://me:{PASSWORD}@"),
            ),
        ]

    for error in errors:
        assert "canary" not in shown(error).lower()
    assert "canary" not in log()


@pytest.mark.parametrize("script", [respond(407), respond(502), [fin()], [send(b"x")]])
async def test_no_tunnel_that_fails_shows_a_secret(
    script: list[Step], log: Callable[[], str]
) -> None:
    async with FaultServer(script) as server:
        proxy = server.url.replace("://", f"://me:{PASSWORD}@")
        error = await ask("https://hidden.example", proxy=proxy)
        server.failures.clear()

    assert "canary" not in shown(error).lower()
    assert "canary" not in log()


async def test_a_route_that_fails_shows_no_secret() -> None:
    async with FaultServer(respond(401, ECHO), respond(500, ECHO)) as server:
        targets = [Lines(base_url=server.url, api_key=KEY).target() for _ in range(2)]
        with pytest.raises(FallbackError) as caught:
            await Route(targets).complete(PROMPT)

    assert "canary" not in shown(caught.value).lower()
    assert PROMPT not in f"{caught.value}{caught.value!r}{vars(caught.value)}"


def test_an_error_in_the_options_shows_no_secret() -> None:
    options: dict[str, Any] = {
        "api_key": KEY,
        "proxy": f"http://user:{PASSWORD}@127.0.0.1:8080",
        "no_such_option": 1,
    }

    for make in (Lines, partial(get_provider, "FlowGpt")):
        with pytest.raises(ConfigError) as caught:
            make(**options)

        assert "canary" not in shown(caught.value).lower()


def test_a_proxy_without_a_valid_address_shows_no_secret() -> None:
    with pytest.raises(ConfigError) as caught:
        get_provider("FlowGpt", proxy=f"user:{PASSWORD}@127.0.0.1")

    assert "canary" not in shown(caught.value).lower()


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        (f"http://me:{PASSWORD}@127.0.0.1:9/v1", "base_url has a user name"),
        (f"http://{KEY}@127.0.0.1:9/v1", "base_url has a user name"),
        (f"http://127.0.0.1:9/v1?key={KEY}", "base_url has a query or a fragment"),
        (f"http://127.0.0.1:9/v1#{KEY}", "base_url has a query or a fragment"),
        (f"me:{PASSWORD}@127.0.0.1:9", "base_url is not an http or https address"),
        (f"ftp://me:{PASSWORD}@h/", "base_url is not an http or https address"),
        (f"http://[{PASSWORD}@h/", "base_url is not an http or https address"),
    ],
)
@pytest.mark.parametrize(
    "make",
    [Lines, OpenAI, partial(get_provider, "vLLM"), partial(get_provider, "Local")],
)
def test_a_credential_in_the_address_is_refused_and_not_shown(
    make: Callable[..., Any], address: str, fault: str
) -> None:
    with pytest.raises(ConfigError, match=fault) as caught:
        make(base_url=address)

    assert "canary" not in shown(caught.value).lower()


def test_a_credential_in_an_address_of_the_configuration_is_not_shown(
    tmp_path: Path,
) -> None:
    file = tmp_path / "turnout.toml"
    file.write_text(
        f'[providers.mine]\nplugin = "OpenAI"\nbase_url = "http://me:{PASSWORD}@h/v1"'
    )
    app = App(read_config(file))

    with pytest.raises(ConfigError) as caught:
        app.provider("mine", {})

    assert str(caught.value) == (
        f"{file}: providers.mine: base_url has a user name; remove it, and set api_key"
    )
    assert "canary" not in shown(caught.value).lower()


def test_an_address_with_an_at_sign_in_its_path_is_accepted() -> None:
    provider = get_provider("vLLM", base_url="http://127.0.0.1:9/@team/v1")

    assert provider.options.base_url == "http://127.0.0.1:9/@team/v1"


@pytest.mark.parametrize("make", [OpenAI, Local])
def test_no_frame_of_a_providers_own_shows_a_key(make: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        make(api_key=KEY, no_such_option=1)

    assert "canary" not in shown(caught.value).lower()
