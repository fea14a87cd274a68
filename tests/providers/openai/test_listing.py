"""The list of models that a service has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from turnout import get_provider
from turnout.errors import AuthenticationError, ConfigError, ProtocolError
from turnout.testing import FaultServer, respond
from turnout.types import ModelInfo
from turnout_openai import OpenAI


async def listed(sent: object, **options: Any) -> list[ModelInfo]:
    """Return the models of a server that sends this."""
    body = json.dumps(sent).encode()
    async with FaultServer(respond(200, body)) as server:
        models = await OpenAI(base_url=f"{server.url}/v1", **options).list_models()

    (request,) = server.http_requests
    assert (request.method, request.target) == ("GET", "/v1/models")
    assert request.values("Accept") == ["application/json"]
    return list(models)


async def test_the_services_models_are_listed() -> None:
    models = await listed(
        {
            "object": "list",
            "data": [
                {"id": "gpt-4o", "object": "model", "owned_by": "openai"},
                {"id": "new-1", "object": "model"},
            ],
        }
    )

    known = next(m for m in OpenAI.info.model_infos if m.name == "gpt-4o")
    assert models == [known, ModelInfo(name="new-1", source="OpenAI's own list")]


@pytest.mark.parametrize(
    ("fields", "window", "output"),
    [
        pytest.param({"context_length": 8}, 8, None, id="OpenRouter"),
        pytest.param(
            {"context_window": 8, "max_completion_tokens": 4}, 8, 4, id="Groq"
        ),
        pytest.param({"max_context_length": 8}, 8, None, id="Mistral"),
        pytest.param({"max_model_len": 8}, 8, None, id="vLLM"),
        pytest.param({"meta": {"n_ctx": 8}}, 8, None, id="llama.cpp"),
        pytest.param({"context_length": "8", "meta": None}, None, None, id="odd"),
        pytest.param({"context_length": 0}, None, None, id="none"),
    ],
)
async def test_what_stands_beside_a_name_is_told(
    fields: dict[str, object], window: int | None, output: int | None
) -> None:
    (model,) = await listed([{"id": "m", **fields}])  # Together's is the list alone.

    assert (model.context_window, model.max_output_tokens) == (window, output)


ODD: list[object] = [
    {"data": 7},
    {},
    "no",
    {"data": [{}]},
    [{"id": ""}],
    [{"id": 7}],
    [7],
]


@pytest.mark.parametrize("sent", ODD)
async def test_what_is_no_list_breaks_the_protocol(sent: object) -> None:
    with pytest.raises(ProtocolError, match="OpenAI"):
        await listed(sent)


async def test_a_refusal_has_its_class() -> None:
    async with FaultServer(respond(401, b"{}")) as server:
        with pytest.raises(AuthenticationError):
            await OpenAI(base_url=server.url, api_key="no").list_models()


async def test_a_key_is_needed_at_openais_own_address() -> None:
    with pytest.raises(AuthenticationError, match="OPENAI_API_KEY"):
        await OpenAI().list_models()


async def test_a_vendor_without_a_list_tells_what_is_known() -> None:
    models = await get_provider("Perplexity").list_models()

    assert [model.name for model in models][:2] == ["sonar", "sonar-pro"]


async def test_the_prefill_of_a_server_is_that_of_its_models() -> None:
    async with FaultServer(respond(200, b'{"data":[{"id":"m"}]}')) as server:
        (model,) = await get_provider("vLLM", base_url=server.url).list_models()

    assert model.prefill == "continue_final"


async def test_an_azure_version_is_asked_for() -> None:
    async with FaultServer(respond(200, b'{"data":[]}')) as server:
        openai = OpenAI(base_url=server.url, api_version="2026-1&x")
        assert await openai.list_models() == ()

    assert server.http_requests[0].target == "/models?api-version=2026-1%26x"


async def test_without_an_address_nobody_is_asked() -> None:
    azure = get_provider("AzureOpenAI", api_key="k")

    with pytest.raises(ConfigError, match="its address is not set; set base_url"):
        await azure.list_models()
