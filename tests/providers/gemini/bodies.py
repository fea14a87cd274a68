"""Bodies of requests, and what they are made from."""

from __future__ import annotations

from typing import Any

import pytest

from turnout.errors import UnsupportedError
from turnout.types import ChatRequest, ImagePart, Message, Tool, ToolCall
from turnout_gemini._body import body

FILES = "https://generativelanguage.googleapis.com/v1beta/files"
CALL = ToolCall(id="c1", name="look", arguments='{"at": "x"}')
ASKED = Message(role="assistant", tool_calls=(CALL,))
ANSWERED = Message(role="tool", tool_call_id="c1", content="4")
PNG = ImagePart(data=b"\x89PNG", media_type="image/png")
LOOK = Tool(name="look", description="Look.", parameters={"type": "object"})


def sent(*messages: Message, **options: Any) -> dict[str, Any]:
    """Return the body of a request."""
    request = ChatRequest.build(messages or "Hi", **options)
    return body(request, include_thoughts=False)


def refusal_of(*messages: Message, **options: Any) -> str:
    with pytest.raises(UnsupportedError) as caught:
        sent(*messages, **options)
    return str(caught.value)


def user(*parts: Any) -> Message:
    return Message(role="user", content=parts)


def calling(mode: str, *names: str) -> dict[str, Any]:
    config: dict[str, Any] = {"mode": mode}
    return {
        "functionCallingConfig": config
        | ({"allowedFunctionNames": [*names]} if names else {})
    }
