"""Anthropic's Messages: an answer's events.

An answer is a message whose content is a list of blocks: text, thinking, calls of tools
and others. It begins with `message_start`; each block has a start, increments and a
stop; `message_delta` says why the answer ended and what it cost, and `message_stop`
ends it. A message may also be whole in `message_start`, or be the whole body. Each
server-sent event has its type in its data too, and only that is read. Unknown types are
ignored, as the protocol's page on versions requires.

An answer is complete with `message_stop`, or with its `stop_reason` alone: then it has
`lenient` in its details. An error may come anywhere, and then the answer is not
complete. A second `message_start` is an error too: a gateway has put another answer
into the first one. Only its repetition before any content is ignored.

No I/O happens here.

Source: Anthropic's pages "Streaming Messages" and "Errors", and the types of its SDKs
2.12.0 and 2.14.0; wire.md 2.0 and 2.4, read 2026-11-22; whole and repeated starts:
`packages/anthropic/src` of vercel/ai at ed857f5, read 2026-11-30.
"""

from __future__ import annotations

from typing import Any, cast

from turnout.decoding import (
    OddEventError,
    SseDecoder,
    as_mapping,
    as_text,
    is_error,
)
from turnout.types import Event, Finish, FinishReason, ReasoningDelta, ToolCallDelta
from turnout_anthropic._blocks import GROWTH, Block, content_of, items_of, state_of

__all__ = ["PATH", "Decoder"]

PATH = "/v1/messages"

_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    # Words of chat completions, which other services and gateways send in this protocol
    # too. Source: Zhipu's API reference at docs.bigmodel.cn; public clients for the
    # others; read 2026-11-30.
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "safety": "content_filter",
}
"""By the service's own word. Others are unknown, such as `pause_turn` and `compaction`:
the service paused, and continues if the answer is sent back."""

_FAILURES = frozenset(
    {
        "abort",
        "aborted",
        "cancelled",
        "error",
        "insufficient_system_resource",
        "network_error",
    }
)
"""Reasons that mean that the answer is not complete, by the same sources: Zhipu's,
DeepSeek's, vLLM's and OpenRouter's."""

_NOT_DETAILS = frozenset({"content", "role", "stop_reason", "type", "usage"})
"""Fields of a message that a reply has elsewhere."""

_NOT_OF_THE_END = frozenset({"delta", "stop_reason", "type", "usage"})

# `type(x) is` this is the fastest check of a type.
_OBJECT: type[dict[str, Any]] = dict

_NO_BLOCK = "is of a block that has not begun"

_NO_EVENTS = frozenset({b"", b"[DONE]"})
"""What some servers of the protocol send beside its events."""


class Decoder(SseDecoder):
    """Decode an answer.

    Args:
        provider: As for every decoder.
        request_id: As for every decoder.
        origin: The host that the answer is from, for its state.
    """

    end = "a stop_reason or message_stop"

    def __init__(
        self, provider: str, request_id: str | None = None, *, origin: str = ""
    ) -> None:
        # Imported here, since the import is slow.
        from pydantic_core import to_json

        from turnout_anthropic._usage import Counts

        super().__init__(provider, request_id)
        self._to_json = to_json
        self._origin = origin
        self._blocks: list[Block] = []
        self._indexed: dict[object, Block] = {}
        # The block that increments are for; at first a block that gets none.
        self._block = Block(object(), 0, {}, None)
        self._calls = 0
        self._message: dict[str, Any] | None = None
        self._end: dict[str, Any] = {}
        self._counts = Counts(provider)
        # Whether `message_stop` has come.
        self._stopped = False
        # The characters of text before the last block.
        self._characters = 0

    def read_document(self, value: object, document: bytes) -> list[Event]:
        """Read a whole message, as it is sent if no stream was requested."""
        message = cast("dict[str, Any]", value if isinstance(value, dict) else {})
        if "content" not in message or is_error(message):
            self.report(document)
            return []
        events: list[Event] = []
        self._begin_message(message, events, whole=True)
        self.ended = self._stopped = True  # Nothing is missing from a whole JSON text.
        return events

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read events.

        Raises:
            OddEventError: One is not a JSON object, or not of the protocol.
        """
        # One loop without calls of our own for an event that is a piece of text: it
        # runs for every event, and each call would cost 5 % of its time.
        from_json = self.from_json
        for data in datas:
            try:
                # The values differ, so that keeping them would only cost.
                event = from_json(data, allow_inf_nan=False, cache_strings="keys")
            except ValueError:
                if data.strip() in _NO_EVENTS:
                    continue
                event = self.read_leniently(data)
                if event is None:
                    raise OddEventError("is not JSON") from None
            if type(event) is not _OBJECT:
                raise OddEventError("is not a JSON object")
            if event.get("type") != "content_block_delta":
                self._read_event(event, data, events)
                if self.done:
                    break
                continue
            delta: Any = event.get("delta")
            if self._block.index != event.get("index"):
                self._turn_to(event)
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
            self._turn_to(event)
            if not self._block.ended:
                self._end_block(self._block, events)
        elif kind == "message_start":
            message = as_mapping(event.get("message"), "message")
            self._begin_message(message, events, whole=False)
        elif kind == "message_delta":
            self._end_message(event)
        elif kind == "message_stop":
            self._count(event.get("usage"))
            self.ended = self.done = self._stopped = True
        elif kind == "error" or (kind is None and is_error(event)):
            self.report(data)

    def _begin_message(
        self, message: dict[str, Any], events: list[Event], *, whole: bool
    ) -> None:
        """Read the start of a message, which may hold all of it."""
        begun, self._message = self._message, message
        if begun is not None and (self._blocks or message.get("id") != begun.get("id")):
            raise OddEventError("begins another answer inside this one")
        whole = whole or bool(message.get("stop_reason"))
        # The output that was counted by then is not all of it, unless the message is.
        self._count(message.get("usage"), None if whole else "output_tokens")
        content = content_of(message.get("content"))
        for index, fields in enumerate(content):
            self._begin_block(index, fields, events)
            if whole:
                self._end_block(self._block, events)
        # A reason without content came too early, or `message_stop` follows.
        self._take_reason(message, ends=bool(content))

    def _begin_block(self, index: object, value: object, events: list[Event]) -> None:
        """Read a block's start, which may hold all of it."""
        fields = as_mapping(value, "content_block")
        kind = as_text(fields.get("type"), "type")
        call = self._calls if kind == "tool_use" else None
        if self._blocks:
            self._characters += len(self._blocks[-1].text)
        block = Block(index, self._characters, fields, call)
        try:
            self._indexed[index] = block
        except TypeError:
            raise OddEventError(_NO_BLOCK) from None
        self._blocks.append(block)
        self._block = block
        if kind == "text" and fields.get("text"):
            events.append(as_text(fields["text"], "text"))
            block.index = object()  # So that `_turn_to` sees the first increment.
        elif kind == "thinking" and fields.get("thinking"):
            text = as_text(fields["thinking"], "thinking")
            events.append(ReasoningDelta(text=text))
        elif call is not None:
            self._begin_call(call, block, events)

    def _begin_call(self, call: int, block: Block, events: list[Event]) -> None:
        fields = block.fields
        self._calls += 1
        if not fields.get("id"):  # Each call is answered by its id.
            from secrets import token_hex

            fields["id"] = f"toolu_{token_hex(12)}"
        events.append(
            ToolCallDelta(
                index=call,
                id=as_text(fields.get("id"), "id"),
                name=as_text(fields.get("name"), "name"),
                kind=block.toolset,
            )
        )
        if block.begun_input:
            events.append(ToolCallDelta(index=call, arguments=block.begun_input))

    def _turn_to(self, event: dict[str, Any]) -> None:
        """Find the block that an event is for.

        Some services send the text of a block's start again in its first increment.
        """
        index = event.get("index")
        delta: Any = event.get("delta")
        try:
            block = self._block = self._indexed[index]
        except (KeyError, TypeError):  # It is not a number, or an unknown one.
            if not _is_unknown(delta):
                raise OddEventError(_NO_BLOCK) from None
            self._block = Block(object(), 0, {}, None)
            return
        if (
            block.index != index
            and type(delta) is _OBJECT
            and delta.get("type") == "text_delta"
            and delta.get("text")
        ):
            block.index = index
            if block.repeats("text", delta["text"]):
                delta["text"] = ""

    def _read_delta(self, value: object, events: list[Event]) -> None:
        """Read an increment that is not a piece of text."""
        delta = as_mapping(value, "delta")
        kind = delta.get("type")
        block = self._block
        citation = delta.get("citation") if kind == "citations_delta" else None
        if isinstance(citation, dict):
            block.citations.append(cast("dict[str, object]", citation))
            return
        known = False
        for field, name in GROWTH.get(kind, ()) if type(kind) is str else ():
            if name not in delta:
                continue
            known = True
            piece = delta[name]
            if type(piece) is not str:
                piece = self._piece(piece, name)
            grown = block.pieces.setdefault(field, [])
            if not piece or (not grown and block.repeats(field, piece)):
                continue
            grown.append(piece)
            if field == "thinking":
                events.append(ReasoningDelta(text=piece))
            elif field == "input" and block.call is not None:
                events.append(ToolCallDelta(index=block.call, arguments=piece))
        if not known:
            block.unread.append(delta)

    def _piece(self, value: object, name: str) -> str:
        """Return an increment that is not a text, as text."""
        if value is None:
            return ""
        if name == "partial_json" and isinstance(value, dict):
            return self._to_json(value).decode()
        return as_text(value, name)

    def _end_block(self, block: Block, events: list[Event]) -> None:
        """Add the events that need the whole block.

        These are the arguments of a call without increments, and the citations with
        the part of the answer's text that they support.
        """
        block.ended = True
        call, block.call = block.call, None
        if call is not None and not (block.begun_input or block.pieces.get("input")):
            given = self._to_json(block.fields.get("input") or {}).decode()
            events.append(ToolCallDelta(index=call, arguments=given))
        if call is not None and block.toolset is not None:
            events.append(ToolCallDelta(index=call, item=block.value))
        if block.cited < len(block.citations):
            from turnout_anthropic._citations import citation_of

            end = block.position + len(block.text)
            new = block.citations[block.cited :]
            events += [citation_of(each, block.position, end) for each in new]
            block.cited = len(block.citations)

    def _end_message(self, event: dict[str, Any]) -> None:
        delta = as_mapping(event.get("delta") or {}, "delta")
        for name, value in (*event.items(), *delta.items()):
            if value is not None and name not in _NOT_OF_THE_END:
                self._end[name] = value
        self._count(event.get("usage"))
        self._take_reason(delta, ends=True)

    def _take_reason(self, fields: dict[str, Any], *, ends: bool) -> None:
        """Read the stop reason, if there is one."""
        if not fields.get("stop_reason"):
            return
        reason = as_text(fields["stop_reason"], "stop_reason")
        self._end["stop_reason"] = reason
        if ends:
            self.ended = True
        if reason.lower() in _FAILURES:
            message = f"the answer ended with the stop_reason {reason!r}"
            error = {"type": reason, "message": message}
            self.report(self._to_json({"type": "error", "error": error}))

    def _count(self, usage: object, without: str | None = None) -> None:
        """Read token counts, which are totals so far."""
        if usage is not None:
            self._counts.add(usage, without)
            self.usage = self._counts.usage()

    def complete(self, events: list[Event]) -> None:
        """Complete the blocks that were not stopped."""
        for block in self._blocks:
            self._end_block(block, events)

    def finish(self) -> Finish:
        """Return the answer's end."""
        word = self._end.get("stop_reason")
        reason = _REASONS.get((word or "").lower(), "unknown")
        if self._calls and reason in {"stop", "unknown"}:
            reason = "tool_calls"
        message = {**(self._message or {}), **self._end}
        said = {
            **{k: v for k, v in message.items() if k not in _NOT_DETAILS},
            "finish_reason": word,
            **self._counts.details(),
            "request_id": self.request_id,
            "lenient": not self._stopped,
        }
        state = state_of(
            self._blocks,
            message.get("container"),
            cut=reason == "length",
            origin=self._origin,
        )
        return Finish(
            reason=reason,
            details={name: value for name, value in said.items() if value},
            state=state,
            items=items_of(self._blocks),
        )


def _is_unknown(delta: object) -> bool:
    """Return whether an increment has a type that is not known."""
    match delta:
        case {"type": str(kind)}:
            return kind not in GROWTH and kind != "citations_delta"
        case _:
            return False
