"""The calls that a model asks for: whole, or in pieces.

Gemini's own service sends a call whole. Vertex AI's, which speaks the same protocol,
sends it in pieces where it is asked to: first the name, then values by their places
among the arguments, each piece with `willContinue`, and last a piece without it. The
pieces are put together here, as half an object is no JSON text.

Source: google-genai 3.4.0, `types.FunctionCall` and `types.PartialArg`; RFC 9535 for
the places; wire.md 2.5, read 2026-11-22.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from turnout.decoding import OddEventError, as_list, as_mapping, as_text
from turnout.types import ToolCallDelta

__all__ = ["Calls", "is_made"]

_MADE = "gemini_"
"""How the ids begin that are made here, where the service gives none."""

_STEP = re.compile(
    r"""\.([^.\[\]]+)
      | \[(\d{1,9})\]
      | \['((?:[^'\\]|\\.)*)'\]
      | \["((?:[^"\\]|\\.)*)"\]""",
    re.VERBOSE,
)

_ESCAPED = re.compile(r"\\(.)")

_VALUES = ("stringValue", "numberValue", "boolValue")

_DEEPEST = 64
"""How many steps lead to a value at most."""

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
        """How many there are so far."""
        self._begun: _Begun | None = None
        # The place of a text that goes on in the next piece.
        self._unended: str | None = None
        # What it has so far.
        self._pieces: list[str] = []

    @property
    def whole(self) -> bool:
        """Whether all that was begun has come."""
        return self._begun is None

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
        begun = self._begin(fields) if self._begun is None else self._begun
        if (fields.get("name") or begun.call["name"]) != begun.call["name"]:
            raise OddEventError("begins a call inside of another")
        arguments = begun.call["args"]
        arguments.update(as_mapping(fields.get("args") or {}, "args"))
        for piece in as_list(fields.get("partialArgs") or [], "partialArgs"):
            self._place(as_mapping(piece, "a partial argument"), arguments)
        name = begun.call["name"] if new else None
        call_id = begun.id if new else None
        if fields.get("willContinue"):
            self._begun = begun
            if not new:
                return None, None
            return ToolCallDelta(index=self.count - 1, id=call_id, name=name), None
        self._begun = None
        self._end_text(arguments)
        text = json.dumps(arguments, ensure_ascii=False)
        delta = ToolCallDelta(
            index=self.count - 1, id=call_id, name=name, arguments=text
        )
        return delta, begun.call

    def _begin(self, fields: dict[str, Any]) -> _Begun:
        name = as_text(fields.get("name"), "a call's name")
        given = as_text(fields.get("id") or "", "a call's id")
        self.count += 1
        call: dict[str, Any] = {"name": name, "args": {}}
        if given:
            call = {"id": given, **call}
        return _Begun(given or _MADE + os.urandom(8).hex(), call)

    def _place(self, piece: dict[str, Any], arguments: dict[str, Any]) -> None:
        """Put a value where it belongs among the arguments."""
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
        """Put a text that has come in pieces where it belongs."""
        if self._pieces:
            assert self._unended is not None
            _set(arguments, _places(self._unended), "".join(self._pieces))
            self._pieces.clear()
        self._unended = None


def is_made(call_id: str) -> bool:
    """Tell whether the service has never heard of a call's id."""
    return call_id.startswith(_MADE)


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
        raise OddEventError("has a partial argument without a place")
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
        raise OddEventError("has a partial argument in no place")
    return items[place] if place < len(items) else None


def _put(holder: object, place: _Place, value: object) -> None:
    """Put a value into a place that `_get` has looked at."""
    if isinstance(place, str):
        as_mapping(holder, "the arguments")[place] = value
    else:
        as_list(holder, "a list of arguments")[place : place + 1] = [value]
