"""Items of an answer by Responses that are sent back as they came."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from turnout import get_provider
from turnout.errors import UnsupportedError
from turnout.testing import FaultServer, respond
from turnout.types import ChatRequest, Message, TextPart, ToolCall
from turnout_openai import OpenAI
from turnout_openai._responses_body import body

from ...support.responses_events import (
    Fields,
    answer,
    call_item,
    completed,
    created,
    ended,
    message,
    message_item,
    numbered,
    reasoning,
    reasoning_item,
)

STREAMED = ("Content-Type", "text/event-stream")

Items = Sequence[Mapping[str, object]]

ITEMS: Items = [reasoning_item("hm"), message_item("Hi"), call_item("f", "{}")]
CALL = ToolCall(id="call_1", name="f", arguments="{}")


def kept(items: Items, **fields: object) -> dict[str, object]:
    return {"openai-responses": {"items": items, **fields}}


WHOLE = Message(role="assistant", content="Hi", tool_calls=(CALL,), state=kept(ITEMS))


def sent(
    message: Message, model: str = "m", service: str = "here", **extra: object
) -> list[dict[str, Any]]:
    """Return what is sent for a message."""
    request = ChatRequest(messages=(message,), model=model, extra=extra)
    return cast("list[dict[str, Any]]", body(request, "Vendor", service)["input"])


def again(
    items: Items, text: str = "", model: str = "m", **extra: object
) -> list[dict[str, Any]]:
    """Return what is sent for an answer that had items."""
    state = kept(items, service="here")
    message = Message(role="assistant", content=text, state=state)
    return sent(message, model, "here", **extra)


def test_the_items_of_an_answer_are_sent_again_as_they_were() -> None:
    assert sent(WHOLE) == ITEMS


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(replace(WHOLE, content="Hello"), id="text"),
        pytest.param(replace(WHOLE, tool_calls=()), id="calls"),
        pytest.param(replace(WHOLE, state={"anthropic": {}}), id="another protocol's"),
        pytest.param(replace(WHOLE, state={"openai-responses": 7}), id="odd"),
        pytest.param(replace(WHOLE, state={"openai-responses": {}}), id="empty"),
        pytest.param(replace(WHOLE, state=None), id="none"),
        pytest.param(
            replace(WHOLE, state=kept(ITEMS, service="there")), id="another service's"
        ),
        pytest.param(
            replace(WHOLE, tool_calls=(replace(CALL, extra={"namespace": "x"}),)),
            id="fields of a call",
        ),
        pytest.param(
            replace(WHOLE, content=(TextPart(text="Hi", extra={"x": 1}),)),
            id="fields of a part",
        ),
        pytest.param(replace(WHOLE, extra={"refusal": "no"}), id="a refusal"),
    ],
)
def test_items_that_are_not_what_the_message_says_are_left_out(
    message: Message,
) -> None:
    items = sent(message)

    calls = ["function_call"] * len(message.tool_calls)
    assert [item["type"] for item in items] == ["message", *calls]
    assert "id" not in items[0]


def test_calls_in_another_order_change_nothing() -> None:
    items = [call_item("f", "{}", 2), call_item("f", "{}")]
    calls = (CALL, replace(CALL, id="call_2"))

    assert sent(Message(role="assistant", tool_calls=calls, state=kept(items))) == items


def test_the_phase_that_the_user_gives_goes_into_the_kept_message() -> None:
    reasoned, said, called = sent(replace(WHOLE, extra={"phase": "commentary"}))

    assert said["phase"] == "commentary"
    assert "phase" not in reasoned
    assert "phase" not in called


def test_a_phase_without_a_message_is_refused() -> None:
    state = kept([reasoning_item("hm"), call_item("f", "{}")])
    message = replace(WHOLE, content="", state=state, extra={"phase": "commentary"})

    with pytest.raises(UnsupportedError, match="do not support phase"):
        sent(message)


def test_fields_that_are_for_reading_alone_are_left_out() -> None:
    reasoned = {**reasoning_item("hm"), "status": "completed", "content": None}
    coded: Fields = {
        "type": "code_interpreter_call",
        "id": "c",
        "code": None,
        "outputs": None,
        "status": "completed",
    }

    items = again([reasoned, {**coded, "created_by": "me"}])

    assert items == [reasoning_item("hm"), coded]


OPEN: Fields = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [],
    "content": [{"type": "reasoning_text", "text": "hm"}],
}
EMPTY: Fields = {"type": "reasoning", "id": "rs_2", "summary": []}


def test_reasoning_in_the_open_goes_back_to_its_service() -> None:
    # llama.cpp, DeepSeek and gpt-oss reason so.
    items = [OPEN, EMPTY, message_item("Hi")]

    assert again(items, "Hi") == [OPEN, message_item("Hi")]


@pytest.mark.parametrize("item", [OPEN, EMPTY])
def test_openai_is_not_sent_reasoning_that_it_would_look_up(item: Fields) -> None:
    said = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hi"}],
    }

    # Without the reasoning it refuses the id of the message, too.
    assert again([item, message_item("Hi")], "Hi", "gpt-5") == [said]


def test_a_service_that_stores_its_answers_is_sent_all_of_them() -> None:
    items = [EMPTY, message_item("Hi")]

    assert again(items, "Hi", "gpt-5", store=True) == items


async def test_reasoning_goes_back_to_the_service_that_it_came_from() -> None:
    reasoned = [*reasoning("hm"), *message("Hi")]
    answered = respond(200, numbered(created(), *reasoned, completed("Hi")), STREAMED)
    async with (
        FaultServer(answered, answered) as server,
        FaultServer(respond(200, answer("a"), STREAMED)) as other,
    ):
        here = OpenAI(base_url=server.url, protocol="responses")
        there = OpenAI(base_url=other.url, protocol="responses")
        reply = await here.complete("Why?", model="gpt-5")
        conversation: list[str | Message] = ["Why?", reply.to_message(), "And?"]
        await here.complete(conversation, model="gpt-5")
        await there.complete(conversation, model="gpt-5")

    sent, elsewhere = (
        [item.get("type", "message") for item in json.loads(request.body)["input"]]
        for request in (server.http_requests[1], other.http_requests[0])
    )
    assert sent == ["message", "reasoning", "message", "message"]
    assert elsewhere == ["message", "message", "message"]


@pytest.mark.parametrize(
    ("name", "service"), [("xAI", "xAI"), ("AzureOpenAI", "http://host/v1")]
)
def test_a_service_is_known_by_its_vendor_or_its_address(
    name: str, service: str
) -> None:
    provider = get_provider(
        name, base_url="http://host/v1", api_key="k", protocol="responses"
    )
    assert isinstance(provider, OpenAI)

    call = provider.call(ChatRequest.build("Why?", model="m"))
    decoder = call.decoder("Vendor", None)
    decoder.feed(numbered(created(), *reasoning("hm"), ended("completed")))

    state = cast("dict[str, Fields]", decoder.finish().state)
    assert state["openai-responses"]["service"] == service


@pytest.mark.parametrize("kind", ["computer", "bash"])
def test_a_call_of_another_protocol_is_refused_by_its_id(kind: str) -> None:
    call = ToolCall(id="call-7", name="run", arguments="{}", kind=kind)
    message = Message(role="assistant", tool_calls=(call,))

    with pytest.raises(UnsupportedError, match=rf"call-7.*{kind}"):
        body(ChatRequest.build([message], model="m"), "Vendor")
