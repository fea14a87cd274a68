"""What is sent for Responses as the result of each kind of call.

The forms are those of OpenAI's SDK 3.57.0, response_input_item_param.py.
"""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from turnout.errors import ArgumentError, UnsupportedError
from turnout.testing import FaultServer, respond
from turnout.types import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Part,
    TextPart,
    ToolCall,
)
from turnout_openai import OpenAI
from turnout_openai._responses_body import body

from ...support.responses_events import (
    Fields,
    answer,
    created,
    ended,
    item_done,
    numbered,
    reasoning_item,
)

STREAMED = ("Content-Type", "text/event-stream")

Sent = list[dict[str, Any]]

IMAGE = ImagePart(url="https://host/a.png")


def sent(*messages: Message) -> Sent:
    return cast(
        "Sent", body(ChatRequest(messages=messages, model="m"), "Vendor")["input"]
    )


def answered(call: ToolCall, content: str | tuple[Part, ...], **fields: Any) -> Sent:
    """Return what is sent for a call and its result."""
    asked = Message(role="assistant", tool_calls=(call,))
    result = Message(role="tool", content=content, tool_call_id=call.id, **fields)
    return sent(asked, result)


def of_kind(kind: str, **fields: object) -> ToolCall:
    name = "id" if kind == "mcp_approval_request" else "call_id"
    item = {"type": kind, name: "c", **fields}
    return ToolCall(id="c", name=kind, arguments="{}", kind=kind, item=item)


def output(stdout: str, **fields: object) -> dict[str, object]:
    succeeded = {"type": "exit", "exit_code": 0}
    return {"stdout": stdout, "stderr": "", "outcome": succeeded, **fields}


@pytest.mark.parametrize(
    ("call", "content", "expected"),
    [
        pytest.param(
            of_kind("custom_tool_call"),
            "done",
            {"type": "custom_tool_call_output", "call_id": "c", "output": "done"},
            id="custom",
        ),
        pytest.param(
            of_kind("custom_tool_call"),
            (TextPart(text="a"), FilePart(file_id="file-1")),
            {
                "type": "custom_tool_call_output",
                "call_id": "c",
                "output": [
                    {"type": "input_text", "text": "a"},
                    {"type": "input_file", "file_id": "file-1"},
                ],
            },
            id="custom parts",
        ),
        pytest.param(
            of_kind("shell_call"),
            "done",
            {
                "type": "shell_call_output",
                "call_id": "c",
                "output": [output("done")],
            },
            id="shell",
        ),
        pytest.param(
            of_kind("shell_call", action={"commands": [], "max_output_length": 9}),
            (TextPart(text="do"), TextPart(text="ne")),
            {
                "type": "shell_call_output",
                "call_id": "c",
                "output": [output("done")],
                "max_output_length": 9,
            },
            id="shell limit",
        ),
        pytest.param(
            of_kind("shell_call"),
            '[{"stdout": "a"}, {"stderr": "b", "outcome": {"type": "timeout"}}]',
            {
                "type": "shell_call_output",
                "call_id": "c",
                "output": [
                    output("a"),
                    {"stdout": "", "stderr": "b", "outcome": {"type": "timeout"}},
                ],
            },
            id="shell outputs",
        ),
        pytest.param(
            of_kind("shell_call"),
            '{"output": [{"stdout": "a"}]}',
            {"type": "shell_call_output", "call_id": "c", "output": [output("a")]},
            id="shell output",
        ),
        pytest.param(
            of_kind("shell_call"),
            '{"a": 1}',
            {
                "type": "shell_call_output",
                "call_id": "c",
                "output": [output('{"a": 1}')],
            },
            id="shell text that is JSON",
        ),
        pytest.param(
            of_kind("local_shell_call", id="lsh_1"),
            "done",
            {"type": "local_shell_call_output", "call_id": "c", "output": "done"},
            id="local shell",
        ),
        pytest.param(
            of_kind("apply_patch_call"),
            "done",
            {
                "type": "apply_patch_call_output",
                "call_id": "c",
                "status": "completed",
                "output": "done",
            },
            id="patch",
        ),
        pytest.param(
            of_kind("apply_patch_call"),
            '{"status": "failed", "output": "no file"}',
            {
                "type": "apply_patch_call_output",
                "call_id": "c",
                "status": "failed",
                "output": "no file",
            },
            id="patch that failed",
        ),
        pytest.param(
            of_kind("computer_call"),
            (IMAGE,),
            {
                "type": "computer_call_output",
                "call_id": "c",
                "output": {
                    "type": "computer_screenshot",
                    "image_url": "https://host/a.png",
                },
            },
            id="screenshot",
        ),
        pytest.param(
            of_kind("computer_call"),
            (ImagePart(data=b"png", media_type="image/png", detail="original"),),
            {
                "type": "computer_call_output",
                "call_id": "c",
                "output": {
                    "type": "computer_screenshot",
                    "image_url": "data:image/png;base64,cG5n",
                    "detail": "original",
                },
            },
            id="screenshot as data",
        ),
        pytest.param(
            of_kind("computer_call"),
            (FilePart(file_id="file-1"),),
            {
                "type": "computer_call_output",
                "call_id": "c",
                "output": {"type": "computer_screenshot", "file_id": "file-1"},
            },
            id="screenshot as a file",
        ),
        pytest.param(
            of_kind("computer_call"),
            "data:image/png;base64,cG5n",
            {
                "type": "computer_call_output",
                "call_id": "c",
                "output": {
                    "type": "computer_screenshot",
                    "image_url": "data:image/png;base64,cG5n",
                },
            },
            id="screenshot as a URL",
        ),
        pytest.param(
            of_kind("computer_call"),
            '{"output": {"type": "computer_screenshot", "file_id": "f"}}',
            {
                "type": "computer_call_output",
                "call_id": "c",
                "output": {"type": "computer_screenshot", "file_id": "f"},
            },
            id="screenshot in its own form",
        ),
        pytest.param(
            of_kind("tool_search_call"),
            '[{"type": "function", "function": {"name": "f"}}, 7]',
            {
                "type": "tool_search_output",
                "call_id": "c",
                "execution": "client",
                "status": "completed",
                "tools": [{"type": "function", "name": "f"}, 7],
            },
            id="tools",
        ),
        pytest.param(
            of_kind("tool_search_call"),
            '{"tools": []}',
            {
                "type": "tool_search_output",
                "call_id": "c",
                "execution": "client",
                "status": "completed",
                "tools": [],
            },
            id="tools in an object",
        ),
        pytest.param(
            of_kind("mcp_approval_request"),
            " Yes\n",
            {
                "type": "mcp_approval_response",
                "approval_request_id": "c",
                "approve": True,
            },
            id="approval",
        ),
        pytest.param(
            of_kind("mcp_approval_request"),
            "false",
            {
                "type": "mcp_approval_response",
                "approval_request_id": "c",
                "approve": False,
            },
            id="refusal",
        ),
        pytest.param(
            of_kind("mcp_approval_request"),
            '{"approve": false, "reason": "too much"}',
            {
                "type": "mcp_approval_response",
                "approval_request_id": "c",
                "approve": False,
                "reason": "too much",
            },
            id="refusal with a reason",
        ),
        pytest.param(
            ToolCall(id="c", name="f", arguments="{}"),
            (IMAGE,),
            {
                "type": "function_call_output",
                "call_id": "c",
                "output": [
                    {
                        "type": "input_image",
                        "image_url": "https://host/a.png",
                        "detail": "auto",
                    }
                ],
            },
            id="function",
        ),
    ],
)
def test_a_result_has_the_form_of_its_kind(
    call: ToolCall, content: str | tuple[Part, ...], expected: Fields
) -> None:
    _, result = answered(call, content)

    assert result == expected


@pytest.mark.parametrize(
    ("call", "content", "error", "message"),
    [
        (of_kind("computer_call"), "done", UnsupportedError, "must be one ImagePart"),
        (
            of_kind("computer_call"),
            (TextPart(text="a"), IMAGE),
            UnsupportedError,
            "must be one ImagePart",
        ),
        (
            of_kind("shell_call"),
            (IMAGE,),
            UnsupportedError,
            "shell_call must be only text",
        ),
        (of_kind("apply_patch_call"), (IMAGE,), UnsupportedError, "must be only text"),
        (of_kind("local_shell_call"), (IMAGE,), UnsupportedError, "must be only text"),
        (
            of_kind("tool_search_call"),
            "none",
            ArgumentError,
            "a JSON list of the tools",
        ),
        (of_kind("mcp_approval_request"), "maybe", ArgumentError, "'true', 'false' or"),
    ],
)
def test_a_result_without_its_form_is_refused(
    call: ToolCall,
    content: str | tuple[Part, ...],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        answered(call, content)


def test_a_text_that_is_the_item_itself_is_taken_as_it_is() -> None:
    item: Fields = {
        "type": "shell_call_output",
        "output": [],
        "status": "incomplete",
    }

    _, result = answered(of_kind("shell_call"), json.dumps(item))

    assert result == {**item, "call_id": "c"}


def test_the_further_fields_of_a_result_are_sent() -> None:
    checks = [{"id": "1"}]

    _, result = answered(
        of_kind("computer_call"),
        (IMAGE,),
        extra={"acknowledged_safety_checks": checks},
    )

    assert result["acknowledged_safety_checks"] == checks


@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call"])
def test_a_result_names_the_program_that_called(kind: str) -> None:
    caller = {"type": "program", "caller_id": "p"}
    item = {"type": kind, "call_id": "c", "name": "f", "caller": caller}
    turnout_kind = "function" if kind == "function_call" else kind
    call = ToolCall(id="c", name="f", arguments="", kind=turnout_kind)
    state = {"openai-responses": {"items": [item]}}

    _, result = sent(
        Message(role="assistant", tool_calls=(call,), state=state),
        Message(role="tool", content="1", tool_call_id="c"),
    )

    assert (result["type"], result["caller"]) == (f"{kind}_output", caller)


def test_a_result_of_an_unknown_call_is_that_of_a_function() -> None:
    (result,) = sent(Message(role="tool", content="1", tool_call_id="c"))

    assert result == {"type": "function_call_output", "call_id": "c", "output": "1"}


def test_of_two_calls_of_one_id_the_latest_is_answered() -> None:
    first, second = of_kind("shell_call"), of_kind("apply_patch_call")
    asked = [Message(role="assistant", tool_calls=(c,)) for c in (first, second)]
    result = Message(role="tool", content="done", tool_call_id="c")

    kinds = [item["type"] for item in sent(asked[0], result, asked[1], result)]

    assert kinds[1::2] == ["shell_call_output", "apply_patch_call_output"]


# The calls themselves.


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(
            of_kind("shell_call", action={"commands": ["ls"]}, created_by=None),
            {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}},
            id="as it came",
        ),
        pytest.param(
            ToolCall(
                id="made",
                name="sql",
                arguments="SELECT",
                kind="custom_tool_call",
                item={"type": "custom_tool_call", "name": "sql", "input": "SELECT"},
            ),
            {
                "type": "custom_tool_call",
                "call_id": "made",
                "name": "sql",
                "input": "SELECT",
            },
            id="with turnout's id",
        ),
        pytest.param(
            ToolCall(id="c", name="sql", arguments="SELECT", kind="custom_tool_call"),
            {
                "type": "custom_tool_call",
                "call_id": "c",
                "name": "sql",
                "input": "SELECT",
            },
            id="by hand",
        ),
        pytest.param(
            ToolCall(
                id="c",
                name="sql",
                arguments="SELECT",
                kind="custom",
                item={"id": "c", "type": "custom", "custom": {"name": "sql"}},
            ),
            {
                "type": "custom_tool_call",
                "call_id": "c",
                "name": "sql",
                "input": "SELECT",
            },
            id="from chat completions",
        ),
        pytest.param(
            ToolCall(id="c", name="x", arguments='{"a": 1}', kind="shell_call"),
            {
                "type": "shell_call",
                "call_id": "c",
                "action": {"a": 1},
                "status": "completed",
            },
            id="an object by hand",
        ),
        pytest.param(
            ToolCall(id="c", name="x", arguments="ls", kind="shell_call"),
            {
                "type": "shell_call",
                "call_id": "c",
                "action": "ls",
                "status": "completed",
            },
            id="no object by hand",
        ),
        pytest.param(
            ToolCall(id="c", name="x", arguments="{}", kind="tool_search_call"),
            {
                "type": "tool_search_call",
                "call_id": "c",
                "execution": "client",
                "arguments": {},
                "status": "completed",
            },
            id="a search by hand",
        ),
        pytest.param(
            ToolCall(id="c", name="pay", arguments="{}", kind="mcp_approval_request"),
            {
                "type": "mcp_approval_request",
                "id": "c",
                "name": "pay",
                "arguments": "{}",
            },
            id="an approval by hand",
        ),
        pytest.param(
            ToolCall(
                id="c",
                name="f",
                arguments="{}",
                extra={"function": {"namespace": "crm"}, "status": "completed"},
            ),
            {
                "type": "function_call",
                "call_id": "c",
                "name": "f",
                "arguments": "{}",
                "status": "completed",
                "namespace": "crm",
            },
            id="further fields",
        ),
    ],
)
def test_a_call_is_sent_back(call: ToolCall, expected: Fields) -> None:
    assert sent(Message(role="assistant", tool_calls=(call,))) == [expected]


def test_a_call_of_another_protocols_kind_is_refused() -> None:
    call = ToolCall(id="c", name="x", arguments="", kind="server_tool_use")

    with pytest.raises(UnsupportedError, match="is of the kind 'server_tool_use'"):
        sent(Message(role="assistant", tool_calls=(call,)))


async def test_a_call_is_answered_in_the_next_request() -> None:
    call: Fields = {
        "type": "shell_call",
        "id": "sh_1",
        "call_id": "c",
        "action": {"commands": ["ls"], "max_output_length": 9},
        "status": "completed",
    }
    reasoned = reasoning_item("hm")
    given = [created(), item_done(reasoned), item_done(call)]
    asked = numbered(*given, ended("completed", reasoned, call))
    scripts = [respond(200, body, STREAMED) for body in (asked, answer("a.txt"))]
    tools = [{"type": "shell"}]
    async with FaultServer(*scripts) as server:
        openai = OpenAI(base_url=server.url, protocol="responses")
        first = await openai.complete("List.", model="gpt-5.1", tools=tools)
        (asking,) = first.tool_calls
        result = Message(role="tool", tool_call_id=asking.id, content="a.txt")
        conversation: list[str | Message] = ["List.", first.to_message(), result]
        second = await openai.complete(conversation, model="gpt-5.1", tools=tools)

    assert (first.finish_reason, second.text) == ("tool_calls", "a.txt")
    assert json.loads(asking.arguments) == call["action"]
    request = json.loads(server.http_requests[1].body)
    assert request["tools"] == tools
    assert request["input"][1:] == [
        reasoned,
        call,
        {
            "type": "shell_call_output",
            "call_id": "c",
            "output": [output("a.txt")],
            "max_output_length": 9,
        },
    ]
