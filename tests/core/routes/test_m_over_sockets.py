"""Mid-stream cases over sockets: what OpenAI's provider sends, and what it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from turnout.errors import StreamBrokenError, StreamTruncatedError, TurnoutError
from turnout.routes import Route
from turnout.routes._continuation import INSTRUCTION
from turnout.testing import (
    CHUNKED,
    FaultServer,
    Step,
    chunk,
    fin,
    respond,
    response_head,
    rst,
    run_clean,
    send,
    wait_request,
)
from turnout.types import Event, Failover, ModelInfo, ProviderInfo
from turnout_openai import OpenAI

from ...support.openai_server import answer, text
from .answers import (
    DELTAS,
    TEXT,
    exactly,
    otherwise,
    over_again,
    pieces_of,
    politely,
    repeating,
)

CASES = [1, 2, 7, 50, 120, 199]
"""After how many increments an answer is cut; all of them are tried without sockets."""

STREAMED = ("Content-Type", "text/event-stream")
CONVERSATION = [
    {"role": "system", "content": "Be  brief, señor.\n"},
    {"role": "user", "content": 'Why "so"?'},
]


def breaking(count: int, how: Step, deltas: Sequence[str] = DELTAS) -> list[Step]:
    """Return a script whose answer breaks off after so many increments."""
    return [
        wait_request(),
        send(response_head(200, STREAMED, CHUNKED)),
        *(chunk(text(delta)) for delta in deltas[:count]),
        how,
    ]


def saying(said: str) -> list[Step]:
    return respond(200, answer(*pieces_of(said)), STREAMED)


def provider(server: FaultServer, *, prefill: bool = False) -> OpenAI:
    """Return the provider at a server, under the server's own name."""
    model = ModelInfo(name="m", prefill="trailing" if prefill else "none")
    info = ProviderInfo(
        name=f"At{server.url.rpartition(':')[2]}",
        models=(model,),
        capabilities=OpenAI.info.capabilities,
    )
    return OpenAI(info=info, base_url=f"{server.url}/v1")


async def read(route: Route) -> tuple[list[Event], TurnoutError | None]:
    seen: list[Event] = []
    try:
        async for event in route.stream(CONVERSATION).events():
            seen.append(event)
    except TurnoutError as error:
        return seen, error
    return seen, None


def text_of(events: list[Event]) -> str:
    return "".join(event for event in events if isinstance(event, str))


async def failed_over(
    first: list[Step], *seconds: list[Step], prefill: bool = False, **policy: object
) -> tuple[list[Event], TurnoutError | None, list[bytes]]:
    """Return what was shown, what was raised, and the bodies the second was sent."""
    async with FaultServer(first) as one, FaultServer(*seconds) as other:
        route = Route(
            [provider(one).target(), provider(other, prefill=prefill).target()],
            policy,
        )
        seen, error = await read(route)
        assert len(one.http_requests) == 1
        return seen, error, [request.body for request in other.http_requests]


@pytest.mark.parametrize("how", [fin, rst])
@pytest.mark.parametrize(
    "way",
    [
        pytest.param(exactly, id="m01"),
        pytest.param(repeating(16), id="m02-16"),
        pytest.param(repeating(40), id="m02-40"),
        pytest.param(repeating(300), id="m02-300"),
        pytest.param(over_again, id="m03"),
        pytest.param(politely, id="politely"),
    ],
)
def test_a_cut_answer_is_whole(
    how: Callable[[], Step], way: Callable[[str], str]
) -> None:
    async def main() -> None:
        for count in CASES:
            rest = saying(way("".join(DELTAS[:count])))
            seen, error, _ = await failed_over(breaking(count, how()), rest)

            assert error is None
            assert text_of(seen) == TEXT
            (told,) = [event for event in seen if isinstance(event, Failover)]
            assert told.reason == "StreamTruncatedError"

    run_clean(main)


def test_an_answer_that_differs_is_not_spliced_m04() -> None:
    async def main() -> None:
        seen, error, _ = await failed_over(breaking(50, rst()), saying(otherwise("")))

        assert isinstance(error, StreamBrokenError)
        assert isinstance(error.__cause__, StreamTruncatedError)
        assert text_of(seen) == "".join(DELTAS[:50])

    run_clean(main)


@pytest.mark.parametrize("helps", [True, False])
def test_a_refused_prefill_is_asked_by_an_instruction_m07(helps: bool) -> None:
    async def main() -> None:
        shown = "".join(DELTAS[:50])
        refusal = respond(
            400,
            b'{"error": {"message": "the last message is the assistant\'s"}}',
            ("Content-Type", "application/json"),
        )
        rest = saying(TEXT[len(shown) :])
        seen, error, bodies = await failed_over(
            breaking(50, rst()), refusal, rest if helps else refusal, prefill=True
        )

        messages = [messages_in(body) for body in bodies]
        assert [message[-1]["role"] for message in messages] == ["assistant", "user"]
        assert text_of(seen) == (TEXT if helps else shown)
        assert isinstance(error, type(None) if helps else StreamBrokenError)
        if error is not None:
            assert isinstance(error.__cause__, StreamTruncatedError)

    run_clean(main)


def test_both_parts_are_kept_of_an_answer_that_broke_twice_m13() -> None:
    async def main() -> None:
        async with (
            FaultServer(breaking(50, rst())) as one,
            FaultServer(breaking(70, fin(), DELTAS[50:])) as other,
            FaultServer(saying("".join(DELTAS[120:]))) as third,
        ):
            servers = (one, other, third)
            targets = [provider(server).target() for server in servers]
            seen, error = await read(Route(targets))

            assert isinstance(error, StreamBrokenError)
            assert error.reply is not None
            assert error.reply.text == text_of(seen) == "".join(DELTAS[:120])
            assert third.http_requests == []

            seen, error = await read(Route(targets, {"max_continuations": 2}))

            assert error is None
            assert text_of(seen) == TEXT

    run_clean(main)


def messages_in(body: bytes) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", json.loads(body)["messages"])


@pytest.mark.parametrize("prefill", [False, True])
def test_what_is_sent_begins_with_the_very_same_bytes_m17(prefill: bool) -> None:
    async def main() -> None:
        first = breaking(3, rst(), ["It is", " so,", " \n"])
        async with FaultServer(first) as one, FaultServer(saying("he said.")) as other:
            route = Route(
                [provider(one).target(), provider(other, prefill=prefill).target()]
            )
            seen, error = await read(route)
            (original,), (sent,) = one.http_requests, other.http_requests

        assert error is None
        assert text_of(seen).endswith("he said.")
        head, mark, tail = original.body.partition(b"}]")
        assert mark
        assert sent.body.startswith(head + b"}")
        assert sent.body.endswith(tail)
        assert messages_in(sent.body) == [
            *CONVERSATION,
            {"role": "assistant", "content": "It is so," + ("" if prefill else " \n")},
            *([] if prefill else [{"role": "user", "content": INSTRUCTION}]),
        ]

    run_clean(main)
