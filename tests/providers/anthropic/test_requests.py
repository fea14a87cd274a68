"""A request's body, without any network. The ids are those of cases.md."""

from __future__ import annotations

from typing import Any

import pytest

from turnout.errors import UnsupportedError
from turnout.types import (
    ChatRequest,
    Conversation,
    FilePart,
    ImagePart,
    Message,
    TextPart,
    Tool,
    ToolCall,
)
from turnout_anthropic._blocks import tool_input
from turnout_anthropic._body import body
from turnout_anthropic._schema import accepted

CALL = ToolCall(id="c1", name="look", arguments='{"at": "it"}')
USE = {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "it"}}


def body_of(conversation: Conversation = "Why?", **options: Any) -> dict[str, Any]:
    return body(ChatRequest.build(conversation, model="m", **options), 64)


def turns_of(*conversation: Message | dict[str, object] | str) -> list[Any]:
    turns: list[Any] = body_of(conversation)["messages"]
    return turns


def blocks_of(*content: TextPart | ImagePart | FilePart) -> list[Any]:
    (turn,) = turns_of(Message(role="user", content=content))
    blocks: list[Any] = turn["content"]
    return blocks


def text(words: str) -> dict[str, object]:
    return {"type": "text", "text": words}


def test_a_question_alone_has_what_every_request_has() -> None:
    assert body_of() == {
        "model": "m",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": [text("Why?")]}],
        "stream": True,
    }


def test_every_option_has_its_field() -> None:
    tool = Tool(name="look", description="Look.", parameters={"type": "object"})
    made = body_of(
        temperature=0, top_p=0.5, stop="end", tools=[tool], tool_choice="required"
    )

    assert made.keys() - body_of().keys() == {
        "temperature",
        "top_p",
        "stop_sequences",
        "tools",
        "tool_choice",
    }
    assert (made["temperature"], made["top_p"]) == (0, 0.5)
    assert made["stop_sequences"] == ["end"]
    assert made["tool_choice"] == {"type": "any"}


def test_extra_is_merged_with_what_is_set() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    made = body_of(
        tools=[Tool(name="f")],
        tool_choice="auto",
        extra={
            "stream": False,
            "thinking": {"type": "adaptive"},
            "tools": [search],
            "tool_choice": {"disable_parallel_tool_use": True},
            "max_tokens": None,
        },
    )

    assert (made["stream"], made["thinking"]) == (False, {"type": "adaptive"})
    assert [tool["name"] for tool in made["tools"]] == ["f", "web_search"]
    assert made["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert "max_tokens" not in made


# Whose turn it is.


def test_system_messages_stand_beside_the_others_wherever_they_were() -> None:
    made = body_of(
        [
            {"role": "system", "content": "Be brief."},
            "Hi",
            {"role": "system", "content": "Be kind."},
            "How are you?",
        ]
    )

    assert made["system"] == "Be brief.\nBe kind."
    assert made["messages"] == [
        {"role": "user", "content": [text("Hi"), text("How are you?")]}
    ]


def test_messages_of_one_side_are_one_turn() -> None:
    image = ImagePart(url="https://example.org/a.png")
    other = ToolCall(id="c2", name="look", arguments="")

    assert turns_of(
        "What",
        "is it?",
        Message(role="assistant", content="I will"),
        Message(role="assistant", content=" look.", tool_calls=(CALL, other)),
        Message(role="tool", tool_call_id="c1", content="a cat"),
        Message(role="tool", tool_call_id="c2", content=(TextPart(text="this"), image)),
        "And now?",
    ) == [
        {"role": "user", "content": [text("What"), text("is it?")]},
        {
            "role": "assistant",
            "content": [
                text("I will"),
                text(" look."),
                USE,
                {"type": "tool_use", "id": "c2", "name": "look", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "a cat"},
                {
                    "type": "tool_result",
                    "tool_use_id": "c2",
                    "content": [
                        text("this"),
                        {
                            "type": "image",
                            "source": {
                                "type": "url",
                                "url": "https://example.org/a.png",
                            },
                        },
                    ],
                },
                text("And now?"),
            ],
        },
    ]


@pytest.mark.parametrize("blank", ["", "\n\n"])
def test_what_is_blank_is_left_out(blank: str) -> None:
    empty = TextPart(text=blank)

    assert turns_of(
        Message(role="user", content=(empty, TextPart(text="a"))),
        Message(role="assistant", content=blank),
        "b",
        Message(role="assistant", content=blank, tool_calls=(CALL,)),
        Message(role="tool", tool_call_id="c1", content=""),
    ) == [
        {"role": "user", "content": [text("a"), text("b")]},
        {"role": "assistant", "content": [USE]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1"}]},
    ]


def test_a_question_without_content_is_left_to_the_service() -> None:
    assert turns_of("") == [{"role": "user", "content": []}]


@pytest.mark.parametrize(
    ("begun", "sent"),
    [
        ("The answer is \n", [text("The answer is")]),
        ("The answer is", [text("The answer is")]),
        (" \n", None),
    ],
)
def test_a_beginning_has_no_white_space_at_its_end(
    begun: str, sent: list[object] | None
) -> None:
    turns = turns_of("Why?", Message(role="assistant", content=begun))

    assert turns[1:] == ([{"role": "assistant", "content": sent}] if sent else [])


def test_a_beginning_in_parts_has_none_either() -> None:
    parts = (TextPart(text="So "), TextPart(text="\n"))

    _, answer = turns_of("Why?", Message(role="assistant", content=parts))

    assert answer["content"] == [text("So")]


def test_a_system_message_that_is_blank_is_none() -> None:
    assert "system" not in body_of([Message(role="system", content=" "), "Why?"])


def test_a_turn_that_ends_in_a_call_stays_as_it_is() -> None:
    (_, answer) = turns_of(
        "Why?", Message(role="assistant", content="So ", tool_calls=(CALL,))
    )

    assert answer["content"] == [text("So "), USE]


# What a message holds.


def test_images_are_sent_by_their_bytes_or_their_address() -> None:
    assert blocks_of(
        ImagePart(data=b"png", media_type="image/png", detail="auto"),
        ImagePart(url="https://example.org/a.png"),
    ) == [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "cG5n"},
        },
        {
            "type": "image",
            "source": {"type": "url", "url": "https://example.org/a.png"},
        },
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param(
            FilePart(data=b"%PDF", media_type="application/pdf", filename="a.pdf"),
            {
                "source": {
                    "type": "base64",
                    "media_type": "application/pdf",
                    "data": "JVBERg==",
                },
                "title": "a.pdf",
            },
            id="pdf",
        ),
        pytest.param(
            FilePart(data="é,1".encode(), media_type="text/csv; charset=utf-8"),
            {"source": {"type": "text", "media_type": "text/plain", "data": "é,1"}},
            id="text",
        ),
        pytest.param(
            FilePart(file_id="file_1"),
            {"source": {"type": "file", "file_id": "file_1"}},
            id="uploaded",
        ),
        pytest.param(
            FilePart(url="https://example.org/a.pdf", filename="a.pdf"),
            {
                "source": {"type": "url", "url": "https://example.org/a.pdf"},
                "title": "a.pdf",
            },
            id="address",
        ),
    ],
)
def test_files_are_documents(part: FilePart, expected: dict[str, object]) -> None:
    assert blocks_of(part) == [{"type": "document", **expected}]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (FilePart(data=b"PK", media_type="application/zip"), "application/zip"),
        (FilePart(data=b"\xff", media_type="text/plain"), "UTF-8"),
    ],
)
def test_other_files_are_refused(part: FilePart, said: str) -> None:
    with pytest.raises(UnsupportedError, match=said):
        blocks_of(part)


def test_how_closely_to_look_cannot_be_said() -> None:
    with pytest.raises(UnsupportedError, match="leave detail out"):
        blocks_of(ImagePart(url="https://example.org/a.png", detail="low"))


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_names_of_those_who_speak_are_refused(role: Any) -> None:
    with pytest.raises(UnsupportedError, match="leave a message's name out"):
        turns_of(Message(role=role, content="a", name="Ann"), "Why?")


def test_the_name_of_what_was_called_is_known_by_the_call() -> None:
    result = Message(role="tool", tool_call_id="c1", content="a", name="look")
    *_, answered = turns_of("Why?", message_of(), result)

    assert answered["content"] == [
        {"type": "tool_result", "tool_use_id": "c1", "content": "a"}
    ]


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_images_and_files_are_those_of_users_and_tools(role: Any) -> None:
    image = ImagePart(url="https://example.org/a.png")
    message = Message(role=role, content=(TextPart(text="a"), image))

    with pytest.raises(UnsupportedError, match=f"of the {role} has an image"):
        body_of([message, "Why?"])


# Tools.


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (Tool(name="f"), {"name": "f", "input_schema": {"type": "object"}}),
        (
            Tool(
                name="f",
                description="F.",
                parameters={"type": "object", "properties": {"a": {"minimum": 1}}},
            ),
            {
                "name": "f",
                "description": "F.",
                "input_schema": {
                    "type": "object",
                    "properties": {"a": {"minimum": 1}},
                },
            },
        ),
        (
            Tool(
                name="f", parameters={"properties": {"a": {"minimum": 1}}}, strict=True
            ),
            {
                "name": "f",
                "input_schema": {
                    "type": "object",
                    "properties": {"a": {"description": "{minimum: 1}"}},
                    "additionalProperties": False,
                },
                "strict": True,
            },
        ),
    ],
)
def test_a_tool_takes_an_object(tool: Tool, expected: dict[str, object]) -> None:
    assert body_of(tools=[tool])["tools"] == [expected]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        (
            {"type": "function", "function": {"name": "f"}},
            {"type": "tool", "name": "f"},
        ),
        ("any", {"type": "any"}),
        ({"type": "function", "name": "f"}, {"type": "tool", "name": "f"}),
        (
            {
                "type": "function",
                "function": {"name": "f"},
                "disable_parallel_tool_use": True,
            },
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        ),
        ({"type": "tool", "name": "f"}, {"type": "tool", "name": "f"}),
        (
            {"type": "auto", "disable_parallel_tool_use": True},
            {"type": "auto", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_a_choice_of_tools_has_the_protocols_form(
    choice: object, expected: object
) -> None:
    assert body_of(tool_choice=choice)["tool_choice"] == expected


@pytest.mark.parametrize(
    "choice", [{"type": "function"}, {"type": "function", "function": "f"}]
)
def test_a_choice_of_no_function_is_refused(choice: object) -> None:
    with pytest.raises(UnsupportedError, match="tool_choice has no function name"):
        body_of(tool_choice=choice)


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="'some'; known: auto, none"):
        body_of(tool_choice="some")


def test_tools_of_the_service_are_sent_as_they_are() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
    own = {"name": "look", "input_schema": {"type": "object"}, "defer_loading": True}

    assert body_of(tools=[search, Tool(name="f"), own])["tools"] == [
        search,
        {"name": "f", "input_schema": {"type": "object"}},
        own,
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"a": [1, null]}', {"a": [1, None]}),
        ("{}", {}),
        ("", {}),
        ('{"a', {"INVALID_JSON": '{"a'}),
        ("[1]", {"INVALID_JSON": "[1]"}),
        ('{"a": NaN}', {"INVALID_JSON": '{"a": NaN}'}),
    ],
)
def test_arguments_are_an_object(arguments: str, expected: object) -> None:
    assert tool_input(arguments) == expected


# What the service wants to see again.

THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
KEPT = [
    THOUGHT,
    text("It"),
    {"type": "redacted_thinking", "data": "x"},
    text(" is."),
    USE,
]


def message_of(
    content: str = "It is.",
    calls: tuple[ToolCall, ...] = (CALL,),
    state: object = KEPT,
) -> Message:
    own = {"content": state}
    return Message(
        role="assistant",
        content=content,
        tool_calls=calls,
        state={"other": 7, "anthropic": own},
    )


def answer_of(message: Message) -> object:
    _, answer, _ = turns_of(
        "Why?", message, Message(role="tool", tool_call_id="c1", content="a")
    )
    return answer["content"]


def test_what_was_kept_is_sent_exactly() -> None:
    assert answer_of(message_of()) == KEPT  # S14


def test_blank_texts_are_not_sent_back() -> None:
    # As models write them themselves; the thoughts beside them go back all the same.
    message = message_of("\n\nIt is.", state=[THOUGHT, text("\n\n"), *KEPT[1:]])

    assert answer_of(message) == KEPT


def test_arguments_may_be_written_otherwise() -> None:
    call = ToolCall(id="c1", name="look", arguments='{"at":"it"}')

    assert answer_of(message_of(calls=(call,))) == KEPT


def test_an_answer_that_was_changed_is_sent_as_it_is_now() -> None:
    other = ToolCall(id="c1", name="look", arguments="{}")

    assert answer_of(message_of("It was.")) == [text("It was."), USE]
    assert answer_of(message_of(calls=(other,))) == [
        text("It is."),
        {**USE, "input": {}},
    ]


@pytest.mark.parametrize(
    "state",
    [7, [], None, [7], [{}], [{"type": 7}], [{"type": "text"}], [*KEPT[:-1], None]],
)
def test_a_state_that_is_not_of_the_protocol_is_passed_over(state: object) -> None:
    assert answer_of(message_of(state=state)) == [text("It is."), USE]


def test_a_state_of_others_is_passed_over() -> None:
    message = Message(
        role="assistant",
        content="It is.",
        tool_calls=(CALL,),
        state={"anthropic": 7, "gemini": {}},
    )

    assert answer_of(message) == [text("It is."), USE]


def test_a_state_is_not_changed_by_what_follows() -> None:
    kept = [{"type": "thinking", "thinking": "hm", "signature": "s"}, text("It is. ")]
    message = message_of("It is. ", (), kept)

    for _ in range(2):
        _, answer = turns_of("Why?", message, Message(role="assistant", content="So "))
        assert answer["content"] == [*kept, text("So")]
        _, answer = turns_of("Why?", message)
        assert answer["content"] == [kept[0], text("It is.")]


def test_ids_of_other_services_are_written_as_this_one_takes_them() -> None:
    names = ("functions.look:0", "functions.look:1", "call_1-a", "é")
    calls = tuple(ToolCall(id=name, name="look", arguments="{}") for name in names)
    results = [Message(role="tool", tool_call_id=name, content="a") for name in names]

    _, answer, answered = turns_of(
        "Why?", Message(role="assistant", tool_calls=calls), *results
    )

    expected = [
        "functions-2e-look-3a-0",
        "functions-2e-look-3a-1",
        "call_1-a",
        "-e9-",
    ]
    assert [block["id"] for block in answer["content"]] == expected
    assert [block["tool_use_id"] for block in answered["content"]] == expected


def test_an_id_that_was_kept_stays_as_the_service_gave_it() -> None:
    call = ToolCall(id="f:0", name="look", arguments='{"at": "it"}')
    use = {**USE, "id": "f:0"}

    _, answer, answered = turns_of(
        "Why?",
        message_of("", (call,), [use]),
        Message(role="tool", tool_call_id="f:0", content="a"),
    )

    assert answer["content"] == [use]
    assert answered["content"][0]["tool_use_id"] == "f:0"


# Answers that are bound to a schema.


def test_a_schema_is_the_format_of_the_output() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}

    assert body_of(response_format=schema)["output_config"] == {
        "format": {
            "type": "json_schema",
            "schema": {**schema, "additionalProperties": False},
        }
    }


def test_an_object_without_a_schema_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="give response_format a schema"):
        body_of(response_format={"type": "json_object"})


def test_a_schema_stands_beside_other_output_config() -> None:
    made = body_of(
        response_format={"type": "object"},
        extra={"output_config": {"effort": "low"}},
    )

    assert made["output_config"] == {
        "effort": "low",
        "format": {
            "type": "json_schema",
            "schema": {"type": "object", "additionalProperties": False},
        },
    }


def test_two_schemas_are_refused() -> None:
    format_: dict[str, object] = {"type": "json_schema", "schema": {"type": "object"}}

    with pytest.raises(UnsupportedError, match="leave one of them out"):
        body_of(
            response_format={"type": "object"},
            extra={"output_config": {"format": format_}},
        )


def test_a_schema_says_what_is_left_open_and_tells_its_limits() -> None:
    limited = {"type": "integer", "minimum": 1, "maximum": 9, "description": "How many"}
    schema: dict[str, object] = {
        "$defs": {"minimum": {"type": "object", "properties": {}}},
        "type": "object",
        "properties": {
            "minLength": {"type": "string", "minLength": 2},
            "many": limited,
            "list": {"type": "array", "items": limited, "minItems": 1},
            "long": {"type": "array", "items": True, "minItems": 2},
            "either": {"anyOf": [{"type": "object"}, {"$ref": "#/$defs/minimum"}]},
            "open": {"type": "object", "additionalProperties": {"type": "string"}},
            "kind": {"const": "a"},
            "one": {
                "oneOf": [{"type": "object"}, {"type": "null"}],
                "discriminator": {"propertyName": "kind"},
            },
            "maybe": {"type": ["object", "null"]},
            "day": {"type": "string", "format": "date"},
            "bytes": {"type": "string", "format": "binary"},
            "odd": {"format": []},
        },
        "required": ["many"],
    }
    told = {"type": "integer", "description": "How many\n\n{minimum: 1, maximum: 9}"}
    shut = {"additionalProperties": False}

    made = accepted(schema)

    assert made == {
        "$defs": {"minimum": {"type": "object", "properties": {}, **shut}},
        "type": "object",
        "properties": {
            "minLength": {"type": "string", "description": "{minLength: 2}"},
            "many": told,
            "list": {"type": "array", "items": told, "minItems": 1},
            "long": {"type": "array", "items": True, "description": "{minItems: 2}"},
            "either": {
                "anyOf": [{"type": "object", **shut}, {"$ref": "#/$defs/minimum"}]
            },
            "open": {"type": "object", "additionalProperties": {"type": "string"}},
            "kind": {"const": "a"},
            "one": {
                "anyOf": [{"type": "object", **shut}, {"type": "null"}],
                "description": "{discriminator: {'propertyName': 'kind'}}",
            },
            "maybe": {"type": ["object", "null"], **shut},
            "day": {"type": "string", "format": "date"},
            "bytes": {"type": "string", "description": "{format: binary}"},
            "odd": {"description": "{format: []}"},
        },
        "required": ["many"],
        **shut,
    }
    assert limited["minimum"] == 1
