"""A server on loopback that speaks Anthropic's Messages, and refuses all else.

    async with AnthropicServer(answer("Par", "is")) as server:
        ...  # ask it at server.url

    assert server.refusals == []

Written from the documented protocol, and not with the product's code. Each request that
keeps the rules takes the next answer; the last answer repeats. It lists its models, two
a page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast, final
from urllib.parse import parse_qs

from typing_extensions import override

from turnout.testing import (
    CHUNKED,
    Connection,
    HttpRequest,
    LoopbackServer,
    response_head,
)
from turnout.testing._slicing import Slicing, whole

PATH = "/v1/messages"

VERSIONS = ("2023-06-01", "2026-10-21")

SAMPLING = {"temperature", "top_p", "top_k"}

_FIELDS = {
    *SAMPLING,
    "container",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "stop_sequences",
    "stream",
    "system",
    "thinking",
    "tool_choice",
    "tools",
}

_CACHE = {"cache_control"}

_BLOCKS: dict[str, dict[str, tuple[set[str], set[str]]]] = {
    # By role and type: the fields that a block must have, and those that it may.
    "user": {
        "text": ({"text"}, _CACHE),
        "image": ({"source"}, _CACHE),
        "document": ({"source"}, {"citations", "context", "title", *_CACHE}),
        "tool_result": ({"tool_use_id"}, {"content", "is_error", *_CACHE}),
    },
    "assistant": {
        "text": ({"text"}, {"citations", *_CACHE}),
        "tool_use": ({"id", "name", "input"}, {"caller", *_CACHE}),
        "thinking": ({"thinking", "signature"}, set()),
        "redacted_thinking": ({"data"}, set()),
        "server_tool_use": ({"id", "name", "input"}, {"caller", *_CACHE}),
        "web_search_tool_result": ({"tool_use_id", "content"}, {"caller", *_CACHE}),
        "compaction": ({"content"}, {"encrypted_content", *_CACHE}),
    },
}

_TOOL = {"name", "description", "input_schema", "strict", "defer_loading", *_CACHE}

_OWN_TOOLS = {"web_search_20250305", "code_execution_20260120"}

_SOURCES = {
    "base64": {"media_type", "data"},
    "url": {"url"},
    "file": {"file_id"},
    "text": {"media_type", "data"},
}

_CHOICES: dict[str, set[str]] = {
    "auto": set(),
    "any": set(),
    "none": set(),
    "tool": {"name"},
}


def event(value: Mapping[str, object]) -> bytes:
    """Return an event: its type, and a value as JSON."""
    # Characters, not escapes, so that a read may end inside of one.
    data = json.dumps(value, ensure_ascii=False).encode()
    return b"event: %b\ndata: %b\n\n" % (str(value["type"]).encode(), data)


def begin(**usage: object) -> bytes:
    """Return the event that an answer begins with."""
    counts = {"input_tokens": 9, "output_tokens": 1, **usage}
    message: dict[str, object] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m-1",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": counts,
    }
    return event({"type": "message_start", "message": message})


def start(index: int, kind: str, **fields: object) -> bytes:
    """Return the event that a block begins with."""
    block = {"type": kind, **fields}
    return event(
        {"type": "content_block_start", "index": index, "content_block": block}
    )


def delta(index: int, kind: str, **fields: object) -> bytes:
    """Return an event with an increment of a block."""
    increment = {"type": kind, **fields}
    return event({"type": "content_block_delta", "index": index, "delta": increment})


def stop(index: int) -> bytes:
    """Return the event that a block ends with."""
    return event({"type": "content_block_stop", "index": index})


def texts(*pieces: str, index: int = 0) -> bytes:
    """Return the events of a block of text."""
    deltas = [delta(index, "text_delta", text=piece) for piece in pieces]
    return b"".join([start(index, "text", text=""), *deltas, stop(index)])


def thinking(*pieces: str, index: int = 0, signature: str = "c2ln") -> bytes:
    """Return the events of a block of thinking."""
    deltas = [delta(index, "thinking_delta", thinking=piece) for piece in pieces]
    return b"".join(
        [
            start(index, "thinking", thinking="", signature=""),
            *deltas,
            delta(index, "signature_delta", signature=signature),
            stop(index),
        ]
    )


def tool(*pieces: str, index: int = 0, id: str = "toolu_1", name: str = "f") -> bytes:
    """Return the events of a block that calls a tool."""
    deltas = [delta(index, "input_json_delta", partial_json=each) for each in pieces]
    begun = start(index, "tool_use", id=id, name=name, input={})
    return b"".join([begun, *deltas, stop(index)])


def finish(reason: str = "end_turn", output: int = 4, **fields: object) -> bytes:
    """Return the event with the reason why the answer ended, and what it cost."""
    ended = {"stop_reason": reason, "stop_sequence": None, **fields}
    usage = {"output_tokens": output}
    return event({"type": "message_delta", "delta": ended, "usage": usage})


PING = event({"type": "ping"})

STOP = event({"type": "message_stop"})


def error(kind: str = "overloaded_error", message: str = "Overloaded") -> bytes:
    """Return the event of an error."""
    return event({"type": "error", "error": {"type": kind, "message": message}})


def answer(*pieces: str) -> bytes:
    """Return a whole answer of text."""
    return b"".join([begin(), PING, texts(*pieces), finish(), STOP])


@final
class AnthropicServer(LoopbackServer):
    """Answers at `url` with status 200, or refuses with 400 or 401.

    Args:
        answers: The bodies of the answers.
        key: The key that requests need; None where they must have none.
        bearer: Whether the key comes as a bearer token.
        prefill: Whether it goes on with the beginning of an answer.
        models: The names of its models.
        slicing: How a body is cut into chunks.
    """

    def __init__(
        self,
        *answers: bytes,
        key: str | None = None,
        bearer: bool = False,
        prefill: bool = False,
        models: Sequence[str] = (),
        slicing: Slicing = whole,
    ) -> None:
        super().__init__()
        self._answers = answers or (answer("Hello", " there."),)
        self._key = key
        self._bearer = bearer
        self._prefill = prefill
        self._models = models
        self._slicing = slicing
        self.requests: list[HttpRequest] = []
        """The requests that kept the rules."""
        self.refusals: list[str] = []
        """Which rules were broken."""

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of the requests that kept the rules."""
        return [cast("dict[str, Any]", request.json()) for request in self.requests]

    @override
    async def serve(self, connection: Connection) -> None:
        """Answer the requests of a connection."""
        while True:
            request = await connection.read_request()
            wrong = self._wrong_key(request)
            status = 401 if wrong else 400
            if not wrong:
                listing = request.method == "GET"
                wrong = _wrong_list(request) if listing else self._wrong(request)
            if wrong:
                self.refusals += wrong
                await _refuse(connection, status, "; ".join(wrong))
                continue
            self.requests.append(request)
            if request.method == "GET":
                await _document(connection, 200, _page(request, self._models))
                continue
            index = min(len(self.requests), len(self._answers)) - 1
            head = response_head(
                200,
                ("Content-Type", "text/event-stream; charset=utf-8"),
                ("request-id", f"req_{len(self.requests)}"),
                CHUNKED,
            )
            await connection.send(head)
            for piece in self._slicing(self._answers[index]):
                await connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            await connection.send(b"0\r\n\r\n")

    def _wrong_key(self, request: HttpRequest) -> list[str]:
        given = {
            name: request.values(name)
            for name in ("x-api-key", "Authorization")
            if request.values(name)
        }
        expected: dict[str, list[str]] = {}
        if self._key is not None and self._bearer:
            expected = {"Authorization": [f"Bearer {self._key}"]}
        elif self._key is not None:
            expected = {"x-api-key": [self._key]}
        return [] if given == expected else [f"keys in {sorted(given)}, or a wrong one"]

    def _wrong(self, request: HttpRequest) -> list[str]:
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
        body = cast("dict[str, Any]", request.json())
        wrong += _wrong_version(request, body) + _wrong_fields(body)
        wrong += _wrong_turns(body["messages"])
        last = body["messages"][-1]
        if last["role"] == "assistant":
            if not self._prefill and not _is_paused(last["content"]):
                wrong.append("this model does not support assistant message prefill")
            if re.search(r"\s$", last["content"][-1].get("text", "x")):
                wrong.append("the last message ends in white space")
        return wrong


def _is_paused(blocks: list[dict[str, Any]]) -> bool:
    return any(block["type"] in {"server_tool_use", "compaction"} for block in blocks)


def _wrong_version(request: HttpRequest, body: Mapping[str, object]) -> list[str]:
    versions = request.values("anthropic-version")
    if len(versions) != 1 or versions[0] not in VERSIONS:
        return [f"anthropic-version: {versions}"]
    if versions[0] > VERSIONS[0]:
        return [f"{name}: extra inputs" for name in SAMPLING & body.keys()]
    return []


def _wrong_list(request: HttpRequest) -> list[str]:
    wrong = _wrong_version(request, {})
    if request.path != "/v1/models":
        wrong.append(f"GET {request.path}")
    return wrong


def _wrong_fields(body: Mapping[str, Any]) -> list[str]:
    unknown = [k for k, v in body.items() if v is None or k not in _FIELDS]
    wrong = [f"{name} is unknown or null" for name in unknown]
    if body.get("stream") is not True:
        wrong.append("stream is not true")
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        wrong.append("max_tokens is missing")
    if not isinstance(body.get("model"), str):
        wrong.append("model is no text")
    system = body.get("system", "x")
    if isinstance(system, list):
        texts = cast("list[dict[str, Any]]", system)
        wrong += [w for each in texts for w in _wrong_block("user", each)]
    elif not isinstance(system, str) or not system:
        wrong.append("system is not a text")
    for each in body.get("tools", ()):
        if each.get("type", "custom") in _OWN_TOOLS:
            continue
        if each.keys() - _TOOL:
            wrong.append(f"a tool has the fields {sorted(each)}")
        if each["input_schema"].get("type") != "object":
            wrong.append("a tool's input_schema is not of an object")
    choice = dict(body.get("tool_choice", {"type": "auto"}))
    choice.pop("disable_parallel_tool_use", None)
    if _CHOICES.get(choice.pop("type", "")) != choice.keys():
        wrong.append("tool_choice is wrong")
    form = body.get("output_config", {}).get("format")
    if form is not None and (
        form.keys() != {"type", "schema"} or form["type"] != "json_schema"
    ):
        wrong.append("output_config.format is wrong")
    return wrong


def _wrong_turns(messages: list[dict[str, Any]]) -> list[str]:
    wrong: list[str] = []
    roles = [message["role"] for message in messages]
    if roles != [("user", "assistant")[i % 2] for i in range(len(roles))]:
        wrong.append(f"the roles are {roles}")
    asked: list[str] = []
    for message in messages:
        if message.keys() != {"role", "content"} or not message["content"]:
            wrong.append(f"a message has the fields {sorted(message)}, or no content")
        results: list[str] = []
        others = 0
        for block in message["content"]:
            wrong += _wrong_block(message["role"], block)
            others += block["type"] != "tool_result"
            if block["type"] == "tool_result":
                results.append(block["tool_use_id"])
                if others:
                    wrong.append("a tool's result does not stand first")
        if asked != results:
            wrong.append(f"{asked} were called, and {results} answered")
        asked = [b["id"] for b in message["content"] if b["type"] == "tool_use"]
    return wrong + _wrong_pairs(messages)


def _wrong_pairs(messages: list[dict[str, Any]]) -> list[str]:
    """Return which calls of the service's own tools have no result.

    They may have none if nothing but results of the caller's tools follows.
    """
    others = len(messages)
    while others and all(
        block["type"] == "tool_result" for block in messages[others - 1]["content"]
    ):
        others -= 1
    blocks = [block for message in messages for block in message["content"]]
    answered = {block.get("tool_use_id") for block in blocks}
    return [
        f"{block['id']} was found without its result"
        for message in messages[: others - 1]
        for block in message["content"]
        if block["type"] == "server_tool_use" and block["id"] not in answered
    ]


def _wrong_block(role: str, block: Mapping[str, Any]) -> list[str]:
    known = _BLOCKS.get(role, {}).get(block["type"])
    if known is None:
        return [f"a {role}'s block has the type {block['type']}"]
    must, may = known
    fields = block.keys() - {"type"}
    if not must <= fields <= must | may:
        return [f"a block has the fields {sorted(block)}"]
    if block["type"] == "text" and not block["text"].strip():
        return ["a text is blank"]
    if block["type"] == "tool_use" and not isinstance(block["input"], dict):
        return ["a call's input is no object"]
    name = block.get("id", block.get("tool_use_id", "x"))
    if not re.fullmatch(r"[a-zA-Z0-9_-]+", name):
        return [f"a call has the id {name}"]
    if "source" in block:
        source = dict(block["source"])
        if _SOURCES.get(source.pop("type")) != source.keys():
            return [f"a source has the fields {sorted(source)}"]
    inner: object = block.get("content", "x")
    if isinstance(inner, list):
        blocks = cast("list[dict[str, Any]]", inner)
        return [wrong for each in blocks for wrong in _wrong_block("user", each)]
    return [] if inner else ["a result's content is empty"]


def _page(request: HttpRequest, models: Sequence[str]) -> dict[str, object]:
    """Return a page of the list: two models, whatever the limit asked for."""
    query = parse_qs(request.target.partition("?")[2])
    first = 0
    if "after_id" in query:
        first = models.index(query["after_id"][0]) + 1
    names = models[first : first + 2]
    data = [
        {
            "type": "model",
            "id": name,
            "display_name": name.title(),
            "created_at": "2026-09-01T00:00:00Z",
            "max_input_tokens": 500_000,
            "max_tokens": 1000,
        }
        for name in names
    ]
    return {
        "data": data,
        "has_more": first + 2 < len(models),
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
    }


async def _refuse(connection: Connection, status: int, reason: str) -> None:
    kind = "authentication_error" if status == 401 else "invalid_request_error"
    told = {"type": kind, "message": reason}
    await _document(connection, status, {"type": "error", "error": told})


async def _document(
    connection: Connection, status: int, value: Mapping[str, object]
) -> None:
    body = json.dumps(value).encode()
    length = ("Content-Length", str(len(body)))
    await connection.send(response_head(status, length) + body)
