"""Ollama's answers: lines of JSON, the last of which says why the answer is done.

    {"model": …, "message": {"role": "assistant", "content": "Par"}, "done": false}
    {"model": …, "message": {…}, "done": true, "done_reason": "stop", "eval_count": 3}

An answer that is done for no reason is one whose engine went away: Ollama leaves an
empty reason out. One that the loading of a model is the reason for is no answer.

No I/O happens here. What takes long to import is imported where it is needed: this
module is loaded with the plugin, for listings too.

Source: Ollama's `docs/api.md`, `server/routes.go`, `llm/server.go` and `api/types.go`
at fb30760 (2026-08-21); wire.md 2.6, read 2026-11-22.
"""

from __future__ import annotations

import json
from typing import Any

from turnout.decoding import (
    LineDecoder,
    OddEventError,
    Pieces,
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
from turnout_ollama._body import STATE

__all__ = ["Decoder"]

_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}
"""By Ollama's own word; any other is unknown."""

_LOADING = frozenset({"load", "unload"})
"""Reasons of a line that answers no question."""

_DETAILS = (
    "model",
    "remote_model",
    "remote_host",
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
)
"""What the last line says that is kept for the reply; durations in nanoseconds."""

# To be compared with, which is the fastest check there is.
_OBJECT: type[dict[str, Any]] = dict

_NOTHING: dict[str, Any] = {}


class Decoder(LineDecoder):
    """Decode an answer."""

    end = "a line that says why it is done"

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._last: dict[str, Any] = {}
        self._reason = ""
        self._calls = 0
        self._thinking = Pieces()

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read lines.

        Raises:
            OddEventError: One is no JSON object, or not of the protocol.
        """
        # One loop without calls of our own where a line is a piece of text: it is run
        # for every line, and each call or cast would cost a twentieth of it.
        from_json = self.from_json
        for data in datas:
            try:
                # The values differ, so that keeping them would only cost.
                line = from_json(data, allow_inf_nan=False, cache_strings="keys")
            except ValueError:
                raise OddEventError("is no JSON") from None
            if type(line) is not _OBJECT:
                raise OddEventError("is no JSON object")
            if line.get("error"):
                self.report(data)
                break
            message = line.get("message", _NOTHING)
            if type(message) is _OBJECT and len(message) == 2 and "role" in message:
                content = message.get("content")
                if type(content) is str:
                    if content:
                        events.append(content)
                else:
                    self._read_message(message, events)
            elif message:
                self._read_message(message, events)
            if line.get("done"):
                self._end(line)
                break

    def _read_message(self, value: object, events: list[Event]) -> None:
        """Read a message that may hold more than text."""
        message = as_mapping(value, "message")
        thinking = message.get("thinking")
        if thinking:
            text = as_text(thinking, "thinking")
            self._thinking.add(text)
            events.append(ReasoningDelta(text=text))
        content = message.get("content")
        if content:
            events.append(as_text(content, "content"))
        calls = message.get("tool_calls")
        if calls:
            events += map(self._call, as_list(calls, "tool_calls"))

    def _call(self, value: object) -> ToolCallDelta:
        """Return a tool call, which always comes whole.

        Its own index is not used: some models' calls all have the same.
        """
        fields = as_mapping(value, "a tool call")
        function = as_mapping(fields.get("function"), "function")
        arguments = as_mapping(function.get("arguments") or {}, "arguments")
        index = self._calls
        self._calls += 1
        return ToolCallDelta(
            index=index,
            # Older servers give none, and other services than this one need it.
            id=as_text(fields.get("id") or _new_id(), "id"),
            name=as_text(function.get("name"), "name"),
            arguments=json.dumps(arguments, ensure_ascii=False, separators=(",", ":")),
        )

    def _end(self, line: dict[str, Any]) -> None:
        """Read the last line; nothing after it counts."""
        self.done = True
        self._last = line
        self._reason = as_text(line.get("done_reason") or "", "done_reason")
        if self._reason in _LOADING:
            raise OddEventError(f"answers nothing: its done_reason is {self._reason}")
        self.ended = bool(self._reason)
        asked = as_count(line, "prompt_eval_count")
        given = as_count(line, "eval_count")
        if asked is not None or given is not None:
            self.usage = Usage(input_tokens=asked, output_tokens=given)

    def finish(self) -> Finish:
        """Return the answer's end."""
        last = self._last
        details = {name: last[name] for name in _DETAILS if last.get(name)}
        details["finish_reason"] = self._reason
        if self.request_id is not None:
            details["request_id"] = self.request_id
        reason = _REASONS.get(self._reason, "unknown")
        if self._calls and reason == "stop":  # Ollama has no word of its own for it.
            reason = "tool_calls"
        return Finish(reason=reason, details=details, state=self._state())

    def _state(self) -> dict[str, object] | None:
        # "gather every chunk of `thinking`, `content`, and `tool_calls`, then return
        # those fields together with any tool results" (docs/capabilities/tool-calling).
        thinking = self._thinking.text
        return {STATE: {"thinking": thinking}} if thinking else None


def _new_id() -> str:
    import secrets

    return f"call_{secrets.token_hex(8)}"
