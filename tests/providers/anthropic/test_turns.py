"""Turns of a conversation: results, answers that go on, and further fields."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest

from turnout.errors import UnsupportedError
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
from turnout_anthropic._body import body
from turnout_anthropic._parts import block_of

Block: TypeAlias = dict[str, object]

CACHE = {"type": "ephemeral"}


def body_of(conversation: Conversation, **options: Any) -> dict[str, Any]:
    return body(ChatRequest.build(conversation, model="m", **options), 64)


def turns_of(*conversation: Message | Block | str) -> list[Any]:
    turns: list[Any] = body_of(conversation)["messages"]
    return turns


def content_of(*conversation: Message | Block | str) -> list[Any]:
    """Return the content of the last turn."""
    content: list[Any] = turns_of(*conversation)[-1]["content"]
    return content


def text(words: str, **fields: object) -> Block:
    return {"type": "text", "text": words, **fields}


def calls_of(*names: str) -> Message:
    calls = tuple(ToolCall(id=name, name="look", arguments="") for name in names)
    return Message(role="assistant", tool_calls=calls)


def result(name: str, content: str = "1", **extra: object) -> Message:
    return Message(role="tool", tool_call_id=name, content=content, extra=extra or None)


def ids_of(turn: Any) -> list[str]:
    """Return what the blocks of a turn are, by their types or ids."""
    return [
        block.get("tool_use_id", block.get("id", block["type"]))
        for block in turn["content"]
    ]


# Results of tools.


def test_results_stand_before_anything_else_of_their_turn() -> None:
    turns = turns_of("q", calls_of("a", "b"), result("a"), "note", result("b"), "?")

    assert [ids_of(turn) for turn in turns] == [
        ["text"],
        ["a", "b"],
        ["a", "b", "text", "text"],
    ]


def test_results_stand_first_after_a_note() -> None:
    turns = turns_of("q", calls_of("a", "b"), "note", result("b"), result("a"))

    assert ids_of(turns[-1]) == ["b", "a", "text"]


def test_a_late_result_stands_after_its_call() -> None:
    turns = turns_of(
        "q",
        calls_of("a"),
        "note",
        Message(role="assistant", content="Wait."),
        result("a"),
        calls_of("b"),
        result("b"),
    )

    assert [ids_of(turn) for turn in turns] == [
        ["text"],
        ["a"],
        ["a", "text"],
        ["text", "b"],
        ["b"],
    ]


def test_an_id_may_be_used_again() -> None:
    turns = turns_of(
        "q", calls_of("a"), result("a", "1"), calls_of("a"), result("a", "2")
    )

    assert [turn["content"][0].get("content") for turn in turns] == [
        None,
        None,
        "1",
        None,
        "2",
    ]


@pytest.mark.parametrize("before", [(), ("q",), ("q", calls_of("b"))])
def test_a_result_without_its_call_is_left_to_the_service(
    before: tuple[Message | str, ...],
) -> None:
    assert ids_of(turns_of(*before, result("a"))[-1])[0] == "a"


# Answers that the service goes on with.

SEARCH: Block = {
    "type": "server_tool_use",
    "id": "s",
    "name": "web_search",
    "input": {},
}
FOUND: Block = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
THOUGHT: Block = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}


def answer_of(
    *blocks: Block, calls: tuple[ToolCall, ...] = (), **state: object
) -> Message:
    words = "".join(str(block.get("text", "")) for block in blocks)
    own = {"content": list(blocks), **state}
    return Message(
        role="assistant", content=words, tool_calls=calls, state={"anthropic": own}
    )


def test_a_paused_answer_goes_on_in_one_turn() -> None:
    paused = answer_of(THOUGHT, text("One."), SEARCH)
    rest = answer_of(FOUND, text("Two."))

    assert turns_of("q", paused) == [
        {"role": "user", "content": [text("q")]},
        {"role": "assistant", "content": [THOUGHT, text("One."), SEARCH]},
    ]
    assert turns_of("q", paused, rest, "and?")[1:] == [
        {
            "role": "assistant",
            "content": [THOUGHT, text("One."), SEARCH, FOUND, text("Two.")],
        },
        {"role": "user", "content": [text("and?")]},
    ]


def test_a_call_of_the_service_s_own_may_wait_for_results_of_others() -> None:
    call = ToolCall(id="a", name="look", arguments="{}")
    use: Block = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    waiting = answer_of(SEARCH, use, calls=(call,))

    assert turns_of("q", waiting, result("a"))[1]["content"] == [SEARCH, use]
    assert turns_of("q", waiting, result("a"), "and?")[1]["content"] == [use]


@pytest.mark.parametrize(
    ("blocks", "sent"),
    [
        ([SEARCH, text("One.")], [[text("One.")]]),
        ([THOUGHT, SEARCH], []),
        ([SEARCH], []),
        ([SEARCH, FOUND], [[SEARCH, FOUND]]),
        ([THOUGHT, SEARCH, FOUND], [[THOUGHT, SEARCH, FOUND]]),
        ([{**SEARCH, "type": "mcp_tool_use"}, text("One.")], [[text("One.")]]),
    ],
)
def test_a_call_that_was_never_answered_is_left_out(
    blocks: list[Block], sent: list[list[object]]
) -> None:
    turns = turns_of("q", answer_of(*blocks), "and?")

    assert [turn["content"] for turn in turns if turn["role"] == "assistant"] == sent
    assert [turn["role"] for turn in turns] == [
        "user",
        *(["assistant", "user"] * len(sent)),
    ]


def test_other_answers_stay_when_a_call_is_left_out() -> None:
    turns = turns_of("q", answer_of(THOUGHT), "r", answer_of(SEARCH), "and?")

    assert [turn["content"] for turn in turns] == [
        [text("q")],
        [THOUGHT],
        [text("r"), text("and?")],
    ]


def test_a_state_is_not_changed_by_what_is_left_out() -> None:
    blocks: list[Block] = [SEARCH, text("One.")]
    message = answer_of(*blocks)
    turns_of("q", message, "and?")

    assert message.state == {"anthropic": {"content": [SEARCH, text("One.")]}}


CALLER = {"type": "code_execution_20260120", "tool_id": "s"}
CALL = ToolCall(id="a", name="look", arguments="{}")
USE: Block = {
    "type": "tool_use",
    "id": "a",
    "name": "look",
    "input": {},
    "caller": CALLER,
}


def test_the_container_is_named_while_code_waits_in_it() -> None:
    waiting = answer_of(USE, calls=(CALL,), container="c1")

    assert body_of(["q", waiting, result("a")])["container"] == "c1"
    assert body_of(["q", answer_of(SEARCH, container="c1")])["container"] == "c1"
    assert "container" not in body_of(["q", waiting, result("a"), "and?"])
    assert "container" not in body_of(["q", answer_of(SEARCH, container=7)])
    assert "container" not in body_of([result("a")])


def test_the_container_may_be_named_by_the_user() -> None:
    waiting = answer_of(USE, calls=(CALL,), container="c1")
    conversation: list[str | Message] = ["q", waiting, result("a")]

    assert body_of(conversation, extra={"container": "c2"})["container"] == "c2"
    assert "container" not in body_of(conversation, extra={"container": None})


# Further fields.


def test_parts_have_further_fields() -> None:
    cited = {"enabled": True}
    parts = (
        TextPart(text="a", extra={"cache_control": CACHE}),
        ImagePart(url="https://example.org/a.png", extra={"cache_control": CACHE}),
        FilePart(
            file_id="f",
            filename="a",
            extra={"citations": cited, "context": "b", "title": "c", "x": None},
        ),
    )

    assert content_of(Message(role="user", content=parts)) == [
        text("a", cache_control=CACHE),
        {
            "type": "image",
            "source": {"type": "url", "url": "https://example.org/a.png"},
            "cache_control": CACHE,
        },
        {
            "type": "document",
            "source": {"type": "file", "file_id": "f"},
            "title": "c",
            "citations": cited,
            "context": "b",
        },
    ]


def test_a_blank_part_with_further_fields_is_left_to_the_service() -> None:
    parts = (TextPart(text=" ", extra={"cache_control": CACHE}),)

    assert content_of(Message(role="user", content=parts)) == [
        text(" ", cache_control=CACHE)
    ]


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_a_message_has_its_cache_control_on_its_last_block(role: Any) -> None:
    message = Message(
        role=role,
        content=(TextPart(text="a"), TextPart(text="b")),
        extra={"cache_control": CACHE},
    )

    turns = turns_of("q", message) if role == "assistant" else turns_of(message)
    assert turns[-1]["content"] == [text("a"), text("b", cache_control=CACHE)]


def test_the_system_s_text_is_in_blocks_if_it_has_further_fields() -> None:
    marked = TextPart(text="b", extra={"cache_control": CACHE})

    assert body_of(
        [
            Message(role="system", content="a"),
            Message(role="system", content=(marked, TextPart(text=" "))),
            Message(role="system", content="c", developer=True),
            "q",
        ]
    )["system"] == [text("a"), text("b", cache_control=CACHE), text("c")]
    assert body_of(
        [Message(role="system", content="a", extra={"cache_control": CACHE}), "q"]
    )["system"] == [text("a", cache_control=CACHE)]


def test_a_developer_s_message_is_the_system_s() -> None:
    assert body_of([{"role": "developer", "content": "a"}, "q"])["system"] == "a"


def test_a_result_has_the_fields_of_its_message() -> None:
    parts = (TextPart(text="a", extra={"cache_control": CACHE}),)
    message = Message(
        role="tool",
        tool_call_id="b",
        content=parts,
        extra={"is_error": True, "toolset_name": "t"},
    )

    assert content_of("q", calls_of("a", "b"), result("a", cache_control=CACHE)) == [
        {
            "type": "tool_result",
            "tool_use_id": "a",
            "content": "1",
            "cache_control": CACHE,
        }
    ]
    assert content_of("q", calls_of("b"), message) == [
        {
            "type": "tool_result",
            "tool_use_id": "b",
            "content": [text("a", cache_control=CACHE)],
            "is_error": True,
            "toolset_name": "t",
        }
    ]


def test_calls_and_tools_have_further_fields() -> None:
    call = ToolCall(
        id="a",
        name="look",
        arguments="{}",
        extra={"caller": CALLER, "function": {"cache_control": CACHE}},
    )
    tool = Tool(
        name="look",
        extra={"defer_loading": True, "function": {"cache_control": CACHE}},
    )
    made = body_of(
        ["q", Message(role="assistant", tool_calls=(call,)), result("a")], tools=[tool]
    )

    assert made["messages"][1]["content"] == [{**USE, "cache_control": CACHE}]
    assert made["tools"] == [
        {
            "name": "look",
            "input_schema": {"type": "object"},
            "defer_loading": True,
            "cache_control": CACHE,
        }
    ]


def test_a_message_in_openai_s_form_keeps_its_fields() -> None:
    conversation: list[dict[str, object]] = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "q", "cache_control": CACHE}],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "a",
                    "type": "function",
                    "function": {"name": "look", "arguments": "{}"},
                    "cache_control": CACHE,
                }
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "1", "cache_control": CACHE},
    ]

    assert [
        turn["content"][-1]["cache_control"] for turn in turns_of(*conversation)
    ] == [CACHE] * 3


@pytest.mark.parametrize(
    ("message", "said"),
    [
        pytest.param(
            Message(role="assistant", content="a", extra={"reasoning_content": "hm"}),
            "messages\\[1\\] has the field 'reasoning_content'",
            id="reasoning",
        ),
        pytest.param(
            {"role": "assistant", "content": "a", "annotations": [{"type": "x"}]},
            "messages\\[1\\] has the field 'annotations'",
            id="annotations",
        ),
        pytest.param(
            {"role": "user", "content": "a", "thinking_blocks": [THOUGHT]},
            "messages\\[1\\] has the field 'thinking_blocks'",
            id="thinking of a user",
        ),
        pytest.param(
            {"role": "system", "content": "a", "prefix": True},
            "messages\\[1\\] has the field 'prefix'",
            id="system",
        ),
        pytest.param(
            result("a", tool_name="look"),
            "messages\\[1\\] has the field 'tool_name'",
            id="result",
        ),
        pytest.param(
            Message(role="user", content="", extra={"cache_control": CACHE}),
            "messages\\[1\\] has cache_control and no content",
            id="no content",
        ),
        pytest.param(
            Message(
                role="user",
                content=(
                    TextPart(text="a"),
                    ImagePart(url="https://x.org", extra={"image_url": {"x": 1}}),
                ),
            ),
            "messages\\[1\\].content\\[1\\] has the field 'image_url'",
            id="part",
        ),
        pytest.param(
            Message(
                role="assistant",
                tool_calls=(
                    ToolCall(
                        id="a",
                        name="f",
                        arguments="",
                        extra={"extra_content": {"x": 1}},
                    ),
                ),
            ),
            "messages\\[1\\].tool_calls\\[0\\] has the field 'extra_content'",
            id="call",
        ),
        pytest.param(
            Message(
                role="assistant",
                tool_calls=(ToolCall(id="a", name="f", arguments="x", kind="custom"),),
            ),
            "messages\\[1\\].tool_calls\\[0\\] is a call of the kind 'custom'",
            id="kind",
        ),
        pytest.param(
            {"role": "assistant", "content": "a", "thinking_blocks": [{"type": "x"}]},
            "messages\\[1\\].thinking_blocks has a block",
            id="thinking",
        ),
        pytest.param(
            {"role": "assistant", "content": "a", "thinking_blocks": "hm"},
            "messages\\[1\\].thinking_blocks has a block",
            id="thinking that is not a list",
        ),
    ],
)
def test_a_field_without_a_place_is_refused(
    message: Message | Block, said: str
) -> None:
    with pytest.raises(UnsupportedError, match=said):
        body_of(["q", message, "and?"])


@pytest.mark.parametrize("marked", [True, False])
def test_thinking_of_litellm_s_histories_is_sent(marked: bool) -> None:
    hidden: Block = {"type": "redacted_thinking", "data": "x"}
    cached: Block = {"cache_control": CACHE} if marked else {}
    message: Block = {
        "role": "assistant",
        "content": "a",
        "reasoning_content": "hm",
        "thinking_blocks": [THOUGHT, hidden],
        **cached,
    }

    assert turns_of("q", message, "and?")[1]["content"] == [
        THOUGHT,
        hidden,
        text("a", **cached),
    ]


def test_thinking_alone_has_no_cache_control() -> None:
    message: Block = {
        "role": "assistant",
        "content": None,
        "thinking_blocks": [THOUGHT],
    }
    assert turns_of("q", message, "and?")[1]["content"] == [THOUGHT]

    message["cache_control"] = CACHE
    with pytest.raises(UnsupportedError, match="no content"):
        turns_of("q", message, "and?")


# Further fields of an answer that has a state.


def test_an_answer_with_a_state_has_the_fields_of_its_message() -> None:
    message = Message(
        role="assistant",
        content="a",
        state={"anthropic": {"content": [text("a"), THOUGHT]}},
        extra={"cache_control": CACHE, "thinking_blocks": [THOUGHT]},
    )

    assert turns_of("q", message, "and?")[1]["content"] == [
        text("a", cache_control=CACHE),
        THOUGHT,
    ]


def test_an_answer_with_a_state_has_the_fields_of_its_parts_and_calls() -> None:
    use: Block = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    message = Message(
        role="assistant",
        content=(
            TextPart(text="a"),
            TextPart(text="b", extra={"cache_control": CACHE}),
        ),
        tool_calls=(
            ToolCall(id="a", name="look", arguments="", extra={"cache_control": CACHE}),
        ),
        state={"anthropic": {"content": [THOUGHT, text("a"), text("b"), use]}},
    )

    assert turns_of("q", message, result("a"))[1]["content"] == [
        THOUGHT,
        text("a"),
        text("b", cache_control=CACHE),
        {**use, "cache_control": CACHE},
    ]


def test_fields_of_parts_that_the_state_does_not_have_are_refused() -> None:
    message = Message(
        role="assistant",
        content=(TextPart(text="ab", extra={"cache_control": CACHE}),),
        state={"anthropic": {"content": [THOUGHT, text("a"), text("b")]}},
    )

    with pytest.raises(UnsupportedError, match="set them on the message"):
        turns_of("q", message, "and?")


# Calls of the service's own sets of tools.


@pytest.mark.parametrize("has_state", [True, False])
def test_calls_of_a_set_of_tools_go_back_with_its_name(has_state: bool) -> None:
    use: Block = {
        "type": "tool_use",
        "id": "a",
        "name": "zoom",
        "input": {"x": 1},
        "toolset_name": "computer",
    }
    call = ToolCall(id="a", name="zoom", arguments='{"x":1}', kind="computer", item=use)
    message = answer_of(use, calls=(call,))
    if not has_state:
        message = Message(role="assistant", tool_calls=(call,))

    assert [turn["content"] for turn in turns_of("q", message, result("a"))[1:]] == [
        [use],
        [
            {
                "type": "tool_result",
                "tool_use_id": "a",
                "content": "1",
                "toolset_name": "computer",
            }
        ],
    ]


# Parts that the protocol does not have.


@pytest.mark.parametrize(
    "part",
    [AudioPart(url="https://x.org/a.wav"), VideoPart(url="https://x.org/a.mp4")],
)
def test_sounds_and_videos_are_refused(part: AudioPart | VideoPart) -> None:
    with pytest.raises(UnsupportedError, match="has a sound or a video"):
        block_of(part)
