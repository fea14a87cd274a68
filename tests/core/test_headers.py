"""The option `headers`: what is sent to which address, and what is shown."""

from __future__ import annotations

import copy
import logging
import traceback
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import turnout
from turnout import get_provider
from turnout._app import App
from turnout._config import read_config
from turnout.errors import AuthenticationError, ConfigError, TurnoutError
from turnout.provider import Provider
from turnout.service import Call, Service
from turnout.testing import FakeProvider, FaultServer, HttpRequest, respond
from turnout.types import ChatRequest, ModelInfo, ProviderInfo, Secret

from ..support.flowgpt_server import Answer, FlowGptServer
from .scripted import Lines
from .testing.parrots import Decoder

CANARY = "canary-4711-of-headers"

CORE = Path(turnout.__file__).parent

PARROT = ProviderInfo(
    name="Parrot",
    models=("m",),
    key_variable="PARROT_KEY",
    needs_key=True,
)


class Parrot(Service):
    """A service that needs a key at any address."""

    info = PARROT

    def call(self, request: ChatRequest) -> Call:
        key = self.key()
        headers: dict[str, str | Secret] = {"Accept": "application/x-ndjson"}
        if key is not None:
            headers["authorization"] = key.prefixed("Bearer ")
        return Call("/chat", {"say": request.last_user_text}, headers, Decoder)

    async def list_models(self) -> Sequence[ModelInfo]:
        await self.fetch("/models", {"Accept": "application/json"})
        return []


ANSWER = respond(200, b'{"text": "ok"}\n{"done": true}\n')


async def sent(
    make: Callable[..., Provider] = Parrot, **options: object
) -> dict[str, list[str]]:
    """Return the headers of a request, by their names in lower case."""
    async with FaultServer(ANSWER) as server:
        await make(base_url=server.url, **options).complete("Why?")
    return named(server.http_requests[0])


def named(request: HttpRequest) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in request.headers:
        headers.setdefault(name.lower(), []).append(value)
    return headers


async def test_each_request_has_the_headers() -> None:
    own = {"X-Project": "p1", "HTTP-Referer": "https://me.example", "X-Empty": ""}

    headers = await sent(api_key="k", headers=own)

    assert headers["x-project"] == ["p1"]
    assert headers["http-referer"] == ["https://me.example"]
    assert headers["x-empty"] == [""]
    assert headers["authorization"] == ["Bearer k"]


async def test_a_header_replaces_turnouts_own_whatever_its_case() -> None:
    own = {"ACCEPT": "text/plain", "User-agent": "mine", "content-type": "text/json"}

    headers = await sent(api_key="k", headers=own)

    assert headers["accept"] == ["text/plain"]
    assert headers["user-agent"] == ["mine"]
    assert headers["content-type"] == ["text/json"]


async def test_a_list_of_models_is_requested_with_them() -> None:
    async with FaultServer(respond(200, b"[]")) as server:
        parrot = Parrot(base_url=server.url, headers={"x-project": "p1"})
        await parrot.list_models()

    assert named(server.http_requests[0])["x-project"] == ["p1"]


async def test_a_provider_that_makes_headers_for_each_request_sends_them_too() -> None:
    async with FlowGptServer(Answer(pieces=("Hello.",))) as server:
        provider = get_provider(
            "FlowGpt", base_url=server.base_url, headers={"X-Project": "p1"}
        )
        await provider.complete("Hi")

    assert server.refusals == []
    assert server.requests[0].header("X-Project") == "p1"


class Elsewhere(Lines):
    """Sends requests to an origin other than that of `base_url`."""

    other = ""

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[str]]:
        async with self.http.post(f"{self.other}/ask", json={}) as response:
            yield [str(response.status)]


async def test_another_origin_gets_none_of_them() -> None:
    async with FaultServer(respond(200, b"a")) as server:
        elsewhere = Elsewhere(base_url="http://127.0.0.1:9", headers={"x-a": "b"})
        elsewhere.other = server.url
        await elsewhere.complete("Why?")

    assert "x-a" not in named(server.http_requests[0])


@pytest.mark.parametrize(
    "name", ["Authorization", "x-api-key", "API-Key", "X-Goog-Api-Key"]
)
async def test_a_header_for_the_key_makes_the_key_unnecessary(name: str) -> None:
    headers = await sent(headers={name: "Basic bWU6bWU="})

    assert headers[name.lower()] == ["Basic bWU6bWU="]
    assert "Bearer" not in str(headers)


async def test_a_header_for_the_key_takes_its_place() -> None:
    headers = await sent(api_key="k", headers={"Authorization": "Basic bWU6bWU="})

    assert headers["authorization"] == ["Basic bWU6bWU="]


def test_another_header_leaves_the_key_necessary() -> None:
    with pytest.raises(AuthenticationError, match="set PARROT_KEY in the environment"):
        Parrot(base_url="http://h", headers={"X-Project": "p"}).key()


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"x a": "b"}, "'x a' is not a valid name of a header"),
        ({"x\r\ny": "b"}, r"'x\\r\\ny' is not a valid name of a header"),
        ({"x:": "b"}, "'x:' is not a valid name of a header"),
        ({"ü": "b"}, "'ü' is not a valid name of a header"),
        ({"": "b"}, "headers"),
        ({1: "b"}, "headers"),
        (
            {"Content-Length": "1"},
            "'Content-Length' is set by turnout itself; remove it",
        ),
        (
            {"transfer-encoding": "chunked"},
            "'transfer-encoding' is set by turnout itself",
        ),
        ({"Connection": "close"}, "'Connection' is set by turnout itself"),
        ({"Host": "h"}, "'Host' is set by turnout itself"),
        ({"Content-Encoding": "gzip"}, "'Content-Encoding' is set by turnout itself"),
        ({"x-a": "b\r\nx-c: canary"}, "the value of 'x-a' has a line break"),
        ({"x-a": "canary\n"}, "the value of 'x-a' has a line break"),
        ({"x-a": "canary\0"}, "the value of 'x-a' has a line break"),
        ({"x-a": "canary\u2028"}, "the value of 'x-a' has a line break"),
        ({"x-a": "canary\x7f"}, "the value of 'x-a' has a line break"),
        ({"x-a": "canary 🚉"}, "a character that is not ASCII; remove it"),
        ({"x-a": Secret("canary\n")}, "the value of 'x-a' has a line break"),
        ({"x-a": 4711}, "headers.x-a: expected a string or a Secret"),
        ({"x-a": None}, "headers.x-a: expected a string or a Secret"),
        ({"x-a": b"canary"}, "headers.x-a: expected a string or a Secret"),
        (
            {"X-A": "b", "x-a": "c"},
            "'X-A' and 'x-a' are the same header; remove one of",
        ),
        ([("x-a", "canary")], "headers: input should be a table of keys and values"),
        ("x-a: canary", "headers: input should be a table of keys and values"),
    ],
)
def test_an_invalid_header_is_refused_and_not_shown(headers: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        Lines(headers=headers)

    shown = "".join(traceback.format_exception(caught.value))
    assert "canary" not in str(caught.value)
    assert "canary" not in shown.replace('"canary', "").replace("x-a: canary", "")


SECRETS: list[Mapping[str, object]] = [
    {"x-a": Secret(CANARY)},
    {"Authorization": f"Bearer {CANARY}"},
    {"X-Gateway-Token": CANARY},
    {"Cookie": f"session={CANARY}"},
    {"cf-aig-authorization": CANARY},
    {"Ocp-Apim-Subscription-Key": CANARY},
]


@pytest.mark.parametrize("headers", SECRETS, ids=lambda headers: next(iter(headers)))
async def test_a_secret_header_is_shown_nowhere(
    headers: Mapping[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f'{{"error": {{"message": "no: {CANARY}", "code": "{CANARY}"}}}}'.encode()
    async with FaultServer(respond(400, echo, ("X-Request-Id", CANARY))) as server:
        parrot = Parrot(base_url=server.url, api_key="k", headers=headers)
        with pytest.raises(TurnoutError) as caught:
            await parrot.complete("Why?")

    assert CANARY in str(server.http_requests[0].headers)
    error = caught.value
    shown = f"{error!r} {error} {vars(error)!r} {caplog.text}"
    shown += f"{parrot!r} {parrot.options!r} {vars(parrot)!r} {parrot.http!r}"
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if CORE in Path(frame.f_code.co_filename).parents:
            shown += repr(frame.f_locals)
    assert CANARY not in shown


def test_no_frame_shows_a_header_that_is_refused() -> None:
    headers = {"Authorization": f"{CANARY}\n"}

    with pytest.raises(ConfigError) as caught:
        get_provider("vLLM", headers=headers)

    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    inside = [f for f in frames if CORE in Path(f.f_code.co_filename).parents]
    assert inside
    assert CANARY not in str([frame.f_locals for frame in inside])


def test_other_headers_are_shown() -> None:
    assert "'x-project': 'p1'" in repr(Lines(headers={"x-project": "p1"}).options)


async def test_the_error_of_a_refused_credential_names_the_header() -> None:
    async with FaultServer(respond(401)) as server:
        parrot = Parrot(base_url=server.url, headers={"Authorization": "Bearer x"})
        with pytest.raises(AuthenticationError, match="check the option headers"):
            await parrot.complete("Why?")


def test_options_can_be_copied_with_headers() -> None:
    fake = FakeProvider("a", headers={"x-a": "b", "cookie": "c"})

    other = copy.deepcopy(fake)

    assert other.options == fake.options
    assert other.options.headers == {"x-a": "b", "cookie": Secret("c")}


# In the configuration.


def app_of(path: Path, text: str) -> App:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return App(read_config(path))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "turnout.toml"


def test_headers_of_the_configuration_are_the_options(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", f" {CANARY} ")
    app = app_of(
        file,
        '[providers.vLLM]\nheaders = { x-a = "b", x-c = "env:MINE", cookie = "d" }',
    )

    provider = app.provider("vLLM", {})

    assert provider.options.headers == {
        "x-a": "b",
        "x-c": Secret(CANARY),
        "cookie": Secret("d"),
    }


def test_headers_in_code_replace_those_of_the_configuration(file: Path) -> None:
    app = app_of(file, '[providers.vLLM]\nheaders = { x-a = "b" }')

    assert app.provider("vLLM", {"headers": {"x-c": "d"}}).options.headers == {
        "x-c": "d"
    }


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("env:MINE", "headers.x-a: the environment variable MINE is not set; set it"),
        ("env:", 'headers.x-a: "env:" has no name of an environment variable'),
        ("env:BROKEN", "headers.x-a: the environment variable BROKEN has a line break"),
        ("env:LATIN", "headers.x-a: the environment variable LATIN has a character"),
    ],
)
def test_the_error_of_a_wrong_variable_names_the_header(
    file: Path, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKEN", "canary\r\nx: y")
    monkeypatch.setenv("LATIN", "canaryé")
    app = app_of(file, f'[providers.vLLM]\nheaders = {{ x-a = "{value}" }}')

    with pytest.raises(ConfigError) as caught:
        app.provider("vLLM", {})

    assert str(caught.value).startswith(f"{file}: providers.vLLM: {told}")
    assert "canary" not in str(caught.value)


def test_an_address_of_an_instance_gets_no_headers_of_another(file: Path) -> None:
    app = app_of(
        file,
        '[providers.OpenAI]\nheaders = { Authorization = "Bearer x" }\n'
        '[providers.mine]\nplugin = "OpenAI"\nbase_url = "http://h/v1"\n'
        '[providers.same]\nplugin = "OpenAI"',
    )

    assert app.provider("mine", {}).options.headers == {}
    assert "Authorization" in app.provider("same", {}).options.headers


def test_a_provider_with_a_header_for_its_key_is_ready(file: Path) -> None:
    app = app_of(file, '[providers.OpenAI]\nheaders = { Authorization = "Bearer x" }')

    assert app.key_at_hand(app.entry("OpenAI"))
    assert not app.key_at_hand(app.entry("Anthropic"))
    found = app.explain(None).targets
    assert "OpenAI" in [target.provider for target in found]


@pytest.mark.parametrize(
    ("headers", "exposed"),
    [('{ Cookie = "c" }', ("vLLM",)), ('{ x-a = "b" }', ()), ("3", ())],
)
def test_a_secret_header_in_a_file_that_others_can_read_is_logged(
    file: Path, headers: str, exposed: tuple[str, ...]
) -> None:
    file.write_text(f"[providers.vLLM]\nheaders = {headers}", encoding="utf-8")
    file.chmod(0o644)

    assert read_config(file).exposed == exposed
