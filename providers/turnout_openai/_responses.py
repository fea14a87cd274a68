"""OpenAI's Responses: an answer's events. No I/O.

An answer is a sequence of server-sent events, each a JSON object that names its type.
It consists of items (a message, a call, a piece of reasoning). Each item is added, sent
in increments, and ended. The answer is complete with `response.completed` or
`response.incomplete`, and with nothing else.

Each event may be missing but the last one: gateways leave out the ends of items, or the
increments. So whatever has a text or a call in it is read, and what was given before is
not given again.

Events are numbered. An event with a number that came before was sent twice, and is
passed over. A missing one may have held text: then all that was given has to stand in
the whole answer, as the last event has it.

Source: OpenAI's reference of responses and its SDK 3.57.0, read 2026-11-30; what
others leave out, as recorded in pydantic/pydantic-ai and vercel/ai and reported in
sgl-project/sglang's issue 12652; wire.md 2.0 and 2.3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias, cast

from turnout.decoding import (
    OddEventError,
    SseDecoder,
    as_list,
    as_mapping,
    as_text,
    is_error,
)
from turnout.types import Event, Finish, FinishReason
from turnout_openai._responses_answer import READERS, Answer
from turnout_openai._responses_items import STATE_NAME, is_other, is_plain
from turnout_openai._responses_usage import has_more, joined, usage_of

__all__ = ["PATH", "ResponsesDecoder"]

PATH = "/responses"

_REASONS: dict[str, FinishReason] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "length": "length",
    "content_filter": "content_filter",
}
"""Why an answer is incomplete, by the service's own word; any other is unknown."""

_COMPLETE = ("completed", "complete")

_FAILED = ("failed", "cancelled", "canceled", "error")

_FAILURES = ("abort", "error", "network_error", "server_error", "timeout")
"""Words of `incomplete_details` that mean a failure."""

_UNDER_WAY = ("queued", "in_progress")
"""The status of an answer that is to be fetched later."""

_DETAILS = (
    "id",
    "model",
    "service_tier",
    "moderation",
    "content_filters",
    "input_transformations",
    "tool_usage",
    "citations",
    "search_results",
)
"""What an answer says of itself that is kept for the reply."""

_Fields: TypeAlias = dict[str, Any]

_Reader: TypeAlias = Callable[["ResponsesDecoder", _Fields, bytes, list[Event]], None]

_OBJECT: type[_Fields] = dict


class ResponsesDecoder(SseDecoder):
    """Decode an answer by Responses.

    Args:
        provider: As for every decoder.
        request_id: As for every decoder.
        service: Where the request was sent. The state is sent back there alone.
    """

    end = "response.completed"

    def __init__(
        self, provider: str, request_id: str | None = None, *, service: str = ""
    ) -> None:
        super().__init__(provider, request_id)
        self._service = service
        self._next: int | None = None
        self._answer = Answer()
        self._text = self._answer.text
        self._response: _Fields = {}
        self._usage: object = None
        self._status = ""
        self._word = ""

    def read_document(self, value: object, document: bytes) -> list[Event]:
        """Read a whole answer, as it is sent if no stream was requested."""
        if not isinstance(value, dict) or "output" not in value:
            self.report(document)
            return []
        response = cast("_Fields", value)
        if _status(response) in _UNDER_WAY:
            raise OddEventError("has an answer that is not complete yet")
        events: list[Event] = []
        self._complete(response, "", events)
        return events

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read events.

        Raises:
            OddEventError: One is not a JSON object, or not of the protocol.
        """
        from_json = self.from_json
        for data in datas:
            try:
                event = from_json(data, allow_inf_nan=False, cache_strings="keys")
            except ValueError:
                event = self._read_odd(data)
                if event is None:
                    continue
            if type(event) is not _OBJECT:
                raise OddEventError("is not a JSON object")
            number = event.get("sequence_number")
            if number != self._next and self._came_before(number):
                continue
            if type(number) is int:
                self._next = number + 1
            kind = event.get("type")
            if kind == "response.output_text.delta":
                text = event.get("delta")
                if type(text) is not str:
                    raise OddEventError("has no text for delta")
                if text:
                    self._text.write(text)
                    events.append(text)
                continue
            self._read_other(kind, event, data, events)
            if self.done:
                return

    def _read_odd(self, data: bytes) -> object:
        """Read what the parser refuses; None if it says nothing."""
        value = self.read_leniently(data)
        # Some servers end as chat completions do, which says nothing here.
        if value is None and data.strip() not in {b"", b"[DONE]"}:
            raise OddEventError("is not JSON")
        return value

    def _came_before(self, number: object) -> bool:
        """Return whether an event came before, by a number that is not the next."""
        if type(number) is not int or self._next is None:
            return False
        # A server that does not count gives them all the same number, 0.
        if number < self._next:
            return number > 0
        self._answer.gap = True
        return False

    def _read_other(
        self, kind: object, event: _Fields, data: bytes, events: list[Event]
    ) -> None:
        """Read an event that is not an increment of text; pass over unknown ones."""
        kind = kind if isinstance(kind, str) else None
        if kind in READERS:
            READERS[kind](self._answer, event, events)
        elif kind in self._endings:
            self._endings[kind](self, event, data, events)
        elif _may_be_error(kind) and is_error(event):
            self.report(data)

    def _create(self, event: _Fields, data: bytes, events: list[Event]) -> None:
        response = event.get("response")
        if isinstance(response, dict):
            self._response = cast("_Fields", response)
            self._usage = joined(self._usage, self._response.get("usage"))

    def _end(self, event: _Fields, data: bytes, events: list[Event]) -> None:
        response = as_mapping(event.get("response"), "response")
        ending = str(event["type"]).removeprefix("response.")
        self._complete(response, ending if ending != "done" else "", events)

    def _fail(self, event: _Fields, data: bytes, events: list[Event]) -> None:
        if "response" not in event:
            self.report(data)
            return
        response = as_mapping(event["response"], "response")
        self._report(response.get("error"), _status(response) or "failed")

    def _complete(self, response: _Fields, ending: str, events: list[Event]) -> None:
        """Take the answer's end.

        Args:
            response: The whole answer.
            ending: Its status by the name of the last event; empty if unknown.
            events: Takes what was not given before.
        """
        status, error, word = _status(response), response.get("error"), _word(response)
        failure = next((w for w in (status, word) if w in (*_FAILED, *_FAILURES)), "")
        if error or failure:
            self._report(error, failure)
            return
        self._settle(response, events)
        if ending == "incomplete" or status in ("", *_UNDER_WAY):
            status = ending or "completed"
        self._response = {**self._response, **response}
        self._status, self._word = status, word
        self._usage = joined(self._usage, response.get("usage"))
        self.usage = usage_of(self._usage, self.provider)
        self.ended = self.done = True

    def _settle(self, response: _Fields, events: list[Event]) -> None:
        output = as_list(response.get("output") or [], "output")
        self._answer.settle([as_mapping(item, "an item") for item in output], events)
        if self._answer.calls.lacks_one:
            raise OddEventError("continues a call that was not begun")

    def _report(self, error: object, word: str) -> None:
        """Report an error without the rest of the answer, which may be long."""
        message = f"the service ended the answer with {word!r}"
        document = {"error": error or {"code": word, "message": message}}
        self.report(json.dumps(document).encode())

    def finish(self) -> Finish:
        """Return the answer's end."""
        answer, response = self._answer, self._response
        details = {name: response[name] for name in _DETAILS if response.get(name)}
        details["finish_reason"] = self._word or self._status
        if self.request_id is not None:
            details["request_id"] = self.request_id
        if has_more(self._usage):
            details["usage"] = self._usage
        if answer.refused:
            details["refusal"] = True
        logprobs = answer.logprobs()
        if logprobs:
            details["logprobs"] = logprobs
        return Finish(
            reason=self._reason(),
            details=details,
            state=self._state(),
            items=tuple(filter(is_other, answer.items)),
        )

    def _reason(self) -> FinishReason:
        reason = _REASONS.get(self._word)
        if reason is not None or self._answer.calls.any:
            return reason or "tool_calls"
        complete = self._status in _COMPLETE and not self._word
        return "stop" if complete else "unknown"

    def _state(self) -> Mapping[str, object] | None:
        """Return the items, if messages of turnout's own cannot say all of them."""
        items = self._answer.items
        if all(map(is_plain, items)):
            return None
        service = {"service": self._service} if self._service else {}
        return {STATE_NAME: {"items": items, **service}}

    _endings: ClassVar[dict[str | None, _Reader]] = {
        "response.created": _create,
        "response.queued": _create,
        "response.in_progress": _create,
        "response.completed": _end,
        "response.incomplete": _end,
        "response.done": _end,
        "response.failed": _fail,
        "response.cancelled": _fail,
        "response.error": _fail,
        "error": _fail,
    }
    """By the type of an event about the whole answer, who reads it."""


def _may_be_error(kind: str | None) -> bool:
    """Return whether an event of a type that is not known may be an error."""
    return kind is None or (kind.endswith("error") and not kind.startswith("response."))


def _status(response: _Fields) -> str:
    """Return how far an answer is; empty if the service does not say."""
    return as_text(response.get("status") or "", "status")


def _word(response: _Fields) -> str:
    """Return the service's own word for why an answer is incomplete."""
    reason = response.get("incomplete_details")
    if isinstance(reason, dict):
        reason = cast("_Fields", reason).get("reason")
    return reason if isinstance(reason, str) else ""
