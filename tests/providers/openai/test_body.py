"""What is sent for chat completions, byte for byte.

The forms are those of OpenAI's reference of chat completions (`messages`, `tools`,
`response_format`, `stream_options`), and of the vendors' pages where one departs.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

import pytest

from turnout.errors import UnsupportedError
from turnout.testing import FaultServer, respond
from turnout.types import (
    ChatRequest,
    Conversation,
    FilePart,
    ImagePart,
    Message,
    NativeTool,
    Prefill,
    TextPart,
    Tool,
    ToolCall,
)
from turnout_openai import OpenAI
from turnout_openai._body import audio_type, body
from turnout_openai._makers import GEMINI_OPENAI, MOONSHOT
from turnout_openai._said import checksum_of
from turnout_openai._vendor import COMPATIBLE, OPENAI, Vendor
from turnout_openai._vendors import (
    AZURE_OPENAI,
    DEEPSEEK,
    LITELLM,
    MISTRAL,
    OPENROUTER,
    PERPLEXITY,
)

from ...support.openai_server import answer

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
LOOK = Tool(name="look", description="Look.", parameters=SCHEMA, strict=True)
SEARCH: dict[str, object] = {"type": "web_search"}
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
    sent = made(
        extra={"stream_options": None, "user": "u", "tools": [SEARCH]},
        tools=[LOOK],
        temperature=0.5,
    )

    # Databricks refuses stream_options, whatever its value: opencode, issue 31156.
    assert "stream_options" not in sent
    assert sent["user"] == "u"
    assert [tool["type"] for tool in sent["tools"]] == ["function", "web_search"]


def test_usage_is_asked_for_with_a_stream_alone() -> None:
    own = {"include_usage": True, "include_obfuscation": False}

    assert "stream_options" not in made(extra={"stream": False})
    assert "stream_options" not in made(extra={"stream": None})
    given = made(extra={"stream": False, "stream_options": own})
    assert given["stream_options"] == own
    assert made(extra={"stream_options": {"include_obfuscation": False}})[
        "stream_options"
    ] == {"include_usage": True, "include_obfuscation": False}


def test_tools_of_the_service_are_sent_as_they_are() -> None:
    custom = {"type": "custom", "custom": {"name": "code"}}

    sent = made(tools=[custom, LOOK, NativeTool(definition=SEARCH)])["tools"]

    assert (sent[0], sent[1]["function"]["name"], sent[2]) == (custom, "look", SEARCH)


@pytest.mark.parametrize(
    "choice",
    [
        "required",
        {"type": "function", "function": {"name": "look"}},
        {"type": "custom", "custom": {"name": "code"}},
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
    ],
)
def test_each_form_of_a_choice_is_sent(choice: str | dict[str, Any]) -> None:
    assert made(tools=[LOOK], tool_choice=choice)["tool_choice"] == choice


def test_further_fields_are_sent_where_they_stand() -> None:
    cached = {"cache_control": {"type": "ephemeral"}}
    signed = {"extra_content": {"google": {"thought_signature": "s"}}}
    function = {"name": "look", "arguments": "{}"}

    system, asked = made(
        [
            {
                "role": "system",
                "content": [{"type": "text", "text": "LONG", **cached}],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "a", "type": "function", "function": function, **signed}
                ],
                "reasoning_content": "hm",
                "annotations": [],
            },
        ]
    )["messages"]

    assert system["content"] == [{"type": "text", "text": "LONG", **cached}]
    assert asked == {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "a", "type": "function", "function": function, **signed}],
        "reasoning_content": "hm",
    }


@pytest.mark.parametrize(
    ("vendor", "role"),
    [(OPENAI, "developer"), (AZURE_OPENAI, "developer"), (COMPATIBLE, "system")],
)
def test_a_developer_is_one_where_the_service_has_that_role(
    vendor: Vendor, role: str
) -> None:
    message = {"role": "developer", "content": "Be brief."}

    assert made([message], vendor)["messages"][0]["role"] == role
    assert made("a", vendor)["messages"][0]["role"] == "user"


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


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [({"format": "wav"}, "audio/wav"), ({"voice": "a"}, None), ("odd", None)],
)
def test_the_sound_that_is_asked_for_has_a_type(
    wanted: object, kind: str | None
) -> None:
    assert audio_type(wanted) == kind


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


# Calls that are not of functions.


def native(kind: str, item: dict[str, object] | None) -> Message:
    call = ToolCall(id="a", name="code", arguments="print(1)", kind=kind, item=item)
    return Message(role="assistant", tool_calls=(call,))


CUSTOM = {"id": "a", "type": "custom", "custom": {"name": "code", "input": "print(1)"}}


@pytest.mark.parametrize(
    "item",
    [
        CUSTOM,
        None,
        # What Responses call the same.
        {"type": "custom_tool_call", "call_id": "a", "input": "print(1)"},
    ],
)
def test_a_custom_call_is_sent_back_with_its_result(
    item: dict[str, object] | None,
) -> None:
    result = Message(role="tool", tool_call_id="a", content="1")

    asked, answered = made([native("custom", item), result])["messages"]

    assert asked["tool_calls"] == [CUSTOM]
    assert answered == {"role": "tool", "tool_call_id": "a", "content": "1"}


def test_a_call_of_the_service_is_sent_back_as_it_was() -> None:
    function = {"name": "$web_search", "arguments": "{}"}
    item: dict[str, object] = {
        "id": "a",
        "type": "builtin_function",
        "function": function,
    }

    (asked,) = made([native("builtin_function", item)])["messages"]

    assert asked["tool_calls"] == [item]


def test_a_call_of_another_protocol_is_refused() -> None:
    shell = native("shell_call", {"type": "shell_call", "call_id": "a"})

    with pytest.raises(UnsupportedError, match="kind 'shell_call'"):
        made([shell])


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
        (MOONSHOT, {"moonshot": {"reasoning_content": "hm"}}),
        (OPENROUTER, {"openrouter": {"reasoning_details": [{"type": "x"}]}}),
        (LITELLM, {"litellm": {"thinking_blocks": [{"type": "thinking"}]}}),
        (OPENAI, {"openai": {"audio": {"id": "s"}}}),
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


def kept(**fields: object) -> dict[str, object]:
    return {"s": {"reasoning_content": "hm", **fields}}


def replayed(message: Message, vendor: Vendor = COMPATIBLE) -> dict[str, Any]:
    request = ChatRequest.build(message, model="m")
    sent = body(request, vendor, state_name="s")["messages"]
    return cast("list[dict[str, Any]]", sent)[0]


def test_what_was_kept_of_a_text_is_for_that_text_alone() -> None:
    state = kept(checksum=checksum_of("a"))
    part = TextPart(text="a")

    for content in ("a", (part,)):
        message = Message(role="assistant", content=content, state=state)
        assert replayed(message)["reasoning_content"] == "hm"
    assert replayed(Message(role="assistant", content="b", state=state)) == {
        "role": "assistant",
        "content": "b",
    }


@pytest.mark.parametrize("state", [{"s": None}, {"s": "odd"}, {"t": {"a": 1}}, None])
def test_what_cannot_be_sent_back_is_passed_over(state: dict[str, object]) -> None:
    assert replayed(Message(role="assistant", content="a", state=state)) == {
        "role": "assistant",
        "content": "a",
    }


def test_what_the_user_wrote_goes_over_what_was_kept() -> None:
    calls = {"a": {"extra_content": "kept", "more": 1}, "other": {"more": 2}}
    call = ToolCall(id="a", name="f", arguments="{}", extra={"extra_content": "own"})
    plain = ToolCall(id="b", name="f", arguments="{}")

    sent = replayed(
        Message(
            role="assistant",
            tool_calls=(call, plain),
            extra={"reasoning_content": "own"},
            state=kept(tool_calls=calls),
        )
    )

    assert sent["reasoning_content"] == "own"
    first, second = sent["tool_calls"]
    assert (first["extra_content"], first["more"]) == ("own", 1)
    assert second.keys() == {"id", "type", "function"}


def test_thoughts_that_were_content_are_content_again() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    state: dict[str, object] = {"s": {"content": [thought]}}

    said = replayed(Message(role="assistant", content="a", state=state))
    silent = replayed(Message(role="assistant", state=state))

    assert said["content"] == [thought, {"type": "text", "text": "a"}]
    assert silent["content"] == [thought]


def test_a_sound_is_the_content_of_a_message_without_text() -> None:
    state: dict[str, object] = {"s": {"audio": {"id": "s"}}}

    assert replayed(Message(role="assistant", state=state)) == {
        "role": "assistant",
        "audio": {"id": "s"},
    }


@pytest.mark.parametrize(("vendor", "empty"), [(DEEPSEEK, ""), (MOONSHOT, " ")])
def test_answers_of_others_have_reasoning_where_calls_need_it(
    vendor: Vendor, empty: str
) -> None:
    # mnfst/llm-gateway, issue 2219; vercel/ai does so for each of the assistant's.
    call = ToolCall(id="a", name="f", arguments="{}")
    history: list[Message] = [
        Message(role="user", content="q"),
        Message(
            role="assistant",
            tool_calls=(call,),
            state={vendor.name.casefold(): {"reasoning_content": "hm"}},
        ),
        Message(role="tool", tool_call_id="a", content="1"),
        Message(role="assistant", tool_calls=(call,), state={"gemini": {"parts": []}}),
        Message(role="tool", tool_call_id="a", content="1"),
        Message(role="assistant", content="so"),
    ]

    sent = made(history, vendor)["messages"]

    told = [m["reasoning_content"] for m in sent if m["role"] == "assistant"]
    assert told == ["hm", empty, empty]
    assert "reasoning_content" not in made(history[-1:], vendor)["messages"][0]
    assert "reasoning_content" not in made(history, OPENROUTER)["messages"][1]


def test_the_recorded_request_is_json() -> None:
    assert json.loads(RECORDED)["model"] == "gpt-4o-mini"


@pytest.mark.parametrize("kind", ["function", "custom"])
def test_a_choice_of_a_tool_in_the_form_of_responses_is_converted(kind: str) -> None:
    request = ChatRequest.build(
        "Hi", tools=[LOOK], tool_choice={"type": kind, "name": "look"}
    )
    assert body(request, OPENAI)["tool_choice"] == {
        "type": kind,
        kind: {"name": "look"},
    }


def test_usage_is_asked_for_as_the_option_says() -> None:
    request = ChatRequest.build("Hi")
    assert "stream_options" not in body(request, OPENAI, asks_usage=False)
    assert "stream_options" in body(request, MISTRAL, asks_usage=True)


def test_a_call_of_another_service_has_what_stands_for_a_signature() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    signed = {**call, "extra_content": {"google": {"thought_signature": "U0lH"}}}

    def sent(*calls: object) -> list[object]:
        answer: dict[str, object] = {"role": "assistant", "tool_calls": list(calls)}
        request = ChatRequest.build(["Hi", answer])
        messages = cast("Any", body(request, GEMINI_OPENAI)["messages"])
        return [call.get("extra_content") for call in messages[1]["tool_calls"]]

    stand_in = {"google": {"thought_signature": "skip_thought_signature_validator"}}
    assert sent(call, call) == [stand_in, None]
    assert sent(signed, call) == [signed["extra_content"], None]
