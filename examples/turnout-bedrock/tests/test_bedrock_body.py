"""What is sent of a request."""

from typing import Any

import pytest

from turnout import (
    AudioPart,
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    TextPart,
    ToolCall,
    UnsupportedError,
)
from turnout_bedrock._body import body, path

CALL = ToolCall(id="t1", name="now", arguments='{"zone": "UTC"}')
USE = {"toolUse": {"toolUseId": "t1", "name": "now", "input": {"zone": "UTC"}}}
REASONING = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}}


def sent(messages: Any, **options: Any) -> dict[str, Any]:
    return body(ChatRequest.build(messages, **options))


def turns(*messages: Message) -> list[Any]:
    content: list[Any] = sent(list(messages))["messages"]
    return content


def user(*parts: Any) -> Message:
    return Message(role="user", content=parts)


def answer(**fields: Any) -> Message:
    return Message(role="assistant", **fields)


@pytest.mark.parametrize(
    ("model", "encoded"),
    [
        ("amazon.nova-lite-v1:0", "amazon.nova-lite-v1%3A0"),
        (
            "arn:aws:bedrock:us-east-1:1234:inference-profile/us.a",
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A1234%3Ainference-profile%2Fus.a",
        ),
    ],
)
def test_a_models_id_is_encoded(model: str, encoded: str) -> None:
    assert path(model) == f"/model/{encoded}/converse-stream"


def test_a_question_alone_is_short() -> None:
    assert sent("Hi") == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def test_everything_has_its_place() -> None:
    made = sent(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": ""},
            {"role": "user", "content": "Hi"},
        ],
        temperature=0,
        max_tokens=9,
        top_p=0.5,
        stop=["x"],
        tools=[
            {
                "type": "function",
                "function": {
                    "name": "now",
                    "description": "The time.",
                    "parameters": {"properties": {}},
                    "strict": True,
                },
            },
            {"type": "function", "function": {"name": "bare"}},
        ],
        tool_choice="required",
        response_format={"type": "object"},
        extra={"additionalModelRequestFields": {"top_k": 5}},
    )

    assert made == {
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {
            "maxTokens": 9,
            "temperature": 0,
            "topP": 0.5,
            "stopSequences": ["x"],
        },
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "now",
                        "description": "The time.",
                        "inputSchema": {"json": {"type": "object", "properties": {}}},
                        "strict": True,
                    }
                },
                {
                    "toolSpec": {
                        "name": "bare",
                        "inputSchema": {"json": {"type": "object"}},
                    }
                },
            ],
            "toolChoice": {"any": {}},
        },
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {
                    "jsonSchema": {"schema": '{"type": "object"}', "name": "reply"}
                },
            }
        },
        "additionalModelRequestFields": {"top_k": 5},
    }


@pytest.mark.parametrize(
    ("choice", "made"),
    [
        ("auto", {"auto": {}}),
        ("any", {"any": {}}),
        (
            {"type": "function", "function": {"name": "now"}},
            {"tool": {"name": "now"}},
        ),
        ({"tool": {"name": "now"}}, {"tool": {"name": "now"}}),
    ],
)
def test_a_choice_is_translated(choice: object, made: object) -> None:
    tools = [{"type": "function", "function": {"name": "now"}}]

    config = sent("Hi", tools=tools, tool_choice=choice)["toolConfig"]

    assert config["toolChoice"] == made


@pytest.mark.parametrize("choice", ["none", "banana", {"type": "banana"}])
def test_a_choice_that_the_protocol_lacks_is_refused(choice: object) -> None:
    tools = [{"type": "function", "function": {"name": "now"}}]

    with pytest.raises(UnsupportedError, match="unknown tool_choice"):
        sent("Hi", tools=tools, tool_choice=choice)


def test_roles_take_turns() -> None:
    result = Message(role="tool", content="12:00", tool_call_id="t1")
    empty = Message(role="tool", content="", tool_call_id="t2")

    assert turns(
        user(TextPart(text="What time is it?")),
        answer(content="Let me see.", tool_calls=(CALL,)),
        result,
        empty,
        user(TextPart(text="Well?")),
        answer(),
    ) == [
        {"role": "user", "content": [{"text": "What time is it?"}]},
        {"role": "assistant", "content": [{"text": "Let me see."}, USE]},
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "t1", "content": [{"text": "12:00"}]}},
                {"toolResult": {"toolUseId": "t2", "content": []}},
                {"text": "Well?"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            ImagePart(data=b"hi", media_type="image/PNG; x=1"),
            {"image": {"format": "png", "source": {"bytes": "aGk="}}},
        ),
        (
            ImagePart(url="s3://bucket/a.jpg", detail="auto"),
            {
                "image": {
                    "format": "jpeg",
                    "source": {"s3Location": {"uri": "s3://bucket/a.jpg"}},
                }
            },
        ),
        (
            FilePart(data=b"hi", media_type="application/pdf", filename="a_b  (1).pdf"),
            {
                "document": {
                    "format": "pdf",
                    "name": "a b (1)",
                    "source": {"bytes": "aGk="},
                }
            },
        ),
        (
            FilePart(data=b"hi", media_type="text/plain"),
            {
                "document": {
                    "format": "txt",
                    "name": "document",
                    "source": {"bytes": "aGk="},
                }
            },
        ),
        (
            FilePart(url="s3://bucket/b.csv"),
            {
                "document": {
                    "format": "csv",
                    "name": "b",
                    "source": {"s3Location": {"uri": "s3://bucket/b.csv"}},
                }
            },
        ),
    ],
)
def test_a_part_is_a_block(part: Any, block: object) -> None:
    assert turns(user(part)) == [{"role": "user", "content": [block]}]


def test_each_document_has_a_name_of_its_own() -> None:
    part = FilePart(data=b"x", media_type="text/csv", filename="a.csv")

    (turn,) = turns(user(part, part), user(part))

    assert [block["document"]["name"] for block in turn["content"]] == [
        "a",
        "a 2",
        "a 3",
    ]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (ImagePart(data=b"x", media_type="image/tiff"), "not 'image/tiff'"),
        (ImagePart(url="https://x/a.png"), "begins with s3://"),
        (
            ImagePart(data=b"x", media_type="image/png", detail="high"),
            "leave detail out",
        ),
        (FilePart(data=b"x", media_type="application/zip"), "not 'application/zip'"),
        (FilePart(file_id="f1"), "begins with s3://"),
        (FilePart(url="https://x/a.pdf"), "begins with s3://"),
        (AudioPart(data=b"x", media_type="audio/wav"), "neither sounds nor videos"),
    ],
)
def test_a_part_that_cannot_be_sent_is_refused(part: Any, words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        turns(user(part))


def test_a_system_message_is_text() -> None:
    image = ImagePart(data=b"x", media_type="image/png")

    with pytest.raises(UnsupportedError, match="nothing but text"):
        sent([Message(role="system", content=(image,)), user(TextPart(text="Hi"))])


def test_arguments_that_are_no_object_are_refused() -> None:
    call = ToolCall(id="t1", name="now", arguments="[1]")

    with pytest.raises(UnsupportedError, match="'t1' are not a JSON object"):
        turns(user(TextPart(text="Hi")), answer(tool_calls=(call,)))


def test_an_answer_bound_to_json_needs_a_schema() -> None:
    with pytest.raises(UnsupportedError, match="give response_format a schema"):
        sent("Hi", response_format={"type": "json_object"})


def test_kept_blocks_are_sent_in_their_order() -> None:
    content = [{"text": "Let me see."}, REASONING, {"call": "t1"}, {"odd": 1}]
    said = answer(
        content="Let me see.",
        tool_calls=(CALL,),
        state={"bedrock": {"content": content}},
    )

    (turn,) = turns(said)

    assert turn["content"] == [{"text": "Let me see."}, REASONING, USE]


def test_reasoning_stands_first_if_the_answer_was_changed() -> None:
    content = [{"text": "Let me see."}, REASONING, {"call": "t1"}]
    said = answer(content="Changed.", state={"bedrock": {"content": content}})

    (turn,) = turns(said)

    assert turn["content"] == [REASONING, {"text": "Changed."}]


@pytest.mark.parametrize(
    "state", [{"bedrock": 1}, {"bedrock": {"content": 1}}, {"a": 1}]
)
def test_a_state_of_another_form_changes_nothing(state: dict[str, object]) -> None:
    assert turns(answer(content="So.", state=state)) == turns(answer(content="So."))
