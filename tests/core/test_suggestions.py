"""What is suggested for a name that means nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.samples import info, plugin
from turnout import explain, get_provider
from turnout._app import App
from turnout._config import Config, ProviderConfig, RouteConfig, read_config
from turnout._names import without_marks
from turnout._registry import ProviderEntry, Registry
from turnout._suggestions import models_meant, providers_meant
from turnout.errors import (
    ModelUnavailableError,
    UnknownModelError,
    UnknownProviderError,
)
from turnout.testing import FaultServer, respond

PLUGINS = [
    plugin(
        info("OpenAI", "gpt-4o-mini", "gpt-4o", open_models=True, needs_key=True),
        info("AzureOpenAI", open_models=True, needs_key=True),
        info("Anthropic", "claude-haiku-5", "claude-opus-5", needs_key=True),
        info("Hub", "openai/gpt-4.1", "meta/Llama-3.3-70B", open_models=True),
        info("Open Hub", "openhub/auto", open_models=True, needs_key=True),
        info("Ollama", open_models=True),
        info("Lost", "claude-lost", working=False),
        info("Closed", "small-1", "small-2"),
    )
]


def meant(name: str, *keys: str) -> list[str]:
    def rank(entry: ProviderEntry) -> int:
        return int(entry.info.name not in keys)

    return [*models_meant(name, Registry(PLUGINS, Config()), rank)]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("openai/gpt-4o", ["OpenAI:gpt-4o"]),
        ("OpenAI/gpt4o", ["OpenAI:gpt-4o"]),
        ("open-ai/gpt-9", ["OpenAI:gpt-9", "OpenAI:gpt-4o"]),
        ("opnai:gpt-4o", ["OpenAI:gpt-4o"]),
        ("nope", []),
        ("nope:x", []),
        ("azure/gpt-4o", ["AzureOpenAI:gpt-4o"]),
        ("anthropic/claude", ["Anthropic:claude-opus-5"]),
        ("closed/small-3", ["Closed:small-2"]),
        ("closed/zzz", ["Closed"]),
        ("bedrock/claude", ["Anthropic:claude-opus-5"]),
        ("claude", ["Anthropic:claude-opus-5"]),
        ("Claude", ["Anthropic:claude-opus-5"]),
        ("opus", ["Anthropic:claude-opus-5"]),
        ("gpt", ["OpenAI:gpt-4o", "Hub:openai/gpt-4.1"]),
        ("gpt4o", ["OpenAI:gpt-4o"]),
        ("GPT 4o mini", ["OpenAI:gpt-4o-mini"]),
        ("llama3", ["Ollama:llama3", "Hub:meta/Llama-3.3-70B", "Ollama"]),
        ("azure", ["AzureOpenAI"]),
        ("gp", []),
        ("/", []),
        ("openai/", ["OpenAI", "openai/gpt-4.1", "AzureOpenAI"]),
        ("zzz", []),
        ("zzz/zzz", []),
    ],
)
def test_a_name_as_people_write_it_is_understood(name: str, found: list[str]) -> None:
    assert meant(name) == found


def test_two_meanings_are_both_named() -> None:
    assert meant("openai/gpt-4o", "Hub") == ["OpenAI:gpt-4o", "Hub:openai/gpt-4o"]
    assert meant("meta/x", "Open Hub", "Hub") == ["Hub:meta/x", "Open Hub:meta/x"]


def test_a_family_is_asked_where_the_key_is() -> None:
    assert meant("gpt", "Hub") == ["Hub:openai/gpt-4.1", "OpenAI:gpt-4o"]


def test_a_provider_is_found_by_a_part_of_its_name() -> None:
    registry = Registry(PLUGINS, Config())

    assert providers_meant("azure", registry) == ("AzureOpenAI",)
    assert providers_meant("ollama_chat", registry) == ("Ollama",)
    assert providers_meant("zzz", registry) == ()


@pytest.mark.parametrize(
    "name", ["gpt-4o", "GPT_4o", "gpt4o", "gpt 4o", "gpt.4o", "gpt:4o"]
)
def test_marks_are_left_out(name: str) -> None:
    assert without_marks(name) == "gpt4o"


# With the providers that come with turnout.

WRITE = (
    'write get_provider("OpenAI").stream(..., model="gpt-4o"), turnout.stream(..., '
    'model="OpenAI:gpt-4o") or `turnout chat -m OpenAI:gpt-4o`'
)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gpt-4o", f": it is a model; {WRITE}"),
        ("openai/gpt-4o", f": it is a provider with a model; {WRITE}"),
        ("OpenAI: gpt-4o", f": it is a provider with a model; {WRITE}"),
        ("gpt4o", "; did you mean the model 'OpenAI:gpt-4o'?"),
        ("opnai", "; did you mean 'OpenAI'?"),
        (
            "claude",
            "; did you mean the model 'Anthropic:claude-opus-5' or "
            "'Vercel:anthropic/claude-haiku-4.5'?",
        ),
    ],
)
def test_a_model_in_place_of_a_provider_is_told_with_what_to_write(
    name: str, told: str
) -> None:
    with pytest.raises(UnknownProviderError) as caught:
        get_provider(name)

    assert str(caught.value) == f"unknown provider {name!r}{told}"


@pytest.mark.parametrize("name", ["Nope", "Nope:x", "none", "foo"])
def test_a_name_that_is_not_near_gets_no_suggestion(name: str) -> None:
    with pytest.raises(UnknownProviderError) as unknown_provider:
        get_provider(name)
    with pytest.raises(UnknownModelError) as unknown_model:
        explain(name)

    known = f"unknown provider {name!r}; known: Anthropic, AzureOpenAI, "
    assert str(unknown_provider.value).startswith(known)
    assert "did you mean" not in str(unknown_model.value)


@pytest.mark.parametrize("name", ["llama3", "grok"])
def test_a_family_in_place_of_a_provider_names_a_model_and_a_provider(
    name: str,
) -> None:
    with pytest.raises(UnknownProviderError, match=r"did you mean '.*, or the model '"):
        get_provider(name)


def test_a_model_of_several_is_told_with_the_others() -> None:
    with pytest.raises(UnknownProviderError) as caught:
        get_provider("openai/gpt-oss-120b")

    assert "; it may also be '" in str(caught.value)


@pytest.mark.parametrize("name", ["openai:", "openai/", "OpenAI: "])
def test_a_provider_with_a_mark_after_it_is_told_with_the_provider(name: str) -> None:
    with pytest.raises(UnknownProviderError, match="did you mean 'OpenAI'"):
        get_provider(name)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (Config(aliases={"fast": "Local"}), "an alias"),
        (Config(routes={"fast": RouteConfig(targets=("Local",))}), "a route"),
    ],
)
def test_an_alias_in_place_of_a_provider_is_told_so(config: Config, kind: str) -> None:
    with pytest.raises(UnknownProviderError) as caught:
        App(config).provider("fast", {})

    assert str(caught.value) == (
        f"unknown provider 'fast': it is {kind}; write turnout.stream(..., "
        'model="fast")'
    )


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("openai/gpt-4o", "'OpenAI:gpt-4o'"),
        ("gpt4o", "'OpenAI:gpt-4o'"),
        ("llama3", "'Ollama:llama3'"),
        ("claude", "'Anthropic:claude-"),
        ("gpt", "'OpenAI:gpt-4o'"),
    ],
)
def test_a_model_that_is_written_otherwise_is_told_with_what_to_write(
    name: str, guess: str
) -> None:
    with pytest.raises(UnknownModelError) as caught:
        explain(name)

    assert f"did you mean {guess}" in str(caught.value) or f" or {guess}" in str(
        caught.value
    )


def test_a_model_that_is_not_listed_is_told_with_the_one_that_is() -> None:
    found = explain("openai:gpt4o")

    assert found.steps == (
        "'openai:gpt4o' names provider 'OpenAI' and model 'gpt4o', which is not "
        "listed; did you mean 'gpt-4o'?",
    )


def test_a_model_with_the_name_of_a_provider_is_told_with_the_provider() -> None:
    found = explain("gemini")

    assert found.steps[0].endswith("; the provider is written 'Gemini'")


def test_the_configuration_names_instances_too(tmp_path: Path) -> None:
    file = tmp_path / "turnout.toml"
    file.write_text('[providers.mine]\nplugin = "OpenAI"\nbase_url = "http://h/v1"')
    app = App(read_config(file))
    assert isinstance(app.config.providers["mine"], ProviderConfig)

    with pytest.raises(UnknownModelError, match="'mine:gpt-4o'"):
        app.explain("mine/gpt-4o")


async def test_a_model_that_a_service_does_not_know_is_told_with_the_one_that_is() -> (
    None
):
    body = b'{"error":{"message":"no such model","code":"model_not_found"}}'
    async with FaultServer(respond(404, body), respond(404, body)) as server:
        provider = get_provider("OpenAI", base_url=server.url)
        with pytest.raises(ModelUnavailableError) as mistyped:
            await provider.complete("Hi", model="gpt4o")
        with pytest.raises(ModelUnavailableError) as unlike:
            await provider.complete("Hi", model="zzz")

    assert str(mistyped.value).endswith("; did you mean 'gpt-4o'?")
    assert "did you mean" not in str(unlike.value)
