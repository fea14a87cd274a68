"""Tools, the choice among them, and fields that the user wrote."""

from __future__ import annotations

from typing import Any

import pytest

from turnout.types import (
    ImagePart,
    Message,
    TextPart,
    Tool,
    ToolCall,
)
from turnout_gemini import Gemini

from ...support.gemini_server import GeminiServer
from .bodies import (
    ANSWERED,
    LOOK,
    calling,
    refusal_of,
    sent,
    user,
)


def test_a_tool_without_parameters_declares_none() -> None:
    assert sent(tools=[Tool(name="f")])["tools"] == [
        {"functionDeclarations": [{"name": "f"}]}
    ]


NATIVE: dict[str, Any] = {
    "functionCallingConfig": {"mode": "ANY"},
    "includeServerSideToolInvocations": True,
}
ALLOWED = {"mode": "required", "tools": [{"type": "function", "name": "look"}]}


@pytest.mark.parametrize(
    ("choice", "strict", "expected"),
    [
        (None, None, None),
        ("auto", None, calling("AUTO")),
        ("none", True, calling("NONE")),
        ("required", True, calling("ANY")),
        ("ANY", None, calling("ANY")),
        ("validated", None, calling("VALIDATED")),
        (None, True, calling("VALIDATED")),
        ("auto", True, calling("VALIDATED")),
        (
            {"type": "function", "function": {"name": "look"}},
            None,
            calling("ANY", "look"),
        ),
        ({"type": "function", "name": "look"}, None, calling("ANY", "look")),
        (
            {"type": "allowed_tools", "allowed_tools": ALLOWED},
            None,
            calling("ANY", "look"),
        ),
        (
            {"type": "allowed_tools", "tools": [{"function": {"name": "look"}}]},
            None,
            calling("VALIDATED", "look"),
        ),
        (NATIVE, None, NATIVE),
        (
            {"function_calling_config": {"mode": "NONE"}},
            True,
            {"function_calling_config": {"mode": "NONE"}},
        ),
    ],
)
def test_the_choice_of_a_tool_is_a_mode(
    choice: Any, strict: bool | None, expected: object
) -> None:
    tool = Tool(name="look", strict=strict)

    assert sent(tools=[tool], tool_choice=choice).get("toolConfig") == expected


@pytest.mark.parametrize(
    "choice",
    [
        "some",
        {},
        {"type": "allowed_tools"},
        {"type": "allowed_tools", "tools": []},
        {"type": "allowed_tools", "tools": [{"type": "web_search"}]},
        {"type": "allowed_tools", "mode": "none", "tools": [{"name": "a"}]},
        {"type": "tool", "name": "look"},
    ],
)
def test_another_choice_is_refused(choice: Any) -> None:
    assert "tool_choice" in refusal_of(tools=[LOOK], tool_choice=choice)


def test_tools_of_the_service_are_sent_as_they_are() -> None:
    search: dict[str, object] = {"googleSearch": {}}

    got = sent(tools=[search, LOOK, {"codeExecution": {}}])

    assert got["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "look",
                    "description": "Look.",
                    "parametersJsonSchema": {"type": "object"},
                }
            ]
        },
        search,
        {"codeExecution": {}},
    ]
    assert sent(tools=[search])["tools"] == [search]


def test_tools_in_extra_are_beside_the_others() -> None:
    got = sent(tools=[Tool(name="f")], extra={"tools": [{"googleSearch": {}}]})

    assert got["tools"] == [
        {"functionDeclarations": [{"name": "f"}]},
        {"googleSearch": {}},
    ]


# Fields that the user wrote.

CACHE = {"cache_control": {"type": "ephemeral"}}


def test_fields_of_a_function_are_sent() -> None:
    response = {"type": "object"}
    tool = {
        "type": "function",
        "function": {"name": "f", "responseJsonSchema": response},
        "behavior": "BLOCKING",
    }

    assert sent(tools=[tool])["tools"][0]["functionDeclarations"] == [
        {"name": "f", "responseJsonSchema": response, "behavior": "BLOCKING"}
    ]


def test_a_system_message_may_have_fields_in_its_parts() -> None:
    parts = (TextPart(text="a", extra={"partMetadata": {"b": 1}}), TextPart(text="c"))

    got = sent(Message(role="system", content=parts), Message(role="user"))

    assert got["systemInstruction"]["parts"] == [
        {"text": "a", "partMetadata": {"b": 1}},
        {"text": "c"},
    ]


def called(**extra: Any) -> Message:
    call = ToolCall(id="c1", name="look", arguments="{}", extra=extra)
    return Message(role="assistant", tool_calls=(call,))


@pytest.mark.parametrize(
    "extra",
    [
        {"thoughtSignature": "eA=="},
        # As Gemini's OpenAI face has it.
        {"extra_content": {"google": {"thought_signature": "eA=="}}},
    ],
)
def test_a_call_may_have_its_signature(extra: dict[str, Any]) -> None:
    got = sent(called(**extra), ANSWERED)

    assert got["contents"][0]["parts"] == [
        {
            "functionCall": {"id": "c1", "name": "look", "args": {}},
            "thoughtSignature": "eA==",
        }
    ]


TEXT = TextPart(text="a", extra=CACHE)
SIGNED = {"google": {"thought_signature": "x"}}


@pytest.mark.parametrize(
    ("message", "place", "field"),
    [
        (Message(role="user", content="a", extra=CACHE), "[1]", "cache_control"),
        (Message(role="system", content="a", extra=CACHE), "[1]", "cache_control"),
        (user(TextPart(text="b"), TEXT), "[1].content[1]", "cache_control"),
        (Message(role="system", content=(TEXT,)), "[1].content[0]", "cache_control"),
        (
            Message(role="tool", tool_call_id="c", name="f", content=(TEXT,)),
            "[1].content[0]",
            "cache_control",
        ),
        (
            Message(
                role="tool",
                tool_call_id="c",
                name="f",
                content=(ImagePart(url="https://a.example/b.png", extra=CACHE),),
            ),
            "[1].content[0]",
            "cache_control",
        ),
        (
            Message(role="assistant", content="a", extra={"reasoning_content": "b"}),
            "[1]",
            "reasoning_content",
        ),
        (called(**CACHE), "[1].tool_calls[0]", "cache_control"),
        (called(extra_content={"other": 1}), "[1].tool_calls[0]", "extra_content"),
        (called(extra_content=7), "[1].tool_calls[0]", "extra_content"),
        (
            called(extra_content={**SIGNED, "other": 1}),
            "[1].tool_calls[0]",
            "extra_content",
        ),
    ],
)
def test_a_field_that_the_protocol_does_not_have_is_refused(
    message: Message, place: str, field: str
) -> None:
    refusal = refusal_of(Message(role="user"), message)

    assert refusal.startswith(f"messages{place} has the field {field!r}, which Gemini")


def test_a_field_of_a_tool_that_the_protocol_does_not_have_is_refused() -> None:
    tool = Tool(name="f", extra=CACHE)

    assert "tools[1] has the field 'cache_control'" in refusal_of(tools=[LOOK, tool])


def test_a_call_that_is_not_of_a_function_is_refused() -> None:
    call = ToolCall(id="c1", name="patch", arguments="x", kind="custom")

    refusal = refusal_of(Message(role="assistant", tool_calls=(call,)))

    assert "calls of the kind 'custom'" in refusal
    assert "'c1'" in refusal


async def test_a_developers_message_is_a_system_message() -> None:
    async with GeminiServer() as server:
        await Gemini(base_url=server.base_url).complete(
            [{"role": "developer", "content": "Be brief."}, "Hi"]
        )

    instruction: Any = server.bodies[0]["systemInstruction"]
    assert instruction == {"parts": [{"text": "Be brief."}]}
