"""Messages in every form that people write them in, and back into OpenAI's."""

from __future__ import annotations

from base64 import b64encode
from collections import ChainMap
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, cast

import pytest

from turnout.errors import ArgumentError, UnsupportedError
from turnout.types import (
    AudioPart,
    Conversation,
    FilePart,
    ImagePart,
    Message,
    NativeTool,
    Part,
    Role,
    TextPart,
    Tool,
    ToolCall,
    VideoPart,
    as_messages,
    message_to_openai,
    tool_to_openai,
)
from turnout.types._openai import as_tools

SECRET_TEXT = "what nobody else may read"

PNG = b"\x89PNG\r\n"
PNG_URL = f"data:image/png;base64,{b64encode(PNG).decode()}"

CALL = ToolCall(id="c1", name="add", arguments='{"a": 1}')
EMPTY: dict[str, object] = {}
CUSTOM_CALL = {
    "id": "c2",
    "type": "custom",
    "custom": {"name": "run", "input": "ls -l"},
}
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
            [Message(role="system", content="Be brief.", developer=True)],
            id="developer",
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
            id="state",
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
            {
                "role": "assistant",
                "content": "Hello.",
                "reasoning_content": "Hm.",
                "annotations": [{"type": "url_citation"}],
                "prefix": True,
                "x_vendor": {"a": None},
            },
            [
                Message(
                    role="assistant",
                    content="Hello.",
                    extra={
                        "reasoning_content": "Hm.",
                        "annotations": [{"type": "url_citation"}],
                        "prefix": True,
                        "x_vendor": {"a": None},
                    },
                )
            ],
            id="fields of other libraries",
        ),
        pytest.param(
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        **OPENAI_CALL,
                        "index": 0,
                        "extra_content": {"google": 1},
                        "function": {"name": "f", "arguments": "", "thoughts": 1},
                    }
                ],
            },
            [
                Message(
                    role="assistant",
                    tool_calls=(
                        ToolCall(
                            id="c1",
                            name="f",
                            arguments="",
                            extra={
                                "extra_content": {"google": 1},
                                "function": {"thoughts": 1},
                            },
                        ),
                    ),
                )
            ],
            id="fields of a call",
        ),
        pytest.param(
            {"role": "assistant", "tool_calls": [CUSTOM_CALL]},
            [
                Message(
                    role="assistant",
                    tool_calls=(
                        ToolCall(
                            id="c2",
                            name="run",
                            arguments="ls -l",
                            kind="custom",
                            item=CUSTOM_CALL,
                        ),
                    ),
                )
            ],
            id="a call that is not of a function",
        ),
        pytest.param(
            {
                "role": "assistant",
                "tool_calls": [{"id": "c3", "type": "shell_call", "shell_call": EMPTY}],
            },
            [
                Message(
                    role="assistant",
                    tool_calls=(
                        ToolCall(
                            id="c3",
                            name="shell_call",
                            arguments="",
                            kind="shell_call",
                            item={
                                "id": "c3",
                                "type": "shell_call",
                                "shell_call": EMPTY,
                            },
                        ),
                    ),
                )
            ],
            id="a call without a name",
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


MESSAGES = "a text, a message or a list of messages"
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
        pytest.param([], "messages is empty; give at least one message", id="empty"),
        pytest.param(
            ["Hi", 5],
            "messages[1] is a int; use a str, a mapping or a Message",
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
            "the message has the unknown field 'contents'; did you mean 'content'?",
            id="misspelled field",
        ),
        pytest.param(
            [{"role": "user", "content": "", 5: SECRET_TEXT}],
            "messages[0] has a field whose name is a int, not a str",
            id="name of a field",
        ),
        pytest.param(
            [{"role": "user", "content": [{"type": "text", "text": "", "txt": 1}]}],
            "messages[0].content[0] has the unknown field 'txt'; did you mean 'text'?",
            id="misspelled field of a part",
        ),
        pytest.param(
            {"role": "assistant", "tool_calls": [{**OPENAI_CALL, "functions": 1}]},
            "the message.tool_calls[0] has the unknown field 'functions'; did you mean "
            "'function'?",
            id="misspelled field of a call",
        ),
        pytest.param(
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "u", "detials": 1}}
                ],
            },
            "the message.content[0].image_url has the unknown field 'detials'; did you "
            "mean 'detail'?",
            id="misspelled field within a part",
        ),
        pytest.param(
            [{"role": "assistant", "tool_calls": [{"type": "custom", "id": "c"}]}],
            "messages[0].tool_calls[0] lacks 'custom'",
            id="custom call without its input",
        ),
        pytest.param(
            {"role": "assistant", "tool_calls": [{"type": 5, "id": "c"}]},
            "the message.tool_calls[0].type is a int, not a str",
            id="type of a call",
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
            "messages[0].content[1] has the unknown type 'audio'; known: text, "
            "image_url, input_audio, audio_url, video_url, file",
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
            "messages[0].content[0].image_url.url is not a data:<media type>;base64,"
            "<data> URL",
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
            {
                "role": "user",
                "content": [
                    {"type": "input_audio", "input_audio": {"data": "%", "format": "a"}}
                ],
            },
            "the message.content[0].input_audio.data is not valid base64",
            id="base64 of a sound",
        ),
        pytest.param(
            {
                "role": "user",
                "content": [{"type": "input_audio", "input_audio": {"data": "aGk="}}],
            },
            "the message.content[0].input_audio lacks 'format'",
            id="sound without a format",
        ),
        pytest.param(
            {"role": "user", "content": [{"type": "audio_url", "audio_url": EMPTY}]},
            "the message.content[0].audio_url lacks 'url'",
            id="sound without URL",
        ),
        pytest.param(
            {"role": "user", "content": [{"type": "video_url"}]},
            "the message.content[0] lacks 'video_url'",
            id="no video",
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
            "messages[0] has the role 'tool' and no tool_call_id; set it to the id of "
            "the call that the message answers",
            id="answer without the call",
        ),
        pytest.param(
            [{"role": "user", "content": SECRET_TEXT, "tool_call_id": "c1"}],
            "messages[0] has a tool_call_id and the role 'user'; it needs the role "
            "'tool'",
            id="tool_call_id of a user",
        ),
        pytest.param(
            [{"role": "user", "content": SECRET_TEXT, "tool_calls": [CALL]}],
            "messages[0] has tool_calls and the role 'user'; they need the role "
            "'assistant'",
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
@pytest.mark.parametrize("kind", ["image_url", "audio_url", "video_url"])
def test_a_data_url_has_a_type_an_encoding_and_data(kind: str, url: str) -> None:
    part = {"type": kind, kind: url}

    assert refused({"role": "user", "content": [part]}).endswith(
        "is not a data:<media type>;base64,<data> URL"
    )


@pytest.mark.parametrize("empty", [None, []])
def test_an_unknown_field_that_is_empty_is_left_out(empty: object) -> None:
    (message,) = as_messages({"role": "user", "content": "", "x_vendor": empty})

    assert message.extra is None


def test_a_role_that_may_be_a_prompt_is_not_shown() -> None:
    assert "x" * 19 in refused({"role": "x" * 19})
    assert "x" * 20 not in refused({"role": "x" * 20})


@pytest.mark.parametrize("name", ["prefix", "tool_name", "annotations", "status"])
def test_a_field_that_services_have_is_no_misspelling(name: str) -> None:
    (message,) = as_messages({"role": "assistant", "content": "", name: "x"})

    assert message.extra == {name: "x"}


def test_a_developer_message_is_a_system_message() -> None:
    with pytest.raises(ArgumentError, match="only a system message can have it"):
        Message(role="user", content="Hi", developer=True)


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
            "an image needs exactly one of url, data",
            id="image without anything",
        ),
        pytest.param(
            lambda: ImagePart(url="http://x", data=PNG, media_type="image/png"),
            "an image needs exactly one of url, data",
            id="image with both",
        ),
        pytest.param(
            lambda: ImagePart(data=PNG),
            "an image given as data needs its media_type",
            id="image without media type",
        ),
        pytest.param(
            lambda: AudioPart(),
            "a sound needs exactly one of url, data",
            id="sound without anything",
        ),
        pytest.param(
            lambda: AudioPart(data=b"x"),
            "a sound given as data needs its media_type",
            id="sound without media type",
        ),
        pytest.param(
            lambda: VideoPart(url="http://x", data=b"x", media_type="video/mp4"),
            "a video needs exactly one of url, data",
            id="video with both",
        ),
        pytest.param(
            lambda: VideoPart(data=b"x"),
            "a video given as data needs its media_type",
            id="video without media type",
        ),
        pytest.param(
            lambda: FilePart(),
            "a file needs exactly one of file_id, url, data",
            id="file without anything",
        ),
        pytest.param(
            lambda: FilePart(file_id="f", data=b"x", media_type="text/plain"),
            "a file needs exactly one of file_id, url, data",
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
            {"type": "file", "file": {"file_data": "https://x/a.pdf"}},
            {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
            {"type": "audio_url", "audio_url": {"url": "https://x/a.mp3"}},
            {"type": "video_url", "video_url": {"url": "https://x/a.mp4"}},
            {
                "type": "video_url",
                "video_url": {"url": "data:video/mp4;base64,aGk="},
            },
        ],
    },
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
            {
                "type": "image_url",
                "image_url": {"url": "http://x", "format": "webp"},
                "cache_control": {"type": "ephemeral"},
            },
            {
                "type": "input_audio",
                "input_audio": {"data": "aGk=", "format": "mp3", "rate": 8000},
            },
            {"type": "video_url", "video_url": {"url": "http://x"}, "fps": 2},
            {"type": "audio_url", "audio_url": {"url": "http://x"}, "fps": 2},
            {"type": "file", "file": {"file_id": "f1", "format": "pdf"}},
        ],
    },
    {"role": "assistant", "content": "x", "prefix": True, "reasoning": "Hm."},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                **OPENAI_CALL,
                "extra_content": {"a": 1},
                "function": {"name": "add", "arguments": "{}", "b": 1},
            },
            CUSTOM_CALL,
        ],
    },
]


@pytest.mark.parametrize("fields", ROUND_TRIPS)
def test_openais_form_is_read_and_written_back(fields: Mapping[str, object]) -> None:
    (message,) = as_messages(fields)

    assert message_to_openai(message) == fields


def test_sounds_have_the_names_that_openai_gives_their_formats() -> None:
    def written(media_type: str) -> object:
        part = AudioPart(data=b"hi", media_type=media_type)
        (fields,) = cast("Any", message_to_openai(user((part,)))["content"])
        return fields["input_audio"]["format"]

    assert [written(f"audio/{t}") for t in ("wav", "x-wav", "mpeg", "MP3", "flac")] == [
        "wav",
        "wav",
        "mp3",
        "mp3",
        "flac",
    ]
    assert written("audio/ogg;codecs=opus") == "ogg"


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("audio_url", AudioPart(data=b"hi", media_type="audio/wav")),
        ("video_url", VideoPart(data=b"hi", media_type="video/mp4")),
    ],
)
def test_bytes_in_a_url_are_read(kind: str, part: Part) -> None:
    media_type = cast("AudioPart | VideoPart", part).media_type
    fields = {"type": kind, kind: f"data:{media_type};base64,aGk="}

    assert as_messages({"role": "user", "content": [fields]})[0].content == (part,)


def test_a_sound_may_have_a_whole_media_type() -> None:
    sound = {"data": "aGk=", "format": "audio/x-wav"}
    written = {
        "role": "user",
        "content": [{"type": "input_audio", "input_audio": sound}],
    }

    assert as_messages(written)[0].content == (
        AudioPart(data=b"hi", media_type="audio/x-wav"),
    )


def test_a_call_without_its_item_is_written_in_the_form_of_custom_calls() -> None:
    call = ToolCall(id="c2", name="run", arguments="ls -l", kind="custom")
    message = Message(role="assistant", tool_calls=(call,))

    assert message_to_openai(message)["tool_calls"] == [CUSTOM_CALL]


@pytest.mark.parametrize(
    ("arguments", "kind", "valid"),
    [
        ('{"a": 1}', "function", True),
        ("", "function", True),
        (" {} ", "function", True),
        ("{", "function", False),
        ('{"a": 1}}', "function", False),
        ("[1]", "function", False),
        ("null", "function", False),
        ("NaN", "function", False),
        ('{"a": NaN}', "function", False),
        ('{"a": -Infinity}', "function", False),
        ("ls -l", "function", False),
        ("[" * 100_000, "function", False),
        ("1" * 5000, "function", False),
        ("ls -l", "custom", True),
    ],
)
def test_a_call_says_whether_its_arguments_are_valid(
    arguments: str, kind: str, valid: bool
) -> None:
    call = ToolCall(id="c", name="f", arguments=arguments, kind=kind)

    assert call.has_valid_arguments is valid


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
    {"type": "web_search", "filters": {"allowed_domains": ["x"]}},
    {"googleSearch": {}},
    {"type": "custom", "custom": {"name": "run"}},
    {
        "type": "function",
        "function": {"name": "cached", "examples": ["x"]},
        "cache_control": {"type": "ephemeral"},
    },
]

NATIVE_TOOLS = TOOLS[3:6]


def test_tools_are_read_and_written_back() -> None:
    tools = as_tools(TOOLS)

    assert tools[0] == Tool(name="now", description="", parameters=None, strict=None)
    assert tools[1] == Tool(
        name="add",
        description="Adds.",
        parameters={"type": "object", "properties": {}},
        strict=True,
    )
    assert tools[3:6] == tuple(NativeTool(definition=tool) for tool in NATIVE_TOOLS)
    assert [tool_to_openai(tool) for tool in tools] == TOOLS


@pytest.mark.parametrize(
    "written",
    [
        {"name": "now", "description": "Tells.", "cache_control": {"type": "a"}},
        {
            "type": "function",
            "name": "now",
            "description": "Tells.",
            "cache_control": {"type": "a"},
        },
    ],
)
def test_a_function_of_responses_is_one_if_its_type_says_so(
    written: Mapping[str, object],
) -> None:
    if "type" not in written:
        assert as_tools([written]) == (NativeTool(definition=written),)
        return
    assert as_tools([written]) == (
        Tool(name="now", description="Tells.", extra={"cache_control": {"type": "a"}}),
    )


def test_tools_may_be_given_as_values_and_by_an_iterator() -> None:
    native = NativeTool(definition={"type": "web_search"})

    def given() -> Iterator[Tool | NativeTool]:
        yield Tool(name="now")
        yield native

    assert as_tools(given()) == (Tool(name="now"), native)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        pytest.param(5, "tools is a int, not a list", id="number"),
        pytest.param(TOOLS[0], "tools is a dict, not a list", id="one tool"),
        pytest.param(Tool(name="now"), "tools is a Tool, not a list", id="one value"),
        pytest.param(
            ["now"],
            "tools[0] is a str; use a Tool, a NativeTool or a mapping in "
            "OpenAI's form or the service's own",
            id="text",
        ),
        pytest.param(
            [TOOLS[0], EMPTY],
            "tools[1] lacks 'function'",
            id="nothing",
        ),
        pytest.param(
            [{"type": "function"}], "tools[0] lacks 'function'", id="no function"
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
            [{"function": {"name": "f", "parameter": SECRET_TEXT}}],
            "tools[0].function has the unknown field 'parameter'; did you mean "
            "'parameters'?",
            id="misspelled field",
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
        ArgumentError, match=r"^a message has the role 'tool' and no tool_call_id; set"
    ):
        Message(role="tool", content="1")


def test_a_custom_call_of_responses_is_written_as_one_of_chat() -> None:
    item = {
        "type": "custom_tool_call",
        "call_id": "c2",
        "name": "run",
        "input": "ls -l",
    }
    call = ToolCall(
        id="c2", name="run", arguments="ls -l", kind="custom_tool_call", item=item
    )
    message = Message(role="assistant", tool_calls=(call,))

    assert message_to_openai(message)["tool_calls"] == [CUSTOM_CALL]


def test_a_call_that_chat_does_not_have_is_refused_by_its_id() -> None:
    item = {"type": "shell_call", "call_id": "call-7"}
    call = ToolCall(
        id="call-7", name="shell", arguments="{}", kind="shell_call", item=item
    )

    with pytest.raises(UnsupportedError, match=r"call-7.*shell_call"):
        message_to_openai(Message(role="assistant", tool_calls=(call,)))
