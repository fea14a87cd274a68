"""The base of the contracts: the data of the tests, and ways to send requests."""

from __future__ import annotations

import os
from collections.abc import (
    AsyncGenerator,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn, cast

import pytest

from turnout._app import current_app
from turnout.provider import Provider
from turnout.testing._contract._limits import forbid_blocking
from turnout.testing._fault_server import FaultServer
from turnout.testing._requests import HttpRequest
from turnout.testing._responses import CHUNKED, response_head
from turnout.testing._steps import Script, Step, chunk, last_chunk, send, wait_request
from turnout.testing._wire import WireAnswer, WireError, text_of
from turnout.types import Capabilities, ProviderInfo, Reply, RequestOptions

__all__ = ["KEY", "QUESTION", "ServiceSetting", "Setting"]

KEY = "canary-key-4711-of-the-contract"

QUESTION = 'A canary asks: "why\tso, señor 🚉?"'
"""The question, with characters that have to be escaped or encoded in JSON."""


class Setting:
    """The data that every contract has."""

    provider: ClassVar[type[Provider]]
    """The class to test."""
    info: ClassVar[ProviderInfo | None] = None
    """The provider's row to test, if it is not the one of the class."""
    options: ClassVar[Mapping[str, object]] = {}
    """Options of each instance."""
    model: ClassVar[str | None] = None
    """The model to use; None means the default model."""
    request: ClassVar[RequestOptions] = {}
    """Options of each request."""
    lacks: ClassVar[Collection[str]] = ()
    """Fields of `Capabilities` that the provider claims and `options` rule out."""
    installed: ClassVar[bool] = True
    """Whether `turnout.get_provider` has to find the provider by its name."""
    key: Final = KEY
    """The key that the tests use; nothing may show it."""
    key_options: ClassVar[Mapping[str, object]] = {"api_key": KEY}
    """The options that have `key` as their value."""
    left_out: ClassVar[Mapping[str, str]] = {}
    """Tests to skip, each with the reason: `{"test_a_zero_is_sent_too[seed]": "…"}`.

    A name without brackets means all of its parameters.
    """

    pytestmark = pytest.mark.filterwarnings("error")

    @pytest.fixture(autouse=True)
    def _leave_out(self, request: pytest.FixtureRequest) -> None:
        """Skip the tests of `left_out`."""
        name = str(request.node.name)
        for left_out in (name, name.partition("[")[0]):
            if left_out in self.left_out:
                pytest.skip(f"left out: {self.left_out[left_out]}")

    @pytest.fixture(autouse=True)
    def _apart(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
        """Ignore this machine's configuration, keys and proxies; forbid blocking."""
        forbid_blocking(monkeypatch)
        key_variable = self.told.key_variable
        for name in list(os.environ):
            if (
                name.startswith("TURNOUT_")
                or name.lower().endswith("_proxy")
                or name == key_variable
            ):
                monkeypatch.delenv(name)
        config = tmp_path / "turnout.toml"
        config.touch()
        monkeypatch.setenv("TURNOUT_CONFIG", str(config))
        current_app.cache_clear()
        yield
        current_app.cache_clear()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Parametrize the tests with the values of `parameters`."""
        self.check_given()
        for name, values in self.parameters().items():
            if name in metafunc.fixturenames:
                params = [pytest.param(value, id=id) for id, value in values.items()]
                metafunc.parametrize(name, params)

    def check_given(self) -> None:
        """Fail if a required attribute is missing."""
        provider = getattr(self, "provider", None)
        if provider is None:
            self.lacking("`provider`; set it to the class to test")
        if not isinstance(self.info or getattr(provider, "info", None), ProviderInfo):
            self.lacking('`info` in its provider; set ProviderInfo(name="…")')
        for name in self.left_out:
            if not hasattr(self, name.partition("[")[0]):
                self.lacking(f"the test {name!r} that `left_out` names")

    def lacking(self, what: str) -> NoReturn:
        """Fail the collection of the tests, in one line."""
        pytest.fail(f"{type(self).__name__} lacks {what}", pytrace=False)

    def parameters(self) -> dict[str, dict[str, object]]:
        """Return the values of the tests' parameters, each with its name."""
        return {}

    @property
    def told(self) -> ProviderInfo:
        """The provider's info."""
        return self.info or self.provider.info

    @property
    def model_name(self) -> str:
        """The provider's name of the model that the tests use."""
        return self.make().catalog.model(self.model or "")

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities of that model, with these options."""
        provider = self.make()
        own = provider.catalog.info_of(self.model_name).capabilities
        return own or provider.info.capabilities

    def claims(self, name: str) -> bool:
        """Return whether a field of `Capabilities` is claimed and not ruled out."""
        return name not in self.lacks and bool(getattr(self.capabilities, name))

    def needs(self, *names: str) -> None:
        """Skip the test unless each of these fields of `Capabilities` is claimed."""
        __tracebackhide__ = True
        for name in names:
            if name in self.lacks:
                self.skip(f"`lacks` says that {self.told.name} cannot do {name}")
            if not self.claims(name):
                self.skip(f"{self.told.name} does not claim {name}")

    def skip(self, reason: str) -> NoReturn:
        """Skip the test, because it does not apply to this provider."""
        __tracebackhide__ = True  # pytest then shows the line of the test.
        pytest.skip(reason)

    @property
    def lists_live(self) -> bool:
        """Whether the provider requests the service's list of models."""
        return self.provider.list_models is not Provider.list_models

    def make(self, **options: object) -> Provider:
        """Return an instance."""
        given: dict[str, Any] = {**self.options, **options}
        # The class may not accept `info`.
        if self.info is None:
            return self.provider(**given)
        return self.provider(info=self.info, **given)

    def asked(self, **options: Any) -> RequestOptions:
        """Return the options of a request, with these added."""
        request = {"model": self.model, **self.request, **options}
        return cast("RequestOptions", request)

    def asked_of_a_route(self) -> RequestOptions:
        """Return them without the model, which a route's targets name."""
        asked = self.asked()
        del asked["model"]
        return asked

    @property
    def beginning(self) -> str:
        """The text of another provider's answer before it fails."""
        return "It is so: "

    async def ask(
        self, provider: Provider, question: str = QUESTION, **options: Any
    ) -> Reply:
        """Send a question, and return the reply."""
        return await provider.complete(question, **self.asked(**options))

    @asynccontextmanager
    async def answering(self) -> AsyncGenerator[Provider]:
        """Yield a provider whose requests succeed."""
        async with self.make() as provider:
            yield provider


class ServiceSetting(Setting):
    """The additional data for a provider that uses a service."""

    answers: ClassVar[Sequence[WireAnswer]]
    """Good answers; the first is plain text, in at least two pieces."""
    errors: ClassVar[Sequence[WireError]] = ()
    """The service's own errors, in addition to those that have only a status."""
    model_list: ClassVar[tuple[bytes, Sequence[str]] | None] = None
    """The service's list of models, and the names in it; None if it has none."""
    content_type: ClassVar[str] = "text/event-stream"
    base_path: ClassVar[str] = ""
    """The path of `base_url`, such as `/v1`."""
    filler: ClassVar[bytes] = b"\n"
    """Bytes without a meaning between any two pieces."""

    def check_given(self) -> None:
        """Fail if a required attribute is missing."""
        super().check_given()
        if not getattr(self, "answers", None):
            self.lacking("`answers`; give `WireAnswer`s, the first of plain text")

    def parameters(self) -> dict[str, dict[str, object]]:
        """Return the answers."""
        return {"answer": {answer.name: answer for answer in self.answers}}

    @property
    def text_answer(self) -> WireAnswer:
        """The answer that is plain text."""
        return self.answers[0]

    def at(self, server: FaultServer, **options: object) -> Provider:
        """Return an instance that sends its requests to a server."""
        url = server.url + self.base_path
        return self.make(**{**self.key_options, "base_url": url, **options})

    def key_in(self, request: HttpRequest) -> bool:
        """Return whether a request was made with `key`; by default, in a header.

        Override it if the key signs requests and is not sent.
        """
        return any(self.key in value for _, value in request.headers)

    def keyless_at(self, server: FaultServer) -> Provider:
        """Return an instance without a key, with the server as its own address."""
        url = server.url + self.base_path
        info = replace(self.told, options={**self.told.options, "base_url": url})
        return self.provider(info=info, **self.options)

    def list_given(self) -> tuple[bytes, Sequence[str]]:
        """Return `model_list`; skip the test if there is none."""
        __tracebackhide__ = True
        if self.model_list is None:
            self.skip("no `model_list` is given")
        return self.model_list

    def streaming(self, *steps: Step) -> list[Step]:
        """Return a script that answers a request with status 200 and these steps."""
        head = response_head(200, ("Content-Type", self.content_type), CHUNKED)
        return [wait_request(), send(head), *steps]

    def whole(self, answer: WireAnswer) -> Script:
        """Return a script that sends an answer, one chunk for each piece."""
        datas = filter(None, [*answer.begin(len(answer.pieces)), answer.end])
        return self.streaming(*map(chunk, datas), last_chunk())

    def begun(self, *steps: Step) -> list[Step]:
        """Return a script that sends the first half of a text, and then these steps."""
        answer = self.text_answer
        return self.streaming(*map(chunk, answer.begin(answer.middle())), *steps)

    @property
    def beginning(self) -> str:
        """The text in that half."""
        return text_of(self.text_answer.events(self.text_answer.middle()))

    @asynccontextmanager
    async def answering(self) -> AsyncGenerator[Provider]:
        """Yield a provider whose requests succeed."""
        async with FaultServer(self.whole(self.text_answer)) as server:
            async with self.at(server) as provider:
                yield provider
