"""Lists of objects that come in pieces, as reasoning details do. No I/O.

They are put together as the service would have sent them in one message, since it wants
to see them again so: `reasoning_details` (OpenRouter, MiniMax), `thinking_blocks`
(LiteLLM), and content that is a list of blocks (Mistral, Databricks).

Source: OpenRouter's page on reasoning tokens, as others quote it, 2026-11-22; LiteLLM's
issue 29428 and open-webui's pull request 29860 on its blocks, read 2026-11-30.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from turnout_openai._forms import TEXTS, is_list, listed, object_in, text_of

__all__ = ["Blocks"]

_PIECES = frozenset({*TEXTS, "input", "arguments", "output"})
"""Fields whose texts are joined over the pieces of a block."""


class Blocks:
    """Puts the pieces of blocks together."""

    __slots__ = ("_blocks",)

    def __init__(self) -> None:
        self._blocks: list[dict[str, Any]] = []

    def __bool__(self) -> bool:
        """Return whether there is a block."""
        return bool(self._blocks)

    def add(self, pieces: Iterable[object]) -> str:
        """Add blocks, or pieces of the block that came last; return their words."""
        return "".join(
            self._add(object_in(piece) or {"text": text_of(piece)}, place)
            for place, piece in enumerate(pieces)
        )

    def _add(self, piece: dict[str, Any], place: int) -> str:
        last = self._blocks[-1] if self._blocks else None
        if last is None or not _continues(last, piece, place):
            self._blocks.append(_begun(piece))
        elif piece.get("signature") and _repeats(last, piece):
            # The signed piece has all of the text again.
            _join(last, {n: v for n, v in piece.items() if n not in _PIECES})
            return ""
        else:
            _join(last, piece)
        return text_of(piece)

    def whole(self) -> list[dict[str, Any]]:
        """Return the blocks."""
        return [_ended(block) for block in self._blocks]


class _Pieces(list[str]):
    """A text that is not joined yet, so that many pieces take linear time."""


def _continues(last: dict[str, Any], piece: dict[str, Any], place: int) -> bool:
    """Return whether a piece is part of the last block; encrypted data is whole.

    Args:
        last: The block.
        piece: The piece.
        place: Its place among those that came together. Without an index, the first
            one alone can continue what came before.
    """
    if last.get("signature") or "data" in piece or (place and "index" not in piece):
        return False
    return all(last.get(name) == piece.get(name) for name in ("type", "index"))


def _repeats(last: dict[str, Any], piece: dict[str, Any]) -> bool:
    return text_of(_ended(last)) == text_of(piece) != ""


def _begun(value: object) -> Any:
    """Return a copy to which pieces can be added."""
    fields = object_in(value)
    if fields:
        return {name: _begun_field(name, fields[name]) for name in fields}
    return list(map(_begun, listed(value))) if is_list(value) else value


def _begun_field(name: str, value: object) -> Any:
    if name in _PIECES and isinstance(value, str):
        return _Pieces([value])
    return _begun(value)


def _ended(value: object) -> Any:
    if isinstance(value, _Pieces):
        return "".join(value)
    fields = object_in(value)
    if fields:
        return {name: _ended(fields[name]) for name in fields}
    return list(map(_ended, listed(value))) if is_list(value) else value


def _join(last: dict[str, Any], piece: dict[str, Any]) -> None:
    for name, value in piece.items():
        kept: Any = last.get(name)
        if isinstance(kept, _Pieces) and isinstance(value, str):
            kept.append(value)
        elif _are(list, kept, value):
            _join_lists(kept, value)
        elif value is not None:
            last[name] = _begun_field(name, value)


def _join_lists(kept: list[Any], pieces: list[Any]) -> None:
    """Add the parts of a block, or pieces of the part that came last."""
    for place, piece in enumerate(pieces):
        last: Any = kept[-1] if kept else None
        if _are(dict, last, piece) and _continues(last, piece, place):
            _join(last, piece)
        else:
            kept.append(_begun(piece))


def _are(kind: type, one: object, other: object) -> bool:
    return type(one) is kind and type(other) is kind
