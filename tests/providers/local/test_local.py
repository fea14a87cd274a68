"""The real model: slow, since it thinks, and the proof that all of it works."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from turnout._app import current_app
from turnout.errors import (
    ContextLengthError,
    InvalidRequestError,
    UnavailableError,
)
from turnout.streams import Stream
from turnout.testing import run_clean
from turnout.types import ChatRequest
from turnout_local import Local
from turnout_local._llama import Settings, load
from turnout_local._protocol import body_of
from turnout_local._weights import find

QUESTION = "What is the capital of France?"
STORY = "Tell me a long story about a train."


@pytest.fixture
def small(model: None) -> Local:
    """Return a provider with one slot; its model stays loaded."""
    return Local(slots=1, context_size=1024, threads=1)


async def all_threads_end() -> None:
    """Wait until no thread generates."""
    for thread in threading.enumerate():
        if thread.name == "turnout-local":
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()


def constant(value: str) -> dict[str, object]:
    """Return a schema that binds the answer to one text."""
    return {"type": "string", "enum": [value]}


async def test_paris(local: Local) -> None:
    reply = await local.complete(QUESTION)

    assert "Paris" in reply.text
    assert reply.finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.input_tokens == 27
    assert reply.usage.output_tokens


async def test_a_beginning_is_continued_with_the_tokens_that_would_have_come(
    local: Local,
) -> None:
    tokens = [text async for text in local.stream(STORY, max_tokens=40)]

    for count in (5, 12, 20):
        begun = "".join(tokens[:count])
        # A prefill has no white space at its end.
        messages = [
            {"role": "user", "content": STORY},
            {"role": "assistant", "content": begun.rstrip()},
        ]
        rest = local.stream(messages, max_tokens=12)
        continued = begun.rstrip() + "".join([text async for text in rest])

        assert "".join(tokens).startswith(continued)
        assert len(continued) > len(begun) + 12


async def test_text_comes_token_by_token(local: Local) -> None:
    deltas = [text async for text in local.stream("Count to ten.", max_tokens=12)]

    assert len(deltas) >= 6


async def test_an_alias_and_a_conversation(local: Local) -> None:
    conversation = [
        {"role": "system", "content": "You know geography."},
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": "The capital of France is"},
    ]

    reply = await local.complete(conversation, model="SmolLM2", max_tokens=8)

    assert reply.text.startswith(" Paris")
    assert str(reply.target) == "Local:smollm2-135m-instruct"


def test_a_clean_end_in_two_event_loops(local: Local) -> None:
    first = run_clean(lambda: local.complete(QUESTION, max_tokens=8))
    second = run_clean(lambda: local.complete(QUESTION, max_tokens=8))

    assert "Paris" in first.text
    assert "Paris" in second.text


def test_without_asyncio(local: Local) -> None:
    assert "Paris" in "".join(local.stream(QUESTION, max_tokens=8))


async def test_max_tokens_ends_with_length(local: Local) -> None:
    reply = await local.complete(STORY, max_tokens=5)

    assert reply.finish_reason == "length"
    assert reply.usage is not None
    assert reply.usage.output_tokens == 5


async def test_stop_ends_before_its_text(local: Local) -> None:
    # As it is, since a part of a JSON text would be no answer.
    named = {"name": "it", "schema": constant("one two three")}
    form = {"type": "json_schema", "json_schema": named}
    reply = await local.complete(
        "Say it.", extra={"response_format": form}, stop=["two"]
    )

    assert reply.text == '"one '
    assert reply.finish_reason == "stop"


async def test_a_seed_makes_sampling_repeatable(small: Local) -> None:
    async def ask(seed: int) -> str:
        reply = await small.complete(STORY, temperature=1.0, seed=seed, max_tokens=8)
        return reply.text

    await ask(0)  # From here on the input is in the cache, for each of them alike.
    texts = [await ask(seed) for seed in (1, 1, 2, 3, 4)]

    assert texts[0] == texts[1]
    assert len(set(texts)) > 1


async def test_a_schema_binds_the_answer(local: Local) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["city", "people"],
        "additionalProperties": False,
    }

    reply = await local.complete("Describe Paris in JSON.", response_format=schema)

    answer = json.loads(reply.text)
    assert set(answer) == {"city", "people"}
    assert isinstance(answer["people"], int)


async def test_a_long_input_is_refused_at_once(local: Local) -> None:
    stream = local.stream("word " * 5000)

    with pytest.raises(ContextLengthError, match=r"50.. tokens, more than the 2048"):
        await stream.collect()
    assert "Paris" in (await local.complete(QUESTION, max_tokens=8)).text


@pytest.mark.parametrize(
    ("text", "extra"),
    [
        pytest.param("\ud83d", {}, id="no text in any encoding"),
        pytest.param("Hi", {"response_format": {"type": "poem"}}, id="a bad format"),
        pytest.param("Hi", {"temperature": "hot"}, id="a bad value"),
        pytest.param("Hi", {"logit_bias": object()}, id="no JSON"),
        pytest.param("Hi", {"messages": "Hi"}, id="no messages"),
    ],
)
async def test_what_the_engine_cannot_read_is_an_invalid_request(
    text: str, extra: dict[str, object], local: Local
) -> None:
    with pytest.raises(InvalidRequestError, match="the engine refused"):
        await local.complete(text, extra=extra)


async def test_streams_share_slots_and_never_mix(local: Local) -> None:
    words = ["alpha bravo charlie", "delta echo foxtrot", "golf hotel", "india juliet"]
    streams = [
        local.stream("Say it.", response_format=constant(word)) for word in words
    ]

    replies = await asyncio.gather(*(stream.collect() for stream in streams))

    assert [json.loads(reply.text) for reply in replies] == words
    await all_threads_end()
    assert local.engine.busy == 0


async def test_those_who_wait_are_served_in_order(small: Local) -> None:
    served: list[int] = []

    async def ask(number: int) -> None:
        async for _ in small.stream("Hi", max_tokens=2):
            if number not in served:
                served.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(ask(number))

    assert served == [0, 1, 2, 3]


async def test_closing_frees_the_slot(small: Local) -> None:
    stream = small.stream(STORY)
    texts = aiter(stream)
    for _ in range(3):
        await anext(texts)

    await stream.aclose()
    reply = await small.complete(QUESTION, max_tokens=8)
    await all_threads_end()

    assert "Paris" in reply.text
    assert stream.reply.finish_reason is None
    assert small.engine.busy == 0


@pytest.mark.ci
async def test_cancelling_stops_the_reading_of_an_input(small: Local) -> None:
    async def read(question: str, *, cancelled: bool) -> float:
        request = ChatRequest.build(question, max_tokens=1)
        generation = small.engine.generate(body_of(request), user=small)
        begun = time.monotonic()
        assert await generation.read()  # It reports its progress.
        if cancelled:
            generation.cancel()
        while await generation.read():
            pass
        await all_threads_end()
        return time.monotonic() - begun

    # Seconds of work on one core, of which one batch of five is waited for at most.
    whole = await read("One long word after another. " * 130, cancelled=False)
    cut = await read("Some short word before another. " * 130, cancelled=True)

    assert cut < whole * 0.7


async def test_cancelling_in_the_line_leaves_it(small: Local) -> None:
    async with small.stream(STORY) as stream:
        waiting = asyncio.create_task(small.complete(QUESTION))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert small.engine.busy == 1
        await stream.aclose()

    await all_threads_end()
    assert small.engine.busy == 0


async def test_the_event_loop_goes_on_while_it_loads_and_generates(
    model: None,
) -> None:
    async def turns() -> int:
        count = 0
        while not done.is_set():
            await asyncio.sleep(0.001)
            count += 1
        return count

    done = asyncio.Event()
    watcher = asyncio.create_task(turns())
    async with Local(slots=1, context_size=512, threads=1) as local:
        await local.complete(STORY, max_tokens=50)
        done.set()

    # A loop that stands still while a token is made has a turn or two for each token.
    assert await watcher > 200


async def test_nothing_blocks_in_the_event_loop(local: Local) -> None:
    current_app()  # Reads the configuration.
    with blockbuster_ctx():
        assert "Paris" in (await local.complete(QUESTION, max_tokens=8)).text


async def test_closed_by_the_last_of_two(model: None) -> None:
    loaded: list[bool] = []
    async with Local(slots=1, context_size=256) as first:
        async with Local(slots=1, context_size=256) as second:
            for provider in (first, second):
                await provider.complete("Hi", max_tokens=2)
        await all_threads_end()
        loaded.append(first.engine.loaded)
    loaded.append(first.engine.loaded)

    assert (await first.complete("Hi", max_tokens=1)).text
    await first.aclose()
    await all_threads_end()
    loaded.append(first.engine.loaded)

    assert loaded == [True, False, False]


async def test_model_path_names_the_file(model: None, tmp_path: Path) -> None:
    link = tmp_path / "mine.gguf"
    link.symlink_to((await asyncio.to_thread(find)).path)

    async with Local(model_path=link, slots=1, context_size=256) as local:
        assert (await local.complete("Hi", max_tokens=3)).text


async def test_a_file_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(1000))

    with pytest.raises(UnavailableError, match=r"cannot load .*broken.gguf"):
        await Local(model_path=broken).complete("Hi")


def test_the_loopback_port_gives_nothing_away(model: None) -> None:
    import urllib.error
    import urllib.request

    server = load(Settings(context_size=256, slots=1))
    address = getattr(server, "listening_address", "")
    assert address.startswith("http://127.0.0.1:")

    for path in ("/slots", "/props", "/metrics", "/v1/chat/completions"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(address + path, timeout=5)
        assert caught.value.code in {401, 404}
        caught.value.close()


def test_a_stream_is_what_everybody_gets(local: Local) -> None:
    assert isinstance(local.stream(QUESTION), Stream)
