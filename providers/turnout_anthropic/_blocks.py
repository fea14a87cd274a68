"""The blocks of an answer as they grow, and as they are sent back in the next turn.

A model that thinks wants its thinking to be shown to it again, exactly as it was and in
its place among the other blocks: a signature proves that. So each block is put together
as the service itself keeps it.
"""

from __future__ import annotations

from typing import Any, cast

__all__ = ["PROTOCOL", "Block", "has_other_content", "state_of", "tool_input"]

PROTOCOL = "anthropic"
"""Under this name an answer's state stands in `Message.state`."""

_PLAIN = frozenset({"text", "tool_use"})
"""Blocks that a message is made of anyway, without a state."""

_REASONING = frozenset({"thinking", "redacted_thinking"})

_FIELDS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
    "input_json_delta": ("input", "partial_json"),
}
"""By the type of an increment, the block's field that grows by it, and its own."""


class Block:
    """One block of an answer.

    Args:
        index: Its number, as the service counts.
        fields: What it began with.
        call: Its number among the answer's tool calls; None where it is none.
    """

    __slots__ = ("call", "citations", "fields", "index", "pieces")

    def __init__(self, index: object, fields: dict[str, Any], call: int | None) -> None:
        self.index = index
        self.fields = fields
        self.call = call
        self.pieces: dict[str, list[str]] = {"text": []}
        """What came for each field that grows."""
        self.citations: list[object] = []

    def add(self, delta: dict[str, Any]) -> None:
        """Take an increment of a known type."""
        if delta["type"] == "citations_delta":
            self.citations.append(delta.get("citation"))
        else:
            field, name = _FIELDS[delta["type"]]
            self.pieces.setdefault(field, []).append(delta[name])

    @property
    def value(self) -> dict[str, object]:
        """The block as the service would have sent it whole."""
        value: dict[str, object] = dict(self.fields)
        for field, pieces in self.pieces.items():
            grown = "".join(pieces)
            if not grown:
                continue
            if field == "input":
                value[field] = tool_input(grown)
            else:
                value[field] = f"{value.get(field) or ''}{grown}"
        if self.citations:
            value["citations"] = self.citations
        return value


def state_of(blocks: list[Block]) -> dict[str, object] | None:
    """Return what the service wants to see again; None where text and calls are all."""
    if all(block.fields.get("type") in _PLAIN for block in blocks):
        return None
    values = [block.value for block in blocks]
    # It refuses texts that are empty, its own too.
    content = [v for v in values if v.get("type") != "text" or v.get("text")]
    return {PROTOCOL: {"content": content}}


def has_other_content(blocks: list[Block]) -> bool:
    """Tell whether any block is more than text, reasoning and calls.

    The tools that the service runs, and what they return, are such blocks.
    """
    known = _PLAIN | _REASONING
    return any(block.fields.get("type") not in known for block in blocks)


def tool_input(arguments: str) -> dict[str, object]:
    """Return a call's arguments as the protocol has them: as an object.

    Nothing stands for none. What is no JSON object, as where `max_tokens` cut it off,
    is told as such.

    Source: Anthropic's page "Fine-grained tool streaming", on invalid JSON, and its
    field `INVALID_JSON`; read 2026-11-22.
    """
    from pydantic_core import from_json

    try:
        value = from_json(arguments or "{}", allow_inf_nan=False)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        return {"INVALID_JSON": arguments}
    return cast("dict[str, object]", value)
