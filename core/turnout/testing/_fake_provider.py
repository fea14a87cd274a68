"""A provider whose answers a test writes."""

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
    """Let time pass before what follows it in an answer."""

    seconds: float


AnswerPart: TypeAlias = (
    Event | list[Event] | Pause | asyncio.Event | BaseException | type[BaseException]
)
"""What an answer is made of.

Text and events are given; a list of them is given at once, as one read. A `Pause` or
an `asyncio.Event` is waited for, and an exception is raised.
"""

AnswerItem: TypeAlias = (
    AnswerPart
    | Callable[
        [ChatRequest],
        AnswerPart | Iterable[AnswerPart] | AsyncGenerator[AnswerPart, None],
    ]
)
"""A part of an answer, or a function of the request that gives or yields parts."""

Answer: TypeAlias = AnswerItem | Iterable[AnswerItem] | AsyncGenerator[AnswerPart, None]
"""One answer: its items, or the only one."""

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
    """Answer as a test says, and keep what was asked.

        fake = FakeProvider("Hello", ", ", "world")
        assert (await fake.complete("Hi")).text == "Hello, world"
        assert fake.requests[0].last_user_text == "Hi"

    It works wherever a provider does, in `turnout.fallback(...)` too. An answer that
    brings no `Finish` ends with one of its own: `tool_calls` where it called a tool,
    else `stop`. Each instance has health of its own: a failure in one test does not
    change how the fake of the next test is asked.

    Args:
        items: The answer to every request: text, events, exceptions to raise, and the
            rest of `AnswerItem`.
        answers: Answers in turn, one a request, in place of `items`. A request for
            which none is left fails with a `PluginError`.
        name: The provider's name.
        models: The models that it serves; None means that it takes any name.
        capabilities: What it can be asked for; everything, if it is not said.
        options: As every provider's, such as `first_delta_timeout`.

    Raises:
        ArgumentError: Something in an answer is nothing that an answer is made of.
        ConfigError: There is no option of that name, or its value is wrong.
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
        """What it was asked, in order."""
        for item in items:
            _check(item)
        self.health_scope = f"{name} {urandom(8).hex()}"
        self._same = items
        self._answers = None if answers is None else tuple(answers)

    async def generate(
        self, request: ChatRequest
    ) -> AsyncGenerator[Event | list[Event], None]:
        """Give the answer to a request."""
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
                f"FakeProvider {self.info.name!r} was asked {asked} times and has "
                f"{len(self._answers)} answers; give it as many as the test needs"
            )
        return self._answers[asked - 1]


async def _played(
    answer: Answer, request: ChatRequest
) -> AsyncGenerator[Event | list[Event], None]:
    """Do what an answer says, and yield what it gives."""
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
    # A text is one item, and not its characters.
    return isinstance(answer, Iterable) and not isinstance(answer, str)


def _is_class(item: AnswerItem) -> TypeGuard[type[BaseException]]:
    return isinstance(item, type)


def _check(item: object) -> None:
    """Refuse what is nothing that an answer is made of.

    Raises:
        ArgumentError: It is not.
    """
    if isinstance(item, type):
        if issubclass(item, BaseException):
            return
        told = f"the class {item.__name__}"
    else:
        if isinstance(item, _KINDS) or callable(item):
            return
        told = f"a {type(item).__name__}"
    if isinstance(item, CoroutineType):
        # Else Python warns that it was never awaited.
        cast("CoroutineType[object, object, object]", item).close()
    raise ArgumentError(
        f"{told} is nothing that an answer is made of; text, events, exceptions, "
        "Pause, asyncio.Event and functions are"
    )
