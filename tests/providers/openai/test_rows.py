"""What each row says, against what the service's documentation says.

The sources of the rows are in `Vendor.source` and in docs/providers.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from turnout import get_provider
from turnout._app import App
from turnout._config import Config, ProviderConfig
from turnout.errors import OverloadedError, ServerError, UnsupportedError
from turnout.http import StatusRule
from turnout.testing import FaultServer, respond
from turnout.types import Capabilities, Tool
from turnout_openai import Decoder, OpenAI, Vendor
from turnout_openai import _vendors as rows
from turnout_openai._vendor import COMPATIBLE
from turnout_openai._vendors import VENDORS

from ...support.openai_server import DONE, finish, text

PAGE = Path(__file__).parents[3] / "docs" / "providers" / "openai-compatible.md"
KEY = "sk-canary-0123456789"
STREAMED = ("Content-Type", "text/event-stream")
JSON = ("Content-Type", "application/json")

ASKED: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.9,
    "stop": ["END"],
    "seed": 7,
    "max_tokens": 9,
    "tools": [Tool(name="look", parameters={"type": "object", "properties": {}})],
    "response_format": {"type": "object"},
}
"""Every option that a row may leave out."""

NEW = "max_completion_tokens"
OLD = "max_tokens"
BEARER = "Authorization: Bearer "


@dataclass(frozen=True)
class Facts:
    """What a service's documentation says of a request."""

    address: str
    """Its own, or what a customer's looks like."""
    tokens: str = OLD
    """The field for the greatest number of tokens."""
    refused: tuple[str, ...] = ()
    """The options that it does not take."""
    key: str = BEARER
    """The header of the key, and what is before it."""
    usage: bool = True
    """Whether `stream_options` is sent."""
    beside: tuple[tuple[str, object], ...] = ()
    """Further fields of each request."""
    seed: str = "seed"
    reasoning_apart: bool = False
    """Whether `completion_tokens` is without the reasoning."""
    developer: bool = False
    """Whether it has the role `developer`."""
    empty_reasoning: str | None = None
    """What stands for the reasoning of a call that has none."""


FACTS = {
    "AzureOpenAI": Facts(
        "https://NAME.openai.azure.com/openai/v1", NEW, key="api-key: ", developer=True
    ),
    "Baseten": Facts("https://inference.baseten.co/v1"),
    "Cerebras": Facts("https://api.cerebras.ai/v1", NEW, developer=True),
    "Cloudflare": Facts(
        "https://api.cloudflare.com/client/v4/accounts/ACCOUNT_ID/ai/v1"
    ),
    "Databricks": Facts(
        "https://WORKSPACE.cloud.databricks.com/serving-endpoints",
        refused=("seed",),
        usage=False,
    ),
    "DeepInfra": Facts("https://api.deepinfra.com/v1/openai"),
    "DeepSeek": Facts(
        "https://api.deepseek.com",
        refused=("seed", "response_format"),
        empty_reasoning="",
    ),
    "Fireworks": Facts("https://api.fireworks.ai/inference/v1"),
    "GeminiOpenAI": Facts(
        "https://generativelanguage.googleapis.com/v1beta/openai",
        refused=("seed",),
        reasoning_apart=True,
    ),
    "Groq": Facts("https://api.groq.com/openai/v1", NEW, developer=True),
    "HuggingFace": Facts("https://router.huggingface.co/v1"),
    "LiteLLM": Facts("http://127.0.0.1:4000/v1"),
    "llama.cpp": Facts("http://127.0.0.1:8080/v1"),
    "LMStudio": Facts("http://127.0.0.1:1234/v1"),
    "MiniMax": Facts(
        "https://api.minimax.io/v1",
        NEW,
        refused=("seed", "response_format"),
        beside=(("reasoning_split", True),),
    ),
    "Mistral": Facts("https://api.mistral.ai/v1", usage=False, seed="random_seed"),
    "Moonshot": Facts(
        "https://api.moonshot.ai/v1",
        NEW,
        refused=("seed",),
        empty_reasoning=" ",
    ),
    "Nebius": Facts("https://api.tokenfactory.nebius.com/v1"),
    "Novita": Facts("https://api.novita.ai/openai/v1"),
    "NVIDIA": Facts("https://integrate.api.nvidia.com/v1"),
    "OpenRouter": Facts("https://openrouter.ai/api/v1"),
    "Perplexity": Facts(
        "https://api.perplexity.ai",
        refused=("stop", "seed", "tools"),
        usage=False,
    ),
    "Qwen": Facts("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
    "SambaNova": Facts("https://api.sambanova.ai/v1"),
    "SGLang": Facts("http://127.0.0.1:30000/v1"),
    "SiliconFlow": Facts("https://api.siliconflow.com/v1"),
    "Together": Facts("https://api.together.ai/v1"),
    "Vercel": Facts("https://ai-gateway.vercel.sh/v1"),
    "vLLM": Facts("http://127.0.0.1:8000/v1"),
    "xAI": Facts("https://api.x.ai/v1", refused=("stop",), reasoning_apart=True),
    "Z.ai": Facts("https://api.z.ai/api/paas/v4", refused=("response_format",)),
    "Zhipu": Facts(
        "https://open.bigmodel.cn/api/paas/v4", refused=("response_format",)
    ),
}


def of(name: str, **options: Any) -> OpenAI:
    provider = get_provider(name, **options)
    assert isinstance(provider, OpenAI)
    return provider


def test_each_row_has_its_facts() -> None:
    assert sorted(FACTS) == sorted(vendor.name for vendor in VENDORS)


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_a_row_says_what_the_documentation_says(vendor: Vendor) -> None:
    facts = FACTS[vendor.name]

    assert (vendor.base_url or vendor.form) == facts.address
    assert vendor.reasoning_in_output is not facts.reasoning_apart
    assert vendor.developer_role is facts.developer
    assert vendor.empty_reasoning == facts.empty_reasoning


@pytest.mark.parametrize("name", FACTS)
async def test_a_request_has_the_fields_that_the_service_knows(name: str) -> None:
    facts = FACTS[name]
    options = {key: value for key, value in ASKED.items() if key not in facts.refused}
    body = text("{}") + finish() + DONE
    async with FaultServer(respond(200, body, STREAMED)) as server:
        provider = of(name, base_url=f"{server.url}/v1", api_key=KEY)
        await provider.complete("Why?", model="not-listed", **options)

    (request,) = server.http_requests
    header, _, prefix = facts.key.partition(": ")
    sent = json.loads(request.body)
    names = {"max_tokens": facts.tokens, "seed": facts.seed}
    assert request.target == "/v1/chat/completions"
    assert request.values(header) == [prefix + KEY]
    assert set(sent) == {
        "model",
        "messages",
        "stream",
        *({"stream_options"} if facts.usage else ()),
        *dict(facts.beside),
        *(names.get(option, option) for option in options),
    }
    assert sent.items() >= dict(facts.beside).items()


@pytest.mark.parametrize(
    ("name", "option"),
    [(name, option) for name, facts in FACTS.items() for option in facts.refused],
)
def test_what_a_service_does_not_take_is_refused(name: str, option: str) -> None:
    with pytest.raises(UnsupportedError):
        _ = of(name).stream("Why?", model="not-listed", **{option: ASKED[option]})


@pytest.mark.parametrize("model", ["kimi-k3", "kimi-k2.7-code"])
@pytest.mark.parametrize("option", ["temperature", "top_p"])
def test_kimi_has_its_own_sampling(model: str, option: str) -> None:
    with pytest.raises(UnsupportedError):
        _ = of("Moonshot").stream("Why?", model=model, **{option: ASKED[option]})


def test_moonshot_continues_with_its_older_models() -> None:
    models = of("Moonshot").catalog.models.values()

    assert {model.name: model.prefill for model in models} == {
        "kimi-k3": "none",
        "kimi-k2.7-code": "none",
        "moonshot-v1-128k": "partial_flag",
    }


# Other addresses of the same service.


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://api.moonshot.cn/v1", "Moonshot"),
        ("https://api.minimaxi.com/v1", "MiniMax"),
        ("https://api.siliconflow.cn/v1", "SiliconFlow"),
        ("https://api.z.ai/api/coding/paas/v4", "Z.ai"),
        ("https://open.bigmodel.cn/api/coding/paas/v4", "Zhipu"),
        ("https://adb-1.2.azuredatabricks.net/serving-endpoints", "Databricks"),
        ("https://dbc-1.cloud.databricks.com/ai-gateway/mlflow/v1", "Databricks"),
        ("https://api.cloudflare.com/client/v4/accounts/1/ai/v1", "Cloudflare"),
        ("https://model-1.api.baseten.co/environments/production/sync/v1", "Baseten"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "GeminiOpenAI"),
    ],
)
def test_a_service_is_known_by_its_other_addresses(address: str, name: str) -> None:
    assert OpenAI(base_url=address).vendor.name == name


@pytest.mark.parametrize(
    "host", ["api.x.ai.example", "biz.ai", "api.fz.ai", "nvidia.com", "vercel.sh"]
)
def test_a_host_that_only_looks_like_one_is_another(host: str) -> None:
    assert rows.at(host) is COMPATIBLE


@pytest.mark.parametrize("name", ["GeminiOpenAI", "Cloudflare", "Databricks"])
def test_a_variable_of_other_services_sends_no_prompt(name: str) -> None:
    assert of(name).info.shared_key


@pytest.mark.parametrize(
    "vendor", [v for v in VENDORS if v.source], ids=lambda vendor: vendor.name
)
def test_a_row_and_the_page_name_its_source(vendor: Vendor) -> None:
    assert vendor.source.endswith("read 2026-11-30")
    assert f"| `{vendor.name}` | {vendor.source} |" in PAGE.read_text("utf-8")


# Rows of other packages.

MACAW = Vendor(
    name="Macaw",
    base_url="https://api.macaw.example/v1",
    needs_key=False,
    models=("macaw-1",),
    capabilities=Capabilities(max_tokens=True),
    max_tokens_field="max_completion_tokens",
)


class LoudMacaw(OpenAI):
    status_rules = (StatusRule(error=OverloadedError, codes={"too_loud"}),)


class Flock(Decoder):
    details = (*Decoder.details, "created")


def test_a_row_makes_a_provider() -> None:
    macaw = OpenAI(info=MACAW.info(OpenAI))

    assert macaw.vendor is MACAW
    assert macaw.at_own_address
    assert (macaw.info.name, macaw.info.first_model) == ("Macaw", "macaw-1")


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"base_url": "http://127.0.0.1:1/v1"}, "Macaw"),
        ({"base_url": "https://api.groq.com/openai/v1"}, "Macaw"),
        ({"vendor": "Groq"}, "Groq"),
    ],
)
def test_the_row_holds_until_another_is_named(
    options: dict[str, Any], name: str
) -> None:
    assert OpenAI(info=MACAW.info(OpenAI), **options).vendor.name == name


async def test_a_class_and_a_row_both_say_what_an_error_means() -> None:
    rule = StatusRule(error=ServerError, codes={"asleep"})
    info = replace(MACAW, status_rules=(rule,)).info(LoudMacaw)
    loud, asleep = (f'{{"error": {{"code": "{c}"}}}}' for c in ("too_loud", "asleep"))
    script = respond(400, loud.encode()), respond(400, asleep.encode())
    async with FaultServer(*script) as server:
        macaw = LoudMacaw(info=info, base_url=server.url)
        with pytest.raises(OverloadedError):
            await macaw.complete("Hi")
        with pytest.raises(ServerError):
            await macaw.complete("Hi")


async def test_a_row_may_have_a_decoder_of_its_own() -> None:
    body = (
        b'{"id": "1", "created": 7, "flock": 3,'
        b' "choices": [{"message": {"content": "Aark"}}]}'
    )
    info = replace(MACAW, decoder=Flock).info(OpenAI)
    async with FaultServer(respond(200, body, JSON)) as server:
        reply = await OpenAI(info=info, base_url=server.url).complete("Hi")

    assert (reply.details["created"], reply.details["flock"]) == (7, 3)


def test_a_provider_of_a_row_can_be_pickled() -> None:
    macaw = OpenAI(info=MACAW.info(OpenAI))
    copied = pickle.loads(pickle.dumps(macaw))

    assert copied.vendor.max_tokens_field == "max_completion_tokens"
    assert copied.info == macaw.info
    assert "Vendor object" not in repr(copied.info)


def test_a_configured_instance_keeps_the_row() -> None:
    table = ProviderConfig(
        plugin="Moonshot", options={"base_url": "https://llm.example/v1"}
    )
    mine = App(Config(providers={"mine": table})).provider("mine", {})

    assert isinstance(mine, OpenAI)
    assert mine.vendor is rows.named("Moonshot")
    assert mine.info.key_variable is None
