"""OpenAI's chat completions: an answer's events.

An answer is a sequence of server-sent events, each a JSON object, the last one the
word `[DONE]`. It is complete with that word, or with a reason why it ended, where no
error came before it: servers leave either out, and some send the word after an error.

No I/O happens here. What takes long to import is imported where it is needed: this
module is loaded with the plugin, for listings too.

What one vendor alone does in another way is in `_deviations`.

Source: OpenAI's chat completions reference and its SDKs; what others send in place of
it, from their own pages and SDKs; wire.md 2.0, 2.1 and 2.7, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from turnout.decoding import (
    OddEventError,
    SseDecoder,
    as_count,
    as_list,
    as_mapping,
    as_text,
    is_error,
)
from turnout.types import Event, Finish, FinishReason, ReasoningDelta, Usage
from turnout_openai._calls import Calls

__all__ = ["PATH", "Decoder", "usage_of"]

PATH = "/chat/completions"

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
"""By the service's own word; any other is unknown."""

# To be compared with, which is the fastest check there is.
_OBJECT: type[dict[str, Any]] = dict
_LIST: type[list[Any]] = list

_NOTHING: dict[str, Any] = {}

_DONE = b"[DONE]"
"""The mark of the end."""


class Decoder(SseDecoder):
    """Decode an answer; of several to one request it gives that of index 0."""

    end = "a finish_reason or [DONE]"

    details: ClassVar[tuple[str, ...]] = (
        "id",
        "model",
        "service_tier",
        "system_fingerprint",
    )
    """What an answer says of itself that is kept for the reply."""
    state_name: ClassVar[str | None] = None
    """Under which name the reply keeps what the service wants to see again; None
    where there is no such thing."""

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._calls = Calls()
        self._reason: str | None = None
        self._reasoned = b"{}"
        self._refused = False
        self._media = False
        self._chunk: dict[str, object] = {}

    def read_document(self, value: object, document: bytes) -> list[Event]:
        """Read a whole answer, as it is sent where no stream was asked for."""
        if not isinstance(value, dict) or "choices" not in value:
            self.report(document)
            return []
        import json

        fields = as_mapping(cast("object", value), "an answer")
        choices = as_list(fields["choices"] or [], "choices")
        for choice in choices:
            # Perplexity puts an empty delta beside the message.
            if "message" in as_mapping(choice, "a choice"):
                cast("dict[str, object]", choice).pop("delta", None)
        events: list[Event] = []
        self.read([json.dumps(fields).encode()], events)
        if choices:
            self.ended = True  # Nothing is missing from a whole JSON text.
        return events

    def is_whole(self, data: bytes) -> bool:
        """Tell so of the mark too."""
        return data.strip() == _DONE or super().is_whole(data)

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read chunks.

        Raises:
            OddEventError: One is no JSON object, or not of the protocol.
        """
        # One loop without calls of our own where an event is a piece of text: it is
        # run for every event, and each call or cast would cost a twentieth of it.
        from_json = self.from_json
        chunk = self._chunk
        marked = datas[-1:] == [_DONE]
        if marked:  # It is no JSON, and an error would be dear.
            datas.pop()
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
                raise OddEventError("is no JSON object")
            choices = chunk.get("choices")
            if not choices or "error" in chunk:
                self._look_for_error(chunk, data)
            if chunk.get("usage"):
                self.usage = usage_of(chunk["usage"])
            if choices:
                if type(choices) is not _LIST:
                    raise OddEventError("has no list for choices")
                for choice in choices:
                    if type(choice) is not _OBJECT:
                        raise OddEventError("has a choice that is no object")
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
                    elif "message" in choice and "delta" not in choice:
                        self._read_delta(choice["message"], events)
                    if choice.get("finish_reason"):
                        self._end(choice["finish_reason"], data)
            if self.done:
                break
        if marked and not self.done:
            self.done = True
            if self._ended_at is None:
                self.ended = True
        self._chunk = chunk

    def _read_delta(self, value: object, events: list[Event]) -> None:
        """Read a delta, or the message of an answer that is no stream."""
        delta = as_mapping(value, "delta")
        reasoning = delta.get("reasoning_content")
        if reasoning is None:
            # Where a service sends both, they are the same.
            reasoning = delta.get("reasoning")
        if reasoning:
            events.append(ReasoningDelta(text=as_text(reasoning, "reasoning")))
        content = delta.get("content")
        if content:
            events.append(as_text(content, "content"))
        elif delta.get("images") or delta.get("audio"):
            self._media = True
        refusal = delta.get("refusal")
        if refusal:
            # The model's own words in place of a text, and all that the user gets.
            events.append(as_text(refusal, "refusal"))
            self._refused = True
        calls = delta.get("tool_calls")
        if calls:
            events += map(self._calls.read, as_list(calls, "tool_calls"))
        call = delta.get("function_call")
        if call:
            events.append(self._calls.read({"index": 0, "function": call}))

    def _end(self, reason: object, data: bytes) -> None:
        self._reason = as_text(reason, "finish_reason")
        self._reasoned = data
        self.ended = True
        if reason == "error":
            self.report(data)

    def _read_word(self, data: bytes) -> None:
        """Read what is no JSON: the mark, or nothing, or a fault."""
        word = data.strip()
        if word == _DONE:
            self.ended = self.done = True
        elif word:
            raise OddEventError("is no JSON")

    def _look_for_error(self, chunk: dict[str, object], data: bytes) -> None:
        if is_error(chunk):
            self.report(data)

    def finish(self) -> Finish:
        """Return the answer's end."""
        details: dict[str, object] = {}
        chunk = self._chunk
        if not chunk.get("id"):
            # Azure's last words, on what was filtered, have no names.
            chunk = self.from_json(self._reasoned)
        for name in self.details:
            told = chunk.get(name)
            if told:
                details[name] = told
        if self._reason is not None:
            details["finish_reason"] = self._reason
        if self.request_id is not None:
            details["request_id"] = self.request_id
        if self._refused:
            details["refusal"] = True
        return Finish(
            reason=_REASONS.get(self._reason or "", "unknown"),
            details=details,
            state=self.state(),
        )

    def state(self) -> Mapping[str, object] | None:
        """Return what the service wants to see again, see `state_name`."""
        return None


def usage_of(usage: object) -> Usage:
    """Return what an answer cost.

    Raises:
        OddEventError: It is not of the protocol.
    """
    fields = as_mapping(usage, "usage")
    return Usage(
        input_tokens=as_count(fields, "prompt_tokens"),
        output_tokens=as_count(fields, "completion_tokens"),
        cached_tokens=as_count(fields.get("prompt_tokens_details"), "cached_tokens"),
        reasoning_tokens=as_count(
            fields.get("completion_tokens_details"), "reasoning_tokens"
        ),
    )
