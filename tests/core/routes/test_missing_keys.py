"""A target whose key is missing or is not a key is tried by the next request."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

import turnout
from tests.core.testing.parrots import INFO, Parrot
from tests.core.testing.signers import Signer
from tests.support.openai_server import OpenAIServer
from turnout._app import App
from turnout._config import read_config
from turnout.errors import AuthenticationError, FallbackError
from turnout.routes import Route
from turnout.service import Service, Token
from turnout.testing import FakeProvider, FaultServer, json_lines, respond
from turnout.types import Secret

ANSWER = respond(200, json_lines({"text": "hello", "done": True}))


class TokenParrot(Parrot):
    """Reads its own variable and returns it as a token."""

    def headers(self) -> dict[str, Secret]:
        return {}

    async def credentials(self) -> Token:
        key = self.options.variable("PARROT_TOKEN")
        if key is None:
            raise AuthenticationError("set PARROT_TOKEN")
        return Token(Secret(key))


async def error_of(route: Route) -> str:
    with pytest.raises(FallbackError) as caught:
        await route.complete("Why?")
    (error,) = caught.value.exceptions
    assert isinstance(error, AuthenticationError)
    assert caught.value.retry_after is None
    return str(error)


@pytest.mark.parametrize(
    ("cls", "variable", "value", "message"),
    [
        (
            Parrot,
            "PARROT_KEY",
            "",
            "Parrot needs a key; set PARROT_KEY in the environment, or api_key in "
            "turnout.toml or in code",
        ),
        (
            Parrot,
            "PARROT_KEY",
            "'sk-quoted'",
            "the environment variable PARROT_KEY has quotation marks around its value; "
            "remove them",
        ),
        (Signer, "SIGNER_KEY", "", "set signing_key or SIGNER_KEY"),
        (
            TokenParrot,
            "PARROT_TOKEN",
            "",
            "set PARROT_TOKEN; this was the request for a token",
        ),
    ],
    ids=["missing", "not a key", "signing", "token"],
)
async def test_a_missing_key_gives_the_same_error_until_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
    cls: type[Service],
    variable: str,
    value: str,
    message: str,
) -> None:
    monkeypatch.setenv(variable, value)
    async with FaultServer(ANSWER) as server:
        info = replace(cls.info, options={"base_url": server.url})
        async with turnout.fallback(cls(info=info)) as route:
            errors = [await error_of(route) for _ in range(4)]
            requests_without_key = len(server.http_requests)
            monkeypatch.setenv(variable, "sk-set-later")
            reply = await route.complete("Why?")

    assert errors == [message] * 4
    assert requests_without_key == 0
    assert reply.text == "hello"
    assert len(server.http_requests) == 1
    assert turnout.health()[-1].state == "up"


async def test_a_variable_of_the_configuration_may_be_set_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with OpenAIServer(key="sk-set-later") as server:
        path = tmp_path / "turnout.toml"
        path.write_text(
            "[providers.OpenAI]\n"
            f'base_url = "{server.base_url}"\napi_key = "env:MY_OPENAI_KEY"\n'
        )
        app = App(await asyncio.to_thread(read_config, path))
        async with app.route(("OpenAI:gpt-4o",), {}) as route:
            errors = [await error_of(route) for _ in range(2)]
            places = app.explain("OpenAI:gpt-4o").places
            monkeypatch.setenv("MY_OPENAI_KEY", "sk-set-later")
            reply = await route.complete("Why?")

    message = (
        "OpenAI needs a key; set MY_OPENAI_KEY in the environment, or api_key in "
        "turnout.toml or in code"
    )
    assert errors == [message] * 2
    assert [place.passed_over for place in places] == [""]
    assert reply.text == "Hello there."
    assert (len(server.bodies), server.refusals) == (1, [])


async def test_the_other_target_answers_while_the_key_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FaultServer(ANSWER) as server:
        info = replace(INFO, options={"base_url": server.url})
        route = turnout.fallback(Parrot(info=info), FakeProvider("other", name="B"))
        async with route:
            replies = [await route.complete("Why?") for _ in range(3)]
            monkeypatch.setenv("PARROT_KEY", "sk-set-later")
            last = await route.complete("Why?")

    assert [reply.text for reply in replies] == ["other"] * 3
    for reply in replies:
        first = reply.attempts[0]
        assert (first.outcome, type(first.error)) == ("failed", AuthenticationError)
    assert last.text == "hello"


async def test_a_key_that_the_service_refused_is_held() -> None:
    async with FaultServer(respond(401, b'{"error": "no"}')) as server:
        info = replace(INFO, options={"base_url": server.url})
        route = turnout.fallback(Parrot(info=info, api_key="sk-wrong"))
        async with route:
            await error_of(route)
            with pytest.raises(FallbackError) as caught:
                await route.complete("Why?")

    (error,) = caught.value.exceptions
    assert re.fullmatch(
        r"Parrot:parrot-1 is cooling down for [\d.]+ s after AuthenticationError: "
        r"Parrot refused the key, or got none; check PARROT_KEY in the environment, or "
        r"api_key in turnout.toml or in code \(status 401\): no",
        str(error),
    )
    assert len(server.http_requests) == 1
    assert turnout.health()[0].state == "held"
