"""Messages in every form that people write them in, and back into OpenAI's."""

from __future__ import annotations

from base64 import b64encode
from collections import ChainMap
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, cast

import pytest

from turnout.errors import ArgumentError
from turnout.types import (
    Conversation,
    FilePart,
    ImagePart,
    Message,
    Part,
    Role,
    TextPart,
    Tool,
    ToolCall,
    as_messages,
    message_to_openai,
    tool_to_openai,
)
from turnout.types._openai import as_tools

SECRET_TEXT = "what nobody else may read"

PNG = b"\x89PNG\r\n"
PNG_URL = f"data:image/png;base64,{b64encode(PNG).decode()}"

CALL = ToolCall(id="c1", name="add", arguments='{"a": 1}')
OPENAI_CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "add", "arguments": '{"a": 1}'},
}


def user(content: str | tuple[Part, ...]) -> Message:
    return Message(role="user", content=content)


def conversation(value: object) -> Conversation:
    """Return something as a conversation, whatever the types say of it."""
    return cast("Conversation", value)


def refused(value: object) -> str:
    """Return the message of the error that a conversation is refused with."""
    with pytest.raises(ArgumentError) as caught:
        as_messages(conversation(value))
    return str(caught.value)


class OpenAiRole(StrEnum):
    USER = "user"


@pytest.mark.parametrize(
    ("written", "messages"),
    [
        pytest.param("Hi", [user("Hi")], id="text"),
        pytest.param("", [user("")], id="empty text"),
        pytest.param(user("Hi"), [user("Hi")], id="message"),
        pytest.param({"role": "user", "content": "Hi"}, [user("Hi")], id="mapping"),
        pytest.param(
            ChainMap({"role": "user"}, {"content": "Hi"}),
            [user("Hi")],
            id="other mapping",
        ),
        pytest.param(
            {"role": OpenAiRole.USER, "content": "Hi"}, [user("Hi")], id="StrEnum"
        ),
        pytest.param(["Hi", "there"], [user("Hi"), user("there")], id="texts"),
        pytest.param(("Hi",), [user("Hi")], id="tuple"),
        pytest.param(iter(["Hi"]), [user("Hi")], id="iterator"),
        pytest.param(
            [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
                Message(role="assistant", content="Hello."),
                "And now?",
            ],
            [
                Message(role="system", content="Be brief."),
                user("Hi"),
                Message(role="assistant", content="Hello."),
                user("And now?"),
            ],
            id="mixed",
        ),
        pytest.param(
            {"role": "developer", "content": "Be brief."},
            [Message(role="system", content="Be brief.")],
            id="developer is system",
        ),
        pytest.param(
            {"role": "assistant", "content": None, "tool_calls": [OPENAI_CALL]},
            [Message(role="assistant", tool_calls=(CALL,))],
            id="calls alone",
        ),
        pytest.param(
            {"role": "assistant", "tool_calls": [CALL]},
            [Message(role="assistant", tool_calls=(CALL,))],
            id="calls as values",
        ),
        pytest.param(
            {"role": "tool", "content": "1", "tool_call_id": "c1"},
            [Message(role="tool", content="1", tool_call_id="c1")],
            id="tool",
        ),
        pytest.param(
            {"role": "assistant", "content": "1", "state": {"vendor": [1]}},
            [Message(role="assistant", content="1", state={"vendor": [1]})],
            id="a tool's answer",
        ),
        pytest.param(
            {"role": "user", "content": "Hi", "name": "Ann"},
            [Message(role="user", content="Hi", name="Ann")],
            id="name",
        ),
        pytest.param(
            {
                "role": "assistant",
                "content": "Hello.",
                "refusal": None,
                "annotations": [],
                "audio": None,
                "function_call": None,
                "tool_calls": None,
            },
            [Message(role="assistant", content="Hello.")],
            id="OpenAI's own reply",
        ),
        pytest.param(
            {"role": "user", "content": ["Hi", TextPart(text="!")]},
            [user((TextPart(text="Hi"), TextPart(text="!")))],
            id="parts as texts and values",
        ),
        pytest.param(
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": "http://x/y.png"},
                    {
                        "type": "image_url",
                        "image_url": {"url": PNG_URL, "detail": "low"},
                    },
                    {"type": "file", "file": {"file_id": "f1", "filename": "a.txt"}},
                    {
                        "type": "file",
                        "file": {
                            "file_data": "data:text/plain;charset=utf-8;base64,aGk="
                        },
                    },
                ],
            },
            [
                user(
                    (
                        TextPart(text="What is it?"),
                        ImagePart(url="http://x/y.png"),
                        ImagePart(data=PNG, media_type="image/png", detail="low"),
                        FilePart(file_id="f1", filename="a.txt"),
                        FilePart(data=b"hi", media_type="text/plain;charset=utf-8"),
                    )
                )
            ],
            id="parts as mappings",
        ),
    ],
)
def test_messages_are_read(written: object, messages: list[Message]) -> None:
    assert as_messages(conversation(written)) == tuple(messages)


EMPTY: dict[str, object] = {}
MESSAGES = "a text, a message or a list of messages"
FIELDS = "there are role, content, tool_calls, tool_call_id, name, state"
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;{SECRET_TEXT}"}}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        pytest.param(None, f"messages is a NoneType, not {MESSAGES}", id="none"),
        pytest.param(5, f"messages is a int, not {MESSAGES}", id="number"),
        pytest.param(b"Hi", f"messages is a bytes, not {MESSAGES}", id="bytes"),
        pytest.param(
            bytearray(b"Hi"), f"messages is a bytearray, not {MESSAGES}", id="bytearray"
        ),
        pytest.param({"Hi"}, f"messages is a set, not {MESSAGES}", id="no order"),
        pytest.param([], "there are no messages; give at least one", id="empty"),
        pytest.param(
            ["Hi", 5],
            "messages[1] is a int; a message is a str, a mapping or a Message",
            id="item",
        ),
        pytest.param(
            {"content": SECRET_TEXT},
            "the message has the role None; a role is one of system, user, assistant, "
            "tool",
            id="no role",
        ),
        pytest.param(
            ["Hi", {"role": "usr", "content": SECRET_TEXT}],
            "messages[1] has the role 'usr'; a role is one of system, user, assistant, "
            "tool",
            id="role",
        ),
        pytest.param(
            [{"role": SECRET_TEXT}],
            "messages[0] has the role a str; a role is one of system, user, assistant, "
            "tool",
            id="a text as the role",
        ),
        pytest.param(
            [{"role": [SECRET_TEXT]}],
            "messages[0] has the role a list; a role is one of system, user, "
            "assistant, tool",
            id="unhashable role",
        ),
        pytest.param(
            {"role": "user", "contents": SECRET_TEXT},
            f"the message has the field 'contents', which means nothing; {FIELDS}",
            id="field",
        ),
        pytest.param(
            [{"role": "assistant", "content": "", "audio": {"id": SECRET_TEXT}}],
            f"messages[0] has the field 'audio', which means nothing; {FIELDS}",
            id="a field that is good when empty",
        ),
        pytest.param([{"role": "user"}], "messages[0] lacks 'content'", id="nothing"),
        pytest.param(
            [{"role": "tool", "content": None}],
            "messages[0] lacks 'content'",
            id="no content of a tool",
        ),
        pytest.param(
            [{"role": "user", "content": {"text": SECRET_TEXT}}],
            "messages[0].content is a dict, not a text or parts",
            id="content",
        ),
        pytest.param(
            [{"role": "user", "content": [5]}],
            "messages[0].content[0] is a int, not a mapping",
            id="part",
        ),
        pytest.param(
            [{"role": "user", "content": [{"text": SECRET_TEXT}]}],
            "messages[0].content[0] lacks 'type'",
            id="part without type",
        ),
        pytest.param(
            [{"role": "user", "content": ["Hi", {"type": "audio"}]}],
            "messages[0].content[1] has the type 'audio'; a part is one of text, "
            "image_url, file",
            id="type of a part",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": [SECRET_TEXT]}]}],
            "messages[0].content[0].type is a list, not a str",
            id="unhashable type",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "text"}]}],
            "messages[0].content[0] lacks 'text'",
            id="text part without text",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "text", "text": [SECRET_TEXT]}]}],
            "messages[0].content[0].text is a list, not a str",
            id="text of a part",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "image_url"}]}],
            "messages[0].content[0] lacks 'image_url'",
            id="no image",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "image_url", "image_url": EMPTY}]}],
            "messages[0].content[0].image_url lacks 'url'",
            id="image without address",
        ),
        pytest.param(
            [{"role": "user", "content": [IMAGE]}],
            "messages[0].content[0].image_url.url is no data:<media type>;base64,"
            "<data> address",
            id="data address",
        ),
        pytest.param(
            {
                "role": "user",
                "content": [
                    {"type": "file", "file": {"file_data": "data:a/b;base64,%%"}}
                ],
            },
            "the message.content[0].file.file_data is not valid base64",
            id="base64",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "file", "file": EMPTY}]}],
            "messages[0].content[0].file lacks 'file_id'",
            id="file without anything",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "file"}]}],
            "messages[0].content[0] lacks 'file'",
            id="no file",
        ),
        pytest.param(
            [{"role": "assistant", "tool_calls": OPENAI_CALL}],
            "messages[0].tool_calls is a dict, not a list",
            id="calls",
        ),
        pytest.param(
            [{"role": "assistant", "tool_calls": [SECRET_TEXT]}],
            "messages[0].tool_calls[0] is a str, not a mapping",
            id="call",
        ),
        pytest.param(
            [{"role": "assistant", "tool_calls": [{"id": "c1"}]}],
            "messages[0].tool_calls[0] lacks 'function'",
            id="call without function",
        ),
        pytest.param(
            [
                {
                    "role": "assistant",
                    "tool_calls": [CALL, {**OPENAI_CALL, "id": None}],
                }
            ],
            "messages[0].tool_calls[1] lacks 'id'",
            id="call without id",
        ),
        pytest.param(
            [
                {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": "c",
                            "function": {"name": "f", "arguments": {"x": SECRET_TEXT}},
                        }
                    ],
                }
            ],
            "messages[0].tool_calls[0].function.arguments is a dict, not a str",
            id="arguments",
        ),
        pytest.param(
            [{"role": "tool", "content": "", "tool_call_id": 5}],
            "messages[0].tool_call_id is a int, not a str",
            id="tool_call_id",
        ),
        pytest.param(
            [{"role": "tool", "content": SECRET_TEXT}],
            "messages[0] answers no call; tool_call_id is the id of the call that it "
            "answers",
            id="answer without the call",
        ),
        pytest.param(
            [{"role": "user", "content": SECRET_TEXT, "tool_call_id": "c1"}],
            "messages[0] has a tool_call_id and the role 'user'; only a tool's has one",
            id="tool_call_id of a user",
        ),
        pytest.param(
            [{"role": "user", "content": SECRET_TEXT, "tool_calls": [CALL]}],
            "messages[0] has tool_calls and the role 'user'; only an assistant's has "
            "them",
            id="calls of a user",
        ),
        pytest.param(
            [{"role": "user", "content": "", "name": [SECRET_TEXT]}],
            "messages[0].name is a list, not a str",
            id="name",
        ),
    ],
)
def test_a_message_that_cannot_be_read_is_refused_by_its_place(
    written: object, message: str
) -> None:
    told = refused(written)

    assert told == message
    assert SECRET_TEXT not in told


@pytest.mark.parametrize(
    "url", ["data:image/png;base64", "data:image/png,AAAA", "data:;base64,AAAA"]
)
def test_a_data_address_has_a_type_an_encoding_and_data(url: str) -> None:
    part = {"type": "image_url", "image_url": url}

    assert refused({"role": "user", "content": [part]}).endswith(
        "is no data:<media type>;base64,<data> address"
    )


def test_an_unknown_field_is_refused_though_it_is_empty() -> None:
    told = refused({"role": "user", "content": "", "prefix": None})

    assert told.startswith("the message has the field 'prefix', which means nothing")


def test_a_role_that_may_be_a_prompt_is_not_shown() -> None:
    assert "x" * 19 in refused({"role": "x" * 19})
    assert "x" * 20 not in refused({"role": "x" * 20})


def test_the_first_unknown_field_is_told() -> None:
    fields = {"role": "user", "content": "", "zeta": 1, "alpha": 1}

    assert "'zeta'" in refused(fields)


@pytest.mark.parametrize(
    "role",
    [pytest.param("usr", id="text"), pytest.param(["user"], id="list")],
)
def test_a_message_checks_its_role(role: object) -> None:
    with pytest.raises(ArgumentError, match=r"^a message has the role .* a role is"):
        Message(role=cast("Role", role))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([TextPart(text=SECRET_TEXT)], id="list"),
        pytest.param((SECRET_TEXT,), id="text as part"),
        pytest.param(None, id="none"),
    ],
)
def test_a_message_checks_its_content(content: object) -> None:
    with pytest.raises(ArgumentError, match="a str or a tuple of TextPart") as caught:
        Message(role="user", content=cast("str", content))

    assert SECRET_TEXT not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: ImagePart(),
            "an image has either a url or data, and one of them",
            id="image without anything",
        ),
        pytest.param(
            lambda: ImagePart(url="http://x", data=PNG, media_type="image/png"),
            "an image has either a url or data, and one of them",
            id="image with both",
        ),
        pytest.param(
            lambda: ImagePart(data=PNG),
            "an image given as data needs its media_type",
            id="image without media type",
        ),
        pytest.param(
            lambda: FilePart(),
            "a file has either data or a file_id, and one of them",
            id="file without anything",
        ),
        pytest.param(
            lambda: FilePart(file_id="f", data=b"x", media_type="text/plain"),
            "a file has either data or a file_id, and one of them",
            id="file with both",
        ),
        pytest.param(
            lambda: FilePart(data=b"x"),
            "a file given as data needs its media_type",
            id="file without media type",
        ),
    ],
)
def test_a_part_is_whole_or_refused(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        make()

    assert str(caught.value) == message


def test_a_messages_text_is_that_of_its_parts() -> None:
    message = user(
        (TextPart(text="one "), ImagePart(url="http://x"), TextPart(text="two"))
    )

    assert message.text == "one two"
    assert user("whole").text == "whole"


ROUND_TRIPS: list[Mapping[str, object]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": ""},
    {"role": "user", "content": "Hi", "name": "Ann"},
    {"role": "tool", "content": "1", "tool_call_id": "c1"},
    {"role": "assistant", "content": "", "tool_calls": [OPENAI_CALL]},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": "http://x/y.png"}},
            {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "high"}},
            {"type": "file", "file": {"file_id": "f1"}},
            {"type": "file", "file": {"file_id": "f1", "filename": "a.txt"}},
            {
                "type": "file",
                "file": {"file_data": "data:text/plain;base64,aGk=", "filename": "a"},
            },
        ],
    },
]


@pytest.mark.parametrize("fields", ROUND_TRIPS)
def test_openais_form_is_read_and_written_back(fields: Mapping[str, object]) -> None:
    (message,) = as_messages(fields)

    assert message_to_openai(message) == fields


TOOLS: list[Mapping[str, object]] = [
    {"type": "function", "function": {"name": "now"}},
    {
        "type": "function",
        "function": {
            "name": "add",
            "description": "Adds.",
            "parameters": {"type": "object", "properties": {}},
            "strict": True,
        },
    },
    {"type": "function", "function": {"name": "loose", "strict": False}},
]


def test_tools_are_read_and_written_back() -> None:
    tools = as_tools(TOOLS)

    assert tools[0] == Tool(name="now", description="", parameters=None, strict=None)
    assert tools[1] == Tool(
        name="add",
        description="Adds.",
        parameters={"type": "object", "properties": {}},
        strict=True,
    )
    assert [tool_to_openai(tool) for tool in tools] == TOOLS


def test_tools_may_be_given_as_values_and_by_an_iterator() -> None:
    def given() -> Iterator[Tool]:
        yield Tool(name="now")

    assert as_tools(given()) == (Tool(name="now"),)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        pytest.param(5, "tools is a int, not a list", id="number"),
        pytest.param(TOOLS[0], "tools is a dict, not a list", id="one tool"),
        pytest.param(Tool(name="now"), "tools is a Tool, not a list", id="one value"),
        pytest.param(
            ["now"],
            "tools[0] is a str; a tool is a mapping in OpenAI's form or a Tool",
            id="text",
        ),
        pytest.param(
            [TOOLS[0], {"type": "web_search"}],
            "tools[1] lacks 'function'",
            id="other kind",
        ),
        pytest.param(
            [{"function": {"description": SECRET_TEXT}}],
            "tools[0].function lacks 'name'",
            id="no name",
        ),
        pytest.param(
            [{"function": {"name": "f", "description": [SECRET_TEXT]}}],
            "tools[0].function.description is a list, not a str",
            id="description",
        ),
        pytest.param(
            [{"function": {"name": "f", "parameters": [SECRET_TEXT]}}],
            "tools[0].function.parameters is a list, not a mapping",
            id="parameters",
        ),
        pytest.param(
            [{"function": {"name": "f", "strict": SECRET_TEXT}}],
            "tools[0].function.strict is a str, not a bool",
            id="strict",
        ),
        pytest.param(
            [{"function": {"name": "f", "examples": SECRET_TEXT}}],
            "tools[0].function has the field 'examples', which means nothing; there "
            "are name, description, parameters, strict",
            id="field",
        ),
    ],
)
def test_a_tool_that_cannot_be_read_is_refused_by_its_place(
    written: object, message: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        as_tools(cast("list[Tool]", written))

    assert str(caught.value) == message


def test_a_message_whose_calls_do_not_belong_to_its_role_is_refused() -> None:
    with pytest.raises(
        ArgumentError, match=r"^a message answers no call; tool_call_id"
    ):
        Message(role="tool", content="1")
