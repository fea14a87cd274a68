"""The options of a request: all of them are sent, or the request is refused."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import unquote

import pytest

from turnout.testing._contract._asking import Asking, holds
from turnout.testing._contract._limits import run
from turnout.testing._contract._setting import QUESTION
from turnout.testing._fault_server import FaultServer
from turnout.testing._wire import WireAnswer
from turnout.types import (
    AudioPart,
    Conversation,
    FilePart,
    ImagePart,
    Message,
    Part,
    Reply,
    TextPart,
    Tool,
    ToolCall,
    VideoPart,
)

__all__ = ["Features", "answered"]

_PNG = b"\x89PNG\r\n\x1a\ncanary"
_PDF = b"%PDF-1.4\ncanary"
_WAV = b"RIFF\x2a\x00\x00\x00WAVEfmt canary"
_MP4 = b"\x00\x00\x00\x18ftypmp42canary"


class Feature(NamedTuple):
    """A request that needs a field of `Capabilities`, and what has to be sent."""

    messages: Conversation
    options: Mapping[str, Any]
    sent: tuple[object, ...]
    """Values in the body; a text within a text counts."""


def _asking(*sent: object, **options: Any) -> Feature:
    return Feature(QUESTION, options, sent)


def _part(part: Part, data: bytes) -> Feature:
    question = Message(role="user", content=(TextPart(text="canary one"), part))
    return Feature(question, {}, ("canary one", b64encode(data).decode()))


_SCHEMA = {
    "type": "object",
    "properties": {"canary_field": {"type": "string"}},
    "required": ["canary_field"],
    "additionalProperties": False,
}

_FEATURES: dict[str, Feature] = {
    "history": Feature(
        [
            {"role": "user", "content": "canary one"},
            {"role": "assistant", "content": "canary two"},
            {"role": "user", "content": "canary three"},
        ],
        {},
        ("canary one", "canary two", "canary three"),
    ),
    "system": Feature(
        [
            {"role": "system", "content": "canary zero"},
            {"role": "user", "content": "canary one"},
        ],
        {},
        ("canary zero", "canary one"),
    ),
    "temperature": _asking(0.25, temperature=0.25),
    "max_tokens": _asking(4711, max_tokens=4711),
    "top_p": _asking(0.75, top_p=0.75),
    "stop": _asking("canary stop", stop=["canary stop"]),
    "seed": _asking(815, seed=815),
    "tools": Feature(
        [
            {"role": "user", "content": "canary one"},
            Message(
                role="assistant",
                tool_calls=(
                    ToolCall(
                        id="call_canary1", name="canary_tool", arguments='{"a":"b c"}'
                    ),
                ),
            ),
            {"role": "tool", "tool_call_id": "call_canary1", "content": "canary two"},
        ],
        {
            "tools": [
                Tool(
                    name="canary_tool",
                    description="canary words",
                    parameters={
                        "type": "object",
                        "properties": {"canary_field": {"type": "string"}},
                    },
                )
            ]
        },
        ("canary_tool", "canary words", "canary_field", "b c", "canary two"),
    ),
    "images": _part(ImagePart(data=_PNG, media_type="image/png"), _PNG),
    "audio": _part(AudioPart(data=_WAV, media_type="audio/wav"), _WAV),
    "video": _part(VideoPart(data=_MP4, media_type="video/mp4"), _MP4),
    "files": _part(
        FilePart(data=_PDF, media_type="application/pdf", filename="canary.pdf"), _PDF
    ),
    "response_format": _asking("canary_field", response_format=_SCHEMA),
}
"""By the field of `Capabilities`."""


class Features(Asking):
    """Each feature is sent if the provider claims it, and refused otherwise."""

    def parameters(self) -> dict[str, dict[str, object]]:
        """Return the features too."""
        return {**super().parameters(), "feature": {name: name for name in _FEATURES}}

    def test_a_feature_is_sent_or_refused(self, feature: str) -> None:
        messages, options, wanted = _FEATURES[feature]

        if self.claims(feature):
            body = self._sent(messages, **options).json()
            for value in wanted:
                assert holds(body, value), f"{value!r} is not in the body"
        else:
            self._is_refused(messages, **options)

    @pytest.mark.parametrize("name", ["temperature", "seed"])
    def test_a_zero_is_sent_too(self, name: str) -> None:
        self.needs(name)

        zero = self._sent_unless_refused(QUESTION, **{name: 0})

        assert zero != self._sent(QUESTION).json(), (
            f"{name}=0 is dropped; send it unless it is None"
        )

    @pytest.mark.parametrize("choice", ["none", "required", "one"])
    def test_a_choice_among_tools_is_sent_or_refused(self, choice: str) -> None:
        self.needs("tools")
        tools = _FEATURES["tools"].options
        one = {"type": "function", "function": {"name": "canary_tool"}}
        chosen = one if choice == "one" else choice

        bound = self._sent_unless_refused(QUESTION, tool_choice=chosen, **tools)

        assert bound != self._sent(QUESTION, **tools).json(), (
            f"tool_choice={chosen!r} is dropped; send it, or raise UnsupportedError"
        )

    def test_the_question_is_sent_as_it_is(self) -> None:
        assert holds(self._sent(QUESTION).json(), QUESTION)

    def test_the_model_is_named(self) -> None:
        sent = self._sent(QUESTION)

        named = self.model_name in unquote(sent.target)
        assert named or holds(sent.json(), self.model_name)

    def test_what_only_the_service_knows_is_in_the_body(self) -> None:
        extra = {"x_canary": {"deep": "canary extra"}}

        body = cast("Mapping[str, object]", self._sent(QUESTION, extra=extra).json())

        assert body.get("x_canary") == extra["x_canary"], (
            "`extra` is not in the body; write it with request.merged(fields)"
        )

    def test_an_answer_can_be_answered(self, answer: WireAnswer) -> None:
        self.needs("history")

        async def main() -> None:
            async with FaultServer(self.whole(answer)) as server:
                async with self.at(server) as provider:
                    reply = await self.ask(provider, **answer.request)
                    messages = answered(reply)
                    asked = self.asked(**answer.request)
                    again = await provider.complete(messages, **asked)

            body = server.http_requests[1].json()
            # The ids distinguish the results of two calls.
            ids = [call.id for call in reply.tool_calls]
            assert all(ids)
            assert len(set(ids)) == len(ids)
            assert again.text == reply.text
            assert holds(body, reply.text) or not reply.text
            for call in reply.tool_calls:
                assert holds(body, call.name)
            for value in answer.sent_back:
                assert holds(body, value), (
                    f"{value!r} is not sent back; keep it in Finish.state, and send "
                    "Message.state"
                )

        run(main())


def answered(reply: Reply) -> list[Message]:
    """Return a conversation that continues after an answer."""
    results = [
        Message(role="tool", content="canary result", tool_call_id=call.id)
        for call in reply.tool_calls
    ]
    return [
        Message(role="user", content=QUESTION),
        reply.to_message(),
        *(results or [Message(role="user", content="And then?")]),
    ]
