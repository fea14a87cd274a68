"""A server on loopback that speaks Ollama's chat protocol, and refuses all else.

    async with OllamaServer(text("Par") + text("is") + done()) as server:
        ...  # ask it at server.url

    assert server.refusals == []

Written from the documented protocol, and not with the product's code. Each request that
keeps the rules takes the next answer; the last answer repeats.
"""

from __future__ import annotations

import base64
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

MODEL = "llama3.2"

_FIELDS = {
    "model",
    "messages",
    "stream",
    "format",
    "options",
    "tools",
    "think",
    "keep_alive",
}

_OPTIONS = {"temperature", "num_predict", "top_p", "stop", "seed", "num_ctx", "top_k"}

_MESSAGE_FIELDS = {
    "system": {"role", "content"},
    "user": {"role", "content", "images"},
    "assistant": {"role", "content", "thinking", "tool_calls"},
    "tool": {"role", "content", "tool_name", "tool_call_id"},
}


def line(value: object) -> bytes:
    """Return a line: a value as JSON."""
    # Characters, not escapes, so that a read may end inside of one.
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def message(done: bool = False, **fields: object) -> dict[str, object]:
    """Return a line's value, whose message has these fields beside its role."""
    return {
        "model": MODEL,
        "created_at": "2026-11-22T10:00:00.000000Z",
        "message": {"role": "assistant", "content": "", **fields},
        "done": done,
    }


def text(piece: str) -> bytes:
    """Return a line with a piece of text."""
    return line(message(content=piece))


def thinking(piece: str) -> bytes:
    """Return a line with a piece of what the model thinks."""
    return line(message(thinking=piece))


def calls(*functions: tuple[str, object], ids: bool = False) -> bytes:
    """Return a line with whole tool calls, as newer servers (with ids) or older do."""
    return line(
        message(
            tool_calls=[
                {
                    **({"id": f"call_{index}"} if ids else {}),
                    "function": {"name": name, "arguments": arguments},
                }
                for index, (name, arguments) in enumerate(functions)
            ]
        )
    )


def done(reason: str | None = "stop", content: str = "", **fields: object) -> bytes:
    """Return the last line, with what the answer cost, in tokens and nanoseconds."""
    why = {} if reason is None else {"done_reason": reason}
    return line(
        {
            **message(done=True, content=content),
            **why,
            "total_duration": 5_191_566_416,
            "load_duration": 2_154_458,
            "prompt_eval_count": 26,
            "prompt_eval_duration": 383_809_000,
            "eval_count": 298,
            "eval_duration": 4_799_921_000,
            **fields,
        }
    )


def answer(*pieces: str) -> bytes:
    """Return a whole answer."""
    return b"".join([*map(text, pieces), done()])


@final
class OllamaServer(LoopbackServer):
    """Answers at `url` with status 200, or refuses with 400, 401 or 404.

    Args:
        answers: The bodies of the answers.
        tags: What it says that it has, as the list of `/api/tags`.
        key: The key that requests need; None where they must have none.
        slicing: How a body is cut into chunks.
    """

    def __init__(
        self,
        *answers: bytes,
        tags: object = None,
        key: str | None = None,
        slicing: Slicing = whole,
    ) -> None:
        super().__init__()
        self._answers = answers or (answer("Hello", " there."),)
        self._tags: object = {"models": []} if tags is None else tags
        self._key = key
        self._slicing = slicing
        self.bodies: list[Mapping[str, object]] = []
        """The bodies of the requests that kept the rules."""
        self.requests: list[bytes] = []
        """The same as they were on the wire."""
        self.refusals: list[str] = []
        """Which rules were broken."""

    @override
    async def serve(self, connection: Connection) -> None:
        """Answer the requests of a connection."""
        while True:
            request = await connection.read_request()
            status, wrong = self._wrong(request)
            if wrong:
                self.refusals += wrong
                await _send(connection, status, {"error": "; ".join(wrong)})
            elif request.method == "GET":
                await _send(connection, 200, self._tags)
            else:
                await self._answer(connection, request)

    async def _answer(self, connection: Connection, request: HttpRequest) -> None:
        index = min(len(self.bodies), len(self._answers) - 1)
        self.bodies.append(cast("Mapping[str, object]", request.json()))
        self.requests.append(request.body)
        kind = ("Content-Type", "application/x-ndjson")
        await connection.send(response_head(200, kind, CHUNKED))
        for piece in self._slicing(self._answers[index]):
            await connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await connection.send(b"0\r\n\r\n")

    def _wrong(self, request: HttpRequest) -> tuple[int, list[str]]:
        keys = request.values("Authorization")
        if keys != ([] if self._key is None else [f"Bearer {self._key}"]):
            return 401, [f"{len(keys)} keys, or a wrong one"]
        if (request.method, request.target) == ("GET", "/api/tags"):
            return 200, []
        if (request.method, request.target) != ("POST", "/api/chat"):
            return 404, [f"{request.method} {request.target}"]
        wrong = [
            f"{name}: {request.values(name)}"
            for name, value in {
                "Content-Type": "application/json",
                "Accept": "application/x-ndjson",
                "Accept-Encoding": "identity",
            }.items()
            if request.values(name) != [value]
        ]
        return 400, wrong + _wrong_in(request.json())


async def _send(connection: Connection, status: int, value: object) -> None:
    body = json.dumps(value).encode()
    length = ("Content-Length", str(len(body)))
    await connection.send(response_head(status, length) + body)


def _wrong_in(body: object) -> list[str]:
    if not isinstance(body, dict):
        return ["the body is no object"]
    fields = cast("dict[str, object]", body)
    wrong = [
        f"{name} is unknown or null"
        for name, value in fields.items()
        if value is None or name not in _FIELDS
    ]
    if fields.get("stream") is not True:
        wrong.append("stream is not true")
    if not isinstance(fields.get("model"), str) or not fields["model"]:
        wrong.append("model is required")
    options = fields.get("options", {})
    if not isinstance(options, dict) or not options.keys() <= _OPTIONS:
        wrong.append("an option is unknown")
    form = fields.get("format", "json")
    if form != "json" and not isinstance(form, dict):
        wrong.append("format is neither json nor a schema")
    messages = fields.get("messages")
    if not isinstance(messages, list) or not messages:
        return [*wrong, "messages is no list of them"]
    for turn in cast("list[dict[str, object]]", messages):
        wrong += _wrong_in_message(turn)
    return wrong


def _wrong_in_message(turn: dict[str, object]) -> list[str]:
    known = _MESSAGE_FIELDS.get(str(turn.get("role")), set())
    if not {"role", "content"} <= turn.keys() <= known:
        return [f"a message has the fields {sorted(turn)}"]
    wrong: list[str] = []
    if not isinstance(turn["content"], str):
        wrong.append("a message's content is no text")
    for image in cast("list[str]", turn.get("images", [])):
        base64.b64decode(image, validate=True)
    for call in cast("list[dict[str, dict[str, object]]]", turn.get("tool_calls", [])):
        if not isinstance(call["function"]["arguments"], dict):
            wrong.append("the arguments of a call are no object")
    return wrong
