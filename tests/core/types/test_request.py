"""Requests, built from what people write, and what they need of a target."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any, Unpack, cast

import pytest
from pydantic import BaseModel

from turnout.errors import ArgumentError
from turnout.types import (
    AudioPart,
    Capabilities,
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    NativeTool,
    RequestOptions,
    TextPart,
    Tool,
    ToolCall,
    VideoPart,
)

CAN_ALL = Capabilities(**{field.name: True for field in fields(Capabilities)})
CAN_NOTHING = Capabilities(**{field.name: False for field in fields(Capabilities)})


class City(BaseModel):
    name: str


def build(**options: Unpack[RequestOptions]) -> ChatRequest:
    return ChatRequest.build("Hi", **options)


def option(**options: object) -> RequestOptions:
    """Return options, whatever the types say of them."""
    return cast("RequestOptions", options)


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("model", None, ""),
        ("model", "hello-1", "hello-1"),
        ("temperature", 0, 0),
        ("temperature", 1.5, 1.5),
        ("temperature", 10**400, 10**400),
        ("max_tokens", 1, 1),
        ("top_p", 0, 0),
        ("top_p", 1.0, 1.0),
        ("seed", -5, -5),
        ("deadline", 0.1, 0.1),
        ("stop", "END", ("END",)),
        ("stop", ["a", "b"], ("a", "b")),
        ("stop", None, ()),
        ("tools", None, ()),
        ("tools", [Tool(name="now")], (Tool(name="now"),)),
        ("tool_choice", "auto", "auto"),
        ("tool_choice", {"type": "function"}, {"type": "function"}),
        ("extra", None, {}),
        ("extra", {"top_k": 5}, {"top_k": 5}),
        ("response_format", None, None),
        ("response_format", {"type": "text"}, None),
        ("response_format", {"type": "json_object"}, {"type": "json_object"}),
        (
            "response_format",
            {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
            {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
        ),
        (
            "response_format",
            {"type": "object"},
            {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": {"type": "object"}},
            },
        ),
        (
            "response_format",
            {"type": ["object", "null"]},
            {
                "type": "json_schema",
                "json_schema": {
                    "name": "reply",
                    "schema": {"type": ["object", "null"]},
                },
            },
        ),
        (
            "response_format",
            City,
            {
                "type": "json_schema",
                "json_schema": {"name": "City", "schema": City.model_json_schema()},
            },
        ),
    ],
)
def test_an_option_is_taken(name: str, given: object, kept: object) -> None:
    assert getattr(build(**option(**{name: given})), name) == kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": ""}, "model='' is not a model's name; use a printable text"),
        ({"model": " "}, "model=' ' is not a model's name; use a printable text"),
        (
            {"model": "a\nb"},
            "model='a\\nb' is not a model's name; use a printable text",
        ),
        ({"model": 5}, "model=5 is not a model's name; use a printable text"),
        ({"temperature": "1"}, "temperature='1' is a str, not a number"),
        ({"temperature": True}, "temperature=True is a bool, not a number"),
        ({"temperature": -0.1}, "temperature=-0.1 is out of range; set 0 or more"),
        ({"temperature": math.nan}, "temperature=nan is out of range; set 0 or more"),
        ({"temperature": math.inf}, "temperature=inf is out of range; set 0 or more"),
        ({"top_p": 1.1}, "top_p=1.1 is out of range; set 0 to 1"),
        ({"max_tokens": 0}, "max_tokens=0 is out of range; set at least 1"),
        ({"max_tokens": 1.0}, "max_tokens=1.0 is a float, not an int"),
        ({"max_tokens": True}, "max_tokens=True is a bool, not an int"),
        ({"seed": "1"}, "seed='1' is a str, not an int"),
        ({"deadline": -1}, "deadline=-1 is out of range; set 0 or more"),
        ({"deadline": True}, "deadline=True is a bool, not a number"),
        ({"seed": True}, "seed=True is a bool, not an int"),
        ({"deadline": math.inf}, "deadline=inf is out of range; set 0 or more"),
        ({"deadline": math.nan}, "deadline=nan is out of range; set 0 or more"),
        pytest.param(
            {"deadline": 10**400},
            "deadline has more seconds than a clock can count; leave it out to use the "
            "provider's own",
            id="a deadline that is not a float",
        ),
        pytest.param(
            {"max_tokens": -(10**5000)},
            "max_tokens=a number of thousands of digits is out of range; set at "
            "least 1",
            id="a number that cannot be written",
        ),
        ({"deadline": 0}, "deadline=0 is out of range; set more than 0 seconds"),
        ({"stop": 5}, "stop is a int, not a text or texts"),
        ({"stop": ["a", ""]}, "stop[1] is empty; use texts that are not empty"),
        ({"stop": ""}, "stop[0] is empty; use texts that are not empty"),
        ({"stop": b"a"}, "stop is a bytes, not a text or texts"),
        ({"stop": {"a": 1}}, "stop is a dict, not a text or texts"),
        ({"stop": ["a", 5]}, "stop[1] is a int; use texts that are not empty"),
        ({"max_token": 5}, "unknown option 'max_token'; did you mean 'max_tokens'?"),
        (
            {"logit_bias": 5},
            "unknown option 'logit_bias'; a field of the service's own goes into "
            "extra={'logit_bias': ...}",
        ),
        (
            {"timeout": 5},
            "unknown option 'timeout'; use deadline=<seconds> for the whole request; "
            "connect_timeout, first_delta_timeout, idle_timeout and stall_timeout are "
            "options of get_provider",
        ),
        (
            {"stream": True},
            "unknown option 'stream'; call stream(...) for text as it comes, and "
            "complete(...) for the whole",
        ),
        (
            {"n": 2},
            "unknown option 'n'; a reply has one answer, so send a request for each "
            "answer",
        ),
        (
            {"max_completion_tokens": 2},
            "unknown option 'max_completion_tokens'; use max_tokens; each service is "
            "sent its own name for it",
        ),
        (
            {"system": "Be brief."},
            "unknown option 'system'; put {'role': 'system', 'content': ...} first "
            "among the messages",
        ),
        ({"functions": []}, "unknown option 'functions'; use tools"),
        (
            {"stream_options": {"include_usage": True}},
            "unknown option 'stream_options'; usage is requested without it and is in "
            "reply.usage; get_provider(..., asks_usage=False) does not request it",
        ),
        (
            {"api_key": "k"},
            "unknown option 'api_key'; use the provider's option: get_provider(..., "
            "api_key=...)",
        ),
        (
            {"extra_headers": {}},
            "unknown option 'extra_headers'; use the provider's option: "
            "get_provider(..., headers=...)",
        ),
        (
            {"hedge_after": 1},
            "unknown option 'hedge_after'; use the route's option: turnout.fallback("
            "..., hedge_after=...)",
        ),
        (
            {"top_k": 5},
            "unknown option 'top_k'; a field of the service's own goes into "
            "extra={'top_k': ...}",
        ),
        ({"tools": "now"}, "tools is a str, not a list"),
        ({"tool_choice": 5}, "tool_choice is a int, not a text or a mapping"),
        ({"extra": [1]}, "extra is a list, not a mapping"),
        ({"response_format": int}, "response_format=int is not a pydantic model"),
        (
            {"response_format": "json"},
            "response_format is a str; use a pydantic model, a JSON schema or "
            "OpenAI's mapping form",
        ),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format lacks its schema; use {'type': 'json_schema', "
            "'json_schema': {'name': ..., 'schema': {...}}}",
        ),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        build(**option(**options))

    assert str(caught.value) == message


@pytest.mark.parametrize(("name", "model"), [(None, ""), ("hello-1", "hello-1")])
def test_a_models_name_is_checked_alone(name: str | None, model: str) -> None:
    assert ChatRequest.checked_model(name) == model


def test_a_models_name_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ArgumentError, match="not a model's name"):
        ChatRequest.checked_model("")


def test_extra_is_a_copy() -> None:
    extra: dict[str, object] = {"top_k": 5}
    request = build(extra=extra)

    extra["top_k"] = 6

    assert request.extra == {"top_k": 5}


def test_a_request_is_shown_without_what_was_said() -> None:
    request = ChatRequest.build("my secret", extra={"user": "my secret"})

    assert "my secret" not in repr(request)


def test_a_request_goes_to_another_model() -> None:
    request = build(temperature=0.5)

    other = request.for_model("hello-1")

    assert (other.model, other.temperature) == ("hello-1", 0.5)
    assert other.for_model("hello-1") is other


def test_the_last_user_text_is_that_of_the_last_user_message() -> None:
    request = ChatRequest.build(
        ["first", "second", Message(role="assistant", content="answer")]
    )

    assert request.last_user_text == "second"


def test_a_request_without_user_messages_has_no_last_user_text() -> None:
    request = ChatRequest.build(Message(role="system", content="Be brief."))

    assert request.last_user_text == ""


def test_the_system_text_is_that_of_all_system_messages() -> None:
    request = ChatRequest.build(
        [
            Message(role="system", content="Be brief."),
            "Hi",
            Message(role="system", content="Be kind."),
        ]
    )

    assert request.system_text == "Be brief.\nBe kind."
    assert build().system_text == ""


def messages(*given: object) -> ChatRequest:
    return ChatRequest.build(cast("list[str]", list(given)))


CALL = ToolCall(id="c", name="f", arguments="{}")
IMAGE = Message(role="user", content=(ImagePart(url="http://x"),))
FILE = Message(role="user", content=(TextPart(text="x"), FilePart(file_id="f")))
SOUND = Message(role="user", content=(AudioPart(url="http://x"),))
VIDEO = Message(role="user", content=(VideoPart(url="http://x"),))
EXTRA = {"cache_control": {"type": "ephemeral"}}
CUSTOM = ToolCall(id="c", name="f", arguments="", kind="custom")


@pytest.mark.parametrize(
    ("request_", "needs"),
    [
        pytest.param(build(), (), id="a text"),
        pytest.param(build(extra={"top_k": 5}), (), id="extra"),
        pytest.param(build(deadline=5.0, tool_choice="auto"), (), id="nothing to do"),
        pytest.param(
            messages(Message(role="system", content="x"), "Hi"),
            ("system",),
            id="system",
        ),
        pytest.param(messages("Hi", "there"), ("history",), id="history"),
        pytest.param(
            messages(Message(role="system"), Message(role="system"), "Hi"),
            ("system",),
            id="system messages are no history",
        ),
        pytest.param(build(temperature=0), ("temperature",), id="temperature"),
        pytest.param(build(max_tokens=5), ("max_tokens",), id="max_tokens"),
        pytest.param(build(top_p=0.5), ("top_p",), id="top_p"),
        pytest.param(build(stop="x"), ("stop",), id="stop"),
        pytest.param(build(seed=0), ("seed",), id="seed"),
        pytest.param(build(tools=[Tool(name="f")]), ("tools",), id="tools"),
        pytest.param(
            messages(Message(role="assistant", tool_calls=(CALL,))),
            ("tools",),
            id="call",
        ),
        pytest.param(
            messages(Message(role="tool", content="1", tool_call_id="c1")),
            ("tools",),
            id="answer",
        ),
        pytest.param(messages(IMAGE), ("images",), id="image"),
        pytest.param(messages(FILE), ("files",), id="file"),
        pytest.param(messages(SOUND), ("audio",), id="sound"),
        pytest.param(messages(VIDEO), ("video",), id="video"),
        pytest.param(
            build(tools=[{"type": "web_search"}]),
            ("native_tools", "tools"),
            id="native tool",
        ),
        pytest.param(
            messages(Message(role="assistant", tool_calls=(CUSTOM,))),
            ("native_tools", "tools"),
            id="call that is not of a function",
        ),
        pytest.param(
            messages(Message(role="user", extra=EXTRA)),
            ("extra_fields",),
            id="field of a message",
        ),
        pytest.param(
            messages(
                Message(role="user", content=(TextPart(text="x", extra=EXTRA),)),
            ),
            ("extra_fields",),
            id="field of a part",
        ),
        pytest.param(
            messages(
                Message(role="assistant", tool_calls=(replace(CALL, extra=EXTRA),))
            ),
            ("extra_fields", "tools"),
            id="field of a call",
        ),
        pytest.param(
            build(tools=[Tool(name="f", extra=EXTRA)]),
            ("extra_fields", "tools"),
            id="field of a tool",
        ),
        pytest.param(
            build(response_format={"type": "json_object"}),
            ("response_format",),
            id="response_format",
        ),
        pytest.param(
            build(temperature=0, seed=1), ("seed", "temperature"), id="several"
        ),
    ],
)
def test_what_a_request_needs_is_told(
    request_: ChatRequest, needs: tuple[str, ...]
) -> None:
    assert request_.unmet(CAN_NOTHING) == needs
    assert request_.unmet(CAN_ALL) == ()


def test_every_capability_can_be_needed() -> None:
    request = ChatRequest.build(
        [Message(role="system", content="x"), IMAGE, FILE, SOUND, VIDEO],
        temperature=0,
        max_tokens=1,
        top_p=1,
        stop="x",
        seed=1,
        tools=[Tool(name="f", extra={"a": 1}), {"type": "web_search"}],
        response_format={"type": "json_object"},
    )

    # What a target gives unasked is nothing that a request needs.
    asked_for = {f.name for f in fields(Capabilities)} - {"reasoning"}
    assert set(request.unmet(CAN_NOTHING)) == asked_for


def test_functions_and_native_tools_are_told_apart() -> None:
    native = NativeTool(definition={"type": "web_search"})
    request = build(tools=[Tool(name="f"), native])

    assert request.functions == (Tool(name="f"),)
    assert request.native_tools == (native,)


@pytest.mark.parametrize(
    ("extra", "body"),
    [
        ({}, {"a": {"b": 1}, "tools": [1], "usage": True}),
        ({"c": 2}, {"a": {"b": 1}, "tools": [1], "usage": True, "c": 2}),
        ({"a": {"c": 2}}, {"a": {"b": 1, "c": 2}, "tools": [1], "usage": True}),
        ({"a": {"b": None}}, {"a": {}, "tools": [1], "usage": True}),
        ({"a": 5}, {"a": 5, "tools": [1], "usage": True}),
        ({"tools": [2]}, {"a": {"b": 1}, "tools": [1, 2], "usage": True}),
        ({"usage": None, "x": None}, {"a": {"b": 1}, "tools": [1]}),
        ({"usage": False}, {"a": {"b": 1}, "tools": [1], "usage": False}),
    ],
)
def test_extra_is_merged_with_the_fields_of_a_body(
    extra: dict[str, object], body: dict[str, object]
) -> None:
    fields = {"a": {"b": 1}, "tools": [1], "usage": True}

    assert build(extra=extra).merged(fields) == body
    assert fields == {"a": {"b": 1}, "tools": [1], "usage": True}


def test_a_request_goes_on_with_no_answer_unless_it_is_said() -> None:
    request = build()

    assert request.prefill is False
    assert replace(request, prefill=True).for_model("other").prefill is True
    assert replace(request, prefill=True).needs() == request.needs()


@pytest.mark.parametrize(
    ("wanted", "schema"),
    [
        (None, None),
        ({"type": "json_object"}, None),
        ({"type": "object"}, {"type": "object"}),
        (City, City.model_json_schema()),
    ],
)
def test_the_schema_is_found_whichever_form_it_was_given_in(
    wanted: Any, schema: object
) -> None:
    assert build(response_format=wanted).schema == schema
