"""OpenAI's chat completions: a request's body, and the answer's events.

An answer is a sequence of server-sent events, each a JSON object, the last one the
word `[DONE]`. It is complete with that word, or with a reason why it ended, where no
error came before it: servers leave either out, and some send the word after an error.

No I/O happens here. What takes long to import is imported where it is needed: this
module is loaded with the plugin, for listings too.

Source: OpenAI's chat completions reference and its SDKs; what others send in place of
it, from their own pages and SDKs; wire.md 2.0, 2.1 and 2.7, read 2026-11-22.
"""

from __future__ import annotations

import json
from typing import Any, cast

from turnout.errors import ProtocolError, StreamTruncatedError
from turnout.framing import MAX_EVENT_BYTES, FramingError, SseSplitter
from turnout.types import (
    ChatRequest,
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    ToolCallDelta,
    Usage,
    message_to_openai,
    tool_to_openai,
)

__all__ = ["PATH", "Decoder", "body"]

PATH = "/chat/completions"

MAX_PAGE_BYTES = 64 * 1024
"""How much is read of a page that came in place of an answer."""

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
"""By the service's own word; any other is unknown."""

_DETAILS = ("id", "model", "service_tier", "system_fingerprint")
"""What an answer says of itself that is kept for the reply."""

# To be compared with, which is the fastest check there is.
_OBJECT: type[dict[str, Any]] = dict
_LIST: type[list[Any]] = list

_NOTHING: dict[str, Any] = {}

# What stands at the top of an error that is not under `error`.
_FLAT_ERROR = frozenset({"message", "detail"})

_DONE = b"[DONE]"
"""The mark of the end."""

_PAGE = "sent a page in place of an answer; check base_url"

# A byte order mark may stand before anything.
_BLANK = b" \t\r\n\xef\xbb\xbf"


def body(request: ChatRequest, max_tokens_field: str) -> dict[str, object]:
    """Return the body of a request. `extra` goes over what is set here.

    Args:
        request: What to ask.
        max_tokens_field: What the greatest number of tokens is called.
    """
    fields: dict[str, object] = {
        "model": request.model,
        "messages": [message_to_openai(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    optional = {
        "temperature": request.temperature,
        max_tokens_field: request.max_tokens,
        "top_p": request.top_p,
        "stop": list(request.stop) or None,
        "seed": request.seed,
        "tools": [tool_to_openai(tool) for tool in request.tools] or None,
        "tool_choice": request.tool_choice,
        "response_format": request.response_format,
    }
    fields.update((k, v) for k, v in optional.items() if v is not None)
    return {**fields, **request.extra}


class Decoder:
    """Turn the bytes of an answer into events.

    It never raises while it is fed, so that what came before a fault is given out
    however the network cut the bytes: `reported` and `check` tell of it in the end.
    Of several answers to one request it gives the first, that of index 0.

    Args:
        provider: The provider's name, for errors.
        request_id: The provider's own name for the request.
    """

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        from pydantic_core import from_json

        self._from_json = from_json
        self._provider = provider
        self._request_id = request_id
        self._splitter = SseSplitter()
        # What came in place of events; None while that may still be events.
        self._document: bytearray | None = None
        self._begun = False
        self._closed = False
        self._fault: str | None = None
        self._calls = _Calls()
        self._reason: str | None = None
        self._usage: Usage | None = None
        self._refused = False
        self._chunk: dict[str, object] = {}
        self.ended = False
        """Whether the answer's end has come: a reason for it, the mark, or a fault."""
        self.done = False
        """Whether nothing is worth reading any more: the mark has come, or a fault."""
        self.reported: bytes | None = None
        """The error that the service reported in place of an answer, or inside one."""

    def feed(self, data: bytes) -> list[Event]:
        """Return what the events ended by `data` bring."""
        if not self._begun:
            self._begin(data)
        if self._document is not None:
            self._collect(data)
            return []
        try:
            events = self._splitter.feed_data(data)
        except FramingError as error:
            self._break(f"sent too much at once: {error}")
            return []
        given = self._read(events)
        return [*given, *self.close()] if self.done else given

    def close(self) -> list[Event]:
        """Take the end of the body; return what is still to be given.

        An event that the end cut off counts where it is whole all the same.
        """
        if self._closed:
            return []
        self._closed = True
        events: list[Event] = []
        if not self.done:
            if self._document is not None:
                events = self._read_document(bytes(self._document))
            else:
                last = self._splitter.close()
                if last is not None and self._is_whole(last.data):
                    events = self._read([last.data])
        if self._usage is not None:
            events.append(self._usage)
        if self.ended and self.reported is None and self._fault is None:
            events.append(self._finish())
        return events

    def check(self) -> None:
        """Make sure that the answer is complete. Called after `close`.

        Raises:
            ProtocolError: What came is not of the protocol.
            StreamTruncatedError: The answer's end did not come.
        """
        if self._fault is not None:
            raise ProtocolError(
                f"{self._provider} {self._fault}", request_id=self._request_id
            )
        if not self.ended:
            raise StreamTruncatedError(
                f"{self._provider}'s answer ended without a finish_reason or [DONE]",
                request_id=self._request_id,
            )

    def _begin(self, data: bytes) -> None:
        """Look at the first byte: events never begin as JSON or a page does."""
        begin = data.lstrip(_BLANK)[:1]
        if begin:
            self._begun = True
            if begin in b"{[<":
                self._document = bytearray()

    def _collect(self, data: bytes) -> None:
        assert self._document is not None
        self._document += data
        page = self._document.lstrip(_BLANK).startswith(b"<")
        if page and len(self._document) > MAX_PAGE_BYTES:
            self._break(_PAGE)
        elif len(self._document) > MAX_EVENT_BYTES:
            self._break("sent too much in place of an answer")

    def _read_document(self, document: bytes) -> list[Event]:
        """Read a body that is no stream: a whole answer, an error, or a page."""
        document = document.lstrip(_BLANK)
        if document.startswith(b"<"):
            self._break(_PAGE)
            return []
        try:
            value: object = self._from_json(document)
        except ValueError as error:
            # Cut off, and so neither the end nor a fault: `check` says so.
            if "EOF while parsing" not in str(error):
                self._break("sent a body that is no JSON")
            return []
        if not isinstance(value, dict) or "choices" not in value:
            self._report(document)
            return []
        events = self._read([document])
        self.ended = True  # Nothing is missing from a whole JSON text.
        return events

    def _is_whole(self, data: bytes) -> bool:
        if data.strip() == _DONE:
            return True
        try:
            self._from_json(data)
        except ValueError:
            return False
        return True

    def _read(self, datas: list[bytes]) -> list[Event]:
        # One loop without calls of our own where an event is a piece of text: it is
        # run for every event, and each call or cast would cost a twentieth of it.
        events: list[Event] = []
        from_json = self._from_json
        chunk = self._chunk
        marked = datas[-1:] == [_DONE]
        if marked:  # It is no JSON, and an error would be dear.
            datas.pop()
        try:
            for data in datas:
                try:
                    # The values differ, so that keeping them would only cost.
                    chunk = from_json(data, allow_inf_nan=False, cache_strings="keys")
                except ValueError:
                    self._read_word(data)
                    if self.done:
                        break
                    continue
                if type(chunk) is not _OBJECT:
                    raise _OddError("is no JSON object")
                choices = chunk.get("choices")
                if not choices or "error" in chunk or "x_groq" in chunk:
                    self._look_for_error(chunk, data)
                if chunk.get("usage"):
                    self._usage = _usage(chunk["usage"])
                if choices:
                    if type(choices) is not _LIST:
                        raise _OddError("has no list for choices")
                    for choice in choices:
                        if type(choice) is not _OBJECT:
                            raise _OddError("has a choice that is no object")
                        if choice.get("index"):
                            continue
                        delta = choice.get("delta", _NOTHING)
                        if type(delta) is _OBJECT and len(delta) == 1:
                            content = delta.get("content")
                            if type(content) is str:
                                if content:
                                    events.append(content)
                            else:
                                self._read_delta(delta, events)
                        elif delta:
                            self._read_delta(delta, events)
                        elif "message" in choice:
                            self._read_delta(choice["message"], events)
                        if choice.get("finish_reason"):
                            self._end(choice["finish_reason"], data)
                if self.done:
                    break
            if marked and not self.done:
                self.ended = self.done = True
        except _OddError as error:
            self._break(f"sent an event that {error}")
        self._chunk = chunk
        return events

    def _read_delta(self, value: object, events: list[Event]) -> None:
        """Read a delta, or the message of an answer that is no stream."""
        delta = _dict(value, "delta")
        reasoning = delta.get("reasoning_content")
        if reasoning is None:
            # Where a service sends both, they are the same.
            reasoning = delta.get("reasoning")
        if reasoning:
            events.append(ReasoningDelta(text=_text(reasoning, "reasoning")))
        content = delta.get("content")
        if content:
            events.append(_text(content, "content"))
        refusal = delta.get("refusal")
        if refusal:
            # The model's own words in place of a text, and all that the user gets.
            events.append(_text(refusal, "refusal"))
            self._refused = True
        calls = delta.get("tool_calls")
        if calls:
            events += map(self._calls.read, _list(calls, "tool_calls"))
        call = delta.get("function_call")
        if call:
            events.append(self._calls.read({"index": 0, "function": call}))

    def _end(self, reason: object, data: bytes) -> None:
        self._reason = _text(reason, "finish_reason")
        self.ended = True
        if reason == "error":
            self._report(data)

    def _read_word(self, data: bytes) -> None:
        """Read what is no JSON: the mark, or nothing, or a fault."""
        word = data.strip()
        if word == _DONE:
            self.ended = self.done = True
        elif word:
            raise _OddError("is no JSON")

    def _look_for_error(self, chunk: dict[str, object], data: bytes) -> None:
        groq = chunk.get("x_groq")
        if chunk.get("error"):
            self._report(data)
        elif isinstance(groq, dict) and "error" in groq:
            error = cast("dict[str, object]", groq)["error"]
            if error:
                self._report(json.dumps({"error": error}).encode())
        elif "choices" not in chunk and not chunk.keys().isdisjoint(_FLAT_ERROR):
            self._report(data)

    def _report(self, data: bytes) -> None:
        self.reported = data
        self.ended = self.done = True

    def _break(self, fault: str) -> None:
        self._fault = fault
        self.ended = self.done = True

    def _finish(self) -> Finish:
        told = {name: self._chunk.get(name) for name in _DETAILS}
        details: dict[str, object] = {k: v for k, v in told.items() if v}
        if self._reason is not None:
            details["finish_reason"] = self._reason
        if self._request_id is not None:
            details["request_id"] = self._request_id
        if self._refused:
            details["refusal"] = True
        return Finish(
            reason=_REASONS.get(self._reason or "", "unknown"), details=details
        )


class _Calls:
    """Tell which tool call an increment belongs to, where the service does not."""

    def __init__(self) -> None:
        self._ids: dict[int, str] = {}

    def read(self, call: object) -> ToolCallDelta:
        fields = _dict(call, "a tool call")
        function = _dict(fields.get("function") or {}, "function")
        call_id = _text(fields.get("id") or "", "id")
        name = _text(function.get("name") or "", "name")
        index = fields.get("index")
        if not isinstance(index, int):
            index = self._index(call_id, name)
        # Some services give the id with every increment.
        known = self._ids.get(index) == call_id
        if call_id or index not in self._ids:
            self._ids[index] = call_id
        return ToolCallDelta(
            index=index,
            id=None if known else call_id or None,
            name=name or None,
            arguments=_text(function.get("arguments") or "", "arguments"),
        )

    def _index(self, call_id: str, name: str) -> int:
        """Return the index of a call without one: by its id, else by its name."""
        for index, known in self._ids.items():
            if call_id and known == call_id:
                return index
        if call_id or name or not self._ids:
            return max(self._ids, default=-1) + 1
        return max(self._ids)


class _OddError(Exception):
    """An event is not of the protocol; the message says how."""


def _dict(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _OddError(f"has a {type(value).__name__} for {what}")
    return cast("dict[str, object]", value)


def _list(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise _OddError(f"has a {type(value).__name__} for {what}")
    return cast("list[object]", value)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise _OddError(f"has a {type(value).__name__} for {what}")
    return value


def _usage(usage: object) -> Usage:
    fields = _dict(usage, "usage")
    return Usage(
        input_tokens=_count(fields, "prompt_tokens"),
        output_tokens=_count(fields, "completion_tokens"),
        cached_tokens=_count(fields.get("prompt_tokens_details"), "cached_tokens"),
        reasoning_tokens=_count(
            fields.get("completion_tokens_details"), "reasoning_tokens"
        ),
    )


def _count(fields: object, name: str) -> int | None:
    if not isinstance(fields, dict):
        return None
    count = cast("dict[str, object]", fields).get(name)
    return count if isinstance(count, int) else None
