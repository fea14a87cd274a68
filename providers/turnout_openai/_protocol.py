"""OpenAI's chat completions: an answer's events. No I/O.

An answer is a sequence of server-sent events, each a JSON object, the last one the
word `[DONE]`. It is complete with that word, or with a reason why it ended, if no error
came before it: servers leave either out, and some send the word after an error.

Most events are a piece of text, and are read in one loop without calls. All others are
read by `_read_chunk`; what a delta has beside text and calls is read in `_parts`. What
takes long to import is imported where it is needed: this module is loaded with the
plugin, for listings too.

What one vendor alone does in another way is in `_deviations`.

Source: OpenAI's chat completions reference and its SDKs; what others send instead, from
their own pages and SDKs; wire.md 2.0, 2.1 and 2.7, read 2026-11-22.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from turnout.decoding import (
    OddEventError,
    SseDecoder,
    as_list,
    as_mapping,
    as_text,
    is_error,
)
from turnout.types import Event, Finish, FinishReason
from turnout_openai._calls import Calls
from turnout_openai._said import Said

if TYPE_CHECKING:
    from turnout_openai._parts import Parts

__all__ = ["PATH", "Decoder"]

PATH = "/chat/completions"

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
"""By OpenAI's own word; `_reasons` has those of others."""

# `type(x) is` this is the fastest check of a type.
_OBJECT: type[dict[str, Any]] = dict
_LIST: type[list[Any]] = list

_DONE = b"[DONE]"
"""The mark of the end."""

_ABOUT = ("id", "model", "service_tier", "system_fingerprint")
_NAMES = frozenset(_ABOUT)
_CHUNK = frozenset({"choices", "created", "error", "object", "obfuscation", "usage"})
_USUAL = _CHUNK.union(_ABOUT)
_CHOICE = frozenset({"delta", "finish_reason", "index", "logprobs"})
_MORE = frozenset({"error", "message", "usage"})
_DELTA = frozenset(
    {"content", "function_call", "obfuscation", "refusal", "role", "tool_calls"}
)
"""Fields that are read or have nothing to say; any other one is kept."""

_SOURCES = ("search_results", "citations")
"""Fields of a chunk that list the sources of the answer, the better one first."""


class Decoder(SseDecoder):
    """Decode an answer; if a request has several, only that of index 0."""

    end = "a finish_reason or [DONE]"

    state_name: str | None = None
    """The name in `Message.state` of what the service wants to see again; None keeps
    nothing. The provider sets it, so that another service does not get it."""
    reasoning_in_output = True
    """See `Vendor.reasoning_in_output`. The provider sets it."""
    reads_reasoning = False
    """See `Vendor.reads_reasoning`. The provider sets it."""
    reads_logprobs = True
    """Whether log probabilities may come with each piece of text. The provider sets
    it: a look at each piece costs something."""
    audio_type: str | None = None
    """The media type of the sound that was asked for. The provider sets it."""

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._calls = Calls()
        self._said = Said()
        self._parts: Parts | None = None
        self._reason: str | None = None
        self._refused = False
        self._chunk: dict[str, Any] = {}
        self._noted = self._chunk
        # How many fields a chunk had at most, and the last one with so many.
        self._width = 0
        self._first = self._chunk
        # What the answer says of itself, by the names of the fields of chunks.
        self._about: dict[str, object] = {}

    def read_document(self, value: object, document: bytes) -> list[Event]:
        """Read a whole answer, as it is sent if no stream was asked for."""
        chunk = cast("dict[str, Any]", value)
        if not isinstance(value, dict) or "choices" not in chunk or is_error(chunk):
            self.report(document)
            return []
        events: list[Event] = []
        self._read_chunk(chunk, document, events)
        self._said.measure(events)
        self._chunk = chunk
        if chunk["choices"]:
            self.ended = True  # Nothing is missing from a whole JSON text.
        return events

    def is_whole(self, data: bytes) -> bool:
        """Accept the mark `[DONE]` too."""
        return data.strip() == _DONE or super().is_whole(data)

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read chunks.

        Raises:
            OddEventError: One is not a JSON object, or not of the protocol.
        """
        # One loop without calls of our own if an event is a piece of text: it is run
        # for every event, and each call or cast would cost 5 % of its time.
        from_json, logprobs = self.from_json, self.reads_logprobs
        chunk, width = self._chunk, self._width
        marked = datas[-1:] == [_DONE]
        if marked:  # It is not JSON, and an exception would be expensive.
            datas.pop()
        for data in datas:
            try:
                # The values differ, so that keeping them would only cost.
                chunk = from_json(data, allow_inf_nan=False, cache_strings="keys")
            except ValueError:
                odd = self._read_odd(data)
                if self.done:
                    break
                if odd is None:
                    continue
                chunk = odd
            if type(chunk) is not _OBJECT:
                raise OddEventError("is not a JSON object")
            choices: Any = chunk.get("choices")
            if type(choices) is _LIST and len(choices) == 1 and "error" not in chunk:
                choice: Any = choices[0]
                if type(choice) is _OBJECT and not (
                    choice.get("finish_reason")
                    or choice.get("index")
                    or chunk.get("usage")
                    or (logprobs and choice.get("logprobs"))
                ):
                    delta: Any = choice.get("delta")
                    if type(delta) is _OBJECT and len(delta) == 1:
                        content = delta.get("content")
                        if type(content) is str:
                            if content:
                                events.append(content)
                            if len(chunk) > width:
                                width = self._widen(chunk)
                            continue
            self._read_chunk(chunk, data, events)
            width = self._width
            if self.done:
                break
        if marked and not self.done:
            self.done = True
            if self._ended_at is None:
                self.ended = True
        self._chunk = chunk
        if events:
            self._said.take(events)

    def _read_odd(self, data: bytes) -> Any:
        """Read what the parser refuses: the mark, nothing, or half a surrogate pair."""
        word = data.strip()
        if word == _DONE:
            self.ended = self.done = True
        if word == _DONE or not word:
            return None
        value = self.read_leniently(data)
        if value is not None:
            return value
        try:
            # vLLM has -Infinity among its log probabilities.
            return self.from_json(data)
        except ValueError:
            raise OddEventError("is not valid JSON") from None

    def _read_chunk(
        self, chunk: dict[str, Any], data: bytes, events: list[Event]
    ) -> None:
        """Read a chunk of any form."""
        choices: Any = chunk.get("choices")
        if (not choices or "error" in chunk) and is_error(chunk):
            self.report(data)
        if chunk.get("usage"):
            self._count(chunk["usage"])
        if type(choices) is not _LIST:
            choices = as_list(choices or [], "choices")
        for choice in choices:
            if type(choice) is not _OBJECT:
                choice = as_mapping(choice or {}, "a choice")
            if choice.get("index"):
                continue
            if choice.get("delta"):
                self._read_delta(choice["delta"], events)
            if not _CHOICE.issuperset(choice):
                self._read_more(choice, events)
            if choice.get("logprobs"):
                self._rest().read_logprobs(choice["logprobs"])
            if choice.get("finish_reason"):
                self._end(choice["finish_reason"], data)
        if len(chunk) > self._width:
            self._widen(chunk)
        elif not choices or not _USUAL.issuperset(chunk):
            self._note(chunk)

    def _widen(self, chunk: dict[str, Any]) -> int:
        """Keep what a chunk says that has more fields than those before it."""
        self._width = len(chunk)
        if _USUAL.issuperset(chunk):
            self._first = chunk  # Most last chunks say the same.
        else:
            self._note(chunk)
        return self._width

    def _read_more(self, choice: dict[str, Any], events: list[Event]) -> None:
        """Read the fields of a choice that OpenAI's streams do not have."""
        reason, delta = choice.get("finish_reason"), choice.get("delta")
        # Perplexity has both; the message of each chunk is what was said so far.
        if choice.get("message") and (reason or not (delta and delta.get("content"))):
            self._read_message(choice["message"], events)
        if choice.get("usage"):  # Moonshot's place for it.
            self._count(choice["usage"])
        if choice.get("error"):  # OpenRouter's.
            self.report(json.dumps({"error": choice["error"]}).encode())
        if reason or not delta:
            for name in choice.keys() - _CHOICE - _MORE:
                if choice[name]:
                    self._rest().keep(name, choice[name])

    def _read_delta(self, value: object, events: list[Event]) -> None:
        """Read a delta, or the first message of an answer that is not a stream."""
        delta = as_mapping(value, "delta")
        if not _DELTA.issuperset(delta):
            others = {n: v for n, v in delta.items() if v and n not in _DELTA}
            if others:
                self._rest().read(others, events)
        content = delta.get("content")
        if content and isinstance(content, str):
            events.append(content)
        elif content:
            self._rest().read_content(content, events)
        refusal = delta.get("refusal")
        if refusal:
            # The model's own words in place of a text, and all that the user gets.
            events.append(as_text(refusal, "refusal"))
            self._refused = True
        if delta.get("tool_calls") or delta.get("function_call"):
            self._read_calls(delta, events)

    def _read_calls(self, delta: dict[str, Any], events: list[Event]) -> None:
        calls = as_list(delta.get("tool_calls") or [], "tool_calls")
        call = delta.get("function_call")
        if call and not calls and any(as_mapping(call, "function_call").values()):
            calls = [{"index": 0, "function": call}]
        events += [call for call in map(self._calls.read, calls) if call is not None]

    def _read_message(self, value: object, events: list[Event]) -> None:
        """Read a whole message: the answer, or in a stream what came before again."""
        message = dict(as_mapping(value, "message"))
        calls = as_list(message.pop("tool_calls", None) or [], "tool_calls")
        if self._parts is not None:
            message = self._parts.unseen(message)
        if self._said.characters or any(isinstance(event, str) for event in events):
            from turnout_openai._forms import text_of

            text = text_of(message.get("content")) or text_of(message.get("refusal"))
            message["content"] = self._said.missing(text, events)
            message["refusal"] = None
        if calls or self._calls.any:
            message["function_call"] = None
        self._read_delta(message, events)
        events += self._calls.read_whole(calls)

    def _rest(self) -> Parts:
        """Return what reads and keeps the parts that few answers have."""
        if self._parts is None:
            from turnout_openai._parts import Parts

            self._parts = Parts(self._said, self.audio_type)
        return self._parts

    def _count(self, usage: object) -> None:
        from turnout_openai._usage import has_more, updated

        if has_more(usage):
            self._about["usage"] = usage
        self.usage = updated(
            self.usage, usage, reasoning_in_output=self.reasoning_in_output
        )

    def _note(self, chunk: dict[str, Any]) -> None:
        """Keep what a chunk says of the answer."""
        self._noted = chunk
        # Most chunks have no other fields.
        names = _ABOUT if _USUAL.issuperset(chunk) else chunk.keys() - _CHUNK
        for name in names:
            value = chunk.get(name)
            if value:
                self._about[name] = value

    def _end(self, reason: Any, data: bytes) -> None:
        """Read the finish reason, which may be a failure.

        SGLang's own protocol has an object with a type, which proxies pass on.
        """
        message: object = None
        if type(reason) is _OBJECT:
            reason, message = reason.get("type"), reason.get("message")
        word = as_text(reason, "finish_reason")
        if word not in _REASONS:
            from turnout_openai._reasons import FAILURES, NO_REASONS, folded

            code = folded(word)
            if code in NO_REASONS:
                return
            if word == "error":
                self.report(data)
            elif code in FAILURES:
                error = {
                    "code": word.rpartition(": ")[2],
                    "message": message or _INTERRUPTED,
                }
                self.report(json.dumps({"error": error}).encode())
        self._reason = word
        self.ended = True

    def complete(self, events: list[Event]) -> None:
        """Add the sources of the answer, and what its calls and its sound lack."""
        if self._chunk is not self._noted:
            self._note(self._chunk)
        if not _NAMES.issubset(self._about):
            for name in _ABOUT:
                if self._first.get(name):
                    self._about.setdefault(name, self._first[name])
        if not self._about.keys().isdisjoint(_SOURCES):
            for name in _SOURCES:
                self._rest().cite(self._about.get(name), events)
        if self._calls.begun:
            events += self._calls.complete()
        if self._parts is not None:
            self._parts.complete(events)

    def finish(self) -> Finish:
        """Return the answer's end."""
        parts = self._parts
        details = self._about if parts is None else {**parts.details, **self._about}
        if self._reason is not None:
            details["finish_reason"] = self._reason
        if self.request_id is not None:
            details["request_id"] = self.request_id
        if self._refused or (parts is not None and parts.refused):
            details["refusal"] = True
        if parts is None and not self._calls.begun:
            return Finish(reason=self._mapped(), details=details)
        items = self._calls.items if parts is None else self._calls.items + parts.items
        return Finish(
            reason=self._mapped(),
            details=details,
            state=self.state(),
            items=tuple(items),
        )

    def _mapped(self) -> FinishReason:
        """Return the reason: calls are one, unless the answer was cut or filtered."""
        word = self._reason or ""
        reason = _REASONS.get(word)
        if reason is None and word:
            from turnout_openai._reasons import reason_of

            reason = reason_of(word)
        calls = self._calls
        if calls.begun and calls.any and reason not in {"length", "content_filter"}:
            return "tool_calls"
        return reason or "unknown"

    def state(self) -> dict[str, object] | None:
        """Return what the service wants to see again, see `state_name`.

        It is for the same text alone, whose checksum it has.
        """
        fields: dict[str, object] = {}
        if self._parts is not None:
            fields = self._parts.state(reads_reasoning=self.reads_reasoning)
        if self._calls.extras:
            fields["tool_calls"] = self._calls.extras
        if not fields or self.state_name is None:
            return None
        if self._surrogates is None:  # Else the text is another one when it is joined.
            fields["checksum"] = self._said.checksum
        return {self.state_name: fields}


_INTERRUPTED = "the answer was interrupted"
