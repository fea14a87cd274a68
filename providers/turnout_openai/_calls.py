"""The increments of tool calls, as chat completions send them. No I/O.

Services number and name calls in many ways. These rules hold, in this order:

1. A known id names its call, whatever the index says.
2. An index names the call that had it last.
3. A piece without a name, a known id and a known index belongs to the last call.
4. Anything else begins a call. It is emitted once it has a name.

Despite the first two rules, a piece with a name may begin another call: some servers
give the same index, or the same id, to all calls. A call that comes again as a whole is
the same call.

Source: reports on vLLM and SGLang (InternLM/lmdeploy issue 3412), Ollama (vercel/ai
issue 14277), LocalAI (issue 9722), DeepSeek behind a gateway (agno-agi/agno pull
request 8880), OpenRouter (skye-harris/hass_local_openai_llm pull request 92), proxies
that send an index once (diegosouzapw/OmniRoute pull request 6905), and pieces that
repeat all arguments (lidge-jun/opencodex issue 361); read 2026-11-30.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from turnout.decoding import as_mapping, as_text
from turnout.types import ToolCallDelta
from turnout_openai._forms import object_in

__all__ = ["Calls", "made_id"]

_FUNCTION = "function"
_CUSTOM = "custom"

_FIELDS = frozenset({"id", "index", "type", "name", "arguments", _FUNCTION, _CUSTOM})
"""Fields of a call that are read; the others are kept."""

_SERVER_RUN = frozenset({"mcp"})
"""Types of calls that the service runs itself: Zhipu's, by its SDK zai-sdk 0.2.3."""

_MOST_CHECKS = 8
"""How often it is checked whether a call is whole; each takes as long as the call."""


class Calls:
    """Assigns each increment to its tool call."""

    __slots__ = ("_at", "_calls", "_named", "begun", "items")

    def __init__(self) -> None:
        self.begun = False
        """Whether anything came as a call."""
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}
        """The last one that has a service's index."""
        self._named: dict[str, _Call] = {}
        """The last one that has a service's id."""
        self.items: list[Mapping[str, object]] = []
        """What came as a call, and is not one that the caller can answer."""

    @property
    def any(self) -> bool:
        """Whether there was a call that the caller can answer."""
        return any(call.name for call in self._calls)

    def read(self, call: object) -> ToolCallDelta | None:
        """Return an increment of a call; None if it adds nothing.

        Raises:
            OddEventError: It is not of the protocol.
        """
        self.begun = True
        piece = _Piece(as_mapping(call or {}, "a tool call"))
        if piece.is_item:
            self.items.append(piece.fields)
            return None
        one = self._found(piece)
        if one is None and piece.kind != _FUNCTION and not piece.name:
            self.items.append(piece.fields)
            return None
        if one is None:
            one = self._begun(piece)
        elif one.repeats(piece):
            return None
        elif piece.index is not None:
            self._at[piece.index] = one
        return one.take(piece)

    def read_whole(self, calls: list[object]) -> Iterator[ToolCallDelta]:
        """Yield what the calls of a whole message add, each of which is whole.

        In the last chunk of a stream they are those that came in pieces before.

        Raises:
            OddEventError: One is not of the protocol.
        """
        self.begun = self.begun or bool(calls)
        before = self._calls[:]
        for place, call in enumerate(calls):
            piece = _Piece(as_mapping(call or {}, "a tool call"))
            if piece.is_item:
                self.items.append(piece.fields)
                continue
            one = self._named.get(piece.given) if before else None
            if one is None and place < len(before):
                one = before[place]
            if one is not None and one.name in {"", piece.name}:
                piece.arguments = one.missing(piece.arguments)
            else:
                one = self._begun(piece)
            delta = one.take(piece)
            if delta is not None:
                yield delta

    def complete(self) -> Iterator[ToolCallDelta]:
        """Yield what is known of calls at the end: an empty object, their own form."""
        for call in self._calls:
            if not call.name:
                self.items += [call.item()] if call.arguments else []
            elif call.kind != _FUNCTION:
                yield ToolCallDelta(index=call.index, item=call.item())
            elif call.is_empty and not call.arguments:
                yield ToolCallDelta(index=call.index, arguments="{}")

    @property
    def extras(self) -> dict[str, Mapping[str, object]]:
        """The further fields of the calls that have some, by the calls' ids."""
        return {call.id: call.extra for call in self._calls if call.extra}

    def _found(self, piece: _Piece) -> _Call | None:
        """Return the call that a piece continues; None if it begins another."""
        one = self._named.get(piece.given)
        if one is None and piece.index is not None:
            one = self._at.get(piece.index)
        if one is not None:
            return None if one.is_another(piece) else one
        last = self._calls[-1] if self._calls else None
        if last is None or (piece.given and piece.index is not None):
            return None
        if piece.name:
            continued = piece.index is None and last.goes_on(piece)
        else:
            # Some services send another id with each increment.
            continued = not (piece.given and last.is_whole)
        return last if continued else None

    def _begun(self, piece: _Piece) -> _Call:
        one = _Call(len(self._calls), piece.given)
        if piece.given in self._named:
            one.id = made_id()
        self._calls.append(one)
        if piece.given:
            self._named[piece.given] = one
        self._at[one.index if piece.index is None else piece.index] = one
        return one


class _Piece:
    """An increment of a call, read."""

    __slots__ = (
        "arguments",
        "box",
        "extra",
        "fields",
        "given",
        "index",
        "is_empty",
        "kind",
        "name",
    )

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        kind = fields.get("type")
        self.kind = kind if isinstance(kind, str) and kind else _FUNCTION
        self.box, called = self._called()
        index, given = fields.get("index"), fields.get("id")
        self.index: int | None = index if type(index) is int else None
        # Mistral's default of an id is this word.
        self.given = "" if given in (None, "null") else str(given)
        self.name = as_text(called.get("name") or "", "name")
        arguments = called.get("arguments") or called.get("input")
        self.arguments = _written(arguments)
        self.is_empty = called.get("arguments") == {}
        known = _FIELDS | {self.kind}
        self.extra = {n: v for n, v in fields.items() if v and n not in known}

    def _called(self) -> tuple[str, dict[str, Any]]:
        """Return what is called, and the name of the field that has it."""
        as_mapping(self.fields.get(_FUNCTION) or {}, _FUNCTION)
        for name in (self.kind, _FUNCTION, _CUSTOM):
            called = object_in(self.fields.get(name))
            if any(called.values()):
                if name == _CUSTOM:
                    self.kind = _CUSTOM
                return name, called
        return self.kind, self.fields

    @property
    def is_item(self) -> bool:
        """Whether the service ran it itself."""
        called = object_in(self.fields.get(self.box))
        return self.kind in _SERVER_RUN or "output" in called or "outputs" in called


class _Call:
    """A tool call under way."""

    __slots__ = (
        "_box",
        "_checks",
        "_given_out",
        "_length",
        "_pieces",
        "extra",
        "given",
        "id",
        "index",
        "is_empty",
        "kind",
        "name",
    )

    def __init__(self, index: int, given: str) -> None:
        self.index = index
        self.given = given
        """The service's own id; empty if it gave none."""
        self.id = given or made_id()
        self.name = ""
        self.kind = self._box = _FUNCTION
        self.extra: dict[str, object] = {}
        self.is_empty = False
        """Whether the arguments came as an object that has no fields."""
        self._pieces: list[str] = []
        self._length = 0
        self._checks = 0
        self._given_out = False

    @property
    def arguments(self) -> str:
        """The text so far."""
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are a whole JSON object."""
        self._checks += 1
        return self._checks <= _MOST_CHECKS and _is_object(self.arguments)

    def take(self, piece: _Piece) -> ToolCallDelta | None:
        """Add a piece; return the increment to emit, which begins with the name."""
        name = self._told(piece.name)
        self.extra |= piece.extra
        self.is_empty = self.is_empty or piece.is_empty
        self._pieces.append(piece.arguments)
        self._length += len(piece.arguments)
        if not self._given_out:
            self._describe(piece)
        if not self.name:
            return None
        if self._given_out:
            if name is None and not piece.arguments:
                return None
            return ToolCallDelta(index=self.index, name=name, arguments=piece.arguments)
        self._given_out = True
        return ToolCallDelta(
            index=self.index,
            id=self.id,
            name=self.name,
            arguments=self.arguments,
            kind=None if self.kind == _FUNCTION else self.kind,
        )

    def _describe(self, piece: _Piece) -> None:
        if piece.kind != _FUNCTION:
            self.kind, self._box = piece.kind, piece.box
        if piece.given and not self.given:
            self.id = self.given = piece.given

    def _told(self, name: str) -> str | None:
        """Return the name, once: some services send it again, or in pieces."""
        if not name or name == self.name:
            return None
        self.name = name if name.startswith(self.name) else self.name + name
        return self.name

    def repeats(self, piece: _Piece) -> bool:
        """Return whether a piece has all of the arguments again."""
        text = piece.arguments
        same = len(text) == self._length and text == self.arguments
        return same and _is_object(text)

    def goes_on(self, piece: _Piece) -> bool:
        """Return whether a piece that has the same name continues the arguments."""
        if piece.name != self.name or not self._length:
            return False
        return not piece.arguments.startswith("{") and not self.is_whole

    def is_another(self, piece: _Piece) -> bool:
        """Return whether a piece that has this call's id or index is of another."""
        if not piece.name or not self.name:
            return False
        if piece.given and self.given and piece.given != self.given:
            return not self.goes_on(piece)
        if piece.name != self.name:
            return self._length > 0  # Else it is the next piece of the name.
        if not piece.arguments.startswith("{") or self.repeats(piece):
            return False
        return self.is_whole and _is_object(piece.arguments)

    def missing(self, text: str) -> str:
        """Return what the whole arguments add to those that came."""
        arguments = self.arguments
        return text[len(arguments) :] if text.startswith(arguments) else ""

    def item(self) -> dict[str, object]:
        """Return the call in the service's own form."""
        field = "input" if self._box == _CUSTOM else "arguments"
        called = {"name": self.name, field: self.arguments}
        return {"id": self.id, "type": self.kind, **self.extra, self._box: called}


def _written(arguments: object) -> str:
    """Return arguments as a text; llama.cpp and others send them as an object."""
    if isinstance(arguments, dict | list):
        return json.dumps(arguments, ensure_ascii=False)
    return as_text(arguments or "", "arguments")


def _is_object(text: str) -> bool:
    text = text.strip()
    if text[:1] != "{" or text[-1:] != "}":
        return False
    try:
        return isinstance(cast("object", json.loads(text)), dict)
    except (ValueError, RecursionError):
        return False


def made_id() -> str:
    """Return an id for a call that has none, as each is answered by its id.

    At random, since a conversation may have the calls of many answers. It has the form
    that Mistral wants, which is the strictest.
    """
    import secrets

    return secrets.token_hex(5)[:9]
