"""The bodies of requests."""

from __future__ import annotations

from typing import Any, cast

import pytest

from turnout.errors import ArgumentError, UnsupportedError
from turnout.types import (
    AudioPart,
    ChatRequest,
    Conversation,
    FilePart,
    ImagePart,
    Message,
    TextPart,
    Tool,
    ToolCall,
    VideoPart,
)
from turnout_ollama._body import body

PNG = ImagePart(data=b"png", media_type="image/png")
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"age": {"type": "integer"}},
}
CALL = ToolCall(id="c1", name="look", arguments='{"at": [1, 2.5, null]}')


def made(conversation: Conversation = "Why?", **options: Any) -> dict[str, object]:
    return body(ChatRequest.build(conversation, model="m", **options))


def turns(*messages: Message) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", made(messages)["messages"])


def test_a_question_alone_has_what_every_request_has() -> None:
    assert made() == {
        "model": "m",
        "messages": [{"role": "user", "content": "Why?"}],
        "stream": True,
    }


def test_every_option_has_its_name() -> None:
    asked = made(temperature=0, max_tokens=5, top_p=0.5, stop="end", seed=0)

    assert asked["options"] == {
        "temperature": 0,
        "num_predict": 5,
        "top_p": 0.5,
        "stop": ["end"],
        "seed": 0,
    }


# Extra.


def test_extra_goes_over_what_is_set() -> None:
    extra = {"think": "high", "keep_alive": -1, "stream": False}
    asked = made(extra=extra)

    assert asked.items() >= extra.items()
    assert "options" not in asked


def test_options_in_extra_go_over_the_others_one_by_one() -> None:
    options = {"num_ctx": 8192, "temperature": 1}
    asked = made(temperature=0, seed=7, extra={"options": options})

    assert asked["options"] == {"temperature": 1, "seed": 7, "num_ctx": 8192}


@pytest.mark.parametrize("options", [7, [], "num_ctx"])
def test_options_in_extra_are_a_mapping(options: object) -> None:
    with pytest.raises(ArgumentError, match=r"extra\['options'\] is a "):
        made(extra={"options": options})


def test_a_field_may_be_taken_away() -> None:
    assert "options" not in made(seed=1, extra={"options": None})
    assert made(seed=1, top_p=1, extra={"options": {"seed": None}})["options"] == {
        "top_p": 1
    }


def test_tools_in_extra_are_beside_the_others() -> None:
    own = {"type": "function", "function": {"name": "g"}}
    asked = made(tools=[Tool(name="f")], extra={"tools": [own]})

    first, second = cast("list[Any]", asked["tools"])
    assert first["function"]["name"] == "f"
    assert second == own


# Structured output.


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (SCHEMA, SCHEMA),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
            SCHEMA,
        ),
        ({"type": "json_object"}, "json"),
        ({}, {}),
    ],
)
def test_the_format_is_a_schema_or_a_word(
    wanted: dict[str, object], expected: object
) -> None:
    assert made(response_format=wanted)["format"] == expected


# Tools.


def test_a_tool_has_parameters_though_it_takes_none() -> None:
    tools = [Tool(name="look", description="Look.", parameters=SCHEMA), Tool(name="f")]

    assert made(tools=tools)["tools"] == [
        {
            "type": "function",
            "function": {"name": "look", "description": "Look.", "parameters": SCHEMA},
        },
        {
            "type": "function",
            "function": {
                "name": "f",
                "parameters": {"type": "object", "properties": {}},
            },
        },
    ]


def test_the_model_chooses_among_the_tools_or_is_told_of_none() -> None:
    tools = [Tool(name="f", strict=False)]

    assert "tools" in made(tools=tools, tool_choice="auto")
    assert "tools" not in made(tools=tools, tool_choice="none")


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "f"}}]
)
def test_no_choice_is_made_for_the_model(choice: object) -> None:
    with pytest.raises(UnsupportedError, match="tool_choice"):
        made(tools=[Tool(name="f")], tool_choice=choice)


def test_no_tools_arguments_are_bound() -> None:
    with pytest.raises(UnsupportedError, match="strict"):
        made(tools=[Tool(name="f", strict=True)])


# Messages.


def test_images_stand_beside_the_text_as_base64() -> None:
    parts = (TextPart(text="What"), PNG, TextPart(text=" is it?"), PNG)

    assert turns(Message(role="user", content=parts)) == [
        {"role": "user", "content": "What is it?", "images": ["cG5n", "cG5n"]}
    ]


def test_parts_of_text_have_no_images() -> None:
    parts = (TextPart(text="a"), TextPart(text="b"))

    assert turns(Message(role="user", content=parts)) == [
        {"role": "user", "content": "ab"}
    ]


def test_arguments_are_an_object_and_results_name_their_tool() -> None:
    assert turns(
        Message(role="system", content="Be brief."),
        Message(role="user", content="What?"),
        Message(role="assistant", tool_calls=(CALL,)),
        Message(role="tool", content="a cat", tool_call_id="c1"),
    ) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "c1",
                    "function": {"name": "look", "arguments": {"at": [1, 2.5, None]}},
                }
            ],
        },
        {
            "role": "tool",
            "content": "a cat",
            "tool_name": "look",
            "tool_call_id": "c1",
        },
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("find", {"tool_name": "find"}), (None, {})],
)
def test_the_result_of_an_unknown_call_has_the_name_that_it_was_given(
    name: str | None, expected: dict[str, object]
) -> None:
    result = Message(role="tool", content="4", tool_call_id="c9", name=name)

    assert turns(result) == [
        {"role": "tool", "content": "4", "tool_call_id": "c9", **expected}
    ]


def test_a_result_answers_the_last_call_of_its_id() -> None:
    first = ToolCall(id="c", name="first", arguments="{}")
    second = ToolCall(id="c", name="second", arguments="{}")
    answered = turns(
        Message(role="assistant", tool_calls=(first,)),
        Message(role="tool", content="1", tool_call_id="c"),
        Message(role="assistant", tool_calls=(second,)),
        Message(role="tool", content="2", tool_call_id="c"),
    )

    assert [each.get("tool_name") for each in answered] == [
        None,
        "first",
        None,
        "second",
    ]


def test_no_arguments_are_an_empty_object() -> None:
    call = ToolCall(id="c1", name="f", arguments="")

    assert turns(Message(role="assistant", tool_calls=(call,))) == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {}}}],
        }
    ]


@pytest.mark.parametrize("arguments", ['{"private"', "private", "[]", "7", '{"a":NaN}'])
def test_arguments_that_are_not_an_object_are_refused_unseen(arguments: str) -> None:
    call = ToolCall(id="c1", name="look", arguments=arguments)

    with pytest.raises(UnsupportedError, match="the call 'c1' to 'look'") as caught:
        turns(Message(role="assistant", tool_calls=(call,)))
    assert "private" not in str(caught.value)


def test_thinking_goes_back_to_who_thought() -> None:
    def answered(state: dict[str, object] | None) -> object:
        return turns(Message(role="assistant", content="a", state=state))

    assert answered({"ollama": {"thinking": "hm"}}) == [
        {"role": "assistant", "content": "a", "thinking": "hm"}
    ]
    others: list[dict[str, object] | None] = [
        None,
        {},
        {"anthropic": {"thinking": "x"}},
        {"ollama": "x"},
    ]
    for state in others:
        assert answered(state) == [{"role": "assistant", "content": "a"}]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (Message(role="user", content="a", name="Ann"), "name"),
        (
            Message(role="user", content=(ImagePart(url="https://a/b.png"),)),
            "give it as data",
        ),
        (
            Message(
                role="user",
                content=(ImagePart(data=b"x", media_type="image/png", detail="low"),),
            ),
            "detail",
        ),
        (Message(role="user", content=(FilePart(file_id="f"),)), "FilePart"),
        (
            Message(role="user", content=(AudioPart(data=b"x", media_type="a/b"),)),
            "AudioPart",
        ),
        (Message(role="user", content=(VideoPart(url="https://a/b"),)), "VideoPart"),
    ],
)
def test_what_the_protocol_cannot_express_is_refused(
    message: Message, said: str
) -> None:
    with pytest.raises(UnsupportedError, match=said):
        turns(message)


def test_fields_of_ollamas_own_messages_are_sent() -> None:
    answered = Message(
        role="assistant",
        content="a",
        extra={"thinking": "hm", "images": ["eA=="]},
        state={"ollama": {"thinking": "hm, hm"}},
    )
    result = Message(
        role="tool", content="4", tool_call_id="c", extra={"tool_name": "f"}
    )
    asked = Message(role="user", content=(PNG,), extra={"images": ["eA=="]})

    assert turns(asked, answered, result) == [
        {"role": "user", "content": "", "images": ["cG5n", "eA=="]},
        {"role": "assistant", "content": "a", "thinking": "hm", "images": ["eA=="]},
        {"role": "tool", "content": "4", "tool_call_id": "c", "tool_name": "f"},
    ]


CACHE = {"cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("message", "place", "field"),
    [
        (Message(role="user", content="a", extra=CACHE), "", "cache_control"),
        (Message(role="system", extra={"images": ["x"]}), "", "images"),
        (Message(role="user", extra={"thinking": "x"}), "", "thinking"),
        (
            Message(role="assistant", extra={"reasoning_content": "x"}),
            "",
            "reasoning_content",
        ),
        (
            Message(role="user", content=(PNG, TextPart(text="a", extra=CACHE))),
            ".content[1]",
            "cache_control",
        ),
        (
            Message(
                role="assistant",
                tool_calls=(ToolCall(id="c", name="f", arguments="{}", extra=CACHE),),
            ),
            ".tool_calls[0]",
            "cache_control",
        ),
    ],
)
def test_a_field_that_the_protocol_does_not_have_is_refused(
    message: Message, place: str, field: str
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        turns(Message(role="user", content="Hi"), message)

    told = f"messages[1]{place} has the field {field!r}, which Ollama does not have"
    assert str(caught.value).startswith(told)


def test_a_field_of_a_tool_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"tools\[0\] has the field 'cache_con"):
        made(tools=[Tool(name="f", extra=CACHE)])


def test_an_image_may_leave_how_closely_it_is_looked_at() -> None:
    image = ImagePart(data=b"png", media_type="image/png", detail="auto")

    assert turns(Message(role="user", content=(image,))) == [
        {"role": "user", "content": "", "images": ["cG5n"]}
    ]


def test_a_call_of_another_protocol_is_refused() -> None:
    call = ToolCall(id="call-7", name="run", arguments="{}", kind="shell_call")

    with pytest.raises(UnsupportedError, match=r"call-7.*shell_call"):
        turns(Message(role="assistant", tool_calls=(call,)))
