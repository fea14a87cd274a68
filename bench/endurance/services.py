"""Services that do what the question asks them to: answer, or fail in some way.

    python -m bench.endurance.services

prints its port, and at the end of its standard input what it did, as JSON. The path
`/A/chat/completions` asks the target A in OpenAI's protocol; those of Anthropic, Ollama
and FlowGPT have the paths that they have. A question is JSON: the seed of the answer,
and the fault of each target that has one.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any, cast

from tests.core.routes.answers import deltas_of

from turnout.testing import http_response, json_lines, response_head, sse
from turnout.testing._connection import reset_transport
from turnout.testing._requests import HttpRequest, body_length, parse_head

WORDS = 20, 80
"""How many an answer has, at least and at most."""

BREAKS = ("cut", "torn", "unfinished", "malformed", "error inside", "stall")
"""Faults in the middle of an answer."""

REFUSALS = {
    "limited": (429, "rate_limit_exceeded"),
    "failing": (500, "server_error"),
    "overloaded": (503, "overloaded"),
    "unauthorized": (401, "invalid_api_key"),
    "too long": (400, "context_length_exceeded"),
}

NAMING = ("limited", "overloaded")
NAMED = 0.5
"""Refusals that may name a time, and the share of them that do."""

LONGEST = 4.0
"""Seconds that an answer takes at most; on average it takes half of them."""

FAULTS = (*BREAKS, *REFUSALS, "hung up", "reset", "silence", "head only", "slow")


def truth(seed: int) -> str:
    """Return the whole answer."""
    random = Random(seed)
    return "".join(deltas_of(random.randint(*WORDS), random.randint(0, 10**9)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A protocol's bytes."""

    content_type: str
    begin: bytes = b""
    piece: Callable[[str], bytes]
    end: bytes = b""
    error: bytes = b""
    """An error inside of an answer."""


def _openai(delta: Mapping[str, str], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return sse({"id": "chatcmpl-1", "model": "m", "choices": [choice]})


def _anthropic(kind: str, **fields: object) -> bytes:
    return sse({"type": kind, **fields}, name=kind)


def _ollama(content: str, **fields: object) -> bytes:
    message = {"role": "assistant", "content": content}
    return json_lines({"model": "m", "message": message, "done": False, **fields})


EVENTS = "text/event-stream"

WIRES = {
    "/chat/completions": Wire(
        content_type=EVENTS,
        begin=_openai({"role": "assistant", "content": ""}),
        piece=lambda text: _openai({"content": text}),
        end=_openai({}, "stop") + b"data: [DONE]\n\n",
        error=sse({"error": {"message": "it broke", "code": 500}}),
    ),
    "/v1/messages": Wire(
        content_type=EVENTS,
        begin=_anthropic(
            "message_start",
            message={"id": "msg_1", "role": "assistant", "content": [], "model": "m"},
        )
        + _anthropic(
            "content_block_start", index=0, content_block={"type": "text", "text": ""}
        ),
        piece=lambda text: _anthropic(
            "content_block_delta", index=0, delta={"type": "text_delta", "text": text}
        ),
        end=_anthropic("content_block_stop", index=0)
        + _anthropic("message_delta", delta={"stop_reason": "end_turn"})
        + _anthropic("message_stop"),
        error=_anthropic("error", error={"type": "api_error", "message": "it broke"}),
    ),
    "/api/chat": Wire(
        content_type="application/x-ndjson",
        piece=_ollama,
        end=_ollama("", done=True, done_reason="stop"),
        error=json_lines({"error": "it broke"}),
    ),
    "/v3/chat-anonymous": Wire(
        content_type="application/json",
        piece=lambda text: json_lines({"event": "text", "data": text}),
    ),
}
"""By the end of the path."""


def question(body: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return what is asked, and the beginning of the answer that came with it."""
    messages = body.get("messages")
    if messages is None:  # FlowGPT's: a greeting stands first.
        latest = {"role": "user", "content": body["question"]}
        messages = [*body["history"][1:], latest]
    texts = [(message["role"], _text(message["content"])) for message in messages]
    asked = next(text for role, text in texts if role == "user")
    said = [text for role, text in texts if role == "assistant"]
    return json.loads(asked), said[-1] if said else ""


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    blocks = cast("list[dict[str, str]]", content)
    return "".join(block["text"] for block in blocks)


class Service:
    """Serves all targets, and counts what it did."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.random = Random(1)

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        wait = 60.0
        try:
            # The peer may go at any time.
            with suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
                while await self._answer(reader, writer, wait):
                    # As services do with an idle connection.
                    wait = self.random.uniform(0.2, 6.0)
        except Exception as error:  # noqa: BLE001 reported at the end
            self.wrong.append(repr(error))
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wait: float
    ) -> bool:
        """Answer a request; tell whether the connection is kept."""
        random = self.random
        async with asyncio.timeout(wait):
            request = await _read(reader)
        asked, partial = question(cast("dict[str, Any]", request.json()))
        _, target, path = request.path.split("/", 2)
        wire = WIRES[f"/{path}"]
        fault = asked.get(target, "")
        if partial and fault:  # A continuation may break too.
            fault = random.choice([*BREAKS, "limited", "", "", ""])
        if not wire.end and fault in {"unfinished", "error inside"}:
            fault = "malformed"  # It has neither.
        self.faults[fault] += 1
        if fault in REFUSALS:
            status, code = REFUSALS[fault]
            body = json.dumps({"error": {"message": code, "code": code}}).encode()
            later = [("Retry-After", random.choice(["0", "1"]))]
            named = fault in NAMING and random.random() < NAMED
            writer.write(http_response(status, body, *(later if named else ())))
            await writer.drain()
            return True
        if fault in {"hung up", "reset"}:
            if fault == "reset":
                reset_transport(writer)
            return False
        if fault == "silence":
            await _gone(reader)
            return False
        return await self._stream(reader, writer, wire, fault, asked, partial)

    async def _stream(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        wire: Wire,
        fault: str,
        asked: Mapping[str, Any],
        partial: str,
    ) -> bool:
        random = self.random
        keep = random.random() < 0.8
        writer.write(
            response_head(
                200,
                ("Content-Type", wire.content_type),
                ("Transfer-Encoding", "chunked"),
                ("Connection", "keep-alive" if keep else "close"),
            )
        )
        if fault == "head only":
            await _gone(reader)
            return False
        if fault == "slow":
            await asyncio.sleep(random.uniform(0.2, 0.8))
        text = truth(asked["seed"])
        pieces = list(_pieces(random, _rest(random, text, partial)))
        if fault in BREAKS:
            del pieces[random.randint(0, max(0, len(pieces) - 1)) :]
        sent = wire.begin + b"".join(map(wire.piece, pieces))
        sent += {"malformed": b'data: {"no\n\n', "error inside": wire.error}.get(
            fault, b"" if fault in BREAKS else wire.end
        )
        # Wherever the bytes are cut.
        cuts = random.sample(range(1, len(sent)), min(8, len(sent) - 1)) if sent else []
        cuts = sorted(cuts[: random.randint(0, 8)])
        pause = random.uniform(0.0, LONGEST) / (len(cuts) + 1)
        for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True):
            if start < stop:
                data = sent[start:stop]
                writer.write(b"%x\r\n%b\r\n" % (len(data), data))
                await writer.drain()
                await asyncio.sleep(pause)
        if fault == "torn":
            reset_transport(writer)
        if fault in {"cut", "torn"}:
            return False
        if fault == "stall":
            await _gone(reader)
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return keep


async def _read(reader: asyncio.StreamReader) -> HttpRequest:
    head = parse_head(await reader.readuntil(b"\r\n\r\n"))
    body = await reader.readexactly(body_length(head))
    return HttpRequest(
        method=head.method,
        target=head.target,
        version=head.version,
        headers=head.headers,
        body=body,
    )


async def _gone(reader: asyncio.StreamReader) -> None:
    """Return when the peer has."""
    while await reader.read(1024):
        pass


def _rest(random: Random, text: str, partial: str) -> str:
    """Return what a model says that is to go on: the rest, or some of it again."""
    # A repetition of fewer words cannot be recognized.
    long = len(partial) >= 40
    back = random.choice([0, 0, 24, 40, 300, len(text)]) if long else 0
    return text[max(0, len(partial) - back) :]


def _pieces(random: Random, text: str) -> list[str]:
    cuts = [0]
    while cuts[-1] < len(text):
        cuts.append(cuts[-1] + random.randint(1, 12))
    return [text[a:b] for a, b in pairwise(cuts)]


async def main() -> None:
    service = Service()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends with its parent, which holds the other end of standard input.
    await asyncio.to_thread(sys.stdin.read)
    server.close()
    results = {"faults": service.faults, "wrong": service.wrong}
    print(json.dumps(results), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
