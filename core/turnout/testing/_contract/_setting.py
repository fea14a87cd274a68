"""What the tests of a contract stand on: the data, and ways to ask."""

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
"""What is asked: with all that a careless writer of JSON stumbles over."""


class Setting:
    """What every contract knows of the provider."""

    provider: ClassVar[type[Provider]]
    """The class that is tested."""
    info: ClassVar[ProviderInfo | None] = None
    """A row over the class, where that is what is tested."""
    options: ClassVar[Mapping[str, object]] = {}
    """Options that each instance is given."""
    model: ClassVar[str | None] = None
    """Whom to ask, where it is not the default model."""
    request: ClassVar[RequestOptions] = {}
    """Options that each request is given."""
    lacks: ClassVar[Collection[str]] = ()
    """Fields of `Capabilities` that the provider claims and `options` rule out."""
    installed: ClassVar[bool] = True
    """Whether `turnout.get_provider` is to find the provider by its name."""
    key: Final = KEY
    """The key that the tests use; it must not be shown anywhere."""
    key_options: ClassVar[Mapping[str, object]] = {"api_key": KEY}
    """The options that hold `key`, if they are others than `api_key`."""
    left_out: ClassVar[Mapping[str, str]] = {}
    """Tests to skip, each with the reason: `{"test_a_zero_is_sent_too[seed]": "…"}`.

    A name without brackets means all of its parameters.
    """

    pytestmark = pytest.mark.filterwarnings("error")

    @pytest.fixture(autouse=True)
    def _leave_out(self, request: pytest.FixtureRequest) -> None:
        """Skip the tests that are left out."""
        name = str(request.node.name)
        for left_out in (name, name.partition("[")[0]):
            if left_out in self.left_out:
                pytest.skip(f"left out: {self.left_out[left_out]}")

    @pytest.fixture(autouse=True)
    def _apart(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
        """Keep this machine's configuration, keys and proxies out of the tests.

        And see to it that nothing in them holds the event loop up.
        """
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
        """Make a test of each value that a test's parameter has."""
        self.check_given()
        for name, values in self.parameters().items():
            if name in metafunc.fixturenames:
                params = [pytest.param(value, id=id) for id, value in values.items()]
                metafunc.parametrize(name, params)

    def check_given(self) -> None:
        """Fail where the contract lacks what it cannot do without."""
        provider = getattr(self, "provider", None)
        if provider is None:
            self.lacking("`provider`; it is the class to be tested")
        if not isinstance(self.info or getattr(provider, "info", None), ProviderInfo):
            self.lacking('`info` in its provider; it is a ProviderInfo(name="…")')
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
        """What the provider says of itself."""
        return self.info or self.provider.info

    @property
    def model_name(self) -> str:
        """The name of the model that is asked, as the provider writes it."""
        return self.make().catalog.model(self.model or "")

    @property
    def capabilities(self) -> Capabilities:
        """What the model that is asked can do, with these options."""
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
        """Skip the test, since it does not apply to this provider."""
        __tracebackhide__ = True  # pytest then shows the line of the test.
        pytest.skip(reason)

    @property
    def lists_live(self) -> bool:
        """Whether the service is asked for its models."""
        return self.provider.list_models is not Provider.list_models

    def make(self, **options: object) -> Provider:
        """Return an instance."""
        given: dict[str, Any] = {**self.options, **options}
        # A class may take no row.
        if self.info is None:
            return self.provider(**given)
        return self.provider(info=self.info, **given)

    def asked(self, **options: Any) -> RequestOptions:
        """Return the options of a request, these among them."""
        request = {"model": self.model, **self.request, **options}
        return cast("RequestOptions", request)

    def asked_of_a_route(self) -> RequestOptions:
        """Return them without the model, which a route's targets have."""
        asked = self.asked()
        del asked["model"]
        return asked

    @property
    def beginning(self) -> str:
        """What another provider may have said of the answer before it broke."""
        return "It is so: "

    async def ask(
        self, provider: Provider, question: str = QUESTION, **options: Any
    ) -> Reply:
        """Ask, and return the reply."""
        return await provider.complete(question, **self.asked(**options))

    @asynccontextmanager
    async def answering(self) -> AsyncGenerator[Provider]:
        """Give a provider that is answered well, however often it asks."""
        async with self.make() as provider:
            yield provider


class ServiceSetting(Setting):
    """What a contract knows besides of a provider that asks a service."""

    answers: ClassVar[Sequence[WireAnswer]]
    """Good answers; the first is plain text, in two pieces at least."""
    errors: ClassVar[Sequence[WireError]] = ()
    """The service's own errors, beside those that a status alone tells."""
    model_list: ClassVar[tuple[bytes, Sequence[str]] | None] = None
    """The service's list of models, and the names in it; None where it has none."""
    content_type: ClassVar[str] = "text/event-stream"
    base_path: ClassVar[str] = ""
    """What stands after the host in `base_url`, as in `/v1`."""
    filler: ClassVar[bytes] = b"\n"
    """Bytes that mean nothing wherever they stand between two pieces."""

    def check_given(self) -> None:
        """Fail where the contract lacks what it cannot do without."""
        super().check_given()
        if not getattr(self, "answers", None):
            self.lacking("`answers`; they are `WireAnswer`s, the first of plain text")

    def parameters(self) -> dict[str, dict[str, object]]:
        """Return the answers."""
        return {"answer": {answer.name: answer for answer in self.answers}}

    @property
    def text_answer(self) -> WireAnswer:
        """The answer that is plain text."""
        return self.answers[0]

    def at(self, server: FaultServer, **options: object) -> Provider:
        """Return an instance that asks a server."""
        url = server.url + self.base_path
        return self.make(**{**self.key_options, "base_url": url, **options})

    def key_in(self, request: HttpRequest) -> bool:
        """Return whether a request was made with `key`: here, a header has it.

        Override it if the key signs requests and is not sent.
        """
        return any(self.key in value for _, value in request.headers)

    def keyless_at(self, server: FaultServer) -> Provider:
        """Return an instance without a key, whose own address the server is."""
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
        """Return a script that gives an answer, each piece apart."""
        datas = filter(None, [*answer.begin(len(answer.pieces)), answer.end])
        return self.streaming(*map(chunk, datas), last_chunk())

    def begun(self, *steps: Step) -> list[Step]:
        """Return a script that gives the first half of a text, and these steps."""
        answer = self.text_answer
        return self.streaming(*map(chunk, answer.begin(answer.middle())), *steps)

    @property
    def beginning(self) -> str:
        """The text in that half."""
        return text_of(self.text_answer.events(self.text_answer.middle()))

    @asynccontextmanager
    async def answering(self) -> AsyncGenerator[Provider]:
        """Give a provider that is answered well, however often it asks."""
        async with FaultServer(self.whole(self.text_answer)) as server:
            async with self.at(server) as provider:
                yield provider
