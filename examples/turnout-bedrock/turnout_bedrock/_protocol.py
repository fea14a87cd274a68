"""Bedrock's Converse protocol: the answer's messages to events. No I/O.

An answer is a sequence of blocks, each with an index: text, reasoning, a call. The
event `messageStop` says why it ended, and `metadata` comes last, with the usage. What
goes wrong in between is a message of the type `exception`.

Source: `ConverseStreamOutput` of botocore 1.44.8's service model, `bedrock-runtime`
2023-09-30, read 2026-11-30. No live service was asked.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias, cast

from turnout import (
    Citation,
    Event,
    Finish,
    FinishReason,
    MediaDelta,
    ReasoningDelta,
    ToolCallDelta,
    Usage,
)
from turnout.decoding import (
    Decoder,
    OddEventError,
    as_count,
    as_list,
    as_mapping,
    as_text,
)
from turnout_bedrock._body import PROTOCOL
from turnout_bedrock._eventstream import MessageSplitter, read_message

__all__ = ["ConverseDecoder"]

_Fields: TypeAlias = dict[str, Any]

_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}

_FAILURES = frozenset({"malformed_model_output", "malformed_tool_use"})
"""Reasons that mean that the answer cannot be used."""

_DETAILS = ("additionalModelResponseFields", "metrics", "performanceConfig", "trace")


@dataclass(slots=True)
class _Block:
    """A part of the answer, as far as it has come."""

    begins: int
    """At which character of the answer's text."""
    start: _Fields = field(default_factory=dict[str, Any])
    call: int | None = None
    """The number of the call, if it is one."""
    media: int | None = None
    """The number of the image, if it is one."""
    text: list[str] = field(default_factory=list[str])
    reasoning: list[str] = field(default_factory=list[str])
    signature: str = ""
    redacted: str = ""
    """Encrypted reasoning, as base64."""
    input: list[str] = field(default_factory=list[str])
    results: list[object] = field(default_factory=list[object])
    citations: list[_Fields] = field(default_factory=list[_Fields])


class ConverseDecoder(Decoder):
    """Decode an answer."""

    end = "its messageStop event"
    # A message begins with its length, whose first byte is zero or nearly so.
    documents: ClassVar[bytes] = b"{[<"

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._splitter = MessageSplitter(self.max_event_bytes)
        self._begins = False
        self._blocks: dict[int, _Block] = {}
        self._characters = 0
        self._calls = self._images = 0
        self._reason = ""
        self._details: _Fields = {}
        self._readers: dict[object, Callable[[_Fields, list[Event]], None]] = {
            "messageStart": self._start,
            "contentBlockStart": self._start_block,
            "contentBlockDelta": self._add,
            "contentBlockStop": self._stop_block,
            "messageStop": self._stop,
            "metadata": self._take_metadata,
        }

    def limit(self, max_event_bytes: int) -> None:
        """Set how many bytes one message may have; called before `feed`."""
        super().limit(max_event_bytes)
        self._splitter = MessageSplitter(max_event_bytes)

    def split(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` ends."""
        return self._splitter.feed(data)

    def rest(self) -> bytes:
        """Return nothing: a message that was cut off says nothing."""
        return b""

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read messages.

        Raises:
            OddEventError: One is not of the protocol.
        """
        for data in datas:
            headers, payload = read_message(data)
            if headers.get(":message-type") != "event":
                self._fail(headers, payload)
                return
            read = self._readers.get(headers.get(":event-type"))
            if read is not None:
                read(self._fields(payload), events)
            if self.done:
                return

    def _fields(self, payload: bytes) -> _Fields:
        try:
            value: object = self.from_json(payload, cache_strings="keys")
        except ValueError:
            value = self.read_leniently(payload)
            if value is None:
                raise OddEventError("is not valid JSON") from None
        return as_mapping(value, "its payload")

    def _fail(self, headers: Mapping[str, object], payload: bytes) -> None:
        """Report an exception or an error in place of an event.

        An exception has its fields in the payload, an error has its code and its words
        in headers.
        """
        code = headers.get(":exception-type") or headers.get(":error-code")
        try:
            value: object = self.from_json(payload)
        except ValueError:
            value = None
        said = cast("_Fields", value) if isinstance(value, dict) else {}
        words = headers.get(":error-message")
        said = {**({"message": words} if words else {}), **said, "code": code}
        self.report(json.dumps({"error": said}, default=str).encode())

    def _start(self, fields: _Fields, events: list[Event]) -> None:
        del fields, events
        if self._begins:
            raise OddEventError("begins another answer inside this one")
        self._begins = True

    def _block(self, fields: _Fields) -> _Block:
        index = as_count(fields, "contentBlockIndex")
        if index is None:
            raise OddEventError("has no contentBlockIndex")
        if index not in self._blocks:
            self._blocks[index] = _Block(self._characters)
        return self._blocks[index]

    def _start_block(self, fields: _Fields, events: list[Event]) -> None:
        block = self._block(fields)
        block.start = as_mapping(fields.get("start"), "start")
        if "toolUse" in block.start:
            use = as_mapping(block.start["toolUse"], "toolUse")
            if use.get("type") == "server_tool_use":
                return  # The service runs that one itself.
            block.call, self._calls = self._calls, self._calls + 1
            events.append(
                ToolCallDelta(
                    index=block.call,
                    id=as_text(use.get("toolUseId"), "toolUseId"),
                    name=as_text(use.get("name"), "name"),
                )
            )
        elif "image" in block.start:
            image = as_mapping(block.start["image"], "image")
            kind = f"image/{as_text(image.get('format'), 'format')}"
            block.media, self._images = self._images, self._images + 1
            events.append(MediaDelta(index=block.media, media_type=kind))

    def _add(self, fields: _Fields, events: list[Event]) -> None:
        block = self._block(fields)
        delta = as_mapping(fields.get("delta"), "delta")
        if "text" in delta:
            text = as_text(delta["text"], "text")
            if text:
                events.append(text)
                block.text.append(text)
                self._characters += len(text)
        elif "toolUse" in delta:
            given = as_mapping(delta["toolUse"], "toolUse")
            piece = as_text(given.get("input"), "input")
            block.input.append(piece)
            if block.call is not None:
                events.append(ToolCallDelta(index=block.call, arguments=piece))
        elif "reasoningContent" in delta:
            self._reason_on(
                block, as_mapping(delta["reasoningContent"], "reasoning"), events
            )
        elif "citation" in delta:
            block.citations.append(as_mapping(delta["citation"], "citation"))
        elif "image" in delta and block.media is not None:
            events.append(MediaDelta(index=block.media, data=_image_of(delta["image"])))
        elif "toolResult" in delta:
            block.results += as_list(delta["toolResult"], "toolResult")

    def _reason_on(self, block: _Block, delta: _Fields, events: list[Event]) -> None:
        if "text" in delta:
            text = as_text(delta["text"], "reasoning")
            block.reasoning.append(text)
            if text:
                events.append(ReasoningDelta(text=text))
        block.signature += as_text(delta.get("signature", ""), "signature")
        block.redacted += as_text(delta.get("redactedContent", ""), "redactedContent")

    def _stop_block(self, fields: _Fields, events: list[Event]) -> None:
        self._cite(self._block(fields), events)

    def _cite(self, block: _Block, events: list[Event]) -> None:
        """Give the sources of a block's text, now that all of it is there."""
        end = block.begins + len("".join(block.text))
        citations, block.citations = block.citations, []
        events += [_citation(each, block.begins, end) for each in citations]

    def _stop(self, fields: _Fields, events: list[Event]) -> None:
        del events
        self._reason = as_text(fields.get("stopReason"), "stopReason")
        self._keep(fields)
        self.ended = True
        if self._reason in _FAILURES:
            message = f"the answer ended with the stopReason {self._reason!r}"
            error = {"code": self._reason, "message": message}
            self.report(json.dumps({"error": error}).encode())

    def _take_metadata(self, fields: _Fields, events: list[Event]) -> None:
        del events
        self._keep(fields)
        usage: object = fields.get("usage")
        read = as_count(usage, "cacheReadInputTokens")
        written = as_count(usage, "cacheWriteInputTokens")
        sent = as_count(usage, "inputTokens")
        self.usage = Usage(
            # What is read from a cache or written to it is counted beside it.
            input_tokens=None if sent is None else sent + (read or 0) + (written or 0),
            output_tokens=as_count(usage, "outputTokens"),
            cached_tokens=read,
            cache_write_tokens=written,
        )
        self.done = self._reason != ""

    def _keep(self, fields: _Fields) -> None:
        self._details.update({n: fields[n] for n in _DETAILS if fields.get(n)})

    def complete(self, events: list[Event]) -> None:
        """Add what is missing of blocks that were not stopped."""
        for block in self._blocks.values():
            self._cite(block, events)
            if block.call is not None and not any(block.input):
                events.append(ToolCallDelta(index=block.call, arguments="{}"))

    def finish(self) -> Finish:
        """Return the answer's end."""
        reason = _REASONS.get(self._reason, "unknown")
        if self._calls and reason in {"stop", "unknown"}:
            reason = "tool_calls"
        details = {
            **self._details,
            "finish_reason": self._reason,
            "request_id": self.request_id,
        }
        content = [kept for b in self._blocks.values() if (kept := _kept(b))]
        reasons = any("reasoningContent" in kept for kept in content)
        return Finish(
            reason=reason,
            details={name: value for name, value in details.items() if value},
            state={PROTOCOL: {"content": content}} if reasons else None,
            items=tuple(i for b in self._blocks.values() if (i := _item(b))),
        )


def _kept(block: _Block) -> dict[str, object]:
    """Return a block as the next request has it again; a call by its id."""
    if block.call is not None:
        return {"call": block.start["toolUse"]["toolUseId"]}
    if block.redacted:
        return {"reasoningContent": {"redactedContent": block.redacted}}
    if block.reasoning or block.signature:
        said = {"text": "".join(block.reasoning)}
        signed = {"signature": block.signature} if block.signature else {}
        return {"reasoningContent": {"reasoningText": {**said, **signed}}}
    return {"text": "".join(block.text)} if block.text else {}


def _item(block: _Block) -> dict[str, object]:
    """Return what the service did itself in a block; empty if it did nothing."""
    if block.call is not None or block.start.keys().isdisjoint(
        {"toolUse", "toolResult"}
    ):
        return {}
    given = {"input": "".join(block.input)} if block.input else {}
    results = {"content": block.results} if block.results else {}
    return {**block.start, **given, **results}


def _image_of(value: object) -> bytes:
    image = as_mapping(value, "image")
    source = as_mapping(image.get("source"), "source")
    try:
        return b64decode(as_text(source.get("bytes"), "bytes"), validate=True)
    except ValueError:
        raise OddEventError("has an image that is not base64") from None


def _citation(fields: _Fields, start: int, end: int) -> Citation:
    location: object = fields.get("location")
    web = cast("_Fields", location).get("web") if isinstance(location, dict) else None
    url: object = cast("_Fields", web).get("url") if isinstance(web, dict) else None
    quoted: object = fields.get("sourceContent")
    words = [
        as_mapping(piece, "sourceContent").get("text")
        for piece in (as_list(quoted, "sourceContent") if quoted else [])
    ]
    return Citation(
        url=url if isinstance(url, str) else None,
        title=_text(fields.get("title")),
        cited_text="".join(filter(None, map(_text, words))) or None,
        source=_text(fields.get("source")),
        start=start,
        end=end,
        item=fields,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
