"""What is sent for Responses, byte for byte.

The forms are those of OpenAI's reference of responses (`input`, `tools`, `text`), as
the types of its SDK 3.57.0 have them.
"""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from turnout import fallback, get_provider
from turnout.errors import UnsupportedError
from turnout.testing import FaultServer, fin, respond, respond_in_chunks
from turnout.types import (
    AudioPart,
    ChatRequest,
    Conversation,
    FilePart,
    ImagePart,
    Message,
    Part,
    TextPart,
    Tool,
    ToolCall,
    VideoPart,
)
from turnout_openai import OpenAI
from turnout_openai._responses_body import body

from ...support.openai_server import answer as chat_answer
from ...support.openai_server import text
from ...support.responses_events import answer
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


def test_a_server_that_has_one_model_needs_no_name_of_it() -> None:
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
    sent = made(extra={"store": True, "reasoning": {"effort": "low"}, "stream": None})

    assert (sent["store"], sent["reasoning"]) == (True, {"effort": "low"})
    assert "stream" not in sent


def test_extra_is_merged_with_what_is_set() -> None:
    search = {"type": "web_search"}

    sent = made(
        tools=[LOOK],
        response_format=SCHEMA,
        extra={"tools": [search], "text": {"verbosity": "low"}},
    )

    (look, *others) = cast("list[dict[str, object]]", sent["tools"])
    text = cast("dict[str, object]", sent["text"])
    assert (look["name"], others) == ("look", [search])
    assert (text["verbosity"], set(text)) == ("low", {"verbosity", "format"})


# Reasoning in encrypted form.

ENCRYPTED = "reasoning.encrypted_content"


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("gpt-5", True),
        ("gpt-5-mini-2025-08-07", True),
        ("gpt-5.1-chat-latest", True),
        ("gpt-5.6-sol", True),
        ("gpt-12", True),
        ("o1", True),
        ("o3-mini", True),
        ("o4-mini-deep-research", True),
        ("codex-mini-latest", True),
        ("openai/gpt-5", True),
        ("openai.gpt-5.5", True),
        ("ft:o4-mini:acme", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4o", False),
        ("gpt-4.1-mini", False),
        ("gpt-oss-120b", False),
        ("computer-use-preview", False),
        ("solo3", False),
        ("llama-o3", False),
        ("gpt-500", False),
        ("", False),
    ],
)
def test_models_that_reason_are_asked_for_it(model: str, asked: bool) -> None:
    sent = body(ChatRequest.build("Why?").for_model(model), "Vendor")

    assert sent.get("include") == ([ENCRYPTED] if asked else None)


def test_each_model_of_xai_is_asked_for_it() -> None:
    sent = body(ChatRequest.build("Why?", model="grok-4"), "xAI", "xAI")

    assert sent["include"] == [ENCRYPTED]


@pytest.mark.parametrize(
    ("extra", "include"),
    [
        ({"include": ["message.output_text.logprobs"]}, ["logprobs", "encrypted"]),
        ({"include": [ENCRYPTED]}, ["encrypted"]),
        ({"include": None}, None),
        ({"store": True}, None),
        ({"store": True, "include": ["message.output_text.logprobs"]}, ["logprobs"]),
    ],
)
def test_what_else_is_to_be_included_is_joined(
    extra: dict[str, object], include: list[str] | None
) -> None:
    names = {"logprobs": "message.output_text.logprobs", "encrypted": ENCRYPTED}
    request = ChatRequest.build("Why?", model="gpt-5", extra=extra)

    sent = body(request, "Vendor").get("include")

    assert sent == (None if include is None else [names[name] for name in include])


# Tools.


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        ({"type": "web_search", "filters": {}}, {"type": "web_search", "filters": {}}),
        ({"googleSearch": {}}, {"googleSearch": {}}),
        (
            {"type": "custom", "name": "sql", "format": {"type": "text"}},
            {"type": "custom", "name": "sql", "format": {"type": "text"}},
        ),
        (
            {
                "type": "custom",
                "custom": {
                    "name": "sql",
                    "format": {
                        "type": "grammar",
                        "grammar": {"syntax": "lark", "definition": "x"},
                    },
                },
            },
            {
                "type": "custom",
                "name": "sql",
                "format": {"type": "grammar", "syntax": "lark", "definition": "x"},
            },
        ),
    ],
)
def test_a_tool_of_the_service_is_sent_as_it_is(
    tool: dict[str, object], sent: dict[str, object]
) -> None:
    assert made(tools=[tool])["tools"] == [sent]


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "f"}, "defer_loading": True},
        {"type": "function", "function": {"name": "f", "defer_loading": True}},
        {"type": "function", "name": "f", "defer_loading": True},
    ],
)
def test_a_tools_further_fields_are_sent(tool: dict[str, object]) -> None:
    ((sent,),) = [cast("list[dict[str, object]]", made(tools=[tool])["tools"])]

    assert (sent["name"], sent["defer_loading"]) == ("f", True)
    assert "function" not in sent


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ({"type": "web_search"}, {"type": "web_search"}),
        (
            {"type": "custom", "custom": {"name": "sql"}},
            {"type": "custom", "name": "sql"},
        ),
        ({"type": "function", "name": "f"}, {"type": "function", "name": "f"}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "f"}}],
                },
            },
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "f"}],
            },
        ),
    ],
)
def test_a_choice_of_a_tool_is_sent_in_the_form_of_responses(
    choice: dict[str, object], sent: dict[str, object]
) -> None:
    assert made(tools=[LOOK], tool_choice=choice)["tool_choice"] == sent


# Messages.


def test_a_developer_is_named_so() -> None:
    conversation = [
        {"role": "developer", "content": "a"},
        {"role": "system", "content": "b"},
    ]

    roles = [item["role"] for item in items(conversation)]

    assert roles == ["developer", "system"]


def items(conversation: Conversation, **options: Any) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", made(conversation, **options)["input"])


def test_a_file_may_have_a_url() -> None:
    part = FilePart(url="https://host/a.pdf", filename="a.pdf")

    ((sent,),) = [
        item["content"] for item in items(Message(role="user", content=(part,)))
    ]

    assert sent == {
        "type": "input_file",
        "file_url": "https://host/a.pdf",
        "filename": "a.pdf",
    }


@pytest.mark.parametrize(
    "part",
    [
        TextPart(text="a", extra={"prompt_cache_breakpoint": {"mode": "explicit"}}),
        ImagePart(
            url="https://host/a.png",
            extra={"prompt_cache_breakpoint": {"mode": "explicit"}},
        ),
        ImagePart(
            url="https://host/a.png",
            extra={"image_url": {"prompt_cache_breakpoint": {"mode": "explicit"}}},
        ),
        FilePart(
            file_id="file-1", extra={"prompt_cache_breakpoint": {"mode": "explicit"}}
        ),
    ],
)
def test_the_further_fields_of_a_part_are_sent(part: Part) -> None:
    ((sent,),) = [
        item["content"] for item in items(Message(role="user", content=(part,)))
    ]

    assert sent["prompt_cache_breakpoint"] == {"mode": "explicit"}
    assert not {"image_url", "file"} & sent.keys() or isinstance(sent["image_url"], str)


@pytest.mark.parametrize(
    "part",
    [
        AudioPart(data=b"a", media_type="audio/wav"),
        AudioPart(url="https://host/a.wav"),
        VideoPart(url="https://host/a.mp4"),
    ],
)
def test_a_sound_or_a_video_is_refused(part: Part) -> None:
    with pytest.raises(UnsupportedError, match="Vendor's Responses do not accept "):
        made(Message(role="user", content=(part,)))


def test_the_further_fields_of_messages_are_sent() -> None:
    conversation: list[dict[str, object]] = [
        {"role": "user", "content": "a", "metadata": {}},
        {"role": "assistant", "content": "b", "phase": "commentary", "id": "msg_1"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{**CALLED, "namespace": "crm"}],
        },
        {
            "role": "tool",
            "content": "c",
            "tool_call_id": "call_1",
            "metadata": {},
        },
    ]

    user, said, called, result = items(conversation)

    assert user["metadata"] == {}
    assert (said["phase"], said["id"]) == ("commentary", "msg_1")
    assert called["namespace"] == "crm"
    assert result["metadata"] == {}


CALLED: dict[str, object] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "f", "arguments": "{}"},
}


def test_fields_of_chats_messages_have_their_place() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": "u", "start_index": 0}}
    conversation: list[dict[str, object]] = [
        {"role": "assistant", "content": "b", "annotations": [cited]},
        {"role": "assistant", "content": None, "refusal": "no"},
    ]

    said, refused = items(conversation)

    annotations = [{"type": "url_citation", "url": "u", "start_index": 0}]
    part = {"type": "output_text", "text": "b", "annotations": annotations}
    assert said["content"] == [part]
    assert refused["content"] == [{"type": "refusal", "refusal": "no"}]


def test_what_an_assistants_part_has_beside_its_text_is_sent() -> None:
    parts = (TextPart(text="a", extra={"logprobs": []}), TextPart(text="b"))

    (said,) = items(Message(role="assistant", content=parts))

    assert said["content"] == [
        {"type": "output_text", "text": "a", "logprobs": []},
        {"type": "output_text", "text": "b"},
    ]


@pytest.mark.parametrize("field", ["reasoning_content", "thinking_blocks", "audio"])
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_fields_of_other_protocols_are_refused(field: str, role: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        made([{"role": role, "content": "a", field: {"x": 1}}, "b"])

    assert f"do not support {field} in a message of the role {role}" in str(
        caught.value
    )


def test_fields_of_other_protocols_are_refused_in_calls() -> None:
    called: dict[str, object] = {**CALLED, "extra_content": {"x": 1}}

    with pytest.raises(
        UnsupportedError, match="do not support extra_content in a call"
    ):
        made([{"role": "assistant", "content": None, "tool_calls": [called]}])


@pytest.mark.parametrize("field", ["phase", "annotations"])
def test_a_field_of_a_message_that_says_nothing_is_refused(field: str) -> None:
    call = ToolCall(id="call_1", name="f", arguments="{}")
    message = Message(role="assistant", tool_calls=(call,), extra={field: ["x"]})

    with pytest.raises(UnsupportedError, match=f"{field} in a message without text"):
        made([message])


def test_what_an_assistant_said_is_text() -> None:
    parts = (TextPart(text="a"), TextPart(text="b"))

    assert made(Message(role="assistant", content=parts))["input"] == [said("ab")]


def test_an_assistants_image_is_refused() -> None:
    image = ImagePart(url="https://host/a.png")

    with pytest.raises(UnsupportedError, match="more than text"):
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
        given = [text async for text in route.stream("Count.")]

    assert "".join(given) == "One, two, three and four."
    roles = [item["role"] for item in json.loads(second.http_requests[0].body)["input"]]
    assert roles == ["user", "assistant", "user"]


def test_what_is_put_into_a_request_later_is_refused_too() -> None:
    with pytest.raises(UnsupportedError, match="do not support stop, seed;"):
        made("Why?", stop="a", seed=1)


def test_a_name_is_refused_but_for_a_tools() -> None:
    with pytest.raises(UnsupportedError, match="the names of messages"):
        made({"role": "user", "content": "a", "name": "Ada"})
    made({"role": "tool", "content": "a", "name": "look", "tool_call_id": "c"})


def test_the_beginning_of_an_answer_is_refused() -> None:
    begun = Message(role="assistant", content="1,")

    with pytest.raises(UnsupportedError, match="prefill"):
        body(ChatRequest(messages=(begun,), model="m", prefill=True), "Vendor")


def test_what_it_says_of_itself_fits_the_protocol() -> None:
    openai = OpenAI(protocol="responses", api_key="k")

    can = openai.info.capabilities

    assert (can.native_tools, can.extra_fields) == (True, True)
    assert (can.audio, can.video, can.stop, can.seed) == (False,) * 4


def test_the_further_fields_of_a_services_row_are_sent() -> None:
    row = {"store": True, "region": "eu", "metadata": {"a": 1}}
    request = ChatRequest.build("Why?", model="m", extra={"metadata": {"b": 2}})

    sent = body(request, "Vendor", "vendor", row)

    assert (sent["store"], sent["region"]) == (True, "eu")
    assert sent["metadata"] == {"a": 1, "b": 2}
