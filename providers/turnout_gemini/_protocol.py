"""Gemini's generateContent: the answer's events.

An answer is a sequence of server-sent events, each a whole response with the next
parts of a candidate. There is no mark at the end: an answer is complete once a
candidate has a `finishReason`. A prompt that the service blocks has no candidate, and
is an error here.

An error may come as an event, in place of a stream, or after some events and then
without `data:`, over several lines, alone or in a list.

No I/O happens here. What takes long to import is imported where it is needed: this
module is loaded with the plugin, for listings too.

Source: Google's reference of the Gemini API and google-genai 3.4.0; wire.md 2.0, 2.5
and 2.7, read 2026-11-22.
"""

from __future__ import annotations

import json
from typing import Any, cast

from turnout.decoding import (
    OddEventError,
    SseDecoder,
    as_count,
    as_mapping,
    as_text,
)
from turnout.types import Event, Finish, FinishReason, ReasoningDelta, Usage
from turnout_gemini._calls import Calls
from turnout_gemini._turn import SIGNATURE, Turn

__all__ = ["Decoder"]

_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    # The request's own limit is reached, and the answer is not at its end.
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
"""By the service's own word. Any other is unknown: OTHER, and those of an answer that
went wrong, such as MALFORMED_FUNCTION_CALL."""

_OF_CHUNK = {"responseId": "id", "modelVersion": "model"}

_OF_CANDIDATE = {
    "finishReason": "finish_reason",
    "finishMessage": "finish_message",
    "safetyRatings": "safety_ratings",
    "citationMetadata": "citations",
    "groundingMetadata": "grounding",
    "urlContextMetadata": "url_context",
    "avgLogprobs": "average_logprobs",
    "logprobsResult": "logprobs",
    "continuationToken": "continuation_token",
}
"""What an answer says of itself, and under which name it is kept for the reply."""

# To be compared with, which is the fastest check there is.
_OBJECT: type[dict[str, Any]] = dict
_LIST: type[list[Any]] = list

_NOTHING: list[Any] = []

_NO_CONTENT = frozenset({SIGNATURE, "thought"})

_RESPONSE = frozenset({"candidates", "promptFeedback", "usageMetadata"})

_DONE = b"[DONE]"
"""What gateways put after the last event, as OpenAI does."""


class Decoder(SseDecoder):
    """Decode an answer; of several to one request it gives that of index 0."""

    end = "a finishReason"
    documents_within = b"[{"

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._calls = Calls()
        self._turn = Turn()
        self._chunk: dict[str, object] = {}
        self._told: dict[str, object] = {}
        self._others: list[dict[str, Any]] = []
        self._counts: object = None
        # Of the call under way.
        self._signature: object = None

    def read_document(self, value: object, document: bytes) -> list[Event]:
        """Read whole responses, as they are sent where no events were asked for."""
        chunks: list[object] = [value]
        if isinstance(value, list):
            chunks = cast("list[object]", value)
        if not all(_is_response(chunk) for chunk in chunks):
            self.report(document)
            return []
        events: list[Event] = []
        self.read([json.dumps(chunk).encode() for chunk in chunks], events)
        return events

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read responses.

        Raises:
            OddEventError: One is no JSON object, or not of the protocol.
        """
        # One loop without calls of our own where an event is a piece of text: it is
        # run for every event, and each call or cast would cost a twentieth of it.
        from_json = self.from_json
        texts = self._turn.texts
        for data in datas:
            try:
                # The values differ, so that keeping them would only cost.
                chunk = from_json(data, allow_inf_nan=False, cache_strings="keys")
            except ValueError:
                self._read_word(data)
                continue
            if type(chunk) is not _OBJECT:
                self._look_for_list(chunk, data)
                break
            self._chunk = chunk
            if "usageMetadata" in chunk:
                self._counts = chunk["usageMetadata"]
            candidates = chunk.get("candidates")
            if not candidates or "error" in chunk or "promptFeedback" in chunk:
                self._look_for_error(chunk, data)
                if self.done:
                    break
            if not candidates:
                continue
            if type(candidates) is not _LIST:
                raise OddEventError("has no list for candidates")
            for candidate in candidates:
                if type(candidate) is not _OBJECT:
                    raise OddEventError("has a candidate that is no object")
                if candidate.get("index"):
                    continue
                content = candidate.get("content")
                if content:
                    if type(content) is not _OBJECT:
                        raise OddEventError("has a content that is no object")
                    parts = content.get("parts", _NOTHING)
                    if type(parts) is not _LIST:
                        raise OddEventError("has no list for parts")
                    for part in parts:
                        if type(part) is _OBJECT and len(part) == 1:
                            text = part.get("text")
                            if type(text) is str:
                                if text:
                                    events.append(text)
                                    texts.append(text)
                                continue
                        self._read_part(part, events)
                if len(candidate) != 2 or "finishReason" in candidate:
                    self._note(candidate)
        if self.closed:
            self._count()

    def close(self) -> list[Event]:
        """Take the end of the body; return what is still to be given."""
        if not self.closed:
            self._count()
        return super().close()

    def _count(self) -> None:
        """Read the usage as it was told last: nearly every response tells it."""
        if self._counts:
            self.usage = _usage(self._counts)

    def _read_part(self, value: object, events: list[Event]) -> None:
        """Read a part that is more than a piece of text."""
        part = as_mapping(value, "a part")
        if "functionCall" in part:
            self._read_call(part, events)
            return
        if "text" in part:
            text = as_text(part["text"], "text")
            if text:
                thought = part.get("thought")
                events.append(ReasoningDelta(text=text) if thought else text)
        else:
            # An image, code that was run: there is no increment of that kind.
            self._others.append(part)
        self._turn.add(part)

    def _read_call(self, part: dict[str, Any], events: list[Event]) -> None:
        delta, call = self._calls.read(part["functionCall"])
        if delta is not None:
            events.append(delta)
        if SIGNATURE in part:
            self._signature = part[SIGNATURE]
        if call is not None:
            whole: dict[str, Any] = {"functionCall": call}
            if self._signature is not None:
                whole[SIGNATURE], self._signature = self._signature, None
            self._turn.add(whole)

    def _note(self, candidate: dict[str, Any]) -> None:
        """Keep what a candidate says beside its parts."""
        for name, told in candidate.items():
            if told and name in _OF_CANDIDATE:
                self._told[_OF_CANDIDATE[name]] = told
        if candidate.get("finishReason"):
            as_text(candidate["finishReason"], "finishReason")
            self.ended = True

    def _read_word(self, data: bytes) -> None:
        """Read what is no JSON: a gateway's mark, or nothing, or a fault."""
        if data.strip() not in {_DONE, b""}:
            raise OddEventError("is no JSON")

    def _look_for_list(self, value: object, data: bytes) -> None:
        """Take an error that stands in a list."""
        items = cast("list[object]", value) if isinstance(value, list) else []
        if not any(isinstance(item, dict) and "error" in item for item in items):
            raise OddEventError("is no JSON object")
        self.report(data)

    def _look_for_error(self, chunk: dict[str, object], data: bytes) -> None:
        if chunk.get("error"):
            self.report(data)
            return
        feedback = chunk.get("promptFeedback")
        if isinstance(feedback, dict):
            told = cast("dict[str, object]", feedback)
            reason = told.get("blockReason")
            if reason:
                message = told.get("blockReasonMessage")
                self.report(_blocked(str(reason), message))

    def finish(self) -> Finish:
        """Return the answer's end."""
        word = str(self._told["finish_reason"])
        reason = _REASONS.get(word, "unknown")
        if reason == "stop" and self._calls.count:
            # What ended with half a call did not end as it should.
            reason = "tool_calls" if self._calls.whole else "unknown"
        told = {kept: self._chunk.get(name) for name, kept in _OF_CHUNK.items()}
        details = {k: v for k, v in told.items() if v} | self._told
        if self._others:
            details["parts"] = self._others
        if self.request_id is not None:
            details["request_id"] = self.request_id
        return Finish(
            reason=reason,
            details=details,
            state=self._turn.state(),
            items=tuple(part for part in self._others if part.keys() - _NO_CONTENT),
        )


def _is_response(value: object) -> bool:
    if not isinstance(value, dict) or "error" in value:
        return False
    return not _RESPONSE.isdisjoint(cast("dict[str, object]", value))


def _blocked(reason: str, message: object) -> bytes:
    """Return the error that a blocked prompt is, in the form of the others."""
    said = f": {message}" if isinstance(message, str) else ""
    error = {
        "code": "content_filter",
        "reason": reason,
        "message": f"the prompt was blocked ({reason}){said}",
    }
    return json.dumps({"error": error}).encode()


def _usage(counts: object) -> Usage:
    """Return the usage: what was thought is output, what tools gave is input.

    Source: google-genai 3.4.0, `total_token_count`, "the sum of `prompt_token_count`,
    `candidates_token_count`, `tool_use_prompt_token_count`, and
    `thoughts_token_count`".
    """
    thoughts = as_count(counts, "thoughtsTokenCount")
    asked = as_count(counts, "promptTokenCount")
    cached = as_count(counts, "cachedContentTokenCount")
    if cached is None and asked is not None:
        cached = 0  # Google's JSON leaves out what is zero; a cost needs the count.
    tools = as_count(counts, "toolUsePromptTokenCount")
    usage = Usage(
        input_tokens=asked,
        output_tokens=as_count(counts, "candidatesTokenCount"),
        cached_tokens=cached,
        reasoning_tokens=thoughts,
    )
    if tools is thoughts is None:
        return usage
    return usage + Usage(input_tokens=tools, output_tokens=thoughts)
