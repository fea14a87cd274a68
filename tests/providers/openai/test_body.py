"""What is sent for chat completions, byte for byte.

The forms are those of OpenAI's reference of chat completions (`messages`, `tools`,
`response_format`, `stream_options`), and of the vendors' pages where one departs.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from turnout.testing import FaultServer, respond
from turnout.types import (
    ChatRequest,
    Conversation,
    FilePart,
    ImagePart,
    Message,
    Prefill,
    TextPart,
    Tool,
    ToolCall,
)
from turnout_openai import OpenAI
from turnout_openai._body import body
from turnout_openai._vendor import COMPATIBLE, OPENAI, Vendor
from turnout_openai._vendors import DEEPSEEK, MISTRAL, OPENROUTER, PERPLEXITY

from ...support.openai_server import answer

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
LOOK = Tool(name="look", description="Look.", parameters=SCHEMA, strict=True)
IMAGE = ImagePart(data=b"png", media_type="image/png", detail="low")
CONVERSATION: Conversation = [
    {"role": "system", "content": "Be brief."},
    Message(role="user", content=(TextPart(text="Where?"), IMAGE)),
    Message(
        role="assistant", tool_calls=(ToolCall(id="c1", name="look", arguments="{}"),)
    ),
    {"role": "tool", "tool_call_id": "c1", "content": "Paris"},
]

RECORDED = (
    b'{"model":"gpt-4o-mini","messages":['
    b'{"role":"system","content":"Be brief."},'
    b'{"role":"user","content":[{"type":"text","text":"Where?"},'
    b'{"type":"image_url","image_url":{"url":"data:image/png;base64,cG5n",'
    b'"detail":"low"}}]},'
    b'{"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function",'
    b'"function":{"name":"look","arguments":"{}"}}]},'
    b'{"role":"tool","content":"Paris","tool_call_id":"c1"}],'
    b'"stream":true,"stream_options":{"include_usage":true},'
    b'"temperature":0.2,"max_tokens":9,"top_p":0.9,"stop":["end"],"seed":7,'
    b'"tools":[{"type":"function","function":{"name":"look","description":"Look.",'
    b'"parameters":{"type":"object","properties":{"city":{"type":"string"}},'
    b'"required":["city"],"additionalProperties":false},"strict":true}}],'
    b'"tool_choice":{"type":"function","function":{"name":"look"}},'
    b'"response_format":{"type":"json_schema","json_schema":{"name":"reply","schema":'
    b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],'
    b'"additionalProperties":false}}}}'
)


def made(
    conversation: Conversation = "Why?", vendor: Vendor = COMPATIBLE, **options: Any
) -> dict[str, Any]:
    return body(ChatRequest.build(conversation, model="m", **options), vendor)


async def test_a_request_with_a_tool_an_image_and_a_schema_is_as_recorded() -> None:
    streamed = ("Content-Type", "text/event-stream")
    city = answer('{"city": "Rome"}')
    async with FaultServer(respond(200, city, streamed)) as server:
        await OpenAI(base_url=f"{server.url}/v1", api_key="sk-1").complete(
            CONVERSATION,
            temperature=0.2,
            max_tokens=9,
            top_p=0.9,
            stop="end",
            seed=7,
            tools=[LOOK],
            tool_choice={"type": "function", "function": {"name": "look"}},
            response_format=SCHEMA,
        )

    (request,) = server.http_requests
    assert (request.method, request.target) == ("POST", "/v1/chat/completions")
    assert request.values("Authorization") == ["Bearer sk-1"]
    assert request.body == RECORDED


def test_a_question_alone_has_what_every_request_has() -> None:
    assert made() == {
        "model": "m",
        "messages": [{"role": "user", "content": "Why?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_server_that_has_one_model_need_not_be_told_which() -> None:
    assert "model" not in body(ChatRequest.build("Why?"), COMPATIBLE)


def test_a_file_is_in_openais_form() -> None:
    part = FilePart(data=b"%PDF", media_type="application/pdf", filename="a.pdf")

    sent = made(Message(role="user", content=(part,)))["messages"]

    assert sent[0]["content"] == [
        {
            "type": "file",
            "file": {
                "file_data": "data:application/pdf;base64,JVBERg==",
                "filename": "a.pdf",
            },
        }
    ]


def test_a_tool_that_takes_nothing_says_so() -> None:
    # Mistral refuses one that does not: Mirascope/mirascope, issue 961.
    tools = [Tool(name="now"), Tool(name="never", parameters={}, strict=True)]
    nothing: dict[str, object] = {"type": "object", "properties": {}}
    closed = {**nothing, "additionalProperties": False}

    assert [tool["function"] for tool in made(tools=tools)["tools"]] == [
        {"name": "now", "parameters": nothing},
        {"name": "never", "parameters": closed, "strict": True},
    ]


def test_extra_goes_over_what_is_set() -> None:
    sent = made(extra={"stream_options": None, "user": "u"})

    assert (sent["stream_options"], sent["user"]) == (None, "u")


@pytest.mark.parametrize(
    ("vendor", "field"),
    [(OPENAI, "max_completion_tokens"), (COMPATIBLE, "max_tokens")],
)
def test_max_tokens_is_called_as_the_vendor_calls_it(
    vendor: Vendor, field: str
) -> None:
    assert made(vendor=vendor, max_tokens=5)[field] == 5


def test_mistral_calls_the_seed_random() -> None:
    sent = made(vendor=MISTRAL, seed=7)

    assert sent["random_seed"] == 7
    assert "seed" not in sent


@pytest.mark.parametrize("vendor", [MISTRAL, PERPLEXITY])
def test_usage_is_not_asked_for_where_it_always_comes(vendor: Vendor) -> None:
    assert "stream_options" not in made(vendor=vendor)


# The beginning of an answer.


@pytest.mark.parametrize(
    ("prefill", "flags", "fields"),
    [
        ("trailing", {}, {}),
        ("prefix_flag", {"prefix": True}, {}),
        ("partial_flag", {"partial": True}, {}),
        (
            "continue_final",
            {},
            {"continue_final_message": True, "add_generation_prompt": False},
        ),
    ],
)
def test_the_beginning_of_an_answer_is_marked_as_the_model_wants_it(
    prefill: Prefill, flags: dict[str, object], fields: dict[str, object]
) -> None:
    question = Message(role="user", content="Count.")
    begun = Message(role="assistant", content="1, 2,")
    request = ChatRequest(messages=(question, begun), model="m", prefill=True)

    sent = body(request, COMPATIBLE, prefill=prefill)

    assert sent == {
        "model": "m",
        "messages": [
            {"role": "user", "content": "Count."},
            {"role": "assistant", "content": "1, 2,", **flags},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        **fields,
    }


# What a service wants to see again.


def test_mistral_is_sent_ids_that_it_takes() -> None:
    ids = ["Abcdefgh1", "call_TQn7wPRgVOLb", "functions.look:0"]
    calls = tuple(ToolCall(id=one, name="look", arguments="{}") for one in ids)
    results = [Message(role="tool", content="a", tool_call_id=one) for one in ids]

    asked, *answered = made(
        [Message(role="assistant", tool_calls=calls), *results], MISTRAL
    )["messages"]

    sent = [call["id"] for call in asked["tool_calls"]]
    assert sent[0] == "Abcdefgh1"
    assert len(set(sent)) == 3
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", one) for one in sent)
    assert [result["tool_call_id"] for result in answered] == sent


@pytest.mark.parametrize(
    ("vendor", "state"),
    [
        (DEEPSEEK, {"deepseek": {"reasoning_content": "hm"}}),
        (OPENROUTER, {"openrouter": {"reasoning_details": [{"type": "x"}]}}),
    ],
)
def test_what_a_service_wants_to_see_again_is_in_its_message(
    vendor: Vendor, state: dict[str, dict[str, object]]
) -> None:
    said = Message(role="assistant", content="a", state=state)
    plain = Message(role="assistant", content="b")
    foreign = Message(role="assistant", content="c", state={"other": {"d": 1}})

    sent = made([said, plain, foreign], vendor)["messages"]

    (fields,) = state.values()
    assert sent == [
        {"role": "assistant", "content": "a", **fields},
        {"role": "assistant", "content": "b"},
        {"role": "assistant", "content": "c"},
    ]
    assert fields.keys().isdisjoint(made([said], MISTRAL)["messages"][0])


def test_the_recorded_request_is_json() -> None:
    assert json.loads(RECORDED)["model"] == "gpt-4o-mini"
