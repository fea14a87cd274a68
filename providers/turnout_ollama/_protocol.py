"""Ollama's answers: lines of JSON, the last of which has the reason of the end.

    {"model": …, "message": {"role": "assistant", "content": "Par"}, "done": false}
    {"model": …, "message": {…}, "done": true, "done_reason": "stop", "eval_count": 3}

If an answer is done without a reason, its engine has ended early: Ollama leaves an
empty reason out. If the reason is the loading of a model, the line is not an answer.

No I/O happens here. Slow imports are inside functions: this module is loaded with the
plugin, also for listings.

Source: Ollama's `docs/api.md`, `server/routes.go`, `llm/server.go` and `api/types.go`
at fb30760 (2026-08-21); wire.md 2.6, read 2026-11-22.
"""

from __future__ import annotations

import json
from typing import Any, cast

from turnout.decoding import (
    LineDecoder,
    OddEventError,
    Pieces,
    as_list,
    as_mapping,
    as_text,
    is_error,
)
from turnout.types import (
    Event,
    Finish,
    FinishReason,
    MediaDelta,
    ReasoningDelta,
    ToolCallDelta,
    Usage,
)
from turnout_ollama._body import STATE

__all__ = ["Decoder"]

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    # Ollama itself does not have it; a service behind ollama.com may.
    "content_filter": "content_filter",
}
"""By Ollama's own word; any other is unknown."""

_LOADING = frozenset({"load", "unload"})
"""Reasons of a line that is not an answer."""

_FAILURES = frozenset({"abort", "cancelled", "error"})
"""Reasons that mean a failure. Ollama itself does not have them: it sends an error,
or an empty reason."""

_COUNTS = ("prompt_eval_count", "eval_count")

_FIELDS = frozenset({"created_at", "done", "done_reason", "error", "message", *_COUNTS})
"""The fields of a line that do not belong to the details."""

_MESSAGE = frozenset(
    {
        "content",
        "images",
        "role",
        "thinking",
        "tool_call_id",
        "tool_calls",
        "tool_name",
    }
)
"""The fields of a message; see `api.Message`."""

_USUAL = 4
"""A line with text has a model, a time, a message and `done`."""

# `type(x) is` this is the fastest check of a type.
_OBJECT: type[dict[str, Any]] = dict

_NOTHING: dict[str, Any] = {}


class Decoder(LineDecoder):
    """Decode an answer."""

    end = "a line with done_reason"

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._reason = ""
        self._calls = 0
        self._images = 0
        self._thinking = Pieces()
        # The output so far, and the calls as they were sent.
        self._given: list[Event] = []
        self._called: list[object] = []
        # Other fields of the lines, and other fields of their messages.
        self._details: dict[str, object] = {}
        self._unknown: dict[str, list[object]] = {}

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read lines.

        Raises:
            OddEventError: One is not a JSON object, or not of the protocol.
        """
        # One loop without calls of our own if a line is a piece of text: it runs
        # for every line, and each call or cast would cost 5 % of its time.
        from_json = self.from_json
        for data in datas:
            try:
                # The values differ, so that keeping them would only cost.
                line = from_json(data, allow_inf_nan=False, cache_strings="keys")
            except ValueError:
                line = self.read_leniently(data)
                if line is None:
                    raise OddEventError("is not JSON") from None
            if type(line) is not _OBJECT:
                raise OddEventError("is not a JSON object")
            if line.get("error"):
                self.report(data)
                break
            message = line.get("message", _NOTHING)
            done = line.get("done")
            if done and type(message) is _OBJECT:
                message = self._without_repetition(message, events)
            if type(message) is _OBJECT and len(message) == 2 and "role" in message:
                content = message.get("content")
                if type(content) is str:
                    if content:
                        events.append(content)
                else:
                    self._read_message(message, events)
            elif type(message) is _OBJECT and message:
                self._read_message(message, events)
            elif is_error(line):
                self.report(data)
                break
            elif message:
                raise OddEventError(f"has a {type(message).__name__} for message")
            if len(line) != _USUAL or "created_at" not in line:
                self._note(line)
            if done:
                self._end(line)
                break
        self._given += events

    def _without_repetition(
        self, message: dict[str, Any], events: list[Event]
    ) -> dict[str, Any]:
        """Return the last message without what repeats all messages before it.

        Some services of chat completions repeat the text at the end, and servers that
        convert their answers may too. A single character does not count as repetition.
        """
        given = [*self._given, *events]
        text = "".join(event for event in given if isinstance(event, str))
        repeated = {
            "content": text if len(text) > 1 else None,
            "thinking": self._thinking.text or None,
            "tool_calls": self._called or None,
        }
        return {
            name: None if value == repeated.get(name) else value
            for name, value in message.items()
        }

    def _read_message(self, fields: dict[str, Any], events: list[Event]) -> None:
        """Read a message that may hold more than text."""
        thinking = fields.get("thinking")
        if thinking:
            text = as_text(thinking, "thinking")
            self._thinking.add(text)
            events.append(ReasoningDelta(text=text))
        content = fields.get("content")
        if content and isinstance(content, str):
            events.append(content)
        else:
            for block in as_list(content or [], "content"):
                self._read_block(block, events)
        for image in as_list(fields.get("images") or [], "images"):
            self._read_image(image, events)
        calls: object = fields.get("tool_calls") or []
        given = [cast("object", calls)] if isinstance(calls, dict) else calls
        events += map(self._call, as_list(given, "tool_calls"))
        for name in fields.keys() - _MESSAGE:
            if fields[name]:
                self._unknown.setdefault(name, []).append(fields[name])

    def _read_block(self, value: object, events: list[Event]) -> None:
        """Read a block of a content that is a list."""
        block = (
            {"text": value} if isinstance(value, str) else as_mapping(value, "a block")
        )
        text = block.get("text")
        if text:
            events.append(as_text(text, "text"))
        elif any(block.values()):
            self._unknown.setdefault("content", []).append([block])

    def _call(self, value: object) -> ToolCallDelta:
        """Return a tool call, which always comes whole.

        Its own index is not used: some models' calls all have the same.
        """
        self._called.append(value)
        fields = as_mapping(value, "a tool call")
        function = as_mapping(fields.get("function"), "function")
        index = self._calls
        self._calls += 1
        return ToolCallDelta(
            index=index,
            # Older servers send no id, and other services require one.
            id=as_text(fields.get("id") or _new_id(), "id"),
            name=as_text(function.get("name"), "name"),
            arguments=_arguments(function.get("arguments")),
        )

    def _read_image(self, value: object, events: list[Event]) -> None:
        data = _bytes(value)
        if data:
            events.append(MediaDelta(index=self._images, data=data))
            self._images += 1
        else:
            self._unknown.setdefault("images", []).append([value])

    def _note(self, line: dict[str, Any]) -> None:
        """Keep the other fields of a line: probabilities, durations."""
        details = self._details
        for name, value in line.items():
            before = details.get(name)
            if name in _FIELDS or not value:
                continue
            if isinstance(before, list) and isinstance(value, list):
                # For example the probabilities of each line's tokens.
                cast("list[object]", before).extend(cast("list[object]", value))
            else:
                details[name] = value

    def _end(self, line: dict[str, Any]) -> None:
        """Read the last line; later lines are ignored."""
        self.done = True
        if line.get("model"):
            self._details["model"] = line["model"]
        self._reason = str(line.get("done_reason") or "")
        if self._reason in _LOADING:
            raise OddEventError(f"is not an answer: its done_reason is {self._reason}")
        self._count(line)
        if self._reason in _FAILURES:
            what = f"the answer ended with done_reason {self._reason!r}"
            self.report(json.dumps({"error": what}).encode())
        self.ended = bool(self._reason)

    def _count(self, line: dict[str, Any]) -> None:
        """Read the usage; values that are not counts are logged."""
        counts = {name: line.get(name) for name in _COUNTS}
        known = {n: c for n, c in counts.items() if type(c) is int and c >= 0}
        if known:
            asked, given = map(known.get, _COUNTS)
            self.usage = Usage(input_tokens=asked, output_tokens=given)
        odd = [n for n, c in counts.items() if c is not None and n not in known]
        if odd:
            import logging

            logging.getLogger("turnout").warning(
                "%s sent invalid usage; ignored: %s",
                self.provider,
                ", ".join(odd),
            )

    def finish(self) -> Finish:
        """Return the answer's end."""
        details = self._details
        details["finish_reason"] = self._reason
        if self.request_id is not None:
            details["request_id"] = self.request_id
        return Finish(
            reason=self._finish_reason(),
            details=details,
            state=self._state(),
            items=(self._item(),) if self._unknown else (),
        )

    def _item(self) -> dict[str, object]:
        """Return the fields of the message that are not of the protocol."""
        return {name: _joined(values) for name, values in self._unknown.items()}

    def _finish_reason(self) -> FinishReason:
        reason = _REASONS.get(self._reason, "unknown")
        if self._calls and reason in {"stop", "unknown"}:
            return "tool_calls"  # Ollama does not have a done_reason for it.
        return reason

    def _state(self) -> dict[str, object] | None:
        # "gather every chunk of `thinking`, `content`, and `tool_calls`, then return
        # those fields together with any tool results" (docs/capabilities/tool-calling).
        thinking = self._thinking.text
        return {STATE: {"thinking": thinking}} if thinking else None


def _new_id() -> str:
    import secrets

    return f"call_{secrets.token_hex(8)}"


def _arguments(value: object) -> str:
    """Return the arguments as JSON; a string stays as it is."""
    if isinstance(value, str):
        return value or "{}"
    if value is None:
        return "{}"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _bytes(value: object) -> bytes:
    """Return the bytes for base64; none if it is not base64."""
    from binascii import a2b_base64

    try:
        return a2b_base64(as_text(value, "an image"), strict_mode=True)
    except (OddEventError, ValueError):
        return b""


def _joined(values: list[object]) -> object:
    """Merge the values that a field has in several lines."""
    if all(isinstance(value, str) for value in values):
        return "".join(cast("list[str]", values))
    if all(isinstance(value, list) for value in values):
        return [item for value in cast("list[list[object]]", values) for item in value]
    return values[-1]
