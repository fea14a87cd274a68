"""The blocks of an answer: their increments, and their form in the next request.

A model that thinks must get its thinking back unchanged, and in the same place among
the other blocks: a signature proves that. The same holds for results of the service's
own tools. So each block is put together as the service itself keeps it.

A block with an increment of an unknown type is incomplete. It is not sent back as if it
were whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from turnout.decoding import as_list

__all__ = [
    "GROWTH",
    "PLAIN",
    "PROTOCOL",
    "REASONING",
    "Block",
    "content_of",
    "items_of",
    "state_of",
    "tool_input",
]

PROTOCOL = "anthropic"
"""The name of an answer's state in `Message.state`."""

PLAIN: dict[str, frozenset[str]] = {
    "text": frozenset({"type", "text"}),
    "tool_use": frozenset({"type", "id", "name", "input"}),
}
"""The fields of the blocks that are made from a message without a state, by type."""

REASONING = frozenset({"thinking", "redacted_thinking"})

_READ = PLAIN.keys() | REASONING
"""Types of blocks that a reply shows as text, calls or reasoning."""

GROWTH: dict[str, tuple[tuple[str, str], ...]] = {
    "text_delta": (("text", "text"),),
    "thinking_delta": (("thinking", "thinking"),),
    "signature_delta": (("signature", "signature"),),
    "input_json_delta": (("input", "partial_json"),),
    "compaction_delta": (
        ("content", "content"),
        ("encrypted_content", "encrypted_content"),
    ),
    "connector_text_delta": (("connector_text", "connector_text"),),
}
"""The block's fields that grow, and the increment's fields that they grow by, by the
increment's type.

Source: the types of Anthropic's SDK 2.14.0, read 2026-11-30. Public clients of the
service read `connector_text_delta`; the SDK names its block alone.
"""


class Block:
    """One block of an answer.

    Args:
        index: The service's number of the block. A text that began with some text has
            another one until the first increment of text has come.
        position: The position in the answer's text at which the block's text begins.
        fields: The fields of the block's start.
        call: The number among the answer's tool calls; None if it is not a call.
    """

    __slots__ = (
        "call",
        "citations",
        "cited",
        "ended",
        "fields",
        "index",
        "kind",
        "pieces",
        "position",
        "unread",
    )

    def __init__(
        self, index: object, position: int, fields: dict[str, Any], call: int | None
    ) -> None:
        self.index = index
        self.position = position
        self.fields = fields
        self.kind = fields.get("type")
        self.call = call
        self.pieces: dict[str, list[str]] = {"text": []}
        """What came for each field that grows."""
        self.citations = _mappings(fields.get("citations"))
        self.cited = 0
        """How many of the citations were given as events."""
        self.ended = False
        self.unread: list[object] = []
        """The increments that cannot be added, since their types are unknown."""

    def repeats(self, field: str, piece: str) -> bool:
        """Return whether the first increment of a field repeats the block's start.

        Source: cline issue 9215, on MiniMax's Messages, read 2026-11-30.
        """
        if piece != self.fields.get(field):
            return False
        self.fields = {**self.fields, field: ""}
        self.pieces[field].append(piece)
        return True

    @property
    def ids(self) -> set[str]:
        """The ids of the call that the block is, or answers."""
        values: list[object] = [self.fields.get(n) for n in ("id", "tool_use_id")]
        return {value for value in values if isinstance(value, str)}

    @property
    def begun_input(self) -> str:
        """A call's arguments in the block's start, if they are a text.

        The protocol has an object there; chat completions have a text.
        """
        return _text(self.fields.get("input")) or ""

    @property
    def toolset(self) -> str | None:
        """The set of the service's own tools that a call is of, as in `computer`.

        Source: Anthropic's page "Handle tool calls", read 2026-11-30.
        """
        return _text(self.fields.get("toolset_name"))

    @property
    def text(self) -> str:
        """The block's part of the answer's text."""
        begun = self.fields.get("text") if self.kind == "text" else ""
        return f"{begun or ''}{''.join(self.pieces['text'])}"

    @property
    def value(self) -> dict[str, object]:
        """The block as the service would have sent it whole."""
        value: dict[str, object] = dict(self.fields)
        given: object = self.fields.get("input", {})
        grown = self.pieces.get("input", ())
        if grown or given is None or isinstance(given, str):
            value["input"] = tool_input(self.begun_input + "".join(grown))
        for field, pieces in self.pieces.items():
            if pieces and field != "input":
                value[field] = f"{value.get(field) or ''}{''.join(pieces)}"
        if self.citations:
            value["citations"] = self.citations
        return value

    @property
    def item(self) -> dict[str, object]:
        """The block with its unknown increments, for `Reply.items`."""
        return {**self.value, **({"deltas": self.unread} if self.unread else {})}


def content_of(content: object) -> list[object]:
    """Return a message's content as blocks, also if it is a text or one block.

    Raises:
        OddEventError: It is something else.
    """
    if content is None:
        return []
    if isinstance(content, str | dict):
        content = [cast("object", content)]
    return [
        {"type": "text", "text": item} if isinstance(item, str) else item
        for item in as_list(content, "content")
    ]


def items_of(blocks: Sequence[Block]) -> tuple[Mapping[str, object], ...]:
    """Return the blocks that text, reasoning and calls do not show, or not whole."""
    return tuple(
        block.item for block in blocks if block.unread or block.kind not in _READ
    )


def state_of(
    blocks: Sequence[Block], container: object, *, cut: bool, origin: str = ""
) -> dict[str, object] | None:
    """Return the state to send back; None if text and calls are enough.

    Args:
        blocks: The blocks of the answer.
        container: The container that the service ran code in, if any.
        cut: Whether a limit ended the answer.
        origin: The host that the answer is from, if known. No other host accepts its
            signatures.
    """
    if not any(block.citations or not _is_plain(block.fields) for block in blocks):
        return None  # Most answers need no state.
    content = _content(blocks)
    if cut and content and _is_unsigned(content[-1]):
        content.pop()
    if all(map(_is_plain, content)):
        return None
    # The service refuses texts that are empty, its own too.
    kept = [v for v in content if v.get("type") != "text" or v.get("text")]
    state: dict[str, object] = {"content": kept}
    if origin:
        state["origin"] = origin
    match container:
        case {"id": str(name)}:
            # Named again in the request that answers calls from code in it. Source:
            # Anthropic's page "Programmatic tool calling", read 2026-11-30.
            state["container"] = name
        case _:
            pass
    return {PROTOCOL: state}


def _content(blocks: Sequence[Block]) -> list[dict[str, object]]:
    """Return the blocks that can be sent back; none if reasoning is incomplete.

    The service refuses a turn whose reasoning was changed. A call of a tool of its own
    and the result are left out together.
    """
    lost: set[str] = set()
    for block in blocks:
        if block.unread and block.kind in REASONING:
            return []
        if block.unread and block.kind not in PLAIN:
            lost |= block.ids
    return [
        _reduced(block)
        for block in blocks
        if block.kind in PLAIN or not (block.unread or lost & block.ids)
    ]


def _reduced(block: Block) -> dict[str, object]:
    """Return a block; a plain one with unknown increments has its plain fields only."""
    if not block.unread:
        return block.value
    fields = PLAIN[cast("str", block.kind)]
    return {name: value for name, value in block.value.items() if name in fields}


def _is_plain(value: Mapping[str, object]) -> bool:
    fields = PLAIN.get(cast("str", value.get("type")))
    return fields is not None and not any(value[n] for n in value.keys() - fields)


def _is_unsigned(value: Mapping[str, object]) -> bool:
    """Return whether a limit cut reasoning off before its signature.

    The service refuses it without one. Source: pydantic-ai, `models/anthropic.py` at
    4fda389, read 2026-11-30.
    """
    return value.get("type") == "thinking" and not value.get("signature")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _mappings(value: object) -> list[dict[str, object]]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("dict[str, object]", item) for item in items if isinstance(item, dict)]


def tool_input(arguments: str) -> dict[str, object]:
    """Return a call's arguments as the protocol has them: as an object.

    An empty text means none. Arguments that are not a JSON object, because `max_tokens`
    cut them off for example, are marked as invalid.

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
