"""How asking fails, and the list of models. The ids are those of cases.md."""

from __future__ import annotations

from typing import Any

import pytest

from turnout.errors import (
    AuthenticationError,
    ConnectError,
    ContextLengthError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    ProtocolError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamError,
    TurnoutError,
    UnsupportedError,
)
from turnout.testing import (
    FaultServer,
    refused_url,
    respond,
)
from turnout_ollama import Ollama

from ...support.ollama_server import (
    OllamaServer,
    line,
    text,
)
from ..asking import failure_of

KEY = "canary-0123456789"


def asked(url: str, **options: Any) -> Ollama:
    return Ollama(base_url=url, **options)


async def failure_at(
    url: str, question: str = "Why?", model: str = "llama3.2", **options: Any
) -> TurnoutError:
    """Ask, and return the error that comes of it."""
    return await failure_of(asked(url, **options), question, model)


# Failures.


@pytest.mark.parametrize(
    ("status", "told", "expected"),
    [
        (400, '"m" does not support tools', UnsupportedError),
        (400, "invalid option", InvalidRequestError),
        (400, "the input length exceeds the context length", ContextLengthError),
        (
            400,
            "the prompt is longer than the context length currently available to the "
            "model; shorten the prompt",
            ContextLengthError,
        ),
        (401, "unauthorized", AuthenticationError),
        (404, "model 'm' not found", ModelUnavailableError),
        (429, "too many concurrent requests", RateLimitError),
        (
            429,
            "you (somebody) have reached your weekly usage limit, upgrade for higher "
            "limits",
            QuotaExceededError,
        ),
        (500, "model runner has unexpectedly stopped", ServerError),
        (502, "upstream error", ServerError),
        (503, "server busy, please try again", OverloadedError),
    ],
)
async def test_a_refusal_has_its_class(
    status: int, told: str, expected: type[TurnoutError]
) -> None:
    # E13, with the service's own error; S17.
    script = respond(status, line({"error": told}), ("retry-after", "3"))
    async with FaultServer(script) as server:
        error = await failure_at(server.url)

    assert type(error) is expected
    assert told in str(error)
    assert vars(error).items() >= {"status_code": status, "retry_after": 3.0}.items()


@pytest.mark.parametrize("shown", ["", "Hi"])
@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("an error was encountered while running the model", StreamError),
        ("the input length exceeds the context length", ContextLengthError),
        ("you (somebody) have reached your weekly usage limit", QuotaExceededError),
    ],
)
async def test_an_error_inside_an_answer_has_its_class(
    told: str, expected: type[TurnoutError], shown: str
) -> None:
    # S17.
    body = (text(shown) if shown else b"") + line({"error": told})
    async with OllamaServer(body) as server:
        error = await failure_at(server.url)

    assert type(error) is expected
    assert told in str(error)
    assert error.reply is not None
    assert error.reply.text == shown


async def test_a_missing_model_says_how_to_get_it() -> None:
    told = line({"error": "model 'qwen3:0.6b' not found"})
    async with FaultServer(respond(404, told)) as server:
        error = await failure_at(server.url, model="qwen3:0.6b")

    assert str(error) == (
        "Ollama does not know the model or the address (status 404): model "
        "'qwen3:0.6b' not found; get it with `ollama pull qwen3:0.6b`"
    )


async def test_another_address_has_no_model_to_get() -> None:
    async with FaultServer(respond(404, b"404 page not found")) as server:
        error = await failure_at(server.url)

    assert str(error).endswith("(status 404): 404 page not found")


@pytest.mark.parametrize("path", ["/v1", "/api/"])
async def test_a_path_that_belongs_to_no_ollama_is_to_be_left_out(path: str) -> None:
    async with FaultServer(respond(404, b"404 page not found")) as server:
        error = await failure_at(f"{server.url}{path}")
        with pytest.raises(ModelUnavailableError) as caught:
            await asked(f"{server.url}{path}").list_models()

    for each in (error, caught.value):
        assert str(each).endswith(
            f"remove {path.rstrip('/')!r} from base_url or OLLAMA_HOST"
        )


def test_a_model_of_the_cloud_is_not_to_be_got() -> None:
    error = ModelUnavailableError("(status 404): model 'm' not found")

    assert Ollama(base_url="https://ollama.com").advice(error, "m") is None


REFUSED = (
    "Ollama does not run there: start it with `ollama serve`, or set its address "
    "with base_url or OLLAMA_HOST"
)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_where_nothing_listens_ollama_does_not_run(host: str) -> None:
    with refused_url() as url:  # H01
        url = url.replace("127.0.0.1", host)
        error = await failure_at(url)
        with pytest.raises(ConnectError) as caught:
            await asked(url).list_models()

    assert isinstance(error, ConnectError)
    for each in (error, caught.value):
        assert str(each).startswith(f"cannot reach {url.removeprefix('http://')}")
        assert str(each).endswith(f"; {REFUSED}")


async def test_a_proxy_that_nothing_listens_for_is_not_ollama() -> None:
    with refused_url() as url:
        error = await failure_at("http://ollama.example:11434", proxy=url)

    assert isinstance(error, ConnectError)
    assert REFUSED not in str(error)


# The list of models.


async def test_the_models_are_those_of_the_server() -> None:
    tags = {"models": [{"name": "llama3.2:latest", "model": "llama3.2:latest"}]}
    async with OllamaServer(tags=tags, key=KEY) as server:
        models = await asked(server.url, api_key=KEY).list_models()

    assert [each.name for each in models] == ["llama3.2:latest"]


async def test_an_odd_list_breaks_the_protocol() -> None:
    async with OllamaServer(tags={"models": [7]}) as server:
        with pytest.raises(ProtocolError, match="sent a list of models that has a int"):
            await asked(server.url).list_models()


async def test_a_list_can_be_refused() -> None:
    async with OllamaServer(key="other") as server:
        with pytest.raises(AuthenticationError) as caught:
            await asked(server.url).list_models()

    assert caught.value.status_code == 401
