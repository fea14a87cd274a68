"""Providers whose answers a test writes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, ClassVar

from turnout._face import observe
from turnout.provider import Provider, ProviderOptions
from turnout.types import Attempt, ChatRequest, ModelInfo, ProviderInfo, Secret

INFO = ProviderInfo(name="Scripted", models=("one", ModelInfo(name="two")))


class Scripted(Provider):
    """Answers a request with the items that a function returns."""

    info = INFO

    def __init__(
        self,
        answer: Callable[[ChatRequest], AsyncIterator[Any]],
        *,
        info: ProviderInfo | None = None,
        **options: Any,
    ) -> None:
        super().__init__(info=info, **options)
        self._answer = answer
        self.requests: list[ChatRequest] = []
        """The requests so far."""

    def generate(self, request: ChatRequest) -> AsyncIterator[Any]:
        self.requests.append(request)
        return self._answer(request)


def saying(*items: object, name: str = "Scripted", **options: Any) -> Scripted:
    """Return a provider that yields these items, and raises those that are errors."""

    async def answer(_: ChatRequest) -> AsyncGenerator[object]:
        for item in items:
            if isinstance(item, BaseException):
                raise item
            yield item

    info = ProviderInfo(name=name, models=("one", "two"))
    return Scripted(answer, info=info, **options)


class Lines(Provider):
    """Sends an HTTP request; each line of the body is a piece of the text."""

    info = ProviderInfo(name="Lines", models=("m",), key_variable="LINES_KEY")
    options_type: ClassVar[type[ProviderOptions]] = ProviderOptions

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[str]]:
        key = self.api_key or Secret("none")
        headers = {"Authorization": Secret(f"Bearer {key.reveal()}")}
        body = {"q": request.last_user_text}
        async with self.http.post("/ask", json=body, headers=headers) as response:
            async for chunk in response.chunks():
                yield chunk.decode().splitlines()


class Ledger:
    """Observes the attempts of a test, and records its calls.

    The fixture `isolated` stops it, as it clears the cache of `current_app`.
    """

    def __init__(self) -> None:
        self.began: list[Attempt] = []
        self.over: list[Attempt] = []
        observe(started=self.began.append, ended=self.over.append)
