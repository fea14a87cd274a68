"""OpenAI's Responses: an answer's events. No I/O.

An answer is a sequence of server-sent events, each a JSON object that names its type.
It consists of items (a message, a call of a function, a piece of reasoning), which are
added, told in pieces, and done; it is complete with `response.completed` or
`response.incomplete`, and with nothing else.

Events are numbered. A number that was had before is an event sent twice, and is passed
over. One that is missing may have held text: then the answer has to be as long as the
last event says that it is.

Source: OpenAI's reference of responses and its SDK 3.54.0; what llama.cpp's server
leaves out, as observed; wire.md 2.0 and 2.3, read 2026-11-22.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias, cast

from turnout.decoding import (
    OddEventError,
    SseDecoder,
    as_count,
    as_list,
    as_mapping,
    as_text,
)
from turnout.types import (
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    ToolCallDelta,
    Usage,
)
from turnout_openai._calls import made_id

__all__ = ["PATH", "STATE_NAME", "ResponsesDecoder"]

PATH = "/responses"

STATE_NAME = "openai-responses"
"""Under which name the reply keeps the items of an answer that reasoned."""

_REASONS: dict[str, FinishReason] = {
    "max_output_tokens": "length",
    "content_filter": "content_filter",
}
"""Why an answer is incomplete, by the service's own word; any other is unknown."""

_UNDER_WAY = frozenset({"queued", "in_progress"})
"""What a service says of an answer that is to be fetched later."""

_DETAILS = ("id", "model", "service_tier")
"""What an answer says of itself that is kept for the reply."""

_PLAIN = frozenset({"message", "reasoning", "function_call"})
"""Items that are text, reasoning or calls; others are content of another kind."""

_Fields: TypeAlias = dict[str, Any]

_Reader: TypeAlias = Callable[["ResponsesDecoder", _Fields, bytes, list[Event]], object]

_OBJECT: type[_Fields] = dict


class ResponsesDecoder(SseDecoder):
    """Decode an answer by Responses."""

    end = "response.completed"

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._next: int | None = None
        self._gap = False
        self._length = 0
        self._count = 0
        # The calls of functions, by their items' ids, and by their places as long as
        # they are under way.
        self._named: dict[str | None, _Call] = {}
        self._placed: dict[int | None, _Call] = {}
        self._items: list[_Fields] = []
        self._refused = False
        self._response: _Fields = {}
        self._status = ""
        self._word = ""

    def read_document(self, value: object, document: bytes) -> list[Event]:
        """Read a whole answer, as it is sent where no stream was asked for."""
        if not isinstance(value, dict) or "output" not in value:
            self.report(document)
            return []
        response = cast("_Fields", value)
        if _status(response) in _UNDER_WAY:
            raise OddEventError("is of an answer that is still under way")
        events: list[Event] = []
        for item in as_list(response["output"], "output"):
            self._read_whole(as_mapping(item, "an item"), events)
        self._complete(response, document)
        return events

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read events.

        Raises:
            OddEventError: One is no JSON object, or not of the protocol.
        """
        from_json = self.from_json
        for data in datas:
            try:
                event = from_json(data, allow_inf_nan=False, cache_strings="keys")
            except ValueError:
                # Some servers end as chat completions do, which says nothing here.
                if data.strip() not in {b"", b"[DONE]"}:
                    raise OddEventError("is no JSON") from None
                continue
            if type(event) is not _OBJECT:
                raise OddEventError("is no JSON object")
            number = event.get("sequence_number")
            if number != self._next and self._seen(number):
                continue
            if type(number) is int:
                self._next = number + 1
            kind = event.get("type")
            if kind == "response.output_text.delta":
                text = event.get("delta")
                if type(text) is not str:
                    raise OddEventError("has no text for delta")
                if text:
                    self._length += len(text)
                    events.append(text)
                continue
            reader = self._readers.get(as_text(kind or "", "type"))
            if reader is not None:
                reader(self, event, data, events)
                if self.done:
                    return

    def _seen(self, number: object) -> bool:
        """Tell whether an event was had before, by a number that is not the next."""
        if type(number) is not int or self._next is None:
            return False
        # A server that does not count gives them all the same number, 0.
        if number < self._next:
            return number > 0
        self._gap = True
        return False

    def _reason(self, event: _Fields, data: bytes, events: list[Event]) -> None:
        text = as_text(event.get("delta"), "delta")
        if text:
            events.append(ReasoningDelta(text=text))

    def _part(self, event: _Fields, data: bytes, events: list[Event]) -> None:
        """Part a summary's paragraphs, which nothing else does."""
        if event.get("summary_index"):
            events.append(ReasoningDelta(text="\n\n"))

    def _refuse(self, event: _Fields, data: bytes, events: list[Event]) -> None:
        text = as_text(event.get("delta"), "delta")
        if text:
            # The model's own words in place of a text, and all that the user gets.
            self._length += len(text)
            events.append(text)
        self._refused = True

    def _add(self, event: _Fields, data: bytes, events: list[Event]) -> None:
        item = as_mapping(event.get("item"), "item")
        new = _name(event, item) not in self._named
        if new and item.get("type") == "function_call":
            self._call(event, item, events)

    def _arguments(self, event: _Fields, data: bytes, events: list[Event]) -> None:
        text = as_text(event.get("delta"), "delta")
        call = self._found(event, {})
        if call is None:
            raise OddEventError("goes on with a call that was not begun")
        if text:
            call.begun = True
            events.append(ToolCallDelta(index=call.index, arguments=text))

    def _done(self, event: _Fields, data: bytes, events: list[Event]) -> None:
        item = as_mapping(event.get("item"), "item")
        self._items.append(item)
        if item.get("type") == "function_call":
            call = self._found(event, item) or self._call(event, item, events)
            call.finish(item, events)
            self._placed.pop(_place(event), None)

    def _found(self, event: _Fields, item: _Fields) -> _Call | None:
        """Return the call that an event is about; None where it was not begun."""
        # Some gateways give an item another id with each event, in the same place.
        place = self._placed.get(_place(event))
        return self._named.get(_name(event, item)) or place

    def _call(self, event: _Fields, item: _Fields, events: list[Event]) -> _Call:
        """Return a new call, which is told."""
        call = _Call(self._count)
        self._count += 1
        name, place = _name(event, item), _place(event)
        if place is not None:
            self._placed[place] = call
        if name is not None or place is None:
            self._named[name] = call
        events.append(
            ToolCallDelta(
                index=call.index,
                id=as_text(item.get("call_id") or made_id(), "call_id"),
                name=as_text(item.get("name"), "name"),
            )
        )
        return call

    def _end(self, event: _Fields, data: bytes, events: list[Event]) -> None:
        response = as_mapping(event.get("response"), "response")
        # Where none of the text came, no number need be missing.
        in_doubt = self._gap or not self._length
        if in_doubt and _length(response) != self._length:
            raise OddEventError("ends an answer of which some events did not come")
        self._complete(response, data)

    def _complete(self, response: _Fields, data: bytes) -> None:
        status = _status(response)
        error = response.get("error")
        if error or status in {"failed", "cancelled"}:
            self.report(json.dumps({"error": error}).encode() if error else data)
            return
        self._response = response
        self._status = status or "completed"
        incomplete = response.get("incomplete_details")
        if incomplete:
            word = as_mapping(incomplete, "incomplete_details").get("reason")
            self._word = as_text(word or "", "reason")
        usage = response.get("usage")
        if usage:
            self.usage = _usage(as_mapping(usage, "usage"))
        self.ended = self.done = True

    def _fail(self, event: _Fields, data: bytes, events: list[Event]) -> None:
        if "response" not in event:
            self.report(data)
            return
        response = as_mapping(event["response"], "response")
        self._complete({**response, "status": "failed"}, data)

    def _read_whole(self, item: _Fields, events: list[Event]) -> None:
        """Read an item of an answer that is no stream."""
        self._items.append(item)
        if item.get("type") == "function_call":
            self._call({}, item, events).finish(item, events)
            return
        for name in ("summary", "content"):
            for one in as_list(item.get(name) or [], name):
                part = as_mapping(one, "a part")
                text = as_text(part.get("text") or part.get("refusal") or "", "text")
                self._refused |= "refusal" in part
                if item.get("type") == "reasoning":
                    self._reason({"delta": text}, b"", events)
                elif text:
                    events.append(text)

    def finish(self) -> Finish:
        """Return the answer's end."""
        response = self._response
        details = {name: response[name] for name in _DETAILS if response.get(name)}
        details["finish_reason"] = self._word or self._status
        if self.request_id is not None:
            details["request_id"] = self.request_id
        if self._refused:
            details["refusal"] = True
        reason: FinishReason = "tool_calls" if self._count else "stop"
        if self._word or self._status != "completed":
            reason = _REASONS.get(self._word, "unknown")
        return Finish(
            reason=reason,
            details=details,
            state=self._state(),
            items=tuple(
                item
                for item in self._items
                if str(item.get("type") or "message") not in _PLAIN
            ),
        )

    def _state(self) -> Mapping[str, object] | None:
        """Return the items of an answer that reasoned, where that was not stored."""
        if not any(item.get("encrypted_content") for item in self._items):
            return None
        return {STATE_NAME: {"items": self._items}}

    _readers: ClassVar[dict[str, _Reader]] = {
        "response.reasoning_summary_text.delta": _reason,
        "response.reasoning_text.delta": _reason,
        "response.reasoning_summary_part.added": _part,
        "response.refusal.delta": _refuse,
        "response.output_item.added": _add,
        "response.output_item.done": _done,
        "response.function_call_arguments.delta": _arguments,
        "response.completed": _end,
        "response.incomplete": _end,
        "response.failed": _fail,
        "error": _fail,
    }
    """By the type of an event, who reads it; any other type is passed over."""


class _Call:
    """A call of a function that is under way."""

    __slots__ = ("begun", "index")

    def __init__(self, index: int) -> None:
        self.index = index
        self.begun = False
        """Whether some of its arguments were told."""

    def finish(self, item: _Fields, events: list[Event]) -> None:
        """Tell the arguments that did not come in pieces."""
        arguments = as_text(item.get("arguments") or "", "arguments")
        if arguments and not self.begun:
            self.begun = True
            events.append(ToolCallDelta(index=self.index, arguments=arguments))


def _status(response: _Fields) -> str:
    """Return how far an answer is; empty where the server does not say."""
    return as_text(response.get("status") or "", "status")


def _name(event: _Fields, item: _Fields) -> str | None:
    """Return what an item is called; None where the server calls it nothing."""
    name = as_text(event.get("item_id") or item.get("id") or "", "an item's id")
    return name or None


def _place(event: _Fields) -> int | None:
    """Return which of the items an event is about; None where it does not say."""
    return as_count(event, "output_index")


def _length(response: _Fields) -> int:
    """Return how many characters the text has, by the whole answer at its end."""
    count = 0
    for item in as_list(response.get("output") or [], "output"):
        if as_mapping(item, "an item").get("type") != "message":
            continue
        for part in as_list(cast("_Fields", item).get("content") or [], "content"):
            fields = as_mapping(part, "a part")
            text = fields.get("text") or fields.get("refusal") or ""
            count += len(as_text(text, "text"))
    return count


def _usage(usage: _Fields) -> Usage:
    return Usage(
        input_tokens=as_count(usage, "input_tokens"),
        output_tokens=as_count(usage, "output_tokens"),
        cached_tokens=as_count(usage.get("input_tokens_details"), "cached_tokens"),
        reasoning_tokens=as_count(
            usage.get("output_tokens_details"), "reasoning_tokens"
        ),
    )
