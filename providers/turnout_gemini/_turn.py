"""The parts of an answer that have to be sent back to the service.

A model that thinks signs parts of its answer. If they are not sent back unchanged, it
refuses the next request of the conversation, or loses its thoughts:
"Return the entire response with all parts back to the model in subsequent turns. Don't
concatenate parts with signatures together. Don't merge one part with a signature with
another part without a signature." (Google's page on thinking, read 2026-11-22.)

A message without a state has text and calls alone. So an answer with an image, code
that was run or a server-side tool call is kept too: "The client is expected to echo
this message back to the API." (google-genai 3.6.1, `types.Part.tool_call`.)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from turnout.types import Message, TextPart, ToolCall

__all__ = ["NAME", "SIGNATURE", "Turn", "kept_parts"]

NAME = "gemini"
"""The protocol's name in `Message.state`."""

SIGNATURE = "thoughtSignature"

_PLAIN = frozenset({"functionCall", "text", "thought"})
"""What need not be kept: a message has it without a state, or it is a thought."""


class Turn:
    """Keep the parts of an answer, as they will be sent again."""

    __slots__ = ("_needed", "_parts", "_thoughts", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        """The pieces of a text that is not complete; they become one part."""
        self._thoughts: list[str] = []
        """The pieces of an incomplete thought after the first, which is a part."""
        self._parts: list[dict[str, Any]] = []
        # Whether a part says more than the message's text and calls.
        self._needed = False

    def add(self, part: dict[str, Any]) -> None:
        """Keep a part that is more than a piece of text."""
        self._end_text()
        signed = SIGNATURE in part
        last = self._parts[-1] if self._parts else {}
        if not signed and _is_thought(part) and _is_thought(last):
            self._thoughts.append(part["text"])
            return
        self._end_thought()
        self._needed = self._needed or bool(part.keys() - _PLAIN)
        self._parts.append(part)

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The parts so far."""
        self._end_text()
        self._end_thought()
        return self._parts

    def state(self) -> Mapping[str, object] | None:
        """Return what is kept for the next turn; None if nothing has to be."""
        parts = self.parts
        return {NAME: {"parts": parts}} if self._needed else None

    def _end_thought(self) -> None:
        if self._thoughts:
            last = self._parts[-1]
            text = "".join([last["text"], *self._thoughts])
            self._parts[-1] = {**last, "text": text}
            self._thoughts.clear()

    def _end_text(self) -> None:
        if self.texts:
            self._end_thought()
            self._parts.append({"text": "".join(self.texts)})
            self.texts.clear()


def kept_parts(message: Message) -> list[object] | None:
    """Return the parts that were kept of an answer; None if they are not the message.

    A message whose text, calls or fields were changed is sent as it is now.
    """
    kept = (message.state or {}).get(NAME)
    if not isinstance(kept, Mapping) or not _is_plain(message):
        return None
    given = cast("Mapping[str, object]", kept).get("parts")
    items = cast("list[object]", given) if isinstance(given, list) else [None]
    # A program that stores conversations may return any value.
    if not all(isinstance(item, Mapping) for item in items):
        return None
    parts = cast("list[Mapping[str, object]]", items)
    called = [(call.name, _arguments(call)) for call in message.tool_calls]
    return [*parts] if _said(parts) == (message.text, called) else None


def _is_plain(message: Message) -> bool:
    """Return whether a message has text and calls, without fields of the user's own."""
    if any(call.extra for call in message.tool_calls):
        return False
    content = message.content
    return isinstance(content, str) or not any(
        part.extra or not isinstance(part, TextPart) for part in content
    )


def _said(parts: list[Mapping[str, object]]) -> tuple[str, list[tuple[object, object]]]:
    """Return the parts of an answer that a message has without a state."""
    text = "".join(str(p.get("text", "")) for p in parts if not p.get("thought"))
    found = (p.get("functionCall") for p in parts)
    calls = [cast("Mapping[str, object]", c) for c in found if isinstance(c, Mapping)]
    return text, [(call.get("name"), call.get("args")) for call in calls]


def _arguments(call: ToolCall) -> object:
    try:
        return cast("object", json.loads(call.arguments or "{}"))
    except ValueError:
        return None


def _is_thought(part: Mapping[str, object]) -> bool:
    return set(part) == {"text", "thought"}
