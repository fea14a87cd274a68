"""What becomes of an answer when the first of two targets fails, fault by fault.

    python -m bench.faults

Both targets speak OpenAI's chat completions over real sockets; the first has the fault,
the second is healthy and goes on with what it is given. The faults are those that five
other libraries were compared by, with their timers: 10 seconds without anything of an
answer, 10 between two increments.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from turnout import ModelInfo, Provider, ProviderInfo, Route, TurnoutError
from turnout.testing import Connection, FaultServer, http_response, response_head, sse
from turnout_openai import OpenAI

WORDS = [f"word{number:02d} " for number in range(60)]
ANSWER = "".join(WORDS)

Script = Callable[[Connection], Awaitable[None]]

TIMERS: dict[str, object] = {"first_delta_timeout": 10.0, "stall_timeout": 10.0}


def piece(text: str) -> bytes:
    return sse({"choices": [{"index": 0, "delta": {"content": text}}]})


def finish(reason: str = "stop") -> bytes:
    empty: dict[str, str] = {}
    return sse({"choices": [{"index": 0, "delta": empty, "finish_reason": reason}]})


def words(first: int, last: int) -> bytes:
    return b"".join(map(piece, WORDS[first:last]))


DONE = b"data: [DONE]\n\n"

CUT = b'data: {"choices": [{"delta\n\n'

HEAD = response_head(
    200, ("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")
)

ROLE = sse({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})

LIMITED = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}

FAILED = {"error": {"message": "it broke", "type": "server_error", "code": 500}}


def refusing(status: int, code: str, *headers: tuple[str, str]) -> Script:
    body = json.dumps({"error": {"message": code, "code": code}}).encode()

    async def script(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(http_response(status, body, *headers))

    return script


def streaming(*chunks: bytes, then: str = "end", wait: float = 0.0) -> Script:
    """Return a script that answers with chunks, and then ends in one of four ways."""

    async def script(connection: Connection) -> None:
        await connection.read_request()
        await asyncio.sleep(wait)
        await connection.send(HEAD)
        for chunk in chunks:
            await connection.chunk(chunk)
        if then == "end":
            await connection.send(b"0\r\n\r\n")
        elif then == "reset":
            await connection.reset()
        elif then == "silence":
            await connection.wait_peer_closed()

    return script


async def silent(connection: Connection) -> None:
    await connection.read_request()
    await connection.wait_peer_closed()


async def going_on(connection: Connection) -> None:
    """Answer, or go on with the answer that the request brings."""
    request = await connection.read_request()
    messages = cast("dict[str, Any]", request.json())["messages"]
    prefilled = messages[-1]["role"] == "assistant"
    if prefilled:  # As the newer models do.
        error = {"message": "This model does not support assistant message prefill."}
        body = json.dumps({"error": error}).encode()
        await connection.send(http_response(400, body))
        return
    shown = messages[-2]["content"] if len(messages) > 1 else ""
    await connection.send(HEAD)
    begun = len(shown) if ANSWER.startswith(shown) else 0
    for start in range(begun, len(ANSWER), 7):
        await connection.chunk(piece(ANSWER[start : start + 7]))
    await connection.chunk(finish() + DONE)
    await connection.send(b"0\r\n\r\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    name: str
    script: Script
    prefill: bool = False
    """Whether the second target is believed to take the beginning of an answer."""


FAULTS = [
    Fault(
        name="429 + Retry-After 2 s",
        script=refusing(429, "rate_limit_exceeded", ("Retry-After", "2")),
    ),
    Fault(name="503", script=refusing(503, "overloaded")),
    Fault(name="401", script=refusing(401, "invalid_api_key")),
    Fault(name="context length 400", script=refusing(400, "context_length_exceeded")),
    Fault(name="content filter 400", script=refusing(400, "content_filter")),
    Fault(name="200, then SSE error first", script=streaming(sse(FAILED))),
    Fault(name="error after role-only chunk", script=streaming(ROLE, sse(FAILED))),
    Fault(name="TCP close after 40 words", script=streaming(words(0, 40), then="fin")),
    Fault(
        name="TCP reset after 40 words", script=streaming(words(0, 40), then="reset")
    ),
    Fault(
        name="clean HTTP end after 40 words, no finish_reason",
        script=streaming(words(0, 40)),
    ),
    Fault(name="stall after 20 words", script=streaming(words(0, 20), then="silence")),
    Fault(
        name="429 in the stream after 20 words",
        script=streaming(words(0, 20), sse(LIMITED)),
    ),
    Fault(
        name="malformed JSON chunk",
        script=streaming(
            words(0, 20), b'data: {"choices": [{"delta\n\n', words(20, 60)
        ),
    ),
    Fault(
        name="no [DONE], but finish_reason",
        script=streaming(words(0, 60), finish()),
    ),
    Fault(
        name="first token after 8 s",
        script=streaming(words(0, 60), finish() + DONE, wait=8.0),
    ),
    Fault(name="silent", script=silent),
    Fault(
        name="same cut, fallback rejects prefill",
        script=streaming(words(0, 40), then="fin"),
        prefill=True,
    ),
]


def target(name: str, url: str, *, prefill: bool = False) -> Provider:
    model = ModelInfo(name="m", prefill="trailing" if prefill else "none")
    info = ProviderInfo(
        name=name, models=(model,), capabilities=OpenAI.info.capabilities
    )
    return OpenAI(info=info, base_url=url)


async def outcome(fault: Fault) -> str:
    """Return what a user gets who streams, and after how many seconds."""
    async with FaultServer(fault.script) as bad, FaultServer(going_on) as good:
        targets = [
            target("First", bad.url).target(),
            target("Second", good.url, prefill=fault.prefill).target(),
        ]
        begun = time.monotonic()
        stream = Route(targets, TIMERS).stream("Tell me.")
        try:
            text = "".join([piece async for piece in stream])
        except TurnoutError as error:
            return f"{type(error).__name__}, {time.monotonic() - begun:.1f} s"
        seconds = time.monotonic() - begun
        whole = "ok" if text == ANSWER else f"WRONG ({len(text)} characters)"
        asked = " -> ".join(a.target.provider for a in stream.reply.attempts)
        return f"{whole}, {seconds:.1f} s ({asked})"


async def main() -> None:
    outcomes = await asyncio.gather(*map(outcome, FAULTS))
    print("| fault of the first target | turnout |\n|---|---|")
    for fault, told in zip(FAULTS, outcomes, strict=True):
        print(f"| {fault.name} | {told} |")


if __name__ == "__main__":
    asyncio.run(main())
