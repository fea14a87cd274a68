"""What is sent for Responses, byte for byte.

The forms are those of OpenAI's reference of responses (`input`, `tools`, `text`), as
the types of its SDK 3.57.0 have them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from turnout import fallback, get_provider
from turnout.errors import UnsupportedError
from turnout.testing import FaultServer, fin, respond, respond_in_chunks
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
from turnout_openai import OpenAI
from turnout_openai._responses_body import body

from ...support.openai_server import answer as chat_answer
from ...support.openai_server import text
from ...support.responses_events import (
    answer,
    call_item,
    message_item,
    reasoning_item,
)
from .test_body import CONVERSATION, LOOK, SCHEMA

STREAMED = ("Content-Type", "text/event-stream")

RECORDED = (
    b'{"model":"gpt-4o-mini","input":['
    b'{"role":"system","content":"Be brief."},'
    b'{"role":"user","content":[{"type":"input_text","text":"Where?"},'
    b'{"type":"input_image","image_url":"data:image/png;base64,cG5n",'
    b'"detail":"low"}]},'
    b'{"type":"function_call","call_id":"c1","name":"look","arguments":"{}"},'
    b'{"type":"function_call_output","call_id":"c1","output":"Paris"}],'
    b'"stream":true,"store":false,'
    b'"temperature":0.2,"max_output_tokens":9,"top_p":0.9,'
    b'"tools":[{"type":"function","name":"look","description":"Look.",'
    b'"parameters":{"type":"object","properties":{"city":{"type":"string"}},'
    b'"required":["city"],"additionalProperties":false},"strict":true}],'
    b'"tool_choice":{"type":"function","name":"look"},'
    b'"text":{"format":{"type":"json_schema","name":"reply","schema":'
    b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],'
    b'"additionalProperties":false}}}}'
)


def made(conversation: Conversation = "Why?", **options: Any) -> dict[str, object]:
    return body(ChatRequest.build(conversation, model="m", **options), "Vendor")


def said(text: str) -> dict[str, object]:
    content = [{"type": "output_text", "text": text}]
    return {"type": "message", "role": "assistant", "content": content}


async def test_a_request_with_a_tool_an_image_and_a_schema_is_as_recorded() -> None:
    streamed = ("Content-Type", "text/event-stream")
    city = answer('{"city": "Rome"}')
    async with FaultServer(respond(200, city, streamed)) as server:
        address = f"{server.url}/v1"
        openai = OpenAI(base_url=address, api_key="sk-1", protocol="responses")
        reply = await openai.complete(
            CONVERSATION,
            temperature=0.2,
            max_tokens=9,
            top_p=0.9,
            tools=[LOOK],
            tool_choice={"type": "function", "function": {"name": "look"}},
            response_format=SCHEMA,
        )

    (request,) = server.http_requests
    assert (request.method, request.target) == ("POST", "/v1/responses")
    assert request.values("Authorization") == ["Bearer sk-1"]
    assert request.body == RECORDED
    assert reply.text == '{"city": "Rome"}'


def test_a_question_alone_has_what_every_request_has() -> None:
    assert made() == {
        "model": "m",
        "input": [{"role": "user", "content": "Why?"}],
        "stream": True,
        "store": False,
    }


def test_a_server_that_has_one_model_need_not_be_told_which() -> None:
    assert "model" not in body(ChatRequest.build("Why?"), "Vendor")


def test_files_and_images_have_their_forms() -> None:
    parts = (
        FilePart(data=b"%PDF", media_type="application/pdf", filename="a.pdf"),
        FilePart(file_id="file-1"),
        ImagePart(url="https://host/a.png"),
    )

    assert made(Message(role="user", content=parts))["input"] == [
        {
            "role": "user",
            "content": [
                {
                    "type": "input_file",
                    "file_data": "data:application/pdf;base64,JVBERg==",
                    "filename": "a.pdf",
                },
                {"type": "input_file", "file_id": "file-1"},
                {
                    "type": "input_image",
                    "image_url": "https://host/a.png",
                    "detail": "auto",
                },
            ],
        }
    ]


def test_a_tool_that_takes_nothing_says_so() -> None:
    tools = [Tool(name="now"), Tool(name="never", strict=True)]
    nothing: dict[str, object] = {"type": "object", "properties": {}}

    assert made(tools=tools, tool_choice="required")["tools"] == [
        {"type": "function", "name": "now", "parameters": nothing},
        {
            "type": "function",
            "name": "never",
            "parameters": {**nothing, "additionalProperties": False},
            "strict": True,
        },
    ]


def test_a_choice_of_a_word_stays_one() -> None:
    assert made(tools=[LOOK], tool_choice="required")["tool_choice"] == "required"


def test_json_without_a_schema_is_a_format_too() -> None:
    wanted = {"type": "json_object"}

    assert made(response_format=wanted)["text"] == {"format": wanted}


def test_extra_goes_over_what_is_set() -> None:
    sent = made(extra={"store": True, "reasoning": {"effort": "low"}})

    assert (sent["store"], sent["reasoning"]) == (True, {"effort": "low"})


def test_what_an_assistant_said_is_text() -> None:
    parts = (TextPart(text="a"), TextPart(text="b"))

    assert made(Message(role="assistant", content=parts))["input"] == [said("ab")]


def test_an_assistants_image_is_refused() -> None:
    image = ImagePart(url="https://host/a.png")

    with pytest.raises(UnsupportedError, match="text alone"):
        made(Message(role="assistant", content=(image,)))


@pytest.mark.parametrize(
    ("options", "lacking"),
    [
        ({"stop": "a"}, "stop"),
        ({"seed": 0}, "seed"),
        ({"stop": "a", "seed": 1}, "seed, stop"),
    ],
)
async def test_what_responses_lack_is_refused_before_any_request(
    options: dict[str, Any], lacking: str
) -> None:
    async with FaultServer(respond(200, answer("a"))) as server:
        openai = OpenAI(base_url=server.url, protocol="responses")
        with pytest.raises(UnsupportedError, match=f"not support {lacking};"):
            await openai.complete("Why?", **options)

    assert server.connections == []


def test_a_models_own_abilities_are_narrowed_too() -> None:
    groq = get_provider("Groq", protocol="responses", api_key="k")

    with pytest.raises(UnsupportedError, match="gpt-oss-20b does not support stop;"):
        _ = groq.stream("Why?", model="openai/gpt-oss-20b", stop="a")


async def test_whom_responses_cannot_ask_a_route_passes_over() -> None:
    async with (
        FaultServer(respond(200, answer("a"))) as first,
        FaultServer(respond(200, chat_answer("b"), STREAMED)) as second,
    ):
        reply = await fallback(
            get_provider("llama.cpp", base_url=first.url, protocol="responses"),
            get_provider("vLLM", base_url=second.url),
        ).complete("Why?", stop="c")

    assert reply.text == "b"
    assert first.connections == []


@pytest.mark.parametrize(
    ("name", "model"), [("llama.cpp", None), ("Mistral", "mistral-small-latest")]
)
async def test_a_beginning_is_gone_on_with_in_words(
    name: str, model: str | None
) -> None:
    broken = respond_in_chunks([text("One, two"), text(", three")], STREAMED)
    rest = answer(" and four.")
    async with (
        FaultServer([*broken[:-1], fin()]) as first,
        FaultServer(respond(200, rest, STREAMED)) as second,
    ):
        other = get_provider(
            name, base_url=second.url, protocol="responses", api_key="k"
        )
        route = fallback(OpenAI(base_url=first.url), other.target(model))
        told = [text async for text in route.stream("Count.")]

    assert "".join(told) == "One, two, three and four."
    roles = [item["role"] for item in json.loads(second.http_requests[0].body)["input"]]
    assert roles == ["user", "assistant", "user"]


def test_what_is_put_into_a_request_later_is_refused_too() -> None:
    with pytest.raises(UnsupportedError, match="have no stop, seed;"):
        made("Why?", stop="a", seed=1)


def test_a_name_is_refused_but_for_a_tools() -> None:
    with pytest.raises(UnsupportedError, match="the names of messages"):
        made({"role": "user", "content": "a", "name": "Ada"})
    made({"role": "tool", "content": "a", "name": "look", "tool_call_id": "c"})


def test_the_beginning_of_an_answer_is_refused() -> None:
    begun = Message(role="assistant", content="1,")

    with pytest.raises(UnsupportedError, match="prefill"):
        body(ChatRequest(messages=(begun,), model="m", prefill=True), "Vendor")


# What a model that reasons wants to see again.

ITEMS = [reasoning_item("hm"), message_item("Hi"), call_item("f", "{}")]
STATE = {"openai-responses": {"items": ITEMS}}
CALL = ToolCall(id="call_1", name="f", arguments="{}")


def test_the_items_of_an_answer_are_sent_again_as_they_were() -> None:
    message = Message(role="assistant", content="Hi", tool_calls=(CALL,), state=STATE)

    assert made([message])["input"] == ITEMS


@pytest.mark.parametrize(
    ("content", "calls", "state"),
    [
        pytest.param("Hello", (CALL,), STATE, id="text"),
        pytest.param("Hi", (), STATE, id="calls"),
        pytest.param("Hi", (CALL,), {"anthropic": {}}, id="another's"),
        pytest.param("Hi", (CALL,), None, id="none"),
    ],
)
def test_items_that_are_not_what_the_message_says_are_left_out(
    content: str, calls: tuple[ToolCall, ...], state: dict[str, object] | None
) -> None:
    message = Message(role="assistant", content=content, tool_calls=calls, state=state)

    sent = made([message])["input"]

    called = {"type": "function_call", "call_id": "call_1", "name": "f"}
    expected: list[object] = [said(content)]
    assert sent == expected + [{**called, "arguments": "{}"} for _ in calls]
