"""How single vendors' answers depart from OpenAI's chat completions. No I/O.

Each decoder here belongs to a row of `_vendors`, so that the loop of all the others
knows nothing of it.

Source: the vendors' pages and SDKs, wire.md 2.2, gathered 2026-11-22; what a decoder
owes to another source is said there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from turnout.decoding import as_list, as_mapping, as_text
from turnout.types import Event, ReasoningDelta
from turnout_openai._protocol import Decoder, usage_of

__all__ = [
    "DeepSeekDecoder",
    "GroqDecoder",
    "MistralDecoder",
    "OpenRouterDecoder",
    "PerplexityDecoder",
]


_DEEPSEEK = "deepseek"
_OPENROUTER = "openrouter"
"""Under which names their states are kept."""


class GroqDecoder(Decoder):
    """Groq's, which says under `x_groq` why it stopped an answer early."""

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read chunks up to an error of Groq's own.

        Raises:
            OddEventError: As the protocol's own.
        """
        for index, data in enumerate(datas):
            # In the first chunk and the last one alone: the others are read once.
            if b'"x_groq"' not in data:
                continue
            groq = self._groq(data)
            if groq.get("usage"):
                self.usage = usage_of(groq["usage"])
            if groq.get("error"):
                super().read(datas[: index + 1], events)
                if self.reported is None:
                    self.report(json.dumps({"error": groq["error"]}).encode())
                return
        super().read(datas, events)

    def _groq(self, data: bytes) -> dict[str, Any]:
        try:
            chunk = self.from_json(data)
        except ValueError:  # Which is told where all chunks are read.
            return {}
        match chunk:
            case {"x_groq": dict()}:
                return cast("dict[str, Any]", chunk["x_groq"])
            case _:
                return {}


class DeepSeekDecoder(Decoder):
    """DeepSeek's, which wants its reasoning again with the results of tools.

    It refuses a conversation in which the reasoning that led to a call is missing.
    Source: its pages on thinking and tool calls, as others quote them, 2026-11-22.
    """

    state_name = _DEEPSEEK

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._reasoning: list[str] = []

    def _read_delta(self, value: object, events: list[Event]) -> None:
        super()._read_delta(value, events)
        reasoning = as_mapping(value, "delta").get("reasoning_content")
        if reasoning:
            self._reasoning.append(reasoning)

    def _end(self, reason: object, data: bytes) -> None:
        super()._end(reason, data)
        if reason == _NO_RESOURCES:
            error = {"code": reason, "message": "the answer was interrupted"}
            self.report(json.dumps({"error": error}).encode())

    def state(self) -> Mapping[str, object] | None:
        """Return the reasoning of an answer that calls tools."""
        if not self._calls.any or not self._reasoning:
            return None
        return {_DEEPSEEK: {"reasoning_content": "".join(self._reasoning)}}


_NO_RESOURCES = "insufficient_system_resource"
"""DeepSeek's reason of an answer that it could not go on with."""


class OpenRouterDecoder(Decoder):
    """OpenRouter's, whose reasoning comes in details that it wants to see again.

    Source: its page on reasoning tokens, as others quote it, 2026-11-22.
    """

    details = (*Decoder.details, "provider")
    state_name = _OPENROUTER

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self._details: list[dict[str, Any]] = []
        # What the texts of the last detail have so far, by their names.
        self._pieces: dict[str, list[str]] = {}

    def _read_delta(self, value: object, events: list[Event]) -> None:
        delta = as_mapping(value, "delta")
        told = delta.get("reasoning_details")
        if told:
            details = [
                as_mapping(detail, "a detail of reasoning")
                for detail in as_list(told, "reasoning_details")
            ]
            for detail in details:
                self._keep(detail)
            # The same tokens stand in `reasoning`, where that is sent.
            if delta.get("reasoning") is None:
                delta = {**delta, "reasoning": "".join(map(_shown, details))}
        super()._read_delta(delta, events)

    def _keep(self, detail: dict[str, Any]) -> None:
        """Keep a detail; a piece of one that is under way is put to it."""
        last = self._details[-1] if self._details else None
        # Encrypted data is whole.
        if last is None or _place(last) != _place(detail) or "data" in detail:
            self._end_detail()
            self._details.append(dict(detail))
            return
        for name, value in detail.items():
            if name in _PIECES and isinstance(last.get(name), str):
                pieces = self._pieces.setdefault(name, [last[name]])
                pieces.append(as_text(value or "", name))
            elif value is not None:
                last[name] = value

    def _end_detail(self) -> None:
        """Put the pieces of the last detail's texts together."""
        for name, pieces in self._pieces.items():
            self._details[-1][name] = "".join(pieces)
        self._pieces.clear()

    def state(self) -> Mapping[str, object] | None:
        """Return the details, which have the signatures of the reasoning."""
        self._end_detail()
        if not self._details:
            return None
        return {_OPENROUTER: {"reasoning_details": self._details}}


_PIECES = ("text", "summary")
"""What a detail of reasoning tells in pieces, for people."""


def _place(detail: Mapping[str, object]) -> tuple[object, object]:
    return detail.get("type"), detail.get("index")


def _shown(detail: Mapping[str, object]) -> str:
    return "".join(as_text(detail.get(name) or "", name) for name in _PIECES)


class MistralDecoder(Decoder):
    """Mistral's, whose content may be a list of chunks, and an id the word `null`."""

    def _read_delta(self, value: object, events: list[Event]) -> None:
        delta = as_mapping(value, "delta")
        content = delta.get("content")
        if isinstance(content, list):
            for chunk in cast("list[object]", content):
                _read_chunk(as_mapping(chunk, "a chunk of content"), events)
            delta = {**delta, "content": None}
        calls = delta.get("tool_calls")
        if calls:
            named = [_named(call) for call in as_list(calls, "tool_calls")]
            delta = {**delta, "tool_calls": named}
        super()._read_delta(delta, events)


def _read_chunk(chunk: Mapping[str, object], events: list[Event]) -> None:
    """Read a chunk of content; references to sources are no text."""
    match chunk:
        case {"type": "text", "text": text}:
            events.append(as_text(text, "text"))
        case {"type": "thinking", "thinking": thinking}:
            for part in as_list(thinking, "thinking"):
                text = as_mapping(part, "a part of thinking").get("text")
                if text:
                    events.append(ReasoningDelta(text=as_text(text, "text")))
        case _:
            pass


def _named(call: object) -> dict[str, object]:
    fields = as_mapping(call, "a tool call")
    return {**fields, "id": None} if fields.get("id") == "null" else fields


class PerplexityDecoder(Decoder):
    """Perplexity's, which names its sources."""

    details = (*Decoder.details, "citations", "search_results")
