"""What is wrong with an address is said, and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from turnout import get_provider
from turnout.errors import (
    AuthenticationError,
    ConfigError,
    InvalidRequestError,
    ModelUnavailableError,
)
from turnout.testing import FaultServer, respond
from turnout_openai import OpenAI

BODY = b'{"detail":"Not Found"}'


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://h/v1/chat/completions", "base_url must not contain /chat/completions"),
        ("http://h/v1/responses/", "base_url must not contain /responses"),
        ("http://h/v1?api-version=1", "set the option api_version"),
        (
            "http://h/deployments/d/chat/completions?api-version=1",
            "base_url must not contain /chat/completions, which is appended; "
            "base_url must not contain api-version; set the option api_version",
        ),
    ],
)
def test_the_address_of_a_call_is_refused(address: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        OpenAI(base_url=address)


async def test_openais_own_address_may_end_with_a_slash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    openai = OpenAI(base_url="https://api.openai.com/v1/")

    assert openai.vendor.name == "OpenAI"
    with pytest.raises(AuthenticationError, match="needs a key"):
        await openai.complete("Why?")


async def told_by(server: FaultServer, name: str, path: str, **options: Any) -> str:
    provider = get_provider(name, base_url=server.url + path, api_key="k", **options)
    with pytest.raises(ModelUnavailableError) as caught:
        await provider.complete("Why?", model="m")
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "path", "options", "told"),
    [
        ("OpenAI", "", {}, "; try base_url='http://127."),
        ("OpenAI", "/", {}, "/v1'"),
        ("LMStudio", "", {}, "/v1'"),
        ("AzureOpenAI", "/deployments/d", {}, "; a deployment needs the"),
        (
            "Mistral",
            "/v1",
            {"protocol": "responses"},
            "; if the service has no Responses",
        ),
    ],
)
async def test_what_an_address_may_lack_is_said(
    name: str, path: str, options: dict[str, Any], told: str
) -> None:
    async with FaultServer(respond(404, BODY)) as server:
        assert told in await told_by(server, name, path, **options)


@pytest.mark.parametrize(
    ("name", "path", "options"),
    [
        ("OpenAI", "/v1", {}),
        ("AzureOpenAI", "/deployments/d", {"api_version": "2024"}),
        ("OpenAI", "/v1", {"protocol": "responses", "vendor": "OpenAI"}),
    ],
)
async def test_of_an_address_that_lacks_nothing_nothing_is_said(
    name: str, path: str, options: dict[str, Any]
) -> None:
    async with FaultServer(respond(404, BODY)) as server:
        told = await told_by(server, name, path, **options)

    assert told.endswith("(status 404): Not Found")


async def test_where_the_model_is_not_there_the_address_is_right() -> None:
    body = b'{"error":{"message":"No such model","code":"model_not_found"}}'
    async with FaultServer(respond(404, body)) as server:
        assert (await told_by(server, "OpenAI", "")).endswith("No such model")


async def test_another_refusal_says_nothing_of_the_address() -> None:
    body = b'{"error":{"message":"Not so"}}'
    async with FaultServer(respond(400, body)) as server:
        with pytest.raises(InvalidRequestError, match=r"Not so$"):
            await OpenAI(base_url=server.url).complete("Why?")


def test_a_vendors_own_address_may_have_no_path() -> None:
    error = ModelUnavailableError("not there")
    deepseek = get_provider("DeepSeek")
    assert isinstance(deepseek, OpenAI)

    assert deepseek.advice(error, "m") is None
