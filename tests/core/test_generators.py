"""Provider classes that are asked without an instance."""

from __future__ import annotations

import asyncio
import gc
import inspect
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from typing import Any, ClassVar

import pytest

from turnout import (
    Capabilities,
    ChatRequest,
    ModelInfo,
    Provider,
    ProviderInfo,
    ProviderOptions,
)
from turnout.errors import ArgumentError, UnknownModelError, UnsupportedError
from turnout.generators import AsyncGeneratorProvider, ProviderModelMixin, TextStream
from turnout.testing import run_clean
from turnout.types import Secret

PIECES = ["One", ", two", ", three"]


class Parrot(AsyncGeneratorProvider, ProviderModelMixin):
    """Says the same to everyone, and keeps what it was asked."""

    info = ProviderInfo(
        name="Parrot",
        models=(
            "small",
            ModelInfo(name="large", aliases=("big",)),
            ModelInfo(
                name="exact", capabilities=Capabilities(seed=True, temperature=True)
            ),
        ),
        default_model="large",
        aliases={"little": "small"},
        url="https://parrot.example",
        working=False,
        needs_key=True,
        capabilities=Capabilities(
            history=False, system=False, temperature=True, max_tokens=True
        ),
    )
    asked: ClassVar[list[tuple[ChatRequest, ProviderOptions]]] = []
    open_answers: ClassVar[int] = 0

    async def generate(self, request: ChatRequest) -> AsyncIterator[str]:
        Parrot.asked.append((request, self.options))
        Parrot.open_answers += 1
        try:
            for piece in PIECES:
                await asyncio.sleep(0)
                yield piece
        finally:
            Parrot.open_answers -= 1


@pytest.fixture(autouse=True)
def unasked() -> None:
    Parrot.asked.clear()


def ask(**keywords: Any) -> TextStream:
    return Parrot.create_async_generator("small", "Hello", **keywords)


async def texts(pieces: AsyncIterator[str]) -> list[str]:
    return [piece async for piece in pieces]


async def awaited_first() -> list[str]:
    return await texts(await ask())


async def iterated_at_once() -> list[str]:
    return [piece async for piece in ask()]


async def driven_by_anext() -> list[str]:
    asked = ask()
    return [await anext(asked), await asked.__anext__(), *await texts(asked)]


async def driven_by_asend() -> list[str]:
    asked = ask()
    return [await asked.asend(None), *await texts(await asked)]


async def in_a_task() -> list[str]:
    return await texts(await asyncio.create_task(ask()))


async def gathered() -> list[str]:
    one, other = await asyncio.gather(ask(), ask())
    assert await texts(one) == PIECES
    return await texts(other)


async def within_a_timeout() -> list[str]:
    return await texts(await asyncio.wait_for(ask(), 60))


async def each_piece_within_a_timeout() -> list[str]:
    asked = ask()
    first = await asyncio.wait_for(anext(asked), 60)
    second = await asyncio.create_task(asked.__anext__())
    return [first, second, *await texts(asked)]


async def in_a_group() -> list[str]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(ask())
    return await texts(task.result())


async def awaited_twice() -> list[str]:
    asked = ask()
    first = await anext(await asked)
    return [first, *await texts(await asked)]


@pytest.mark.parametrize(
    "use",
    [
        awaited_first,
        iterated_at_once,
        driven_by_anext,
        driven_by_asend,
        in_a_task,
        gathered,
        within_a_timeout,
        each_piece_within_a_timeout,
        in_a_group,
        awaited_twice,
    ],
)
def test_every_way_to_read_an_answer_gives_its_pieces(use: Any) -> None:
    async def main() -> None:
        assert await use() == PIECES

    run_clean(main)


def test_it_may_be_run_as_a_program_runs_a_coroutine() -> None:
    generator = asyncio.run(ask())

    assert asyncio.run(texts(generator)) == PIECES


def test_it_is_known_as_a_coroutine_and_as_an_async_generator() -> None:
    asked = ask()

    assert isinstance(asked, Coroutine)
    assert isinstance(asked, AsyncGenerator)
    assert asyncio.iscoroutine(asked)
    assert inspect.isawaitable(asked)


def test_what_is_awaited_is_an_async_generator() -> None:
    async def main() -> None:
        assert inspect.isasyncgen(await ask())

    run_clean(main)


def test_one_that_is_not_used_leaves_nothing() -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        asked = ask()
        asked.close()
        del asked
        gc.collect()

    assert warned == []
    assert Parrot.asked == []


def test_nothing_is_sent_before_the_first_piece_is_asked_for() -> None:
    async def main() -> None:
        generator = await ask()
        await asyncio.sleep(0)
        assert Parrot.asked == []
        assert await anext(generator) == "One"
        assert len(Parrot.asked) == 1
        await generator.aclose()

    run_clean(main)


def test_a_task_that_is_cancelled_before_it_begins_sends_nothing() -> None:
    async def main() -> None:
        task = asyncio.create_task(ask())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_clean(main)
    assert Parrot.asked == []


@pytest.mark.parametrize("begun", [False, True])
def test_closing_ends_the_answer(begun: bool) -> None:
    async def main() -> None:
        asked = ask()
        if begun:
            await anext(asked)
        await asked.aclose()
        await asked.aclose()
        assert await texts(asked) == []
        assert Parrot.open_answers == 0

    run_clean(main)


def test_it_may_be_closed_while_a_piece_is_waited_for() -> None:
    async def main() -> None:
        asked = ask()
        reading = asyncio.ensure_future(texts(asked))
        await asyncio.sleep(0)
        await asked.aclose()
        assert await reading == []

    run_clean(main)


def test_an_error_may_be_raised_in_it() -> None:
    async def main() -> None:
        asked = ask()
        await anext(asked)
        with pytest.raises(KeyError):
            await asked.athrow(KeyError("x"))
        assert await texts(asked) == []
        await asked.aclose()

    run_clean(main)


async def test_leaving_a_loop_closes_the_answer() -> None:
    async def leave() -> None:
        async for _ in ask():
            break
        for _ in range(5):
            await asyncio.sleep(0)

    with pytest.warns(ResourceWarning, match="dropped half-read"):
        await leave()

    assert Parrot.open_answers == 0


async def test_keywords_are_sorted() -> None:
    await texts(
        ask(
            proxy="http://127.0.0.1:9",
            temperature=0.5,
            stall_timeout=7.0,
            deadline=9.0,
            max_tokens=5,
            top_p=0.5,
            stop="x",
            seed=None,
            mood="good",
            nothing=None,
            extra={"tag": 1, "mood": "bad"},
        )
    )
    ((request, options),) = Parrot.asked

    assert request.model == "small"
    assert (request.temperature, request.deadline, request.max_tokens) == (0.5, 9.0, 5)
    assert request.extra == {
        "tag": 1,
        "mood": "good",
        "nothing": None,
        "top_p": 0.5,
        "stop": "x",
    }
    assert options.stall_timeout == 7.0
    assert options.proxy == Secret("http://127.0.0.1:9")


async def test_what_a_model_declares_is_an_option_of_the_request() -> None:
    generator = Parrot.create_async_generator("exact", "Hello", seed=3, max_tokens=5)
    await texts(generator)
    ((request, _),) = Parrot.asked

    assert (request.seed, request.max_tokens) == (3, None)
    assert request.extra == {"max_tokens": 5}


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"max_tokens": "many"}, ArgumentError),
        ({"tools": [{"function": {"name": "f"}}]}, UnsupportedError),
        ({"extra": 7}, ArgumentError),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_at_once(
    keywords: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        _ = ask(**keywords)


def test_the_class_says_what_its_info_does() -> None:
    assert Parrot.url == "https://parrot.example"
    assert Parrot.working is False
    assert Parrot.needs_auth is True
    assert Parrot.supports_stream is True
    assert Parrot.supports_message_history is False
    assert Parrot.supports_system_message is False
    assert Parrot.default_model == "large"
    assert Parrot.models == ["small", "large", "exact"]
    assert Parrot.model_aliases == {"little": "small", "big": "large"}


@pytest.mark.parametrize(
    ("name", "model"),
    [(None, "large"), ("", "large"), ("big", "large"), ("SMALL", "small")],
)
def test_a_name_means_a_model(name: str | None, model: str) -> None:
    assert Parrot.get_model(name) == model


def test_a_name_that_means_no_model_is_refused() -> None:
    with pytest.raises(UnknownModelError, match="'small'"):
        Parrot.get_model("smal")
    with pytest.raises(UnknownModelError, match="'small'"):
        _ = Parrot.create_async_generator("smal", "Hello")


def test_the_list_of_models_is_the_callers_own() -> None:
    Parrot.get_models().clear()

    assert Parrot.get_models() == ["small", "large", "exact"]


def test_what_a_class_sets_itself_is_kept() -> None:
    class Tame(Parrot):
        info = ProviderInfo(name="Tame", models=("tame-1",), working=False)
        working = True
        models: ClassVar[list[str]] = ["tame-1", "tame-2"]

    class Heir(Tame):
        working = False

    assert (Tame.working, Tame.models) == (True, ["tame-1", "tame-2"])
    assert Tame.default_model == "tame-1"
    assert (Heir.working, Heir.models) == (False, ["tame-1", "tame-2"])


def test_each_base_stands_alone() -> None:
    class Listed(Provider, ProviderModelMixin):
        info = ProviderInfo(name="Listed")

    class Asked(AsyncGeneratorProvider):
        info = ProviderInfo(name="Asked")

    assert (Listed.default_model, Listed.get_models()) == ("", [])
    assert Asked.working is True
