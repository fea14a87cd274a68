"""Fields that only some services have: they are sent as they are, or refused."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from turnout.testing._contract._asking import Asking, holds
from turnout.testing._contract._setting import QUESTION
from turnout.types import (
    AudioPart,
    Conversation,
    FilePart,
    ImagePart,
    Message,
    NativeTool,
    Part,
    TextPart,
    Tool,
    ToolCall,
    VideoPart,
)

__all__ = ["Fields"]

_EXTRA = {"x_canary": {"deep": "canary extra"}}
_URL = "https://pictures.example/canary"

_TOOL = Tool(name="canary_tool", description="canary words")
_CALL = ToolCall(id="call_canary1", name="canary_tool", arguments="{}")
_NATIVE = NativeTool(
    definition={"type": "canary_native", "canary": {"deep": "canary native"}}
)


class Given(NamedTuple):
    """A request, and what the body has to contain unless the provider refuses it."""

    messages: Conversation
    tools: tuple[Tool | NativeTool, ...]
    sent: tuple[str, ...]
    needs: tuple[str, ...]
    """The fields of `Capabilities` that are needed for it."""


def _message(*parts: Part, **fields: Any) -> Message:
    content = parts or "canary one"
    return Message(role="user", content=content, **fields)


def _answered(call: ToolCall, **fields: Any) -> list[Message]:
    """Return a conversation in which a call is answered."""
    result = Message(role="tool", content="canary result", tool_call_id=call.id)
    calling = Message(role="assistant", tool_calls=(call,), **fields)
    return [_message(), calling, result]


_WITH_EXTRA = ToolCall(
    id="call_canary1", name="canary_tool", arguments="{}", extra=_EXTRA
)
_NATIVE_CALL = ToolCall(
    id="call_canary1",
    name="canary_native",
    arguments="canary input",
    kind="canary_call",
    item={"type": "canary_call", "call_id": "call_canary1", "input": "canary input"},
)
_SENT = ("canary extra",)
_TEXT = TextPart(text="canary one", extra=_EXTRA)
_IMAGE = ImagePart(url=_URL, extra=_EXTRA)
_TOOLS = ("tools", "history")

_GIVEN: dict[str, Given] = {
    "field of a message": Given(_message(extra=_EXTRA), (), _SENT, ("extra_fields",)),
    "field of an answer": Given(
        [
            _message(),
            Message(role="assistant", content="canary two", extra=_EXTRA),
            _message(),
        ],
        (),
        _SENT,
        ("extra_fields", "history"),
    ),
    "field of a text": Given(_message(_TEXT), (), _SENT, ("extra_fields",)),
    "field of an image": Given(
        _message(_IMAGE), (), (*_SENT, _URL), ("extra_fields", "images")
    ),
    "field of a tool": Given(
        QUESTION,
        (Tool(name="canary_tool", description="canary words", extra=_EXTRA),),
        (*_SENT, "canary_tool"),
        ("extra_fields", "tools"),
    ),
    "field of a call": Given(
        _answered(_WITH_EXTRA), (_TOOL,), _SENT, ("extra_fields", *_TOOLS)
    ),
    "native tool": Given(
        QUESTION, (_NATIVE,), ("canary native",), ("native_tools", "tools")
    ),
    "native tool beside a function": Given(
        QUESTION,
        (_TOOL, _NATIVE),
        ("canary native", "canary_tool", "canary words"),
        ("native_tools", "tools"),
    ),
    "call that is not of a function": Given(
        _answered(_NATIVE_CALL),
        (),
        ("canary input", "canary result"),
        ("native_tools", *_TOOLS),
    ),
    "image by its URL": Given(_message(ImagePart(url=_URL)), (), (_URL,), ("images",)),
    "sound by its URL": Given(_message(AudioPart(url=_URL)), (), (_URL,), ("audio",)),
    "video by its URL": Given(_message(VideoPart(url=_URL)), (), (_URL,), ("video",)),
    "file by its URL": Given(_message(FilePart(url=_URL)), (), (_URL,), ("files",)),
    "file by its id": Given(
        _message(FilePart(file_id="file-canary")), (), ("file-canary",), ("files",)
    ),
}


class Fields(Asking):
    """Nothing is dropped silently."""

    @pytest.mark.parametrize("name", _GIVEN)
    def test_what_not_every_service_has_is_sent_or_refused(self, name: str) -> None:
        messages, tools, wanted, needs = _GIVEN[name]
        options = {"tools": tools} if tools else {}
        for need in needs:
            if not self.claims(need):
                self._is_refused(messages, **options)
                return

        body = self._sent_unless_refused(messages, **options)

        for value in wanted if body is not None else ():
            assert holds(body, value), (
                f"{value!r} of a {name} is dropped; send it, or raise UnsupportedError"
            )
