"""Compare what a user of each library gets when the first of two targets fails.

    python -m bench.faults [LIBRARY ...]

Both targets speak OpenAI's chat completions over real sockets. The first has the fault,
the second is healthy and continues the answer that it is given. Every library has its
own fallback from the first to the second target, one retry, and timeouts of 10 seconds.
The other libraries are in the environments of `bench.environments`; those that are not
installed are left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bench.clients import TURNOUT
from bench.clients.fallbacks import LIBRARIES
from bench.environments import installed, python_of, version_of
from bench.processes import ROOT, ClientError, environment
from turnout import ModelInfo, Provider, ProviderInfo, Route, TurnoutError
from turnout.routes import Health
from turnout.testing import Connection, FaultServer, http_response, response_head, sse
from turnout_openai import OpenAI

WORDS = [f"word{number:02d} " for number in range(60)]
ANSWER = "".join(WORDS)

Script = Callable[[Connection], Awaitable[None]]

PATIENCE = 60.0
"""Seconds after which a library is said to hang."""

HANGS = f"hangs ({PATIENCE:.0f} s)"

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


async def turnout(first: str, second: str, fault: Fault) -> tuple[str, str | None]:
    """Return the text that a user of turnout gets, and the class of the error."""
    targets = [
        target("First", first).target(),
        target("Second", second, prefill=fault.prefill).target(),
    ]
    # Each fault has a health of its own: the targets have the same names.
    stream = Route(targets, TIMERS, health=Health()).stream("Tell me.")
    text = ""
    try:
        async for part in stream:
            text += part
    except TurnoutError as error:
        return text, type(error).__name__
    return text, None


async def peer(library: str, first: str, second: str) -> tuple[str, str | None]:
    """Return the text that a user of another library gets, and the error's class."""
    process = await asyncio.create_subprocess_exec(
        python_of(library),
        *("-m", "bench.clients.fallbacks", library, first, second),
        cwd=ROOT,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            written, words_of_failure = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return "", HANGS
    if process.returncode:
        raise ClientError(words_of_failure.decode().strip()[-2000:])
    got = json.loads(written.splitlines()[-1])
    return got["text"], got["error"]


async def outcome(library: str, fault: Fault) -> str:
    """Return what a user of a library gets: whole, cut, or an error."""
    async with FaultServer(fault.script) as bad, FaultServer(going_on) as good:
        if library == TURNOUT:
            text, error = await turnout(bad.url, good.url, fault)
        else:
            text, error = await peer(library, bad.url, good.url)
    if error is not None:
        return error if error == HANGS else f"error ({error})"
    if text == ANSWER:
        return "whole"
    return "**cut short, no error**" if ANSWER.startswith(text) else "**wrong text**"


async def main(libraries: Sequence[str]) -> None:
    columns = {TURNOUT: version_of(sys.executable, "turnout")}
    columns |= {name: version_of(python_of(name), name) for name in libraries}
    heads = " | ".join(f"{name} {version}" for name, version in columns.items())
    print(f"| fault of the first target | {heads} |")
    print("|---" * (len(columns) + 1) + "|")
    for fault in FAULTS:
        # One library after another: some take seconds of CPU to start.
        got = [await outcome(library, fault) for library in columns]
        print(f"| {fault.name} | {' | '.join(got)} |", flush=True)


if __name__ == "__main__":
    known = [name for name in LIBRARIES if name in installed()]
    parser = argparse.ArgumentParser(description="Compare libraries under faults.")
    parser.add_argument("libraries", nargs="*", default=known, metavar="LIBRARY")
    asyncio.run(main(parser.parse_args().libraries))
