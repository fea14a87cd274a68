"""The calls of an answer: whole, or in pieces.

Google's Gemini API sends a call whole. Vertex AI, which has the same protocol, sends it
in pieces if the request asks for that: first the name, then values by their places
among the arguments, each piece with `willContinue`, and last a piece without it. The
pieces are put together here, since half an object is not JSON.

Source: google-genai 3.6.1, `types.FunctionCall` and `types.PartialArg`; RFC 9535 for
the places; wire.md 2.5, read 2026-11-22.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias, cast

from turnout.decoding import OddEventError, as_list, as_mapping, as_text
from turnout.types import ToolCallDelta

__all__ = ["Calls", "is_made"]

_MADE = "gemini_"
"""The prefix of an id that is made here if the service sends none."""

_STEP = re.compile(
    r"""\.([^.\[\]]+)
      | \[(\d{1,9})\]
      | \['((?:[^'\\]|\\.)*)'\]
      | \["((?:[^"\\]|\\.)*)"\]""",
    re.VERBOSE,
)

_ESCAPED = re.compile(r"\\(.)")

_OF_PIECES = frozenset({"partialArgs", "willContinue"})
"""The fields of a call in pieces; a whole one has none of them."""

_VALUES = ("stringValue", "numberValue", "boolValue")

_DEEPEST = 64
"""The largest number of steps to a value."""

_Place: TypeAlias = str | int


class _Begun(NamedTuple):
    """A call of which not all has come."""

    id: str
    call: dict[str, Any]
    """As the service would have sent it whole."""


class Calls:
    """Read an answer's calls, in the order in which they come."""

    __slots__ = ("_begun", "_pieces", "_unended", "count")

    def __init__(self) -> None:
        self.count = 0
        """How many have begun so far."""
        self._begun: _Begun | None = None
        # The place of a text that goes on in the next piece.
        self._unended: str | None = None
        # What it has so far.
        self._pieces: list[str] = []

    @property
    def whole(self) -> bool:
        """Whether all calls that have begun are whole."""
        return self._begun is None

    @property
    def has_whole(self) -> bool:
        """Whether the answer has a call that is whole."""
        return self.count > (self._begun is not None)

    def read(self, value: object) -> tuple[ToolCallDelta | None, dict[str, Any] | None]:
        """Read a call, or a piece of one.

        Returns:
            What it brings, if anything, and the call once it is whole, as the service
            wants to see it again.

        Raises:
            OddEventError: It is not of the protocol.
        """
        fields = as_mapping(value, "functionCall")
        new = self._begun is None
        if new and not any(fields.values()):
            return None, None  # The end of a call that has ended already.
        begun = self._begin(fields) if self._begun is None else self._begun
        if (fields.get("name") or begun.call["name"]) != begun.call["name"]:
            raise OddEventError("begins a call inside of another")
        arguments = begun.call["args"]
        given = _arguments(fields.get("args") or {})
        if isinstance(given, dict):
            arguments.update(given)
        pieces = as_list(fields.get("partialArgs") or [], "partialArgs")
        for piece in pieces:
            self._place(as_mapping(piece, "a partial argument"), arguments)
        # Only the last value of a piece may continue in the next one.
        half_text = bool(pieces) and self._unended is not None
        goes_on = bool(fields.get("willContinue")) or half_text
        self._begun = begun if goes_on else None
        if goes_on and not new:
            return None, None
        text = "" if goes_on else self._text(arguments)
        delta = ToolCallDelta(
            index=self.count - 1,
            id=begun.id if new else None,
            name=begun.call["name"] if new else None,
            arguments=text if isinstance(given, dict) else given,
        )
        # Arguments that are not an object cannot be sent back.
        whole = not goes_on and isinstance(given, dict)
        return delta, begun.call if whole else None

    def cut_off(self) -> ToolCallDelta | None:
        """Return the received part of an incomplete call: JSON without its end."""
        if self._begun is None:
            return None
        text = self._text(self._begun.call["args"])
        return ToolCallDelta(index=self.count - 1, arguments=text[:-1])

    def _text(self, arguments: dict[str, Any]) -> str:
        self._end_text(arguments)
        return json.dumps(arguments, ensure_ascii=False)

    def _begin(self, fields: dict[str, Any]) -> _Begun:
        as_text(fields.get("name"), "a call's name")
        given = as_text(fields.get("id") or "", "a call's id")
        self.count += 1
        call = {
            k: v for k, v in fields.items() if k not in _OF_PIECES and v is not None
        }
        call["args"] = {}
        return _Begun(given or _MADE + os.urandom(8).hex(), call)

    def _place(self, piece: dict[str, Any], arguments: dict[str, Any]) -> None:
        """Put a value into its place among the arguments."""
        path = as_text(piece.get("jsonPath"), "jsonPath")
        value: object = None
        found = "nullValue" in piece
        for name in _VALUES:
            if piece.get(name) is not None:
                value, found = piece[name], True
        if path != self._unended:
            self._end_text(arguments)
        goes_on = bool(piece.get("willContinue"))
        places = _places(path)
        if found and isinstance(value, str) and (goes_on or self._pieces):
            self._pieces.append(value)
        elif found:
            self._pieces.clear()
            _set(arguments, places, value)
        self._unended = path
        if not goes_on:
            self._end_text(arguments)

    def _end_text(self, arguments: dict[str, Any]) -> None:
        """Put a text that has come in pieces into its place."""
        if self._pieces:
            assert self._unended is not None
            _set(arguments, _places(self._unended), "".join(self._pieces))
            self._pieces.clear()
        self._unended = None


def is_made(call_id: str) -> bool:
    """Return whether a call's id was made here, and is unknown to the service."""
    return call_id.startswith(_MADE)


def _arguments(value: object) -> dict[str, Any] | str:
    """Return arguments that came at once; what is not an object as a text.

    Gateways send them as a JSON text: the provider of vercel/ai takes both
    (packages/google/src/google-language-model.ts, read 2026-11-30).
    """
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    from pydantic_core import from_json

    try:
        read: object = from_json(value, allow_inf_nan=False)
    except ValueError:
        return value
    return cast("dict[str, Any]", read) if isinstance(read, dict) else value


def _places(path: str) -> list[_Place]:
    """Return the steps of a path such as `$.lines[0].text`."""
    places: list[_Place] = []
    at = 1
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            break
        dotted, index, single, double = step.groups()
        places.append(int(index) if index else _unescaped(dotted, single or double))
        at = step.end()
    if path[:1] != "$" or at < len(path) or not 0 < len(places) <= _DEEPEST:
        raise OddEventError("has a partial argument without a valid jsonPath")
    return places


def _unescaped(dotted: str | None, quoted: str | None) -> str:
    if dotted is not None:
        return dotted
    return _ESCAPED.sub(r"\1", quoted or "")


def _set(holder: object, places: Sequence[_Place], value: object) -> None:
    """Set a value, and make the objects and lists that lead to it."""
    for place, following in pairwise(places):
        inner = _get(holder, place)
        if inner is None:
            inner = dict[str, object]()
            if isinstance(following, int):
                inner = list[object]()
            _put(holder, place, inner)
        holder = inner
    _get(holder, places[-1])
    _put(holder, places[-1], value)


def _get(holder: object, place: _Place) -> object:
    """Return what is in a place; None where nothing is yet."""
    if isinstance(place, str):
        return as_mapping(holder, "the arguments").get(place)
    items = as_list(holder, "a list of arguments")
    if place > len(items):  # Lists grow one by one.
        raise OddEventError("has a partial argument with an invalid place")
    return items[place] if place < len(items) else None


def _put(holder: object, place: _Place, value: object) -> None:
    """Put a value into a place that `_get` has looked at."""
    if isinstance(place, str):
        as_mapping(holder, "the arguments")[place] = value
    else:
        as_list(holder, "a list of arguments")[place : place + 1] = [value]
