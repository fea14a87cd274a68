"""An engine that can do what it claims, and others that cannot."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from random import Random

from turnout.errors import InvalidRequestError, UnsupportedError
from turnout.provider import Provider
from turnout.testing import EngineContract
from turnout.types import Capabilities, ChatRequest, ProviderInfo


class Engine(Provider):
    info = ProviderInfo(
        name="Engine",
        models=("engine-1",),
        in_process=True,
        capabilities=Capabilities(
            max_tokens=True,
            temperature=True,
            stop=True,
            seed=True,
            tools=True,
            images=True,
            response_format=True,
        ),
    )

    async def generate(self, request: ChatRequest) -> AsyncGenerator[str]:
        self.check(request)
        text = self.text(request)
        for stop in self.stops(request):
            text = text.partition(stop)[0]
        for word in re.findall(r"\S+\s*", text)[: self.limit(request)]:
            yield word

    def check(self, request: ChatRequest) -> None:
        """Refuse what cannot be read."""
        if not request.last_user_text and request.messages[-1].role == "user":
            raise InvalidRequestError("an image that shows nothing")

    def text(self, request: ChatRequest) -> str:
        if request.response_format is not None:
            return '{"ok": true}'
        words = ["one", "two", "three", "four", "five"]
        Random(request.seed).shuffle(words)
        return " ".join(words)

    def stops(self, request: ChatRequest) -> Sequence[str]:
        return request.stop

    def limit(self, request: ChatRequest) -> int | None:
        return request.max_tokens


class EngineOf(EngineContract):
    provider = Engine
    installed = False


class Refusing(Engine):
    """Claims tools, and refuses them."""

    def check(self, request: ChatRequest) -> None:
        if request.tools:
            raise UnsupportedError("no tools here")


class Boundless(Engine):
    """Ignores a limit."""

    def limit(self, request: ChatRequest) -> int | None:
        return None


class Unstoppable(Engine):
    """Ignores where to stop."""

    def stops(self, request: ChatRequest) -> Sequence[str]:
        return ()


class Moody(Engine):
    """Ignores a seed."""

    asked = 0

    def text(self, request: ChatRequest) -> str:
        type(self).asked += 1
        return super().text(replace(request, seed=self.asked))


class Prosaic(Engine):
    """Ignores a schema."""

    def text(self, request: ChatRequest) -> str:
        return super().text(replace(request, response_format=None))
