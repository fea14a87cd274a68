"""Anthropic's Messages: an answer's events.

An answer is a message whose content is a list of blocks: text, thinking, calls of tools
and others. It begins with `message_start`; each block has a start, increments and a
stop; `message_delta` tells why the answer ended and what it cost, and `message_stop`
ends it. Each server-sent event bears its type in its data too, which is all that is
read of it. Types that nobody knows yet are passed over, as the protocol's page on
versions asks for.

An answer is complete with `message_stop`, or with the reason why it ended, which is the
last thing to know: what ends so is told as `lenient` in the details. An error, which
may come anywhere, makes it none.

No I/O happens here.

Source: Anthropic's pages "Streaming Messages" and "Errors", and the types of its SDK
2.12.0; wire.md 2.0 and 2.4, read 2026-11-22.
"""

from __future__ import annotations

from typing import Any, cast

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
from turnout_anthropic._blocks import Block, state_of

__all__ = ["PATH", "Decoder"]

PATH = "/v1/messages"

_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""By the service's own word; any other is unknown, `pause_turn` among them."""

_MESSAGE_DETAILS = ("id", "model", "container")

_END_DETAILS = ("stop_sequence", "stop_details", "container")

_USAGE_DETAILS = ("service_tier", "cache_creation_input_tokens", "server_tool_use")
"""What an answer says of itself that is kept for the reply."""

# To be compared with, which is the fastest check there is.
_OBJECT: type[dict[str, Any]] = dict

_NO_BLOCK = "is of a block that has not begun"

_NO_EVENTS = frozenset({b"", b"[DONE]"})
"""What some servers of the protocol send beside its events."""


class Decoder(SseDecoder):
    """Decode an answer."""

    end = "a stop_reason or message_stop"

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        from pydantic_core import to_json  # Not with the module, for its time.

        super().__init__(provider, request_id)
        self._to_json = to_json
        self._blocks: list[Block] = []
        self._indexed: dict[object, Block] = {}
        # The one that increments are for; at first it is none that any is for.
        self._block = Block(object(), {}, None)
        self._calls = 0
        self._message: dict[str, Any] = {}
        self._end: dict[str, Any] = {}
        self._counts: dict[str, Any] = {}
        # Whether the protocol's own mark of the end has come.
        self._stopped = False

    def read_document(self, value: object, document: bytes) -> list[Event]:
        """Read a whole message, as it is sent where no stream was asked for."""
        message = cast("dict[str, Any]", value if isinstance(value, dict) else {})
        if "content" not in message:
            self.report(document)
            return []
        events: list[Event] = []
        self._message = message
        self._count(message.get("usage"))
        for index, fields in enumerate(as_list(message["content"], "content")):
            self._begin_block(index, fields, events)
        self._end_message({"delta": message})
        self.ended = self._stopped = True  # Nothing is missing from a whole JSON text.
        return events

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read events.

        Raises:
            OddEventError: One is no JSON object, or not of the protocol.
        """
        # One loop without calls of our own where an event is a piece of text: it is
        # run for every event, and each call would cost a twentieth of it.
        from_json = self.from_json
        for data in datas:
            try:
                # The values differ, so that keeping them would only cost.
                event = from_json(data, allow_inf_nan=False, cache_strings="keys")
            except ValueError:
                if data.strip() in _NO_EVENTS:
                    continue
                raise OddEventError("is no JSON") from None
            if type(event) is not _OBJECT:
                raise OddEventError("is no JSON object")
            if event.get("type") != "content_block_delta":
                self._read_event(event, data, events)
                if self.done:
                    break
                continue
            delta: Any = event.get("delta")
            if self._block.index != event.get("index"):
                self._turn_to(event.get("index"))
            if type(delta) is _OBJECT and delta.get("type") == "text_delta":
                text = delta.get("text")
                if type(text) is str:
                    if text:
                        events.append(text)
                        self._block.pieces["text"].append(text)
                    continue
            self._read_delta(delta, events)

    def _read_event(
        self, event: dict[str, Any], data: bytes, events: list[Event]
    ) -> None:
        kind = event.get("type")
        if kind == "content_block_start":
            self._begin_block(event.get("index"), event.get("content_block"), events)
        elif kind == "content_block_stop":
            self._turn_to(event.get("index"))
            self._end_block(self._block, events)
        elif kind == "message_start":
            self._begin_message(as_mapping(event.get("message"), "message"))
        elif kind == "message_delta":
            self._end_message(event)
        elif kind == "message_stop":
            self.ended = self.done = self._stopped = True
        elif kind == "error" or (kind is None and "error" in event):
            self.report(data)

    def _begin_message(self, message: dict[str, Any]) -> None:
        self._message = message
        usage = message.get("usage")
        if usage is not None:
            # What was put out by then is not what the answer costs in the end.
            counts = as_mapping(usage, "usage").items()
            self._count({k: v for k, v in counts if k != "output_tokens"})

    def _begin_block(self, index: object, value: object, events: list[Event]) -> None:
        """Read a block's start, which may hold all of it."""
        fields = as_mapping(value, "content_block")
        kind = as_text(fields.get("type"), "type")
        self._block = Block(index, fields, self._calls if kind == "tool_use" else None)
        self._blocks.append(self._block)
        try:
            self._indexed.setdefault(index, self._block)
        except TypeError:
            raise OddEventError(_NO_BLOCK) from None
        if kind == "text" and fields.get("text"):
            events.append(as_text(fields["text"], "text"))
        elif kind == "thinking" and fields.get("thinking"):
            text = as_text(fields["thinking"], "thinking")
            events.append(ReasoningDelta(text=text))
        elif kind == "tool_use":
            call = ToolCallDelta(
                index=self._calls,
                id=as_text(fields.get("id"), "id"),
                name=as_text(fields.get("name"), "name"),
            )
            self._calls += 1
            events.append(call)

    def _turn_to(self, index: object) -> None:
        """Find the block that an increment is for."""
        try:
            self._block = self._indexed[index]
        except (KeyError, TypeError):  # It is not a number, or an unknown one.
            raise OddEventError(_NO_BLOCK) from None

    def _read_delta(self, value: object, events: list[Event]) -> None:
        """Read an increment that is no piece of text."""
        delta = as_mapping(value, "delta")
        match delta.get("type"):
            case "text_delta":
                as_text(delta.get("text"), "text")
            case "thinking_delta":
                thinking = as_text(delta.get("thinking"), "thinking")
                if thinking:
                    events.append(ReasoningDelta(text=thinking))
            case "signature_delta":
                as_text(delta.get("signature"), "signature")
            case "input_json_delta":
                piece = as_text(delta.get("partial_json"), "partial_json")
                call = self._block.call
                if piece and call is not None:
                    events.append(ToolCallDelta(index=call, arguments=piece))
            case "citations_delta":
                pass
            case _:  # Of a type that nobody knows yet.
                return
        self._block.add(delta)

    def _end_block(self, block: Block, events: list[Event]) -> None:
        """Give the arguments of a call that came without increments, or none."""
        call, block.call = block.call, None
        if call is not None and not any(block.pieces.get("input", ())):
            given = self._to_json(block.fields.get("input") or {}).decode()
            events.append(ToolCallDelta(index=call, arguments=given))

    def _end_message(self, event: dict[str, Any]) -> None:
        delta = as_mapping(event.get("delta") or {}, "delta")
        self._end.update((k, v) for k, v in delta.items() if v is not None)
        self._count(event.get("usage"))
        if delta.get("stop_reason"):
            as_text(delta["stop_reason"], "stop_reason")
            self.ended = True

    def _count(self, usage: object) -> None:
        """Take counts, which are of all that has come so far."""
        if usage is None:
            return
        counts = as_mapping(usage, "usage")
        self._counts.update((k, v) for k, v in counts.items() if v is not None)
        self.usage = _usage(self._counts)

    def complete(self, events: list[Event]) -> None:
        """Add the arguments of calls whose block was not stopped."""
        for block in self._blocks:
            self._end_block(block, events)

    def finish(self) -> Finish:
        """Return the answer's end."""
        reason = self._end.get("stop_reason")
        told = {
            **{name: self._message.get(name) for name in _MESSAGE_DETAILS},
            "finish_reason": reason,
            **{name: self._end[name] for name in _END_DETAILS if name in self._end},
            **{name: self._counts.get(name) for name in _USAGE_DETAILS},
            "request_id": self.request_id,
            "lenient": not self._stopped,
        }
        return Finish(
            reason=_REASONS.get(reason or "", "unknown"),
            details={name: value for name, value in told.items() if value},
            state=state_of(self._blocks),
        )


def _usage(counts: dict[str, Any]) -> Usage:
    # The service counts what it read from its cache, or wrote into it, apart.
    parts = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    given = [n for n in (as_count(counts, part) for part in parts) if n is not None]
    return Usage(
        input_tokens=sum(given) if given else None,
        output_tokens=as_count(counts, "output_tokens"),
        cached_tokens=as_count(counts, "cache_read_input_tokens"),
        reasoning_tokens=as_count(
            counts.get("output_tokens_details"), "thinking_tokens"
        ),
        cache_write_tokens=as_count(counts, "cache_creation_input_tokens"),
    )
