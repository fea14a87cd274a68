"""Whether an answer is continued, and the request for the rest (M08, M09, M10, M17)."""

from __future__ import annotations

from typing import Any

import pytest

from turnout._tokens import estimate_tokens
from turnout.routes._continuation import (
    continued,
    fits,
    instruction,
    refusal_to_continue,
    unsent,
)
from turnout.types import ChatRequest, ImagePart, Message, TextPart, Tool

MESSAGES = (
    Message(role="system", content="Answer in verse."),
    Message(role="user", content="What is a turnout?"),
)
PARTIAL = "A turnout is a piece of track "


def ask(**fields: Any) -> ChatRequest:
    return ChatRequest(messages=MESSAGES, **fields)


def refusal(
    request: ChatRequest | None = None,
    **facts: Any,
) -> str | None:
    known: dict[str, Any] = {
        "with_tools": True,
        "text": PARTIAL,
        "tools_begun": False,
        "finished": False,
        "used_tokens": 8,
    }
    return refusal_to_continue(request or ask(), **known | facts)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(ask(), id="nothing"),
        pytest.param(ask(temperature=0.5, seed=1, stop=("END",)), id="parameters"),
        pytest.param(ask(extra={"top_k": 5}), id="a field that says nothing"),
        pytest.param(ask(extra={"n": 1}), id="one choice"),
        pytest.param(ask(extra={"n": None, "store": False}), id="fields set to none"),
        pytest.param(
            ask(extra={"logprobs": False, "top_logprobs": 0}), id="no logprobs"
        ),
        pytest.param(ask(extra={"tools": []}), id="no tools"),
    ],
)
def test_plain_text_is_continued_m01(request_: ChatRequest) -> None:
    assert refusal(request_) is None


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        pytest.param(
            ask(response_format={"type": "json_object"}),
            "response_format asks for more than plain text",
            id="json",
        ),
        *(
            pytest.param(
                ask(extra={name: value}),
                f"{name} asks for more than plain text",
                id=name,
            )
            for name, value in [
                ("n", 2),
                ("n", 0),
                ("logprobs", True),
                ("top_logprobs", 1),
                ("response_format", {"type": "json_object"}),
                ("structured_outputs", {"json": "{}"}),
                ("json_schema", {"type": "object"}),
                ("grammar", "root ::= 'a'"),
                ("guided_choice", ["a"]),
                ("guided_grammar", "root ::= 'a'"),
                ("guided_json", {"type": "object"}),
                ("guided_regex", "a+"),
                ("audio", {"voice": "a"}),
            ]
        ),
        *(
            pytest.param(
                ask(extra={name: value}),
                f"{name} refers to state that only its service has",
                id=name,
            )
            for name, value in [
                ("store", True),
                ("previous_response_id", "resp_1"),
                ("conversation", "conv_1"),
                ("container", "cont_1"),
            ]
        ),
    ],
)
def test_an_answer_of_another_form_than_plain_text_is_not_continued_m10(
    request_: ChatRequest, why: str
) -> None:
    assert refusal(request_) == why


def test_an_answer_that_calls_a_tool_is_not_continued_m08() -> None:
    assert refusal(tools_begun=True) == "it had begun to call a tool"


def test_an_answer_that_had_ended_is_not_continued() -> None:
    assert refusal(finished=True) == "it had ended already"


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(ask(tools=(Tool(name="now"),)), id="tools"),
        pytest.param(ask(extra={"tools": [{}]}), id="tools in extra"),
        pytest.param(ask(extra={"functions": [{}]}), id="functions in extra"),
    ],
)
def test_an_answer_that_might_call_a_tool_is_continued_unless_forbidden_m09(
    request_: ChatRequest,
) -> None:
    assert refusal(request_) is None
    assert refusal(request_, text=" \n") is None
    assert (
        refusal(request_, with_tools=False)
        == "it might have called a tool, and continue_with_tools is False"
    )


@pytest.mark.parametrize(
    ("max_tokens", "used", "why"),
    [
        (None, 10_000, None),
        (24, 8, None),
        (23, 8, "max_tokens leaves 15 tokens for the rest"),
        (8, 8, "max_tokens leaves 0 tokens for the rest"),
        (8, 9, "max_tokens leaves 0 tokens for the rest"),
    ],
)
def test_an_answer_with_too_few_tokens_left_is_not_continued(
    max_tokens: int | None, used: int, why: str | None
) -> None:
    assert refusal(ask(max_tokens=max_tokens), used_tokens=used) == why


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("x" * 400, 100)]
)
def test_a_token_is_estimated_as_four_characters(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_an_instruction_quotes_the_last_words_and_asks_to_repeat_them_m17() -> None:
    original = ask(model="a", temperature=0.5, extra={"top_k": 5})
    rest = continued(original, PARTIAL, prefill=False, used_tokens=8)

    assert rest.messages[:2] == MESSAGES
    assert all(a is b for a, b in zip(rest.messages, MESSAGES, strict=False))
    begun, asked = rest.messages[2:]
    assert begun == Message(role="assistant", content=PARTIAL)
    assert asked.role == "user"
    assert asked.text.endswith("\n\n" + PARTIAL.rstrip())
    assert "repeating exactly its last words" in asked.text
    assert "tool" not in asked.text
    assert rest.prefill is False
    assert (rest.model, rest.temperature, rest.extra) == ("a", 0.5, {"top_k": 5})
    assert rest.max_tokens is None


@pytest.mark.parametrize("partial", [PARTIAL, "-" * 90])
def test_an_instruction_says_that_a_tool_may_be_called_if_tools_are_offered(
    partial: str,
) -> None:
    tools = (Tool(name="now"),)
    rest = continued(ask(tools=tools), partial, prefill=False, used_tokens=8)

    assert "If a tool is needed, call it after the text." in rest.messages[-1].text
    assert rest.tools == tools


def test_the_instruction_for_a_text_that_repeats_itself_quotes_nothing() -> None:
    text = instruction("-" * 90, tools=False)

    assert "--" not in text
    assert "without a repetition" in text


def test_braces_in_the_last_words_are_quoted_unchanged() -> None:
    text = instruction("f({tools}, {anchor}) and {", tools=False)

    assert text.endswith("\n\nf({tools}, {anchor}) and {")


def test_a_prefill_is_the_partial_without_the_white_space_at_its_end_m17() -> None:
    partial = PARTIAL + "\n"
    rest = continued(ask(), partial, prefill=True, used_tokens=8)

    assert rest.messages[:2] == MESSAGES
    assert rest.messages[2:] == (Message(role="assistant", content=PARTIAL[:-1]),)
    assert rest.prefill is True
    assert unsent(partial) == " \n"
    assert unsent("whole") == unsent("") == ""


@pytest.mark.parametrize(
    ("max_tokens", "used", "left"),
    [(100, 8, 92), (8, 7, 1), (8, 8, 1), (None, 8, None)],
)
@pytest.mark.parametrize("prefill", [True, False])
def test_max_tokens_of_a_continuation_is_what_the_answer_has_left(
    max_tokens: int | None, used: int, left: int | None, prefill: bool
) -> None:
    rest = continued(
        ask(max_tokens=max_tokens), PARTIAL, prefill=prefill, used_tokens=used
    )

    if left is None:
        assert rest.max_tokens is None
    elif prefill:
        assert rest.max_tokens == left
    else:
        # The repeated words are removed.
        repeated = estimate_tokens(PARTIAL.strip())
        assert max_tokens is not None
        assert rest.max_tokens == max_tokens - used + repeated


@pytest.mark.parametrize("prefill", [True, False])
def test_an_answer_of_only_white_space_is_requested_again(prefill: bool) -> None:
    rest = continued(ask(max_tokens=50), "\n\n", prefill=prefill, used_tokens=1)

    assert rest == ask(max_tokens=49)


@pytest.mark.parametrize(
    ("context_window", "max_tokens", "room"),
    [
        (None, None, True),
        # The messages have 16 and 18 characters: 4 and 5 tokens.
        (10, None, True),
        (9, None, False),
        (109, 100, True),
        (108, 100, False),
    ],
)
def test_a_request_fits_if_there_is_room_for_its_answer_too(
    context_window: int | None, max_tokens: int | None, room: bool
) -> None:
    assert fits(ask(max_tokens=max_tokens), context_window) is room


def test_images_are_not_estimated() -> None:
    parts = (TextPart(text="four"), ImagePart(url="https://pictures.test/1"))
    request = ChatRequest(messages=(Message(role="user", content=parts),))

    assert fits(request, 2)
    assert not fits(request, 1)
