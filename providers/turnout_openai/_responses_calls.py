"""The calls in an answer by Responses that the client has to answer. No I/O.

Beside functions there are tools that OpenAI defines and the client runs: a shell, a
computer, patches, a search for tools, and the approval of an MCP server's call.

Source: the types of output items in OpenAI's SDK 3.57.0, read 2026-11-30.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from turnout.decoding import OddEventError, as_count, as_text
from turnout.types import Event, ToolCallDelta
from turnout_openai._calls import made_id
from turnout_openai._responses_given import rest_of

__all__ = ["FUNCTION", "INPUTS", "Calls", "id_of", "is_asked"]

_Fields: TypeAlias = dict[str, Any]

FUNCTION = "function_call"

INPUTS: dict[str, tuple[str, ...]] = {
    FUNCTION: ("arguments",),
    "custom_tool_call": ("input",),
    "apply_patch_call": ("operation",),
    "shell_call": ("action",),
    "local_shell_call": ("action",),
    "computer_call": ("actions", "action"),
    "tool_search_call": ("arguments",),
    "mcp_approval_request": ("arguments",),
}
"""By the type of a call, the fields that may hold its input."""

_GROWING = (FUNCTION, "custom_tool_call")
"""Calls whose input comes in increments. They have a name that the user chose."""

_XAI_CALL = "xs_call_"
"""How ids of calls begin that xAI runs itself, such as its search on X. They have the
type `custom_tool_call`. Source: vercel/ai, packages/xai/src/responses/__fixtures__/
xai-x-search-tool.chunks.txt, read 2026-11-30."""


def is_asked(item: Mapping[str, Any]) -> bool:
    """Return whether an item is a call that the client has to answer."""
    kind = item.get("type")
    if not isinstance(kind, str) or kind not in INPUTS:
        return False
    if kind == "tool_search_call":
        return item.get("execution") == "client"
    if kind == "shell_call":  # In a container the service runs the commands itself.
        match item.get("environment"):
            case {"type": str(place)}:
                return not place.startswith("container")
            case _:
                return True
    return not str(item.get("call_id")).startswith(_XAI_CALL)


def id_of(item: Mapping[str, Any]) -> str:
    """Return the id that a result names; empty if the call has none."""
    name = "id" if item.get("type") == "mcp_approval_request" else "call_id"
    return as_text(item.get(name) or "", name)


def _input_of(item: Mapping[str, Any], kind: str) -> str:
    """Return the input as a text, which may be an object in the item."""
    given = (item.get(name) for name in INPUTS[kind])
    value = next((value for value in given if value is not None), "")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class Calls:
    """The calls of an answer, as far as they have come."""

    __slots__ = ("_count", "_identified", "_named", "_placed", "_unknown")

    def __init__(self) -> None:
        self._count = 0
        self._identified: dict[str, _Call] = {}
        # By their items' ids, and by their places as long as they are under way.
        self._named: dict[str | None, _Call] = {}
        self._placed: dict[int | None, _Call] = {}
        self._unknown = False

    @property
    def any(self) -> bool:
        """Whether there was a call."""
        return self._count > 0

    @property
    def lacks_one(self) -> bool:
        """Whether increments came of a function's call that never came itself."""
        return self._unknown

    def begin(self, event: _Fields, item: _Fields, events: list[Event]) -> None:
        """Take the beginning of an item; that of a call which grows is given."""
        if item.get("type") not in _GROWING or not is_asked(item):
            return
        call = self._found(event, item)
        if call is None or call.ended:
            self._give(self._begun(event, item), item, events)

    def grow(self, event: _Fields, events: list[Event]) -> None:
        """Take an increment of a call's input."""
        call = self._found(event, {})
        delta = event.get("delta")
        if call is None:
            # Its item, when that ends, has all of it.
            self._unknown |= "function_call" in event["type"]
        elif delta:
            text = as_text(delta, "delta")
            call.pieces.append(text)
            if call.index is not None:
                events.append(ToolCallDelta(index=call.index, arguments=text))

    def fill(self, event: _Fields, events: list[Event]) -> bool:
        """Take the whole input of a call; return False if it differs from before."""
        call = self._found(event, {})
        return call is None or self._filled(call, event, events)

    def end(self, event: _Fields, item: _Fields, events: list[Event]) -> bool:
        """Take a call that has ended; return False if its input differs from before."""
        call = self._found(event, item)
        if call is None or call.ended:  # Calls may all have one id.
            call = self._begun(event, item)
        same = self._filled(call, item, events, ended=True)
        self._unknown = False
        for under_way in (self._placed, self._named):
            if under_way.get(None) is call:
                del under_way[None]
        self._placed.pop(as_count(event, "output_index"), None)
        return same

    def amend(self, item: _Fields, events: list[Event]) -> bool:
        """Take a call again from the whole answer, if it is known by its id."""
        call = self._identified.get(id_of(item))
        return call is None or self._filled(call, item, events, ended=True)

    def has(self, item: _Fields) -> bool:
        """Return whether the call of an item has ended before."""
        call = self._identified.get(id_of(item))
        return call is not None and call.ended

    def is_whole(self, event: _Fields, item: _Fields) -> bool:
        """Return whether a call that began has all of its input in its beginning.

        An empty object there may be a placeholder for the increments after it.
        """
        call, whole = self._found(event, item), _input_of(item, item["type"])
        given = "" if call is None else "".join(call.pieces)
        return bool(whole) and given in ("", whole)

    def _found(self, event: _Fields, item: _Fields) -> _Call | None:
        """Return the call that an event is about; None if it was not begun."""
        call_id = id_of(item)
        if call_id in self._identified:
            return self._identified[call_id]
        # Some gateways give an item another id with each event, in the same place.
        for call in (
            self._named.get(_name(event, item)),
            self._placed.get(as_count(event, "output_index")),
        ):
            if call is not None and (not call_id or call.id in {"", call_id}):
                return call
        return None

    def _begun(self, event: _Fields, item: _Fields) -> _Call:
        call = _Call(item["type"])
        name, place = _name(event, item), as_count(event, "output_index")
        if place is not None:
            self._placed[place] = call
        if name is not None or place is None:
            self._named[name] = call
        return call

    def _filled(
        self, call: _Call, item: _Fields, events: list[Event], *, ended: bool = False
    ) -> bool:
        call.ended |= ended
        self._give(call, item, events)
        whole = _input_of(item, call.kind)
        rest = rest_of("".join(call.pieces), whole)
        if rest:
            call.pieces.append(rest)
            if call.index is not None:
                events.append(ToolCallDelta(index=call.index, arguments=rest))
        return not whole or rest is not None

    def _give(self, call: _Call, item: _Fields, events: list[Event]) -> None:
        """Give the first increment as soon as the id and the name are known."""
        kind = None if call.kind == FUNCTION else call.kind
        raw = item if kind and call.ended and not call.has_item else None
        call.has_item |= raw is not None
        if call.index is not None:
            if raw is not None:
                events.append(ToolCallDelta(index=call.index, item=raw))
            return
        call.name = call.name or as_text(item.get("name") or "", "name")
        if not call.name and call.kind not in _GROWING:
            call.name = call.kind
        call.id = call.id or id_of(item) or (made_id() if call.ended else "")
        if call.ended and not call.name:
            raise OddEventError("has a call without a name")
        if not call.id or not call.name:
            return
        call.index = self._count
        self._count += 1
        self._identified[call.id] = call
        begun = "".join(call.pieces)
        first = ToolCallDelta(
            index=call.index, id=call.id, name=call.name, kind=kind, item=raw
        )
        events.append(first)
        if begun:
            events.append(ToolCallDelta(index=call.index, arguments=begun))


class _Call:
    """A call under way."""

    __slots__ = ("ended", "has_item", "id", "index", "kind", "name", "pieces")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.index: int | None = None
        """None until its first increment is given."""
        self.id = ""
        self.name = ""
        self.pieces: list[str] = []
        self.ended = False
        self.has_item = False
        """Whether the item itself was given."""


def _name(event: _Fields, item: _Fields) -> str | None:
    """Return the id of an event's item; None if the service gives none."""
    name = as_text(event.get("item_id") or item.get("id") or "", "an item's id")
    return name or None
