"""Keys that cannot be sent: refused with the variable's name, and never shown."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

from turnout import Provider, ProviderInfo, get_provider, run
from turnout._app import App
from turnout._config import Config, read_config
from turnout._keys import fault_of_key, fault_of_secret, fault_of_variable
from turnout.cli._readiness import readiness
from turnout.errors import AuthenticationError, ConfigError, FallbackError
from turnout.provider import ProviderOptions
from turnout.routes import Route
from turnout.testing import FakeProvider
from turnout.types import ChatRequest, Secret

from .scripted import Lines

KEY = "sk-canary-4711"

FAULTS = [
    pytest.param("sk-\ncanary", "has a line break; remove it", id="line break"),
    pytest.param("sk-\u2028canary", "has a line break; remove it", id="separator"),
    pytest.param(
        "\ufeffsk-canary",
        "has an invisible character (U+FEFF BYTE ORDER MARK); remove it",
        id="byte order mark",
    ),
    pytest.param(
        "sk-\u200bcanary",
        "has an invisible character (U+200B ZERO WIDTH SPACE); remove it",
        id="zero width",
    ),
    pytest.param(
        "sk-\xa0canary",
        "has an invisible character (U+00A0 NO-BREAK SPACE); remove it",
        id="no-break space",
    ),
    pytest.param(
        "sk-\x1bcanary",
        "has an invisible character (U+001B control character); remove it",
        id="control",
    ),
    pytest.param(
        "\u201csk-canary\u201d",
        "has typographic quotation marks; remove them",
        id="typographic",
    ),
    pytest.param(
        "\u2018sk-canary\u2019",
        "has typographic quotation marks; remove them",
        id="single typographic",
    ),
    pytest.param(
        "s\u043a-canary", "has a character that is not ASCII; correct it", id="cyrillic"
    ),
    pytest.param(
        '"sk-canary"', "has quotation marks around its value; remove them", id="quotes"
    ),
    pytest.param(
        "'sk-canary'", "has quotation marks around its value; remove them", id="single"
    ),
    pytest.param(
        "env:CANARY",
        "is a reference, which works only in turnout.toml; set the key itself",
        id="reference",
    ),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "turnout.toml"


def app_of(path: Path, text: str) -> App:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return App(read_config(path))


@pytest.mark.parametrize(("key", "fault"), FAULTS)
def test_the_message_about_a_key_does_not_show_it(key: str, fault: str) -> None:
    assert fault_of_key(key) == fault
    assert "canary" not in fault.casefold()


@pytest.mark.parametrize("key", [KEY, "a", "a b", "a'b\"c", '"', "~!@#$%^&*()"])
def test_a_key_that_can_be_sent_has_no_fault(key: str) -> None:
    assert fault_of_key(key) is None
    assert fault_of_secret(key) is None


def test_a_secret_may_have_any_letter() -> None:
    assert fault_of_secret("пароль") is None
    assert fault_of_secret("") == "is blank; set it"


@pytest.mark.parametrize(("key", "fault"), FAULTS)
async def test_the_variable_of_a_key_that_cannot_be_sent_is_named(
    key: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", key)

    with pytest.raises(AuthenticationError) as caught:
        await get_provider("vLLM", base_url="http://127.0.0.1:1").complete("Hi")

    assert str(caught.value) == f"the environment variable VLLM_API_KEY {fault}"
    assert caught.value.provider == "vLLM"


@pytest.mark.parametrize(("key", "fault"), FAULTS)
def test_the_option_of_a_key_that_cannot_be_sent_is_named(key: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        get_provider("vLLM", api_key=key)

    assert fault in str(caught.value)
    assert "api_key" in str(caught.value)
    assert "canary" not in str(caught.value).casefold()


def test_a_variable_that_is_not_set_has_no_fault() -> None:
    assert fault_of_variable("NO_SUCH_VARIABLE") is None


async def test_a_route_uses_its_next_target_after_a_key_that_cannot_be_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LINES_KEY", "sk-\u200bcanary")
    info = ProviderInfo(name="Lines", models=("m",), key_variable="LINES_KEY")
    bad = Lines(info=info, base_url="http://127.0.0.1:1")

    reply = await Route([bad.target(), FakeProvider(["good"]).target()]).complete("Hi")
    with pytest.raises(FallbackError) as caught:
        await Route([bad.target()]).complete("Hi")

    assert reply.text == "good"
    assert [type(one) for one in caught.value.exceptions] == [AuthenticationError]


def test_a_provider_whose_key_cannot_be_sent_is_not_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-\ncanary")
    app = App(Config())

    found = readiness(app, app.entry("OpenAI"))

    assert (found.state, found.reason) == (
        "needs key",
        "the environment variable OPENAI_API_KEY has a line break; remove it",
    )


@pytest.mark.parametrize(
    ("table", "state", "reason"),
    [
        (
            'plugin = "OpenAI"\nbase_url = "https://api.openai.com/v1"',
            "needs key",
            "it needs a key; set OPENAI_API_KEY",
        ),
        ('plugin = "OpenAI"', "needs key", "it needs a key; set OPENAI_API_KEY"),
        (
            'plugin = "OpenAI"\nbase_url = "https://api.groq.com/openai/v1"',
            "needs key",
            "it needs a key; set api_key in turnout.toml",
        ),
        (
            'plugin = "AzureOpenAI"\nbase_url = "https://x.openai.azure.com/openai/v1"',
            "needs key",
            "it needs a key; set api_key in turnout.toml",
        ),
        (
            'plugin = "OpenAI"\nbase_url = "http://127.0.0.1:8000/v1"',
            "ready",
            "it needs no key",
        ),
        (
            'plugin = "OpenAI"\napi_key = "env:MINE"\n'
            'base_url = "https://api.openai.com/v1"',
            "needs key",
            "it needs a key; set MINE",
        ),
        (
            'plugin = "OpenAI"\napi_key = "env:MINE"\nbase_url = "http://h:8000/v1"',
            "needs key",
            "it needs a key; set MINE",
        ),
        (
            'plugin = "vLLM"\napi_key = "env:MINE"',
            "needs key",
            "it needs a key; set MINE",
        ),
    ],
)
def test_an_instance_without_a_key_is_not_ready(
    file: Path, table: str, state: str, reason: str
) -> None:
    app = app_of(file, f"[providers.mine]\n{table}\n")

    found = readiness(app, app.entry("mine"))

    assert (found.state, found.reason) == (state, reason)


def test_nothing_is_sent_without_the_key_that_the_configuration_names(
    file: Path,
) -> None:
    # No server listens, so a request would raise ConnectError.
    table = 'plugin = "OpenAI"\napi_key = "env:MINE"\nbase_url = "http://127.0.0.1:9"'
    provider = app_of(file, f"[providers.mine]\n{table}\n").provider("mine", {})

    with pytest.raises(AuthenticationError, match="set MINE in the environment"):
        run(provider.complete("Hi", model="m"))


async def test_nothing_is_sent_to_another_services_address_without_a_key() -> None:
    provider = get_provider("OpenAI", base_url="https://api.groq.com/openai/v1")

    with pytest.raises(AuthenticationError, match="needs a key"):
        await provider.complete("Hi")


# References in the configuration.


@dataclass(frozen=True, kw_only=True)
class Many(ProviderOptions):
    plain: str | None = None
    secret: Secret | None = None
    either: str | Secret | None = None
    number: int | Secret = 0
    noted: Annotated[Secret | None, "a note"] = None
    several: list[Secret] | None = None
    sequence: Sequence[Secret] = ()
    table: dict[str, Secret] | None = None
    texts: tuple[str | Secret, ...] = ()


class Keeper(Provider):
    info = ProviderInfo(name="Keeper")
    options_type = Many
    options: Many

    async def generate(self, request: ChatRequest) -> AsyncGenerator[str]:
        yield request.last_user_text


def made(file: Path, text: str) -> Many:
    config = read_config(written(file, f"[providers.Keeper]\n{text}"))
    options: dict[str, Any] = {**config.providers["Keeper"].options}
    return Keeper(**options).options


def written(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ('secret = "env:MINE"', "secret", Secret(KEY)),
        ('either = "env:MINE"', "either", Secret(KEY)),
        ('either = "plain"', "either", "plain"),
        ('number = "env:MINE"', "number", Secret(KEY)),
        ('number = "plain"', "number", Secret("plain")),
        ("number = 5", "number", 5),
        ('several = ["env:MINE", "b"]', "several", [Secret(KEY), Secret("b")]),
        ('sequence = ["env:MINE"]', "sequence", [Secret(KEY)]),
        ('noted = "env:MINE"', "noted", Secret(KEY)),
        ('table = { a = "env:MINE" }', "table", {"a": Secret(KEY)}),
        ('texts = ["env:MINE", "b"]', "texts", (Secret(KEY), "b")),
        ('proxy = "env:PROXY"', "proxy", Secret("http://me:p@127.0.0.1:9")),
        ('plain = "env:MINE"', "plain", "env:MINE"),
    ],
)
def test_a_reference_is_resolved_in_every_kind_of_secret_option(
    file: Path, text: str, name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", f"{KEY}\n")
    monkeypatch.setenv("PROXY", "http://me:p@127.0.0.1:9")

    assert getattr(made(file, text), name) == value


@pytest.mark.parametrize("name", ["secret", "proxy", "either", "number"])
@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("\ufeffcanary", "has an invisible character (U+FEFF BYTE ORDER"),
        ("can\nary", "has a line break; remove it"),
        ('"canary"', "has quotation marks around its value; remove them"),
    ],
)
def test_the_variable_of_a_secret_that_is_wrong_is_named(
    file: Path, name: str, value: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", value)

    with pytest.raises(ConfigError) as caught:
        made(file, f'{name} = "env:MINE"')

    assert f"{name}: the environment variable MINE {fault}" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("value", [5, b"canary", ["canary"]])
def test_a_value_that_is_not_a_string_is_not_a_secret(value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        Keeper(secret=value)

    assert str(caught.value).endswith("secret: expected a string")
