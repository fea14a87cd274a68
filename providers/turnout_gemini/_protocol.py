"""Gemini's generateContent: the answer's events.

An answer is a sequence of server-sent events, each a whole response with the next
parts of a candidate. There is no mark at the end: an answer is complete once a
candidate has a `finishReason`. A prompt that the service blocks has no candidate, and
is an error here. So is an answer whose reason says that the model failed.

An error may come as an event, in place of a stream, or after some events and then
without `data:`, over several lines, alone or in a list.

No I/O happens here. Slow imports are inside functions: this module is loaded with the
plugin, also for listings.

Source: Google's reference of the Gemini API and google-genai 3.6.1; wire.md 2.0, 2.5
and 2.7, read 2026-11-30.
"""

from __future__ import annotations

import json
from typing import Any, cast

from turnout.decoding import (
    OddEventError,
    SseDecoder,
    as_mapping,
    as_text,
    is_error,
)
from turnout.types import Event, Finish, ReasoningDelta
from turnout_gemini._calls import Calls
from turnout_gemini._end import (
    OF_CANDIDATE,
    OF_RESPONSE,
    blocked,
    details_of,
    failure,
    grown,
    odd_counts,
    reason_of,
    usage_of,
)
from turnout_gemini._media import MediaReader
from turnout_gemini._turn import SIGNATURE, Turn

__all__ = ["Decoder"]

_SOURCES = frozenset({"citations", "grounding", "url_context"})
"""Details from which citations are made."""

_GROWING = frozenset({"logprobs", *_SOURCES})
"""Details to which each response adds."""

# `type(x) is` this is the fastest check of a type.
_OBJECT: type[dict[str, Any]] = dict
_LIST: type[list[Any]] = list

_NOTHING: list[Any] = []

_NO_CONTENT = frozenset({SIGNATURE, "thought"})

_TEXT = frozenset({"text", *_NO_CONTENT})

_RESPONSE = frozenset({"candidates", "promptFeedback", "usageMetadata"})

_READ = frozenset({*_RESPONSE, "error"})

_DONE = b"[DONE]"
"""What gateways put after the last event, as OpenAI does."""


class Decoder(SseDecoder):
    """Decode an answer; if a request has several, only that of index 0."""

    end = "a finishReason"
    documents_within = b"[{"

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._calls = Calls()
        self._turn = Turn()
        self._media = MediaReader()
        # The metadata of the responses and of the answer, by our names.
        self._about: dict[str, object] = {}
        self._details: dict[str, Any] = {}
        # Parts that are neither text nor calls nor media.
        self._items: list[dict[str, Any]] = []
        self._counts: dict[str, Any] = {}
        self._logged = False
        # Of the call that is not complete yet.
        self._signature: object = None

    def read_document(self, value: object, document: bytes) -> list[Event]:
        """Read whole responses, which come if the request did not ask for events."""
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
            OddEventError: One is not a JSON object, or not of the protocol.
        """
        # One loop without calls of our own if an event is a piece of text: it is run
        # for every event, and each call or cast would cost 5 % of its time.
        from_json = self.from_json
        texts = self._turn.texts
        counts = self._counts
        about = self._about
        for data in datas:
            try:
                # The values differ, so that keeping them would only cost.
                chunk = from_json(data, allow_inf_nan=False, cache_strings="keys")
            except ValueError:
                chunk = self._reread(data)
                if chunk is None:
                    continue
            if type(chunk) is not _OBJECT:
                self._look_for_list(chunk, data)
                break
            if "usageMetadata" in chunk:
                usage = chunk["usageMetadata"]
                if type(usage) is _OBJECT and all(usage.values()):
                    counts.update(usage)
                else:
                    self._read_counts(usage)
            candidates = chunk.get("candidates")
            if not candidates or "error" in chunk or "promptFeedback" in chunk:
                self._look_for_error(chunk, data)
                if self.done:
                    break
            if not about or not candidates:
                self._note_response(chunk)
                if not candidates:
                    continue
            if type(candidates) is not _LIST:
                raise OddEventError("has no list for candidates")
            for candidate in candidates:
                if type(candidate) is not _OBJECT:
                    raise OddEventError("has a candidate that is not an object")
                if candidate.get("index"):
                    continue
                content = candidate.get("content")
                if content:
                    parts = content
                    if type(content) is _OBJECT:
                        parts = content.get("parts", _NOTHING)
                    if type(parts) is not _LIST:
                        parts = _listed(parts)
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
                    if candidate.get("finishReason"):
                        self._note_response(chunk)
                    if (
                        self.done
                    ):  # The finish reason means that the answer is an error.
                        self._count()
                        return
        if self.closed:
            self._count()

    def complete(self, events: list[Event]) -> None:
        """Add the citations, and the received part of a call that was cut off."""
        cut_off = self._calls.cut_off()
        if cut_off is not None:
            events.append(cut_off)
        if self._details.keys() & _SOURCES:
            from turnout_gemini._citations import citations

            events += citations(self._turn.parts, self._details)

    def close(self) -> list[Event]:
        """Handle the end of the body; return the remaining events."""
        if not self.closed:
            self._count()
        return super().close()

    def finish(self) -> Finish:
        """Return the answer's end."""
        word = str(self._details["finish_reason"])
        details = self._about | self._details | details_of(self._counts)
        if self.request_id is not None:
            details["request_id"] = self.request_id
        return Finish(
            reason=reason_of(word, called=self._calls.has_whole),
            details=details,
            state=self._turn.state(),
            items=tuple(self._items),
        )

    def _count(self) -> None:
        """Read the usage as far as it has come."""
        self.usage = usage_of(self._counts)
        self._log_odd(odd_counts(self._counts))

    def _read_counts(self, value: object) -> None:
        """Read usage with zeros, which do not replace what was counted before."""
        if isinstance(value, dict):
            for name, count in cast("dict[str, object]", value).items():
                if count or name not in self._counts:
                    self._counts[name] = count
        elif value is not None:
            self._log_odd(["usageMetadata"])

    def _log_odd(self, names: list[str]) -> None:
        if names and not self._logged:
            import logging

            self._logged = True
            logging.getLogger("turnout").warning(
                "%s sent usage that is not of the protocol; ignored: %s",
                self.provider,
                ", ".join(names),
            )

    def _read_part(self, value: object, events: list[Event]) -> None:
        """Read a part that is more than a piece of text."""
        part = _fields(value)
        if "functionCall" in part:
            self._read_call(part, events)
            return
        if "text" in part:
            self._read_text(part, events)
        elif not self._read_media(part, events):
            self._keep(part)
        elif self._media.is_piece and SIGNATURE not in part:
            return  # A piece of a sound is not a part that can be sent back.
        if part:
            self._turn.add(part)

    def _read_text(self, part: dict[str, Any], events: list[Event]) -> None:
        text = as_text(part["text"], "text")
        if text:
            events.append(ReasoningDelta(text=text) if part.get("thought") else text)
        if part.keys() - _TEXT:
            self._keep(part)

    def _read_media(self, part: dict[str, Any], events: list[Event]) -> bool:
        """Read an image or a sound; return whether the part is one."""
        # An image among the thoughts is not part of the answer.
        media = None if part.get("thought") else self._media.read(part)
        if media is not None:
            events.append(media)
        return media is not None

    def _keep(self, part: dict[str, Any]) -> None:
        """Keep a part without an event of its own: code that was run, a search."""
        if part.get("thought"):
            self._details.setdefault("thoughts", []).append(part)
        elif part.keys() - _NO_CONTENT:
            self._items.append(part)

    def _read_call(self, part: dict[str, Any], events: list[Event]) -> None:
        delta, call = self._calls.read(_fields(part["functionCall"]))
        if delta is not None:
            events.append(delta)
        if SIGNATURE in part:
            self._signature = part[SIGNATURE]
        if call is not None:
            whole = {**part, "functionCall": call}
            if self._signature is not None:
                whole[SIGNATURE], self._signature = self._signature, None
            self._turn.add(whole)

    def _note_response(self, chunk: dict[str, Any]) -> None:
        """Keep the other fields of a response."""
        for name, value in chunk.items():
            if name not in _READ and value:
                self._about[OF_RESPONSE.get(name, name)] = value

    def _note(self, candidate: dict[str, Any]) -> None:
        """Keep the other fields of a candidate."""
        details = self._details
        for name, value in candidate.items():
            if value and name != "content":
                kept = OF_CANDIDATE.get(name, name)
                if kept in _GROWING:
                    before = details.get(kept)
                    value = grown(before, value, repeated=kept in _SOURCES)
                details[kept] = value
        if candidate.get("finishReason"):
            self._end(str(candidate["finishReason"]), candidate.get("finishMessage"))

    def _end(self, word: str, message: object) -> None:
        """Read the finish reason."""
        calls = self._calls
        error = failure(
            word, message, called=calls.has_whole, half_call=not calls.whole
        )
        if error is None:
            self.ended = True
        else:
            self.report(error)

    def _reread(self, data: bytes) -> object | None:
        """Read what `from_json` refuses; None for a gateway's mark, or nothing."""
        value = self.read_leniently(data)
        if value is None and data.strip() not in {_DONE, b""}:
            raise OddEventError("is not JSON")
        return value

    def _look_for_list(self, value: object, data: bytes) -> None:
        """Report an error that is in a list."""
        items = cast("list[object]", value) if isinstance(value, list) else []
        if not any(isinstance(item, dict) and "error" in item for item in items):
            raise OddEventError("is not a JSON object")
        self.report(data)

    def _look_for_error(self, chunk: dict[str, object], data: bytes) -> None:
        if chunk.get("error") or (not chunk.get("candidates") and is_error(chunk)):
            self.report(data)
            return
        feedback = chunk.get("promptFeedback")
        if feedback and isinstance(feedback, dict):
            prompt_feedback = cast("dict[str, object]", feedback)
            error = blocked(prompt_feedback)
            if error is not None:
                self.report(error)
            self._about["prompt_feedback"] = prompt_feedback


def _is_response(value: object) -> bool:
    if not isinstance(value, dict) or "error" in value:
        return False
    return not _RESPONSE.isdisjoint(cast("dict[str, object]", value))


def _listed(parts: object) -> list[Any]:
    """Return parts that are not a list: none, one of them, or a text.

    Raises:
        OddEventError: They are something else.
    """
    if parts is None:
        return _NOTHING
    if isinstance(parts, dict | str):
        return [parts]
    raise OddEventError(f"has a {type(parts).__name__} for parts")


def _fields(value: object) -> dict[str, Any]:
    """Return the fields of a part, without those that are null."""
    if value is None:
        return {}
    if isinstance(value, str):
        return {"text": value}
    return {k: v for k, v in as_mapping(value, "a part").items() if v is not None}
