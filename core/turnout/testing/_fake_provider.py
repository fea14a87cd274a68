"""A provider whose answers a test defines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from os import urandom
from types import CoroutineType
from typing import TypeAlias, TypeGuard, cast, final

from turnout._frozen import frozen
from turnout.errors import ArgumentError, PluginError
from turnout.provider import Provider
from turnout.types import (
    Capabilities,
    ChatRequest,
    Citation,
    Event,
    Finish,
    FinishReason,
    MediaDelta,
    ModelInfo,
    ProviderInfo,
    ReasoningDelta,
    ToolCallDelta,
    Usage,
)

__all__ = ["Answer", "AnswerItem", "AnswerPart", "FakeProvider", "Pause"]


@final
@frozen(kw_only=False)
class Pause:
    """Wait before the next part of an answer."""

    seconds: float


AnswerPart: TypeAlias = (
    Event | list[Event] | Pause | asyncio.Event | BaseException | type[BaseException]
)
"""A part of an answer.

Text and events are yielded; a list of them is yielded at once, as one read. For a
`Pause` or an `asyncio.Event` the answer waits, and an exception is raised.
"""

AnswerItem: TypeAlias = (
    AnswerPart
    | Callable[
        [ChatRequest],
        AnswerPart | Iterable[AnswerPart] | AsyncGenerator[AnswerPart, None],
    ]
)
"""A part of an answer, or a function of the request that returns or yields parts."""

Answer: TypeAlias = AnswerItem | Iterable[AnswerItem] | AsyncGenerator[AnswerPart, None]
"""One answer: its items, or a single item."""

_KINDS = (
    str,
    ReasoningDelta,
    ToolCallDelta,
    MediaDelta,
    Citation,
    Usage,
    Finish,
    list,
    Pause,
    asyncio.Event,
    BaseException,
)

_EVERYTHING = Capabilities(
    temperature=True,
    max_tokens=True,
    top_p=True,
    stop=True,
    seed=True,
    tools=True,
    images=True,
    audio=True,
    video=True,
    files=True,
    native_tools=True,
    extra_fields=True,
    response_format=True,
    reasoning=True,
)


class FakeProvider(Provider):
    """Answer as a test says, and record the requests.

        fake = FakeProvider("Hello", ", ", "world")
        assert (await fake.complete("Hi")).text == "Hello, world"
        assert fake.requests[0].last_user_text == "Hi"

    It works wherever a provider does, also in `turnout.fallback(...)`. If an answer has
    no `Finish`, one is added: `tool_calls` if it called a tool, else `stop`. Each
    instance has its own health, so a failure in one test does not affect the next test.

    Args:
        items: The answer to every request: text, events, exceptions to raise, and the
            rest of `AnswerItem`.
        answers: One answer for each request, in order, in place of `items`. After the
            last one, a request fails with a `PluginError`.
        name: The provider's name.
        models: The models that it serves; None means that it accepts any name.
        capabilities: The features that it supports; by default, all.
        options: Options of every provider, such as `first_delta_timeout`.

    Raises:
        ArgumentError: An answer has something that is not an `AnswerItem`.
        ConfigError: An option is unknown, or its value is wrong.
    """

    def __init__(
        self,
        *items: AnswerItem,
        answers: Iterable[Answer] | None = None,
        name: str = "Fake",
        models: Sequence[str | ModelInfo] | None = None,
        capabilities: Capabilities = _EVERYTHING,
        **options: object,
    ) -> None:
        if items and answers is not None:
            raise ArgumentError("a FakeProvider has either items or answers")
        info = ProviderInfo(
            name=name,
            models=("fake-1",) if models is None else tuple(models),
            open_models=models is None,
            capabilities=capabilities,
        )
        super().__init__(info=info, **options)
        self.requests: list[ChatRequest] = []
        """The requests that it got, in order."""
        for item in items:
            _check(item)
        self.health_scope = f"{name} {urandom(8).hex()}"
        self._same = items
        self._answers = None if answers is None else tuple(answers)

    async def generate(
        self, request: ChatRequest
    ) -> AsyncGenerator[Event | list[Event], None]:
        """Yield the answer to a request."""
        self.requests.append(request)
        reason: FinishReason | None = "stop"
        async with aclosing(_played(self._answer(), request)) as played:
            async for given in played:
                for event in given if isinstance(given, list) else [given]:
                    if isinstance(event, Finish):
                        reason = None
                    elif isinstance(event, ToolCallDelta):
                        reason = reason and "tool_calls"
                yield given
        if reason is not None:
            yield Finish(reason=reason)

    def _answer(self) -> Answer:
        if self._answers is None:
            return self._same
        asked = len(self.requests)
        if asked > len(self._answers):
            raise PluginError(
                f"FakeProvider {self.info.name!r} got request {asked} and has "
                f"{len(self._answers)} answers; give one for each request"
            )
        return self._answers[asked - 1]


async def _played(
    answer: Answer, request: ChatRequest
) -> AsyncGenerator[Event | list[Event], None]:
    """Run the items of an answer, and yield its events."""
    async with aclosing(_each(answer)) as items:
        async for item in items:
            _check(item)
            if isinstance(item, Pause):
                await asyncio.sleep(item.seconds)
            elif isinstance(item, asyncio.Event):
                await item.wait()
            elif isinstance(item, BaseException) or _is_class(item):
                raise item
            elif callable(item):
                async with aclosing(_played(item(request), request)) as made:
                    async for given in made:
                        yield given
            else:
                yield item


async def _each(answer: Answer) -> AsyncGenerator[AnswerItem, None]:
    if isinstance(answer, AsyncGenerator):
        async with aclosing(cast("AsyncGenerator[AnswerItem, None]", answer)) as parts:
            async for part in parts:
                yield part
    elif _are_several(answer):
        for item in answer:
            yield item
    else:
        yield cast("AnswerItem", answer)


def _are_several(answer: Answer) -> TypeGuard[Iterable[AnswerItem]]:
    # A str is one item, although it is iterable.
    return isinstance(answer, Iterable) and not isinstance(answer, str)


def _is_class(item: AnswerItem) -> TypeGuard[type[BaseException]]:
    return isinstance(item, type)


def _check(item: object) -> None:
    """Check that a value is an item of an answer.

    Raises:
        ArgumentError: It is not.
    """
    if isinstance(item, type):
        if issubclass(item, BaseException):
            return
        shown = f"the class {item.__name__}"
    else:
        if isinstance(item, _KINDS) or callable(item):
            return
        shown = f"a {type(item).__name__}"
    if isinstance(item, CoroutineType):
        # Otherwise Python warns that it was never awaited.
        cast("CoroutineType[object, object, object]", item).close()
    raise ArgumentError(
        f"{shown} cannot be part of an answer; use text, events, exceptions, Pause, "
        "asyncio.Event or functions"
    )
