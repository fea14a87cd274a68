"""A server on loopback that speaks OpenAI's chat completions, and refuses all else.

    async with OpenAIServer(sse(text("Par"), text("is"), finish(), DONE)) as server:
        ...  # ask it at server.base_url

    assert server.refusals == []

Written from the documented protocol, and not with the product's code. Each request that
keeps the rules takes the next answer; the last answer repeats.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast, final

from typing_extensions import override

from turnout.testing import (
    CHUNKED,
    Connection,
    HttpRequest,
    LoopbackServer,
    response_head,
)
from turnout.testing._slicing import Slicing, whole

PATH = "/v1/chat/completions"

DONE = b"data: [DONE]\n\n"

_FIELDS = {
    "model",
    "messages",
    "stream",
    "stream_options",
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "top_p",
    "stop",
    "seed",
    "tools",
    "tool_choice",
    "response_format",
    "user",
}

_MESSAGE_FIELDS = {
    "system": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}


def event(value: object) -> bytes:
    """Return an event whose data is a value as JSON."""
    # Characters, not escapes, so that a read may end inside of one.
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def chunk(
    delta: object, reason: str | None = None, **fields: object
) -> dict[str, object]:
    """Return a chunk with one choice."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m-1",
        "choices": [choice],
        **fields,
    }


def text(piece: str) -> bytes:
    """Return an event with a piece of text."""
    return event(chunk({"content": piece}, usage=None))


def finish(reason: str = "stop") -> bytes:
    """Return an event with the reason why the answer ended."""
    return event(chunk({}, reason, usage=None))


def usage(prompt: int = 9, completion: int = 4, **details: object) -> bytes:
    """Return the event with the usage, which has no choices."""
    counts = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        **details,
    }
    return event({**chunk({}), "choices": [], "usage": counts})


def answer(*pieces: str) -> bytes:
    """Return a whole answer: the role, the pieces, the reason, the usage, the mark."""
    role = event(chunk({"role": "assistant", "content": "", "refusal": None}))
    return b"".join([role, *map(text, pieces), finish(), usage(), DONE])


@final
class OpenAIServer(LoopbackServer):
    """Answers at `base_url` with status 200, or refuses with 400 or 401.

    Args:
        answers: The bodies of the answers.
        key: The key that requests need; None where they must have none.
        structured: The body of the answers to requests with a `response_format`; None
            where those are as any other.
        slicing: How a body is cut into chunks.
    """

    def __init__(
        self,
        *answers: bytes,
        key: str | None = None,
        structured: bytes | None = None,
        slicing: Slicing = whole,
    ) -> None:
        super().__init__()
        self._answers = answers or (answer("Hello", " there."),)
        self._key = key
        self._structured = structured
        self._slicing = slicing
        self.bodies: list[Mapping[str, object]] = []
        """The bodies of the requests that kept the rules."""
        self.refusals: list[str] = []
        """Which rules were broken."""

    @property
    def base_url(self) -> str:
        """The address that a provider is given."""
        return f"{self.url}/v1"

    @override
    async def serve(self, connection: Connection) -> None:
        """Answer the requests of a connection."""
        while True:
            request = await connection.read_request()
            status, wrong = self._wrong(request)
            if wrong:
                self.refusals += wrong
                await _refuse(connection, status, "; ".join(wrong))
                continue
            if request.method == "GET":
                await _document(connection, 200, {"data": [{"id": "gpt-4o"}]})
                continue
            body = cast("Mapping[str, object]", request.json())
            answer = self._answers[min(len(self.bodies), len(self._answers) - 1)]
            if self._structured is not None and "response_format" in body:
                answer = self._structured
            self.bodies.append(body)
            head = response_head(
                200,
                ("Content-Type", "text/event-stream; charset=utf-8"),
                ("x-request-id", f"req-{len(self.bodies)}"),
                CHUNKED,
            )
            await connection.send(head)
            for piece in self._slicing(answer):
                await connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            await connection.send(b"0\r\n\r\n")

    def _wrong(self, request: HttpRequest) -> tuple[int, list[str]]:
        keys = request.values("Authorization")
        if keys != ([] if self._key is None else [f"Bearer {self._key}"]):
            return 401, [f"{len(keys)} keys, or a wrong one"]
        if (request.method, request.target) == ("GET", "/v1/models"):
            return 200, []
        wrong: list[str] = []
        if request.method != "POST" or request.target != PATH:
            wrong.append(f"{request.method} {request.target}")
        for name, value in {
            "Content-Type": "application/json",
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
        }.items():
            if request.values(name) != [value]:
                wrong.append(f"{name}: {request.values(name)}")
        return 400, wrong + _wrong_in(request.json())


async def _refuse(connection: Connection, status: int, reason: str) -> None:
    error = {"message": reason, "type": "x", "code": None}
    await _document(connection, status, {"error": error})


async def _document(connection: Connection, status: int, value: object) -> None:
    body = json.dumps(value)
    length = ("Content-Length", str(len(body)))
    await connection.send(response_head(status, length) + body.encode())


def _wrong_in(body: object) -> list[str]:
    if not isinstance(body, dict):
        return ["the body is no object"]
    fields = cast("dict[str, object]", body)
    wrong = [f"{name} is unknown or null" for name in _nulls_and_others(fields)]
    if fields.get("stream") is not True:
        wrong.append("stream is not true")
    if fields.get("stream_options") != {"include_usage": True}:
        wrong.append("stream_options is wrong")
    if not isinstance(fields.get("model"), str):
        wrong.append("model is no text")
    messages = fields.get("messages")
    if not isinstance(messages, list) or not messages:
        return [*wrong, "messages is no list of them"]
    for message in cast("list[dict[str, object]]", messages):
        known = _MESSAGE_FIELDS.get(str(message.get("role")), set())
        if not message.keys() <= known or not message.keys() >= {"role", "content"}:
            wrong.append(f"a message has the fields {sorted(message)}")
    return wrong


def _nulls_and_others(fields: dict[str, object]) -> list[str]:
    return [k for k, v in fields.items() if v is None or k not in _FIELDS]
