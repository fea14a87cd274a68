"""Deltas, replies, targets and explanations."""

from __future__ import annotations

import pickle
from dataclasses import fields, is_dataclass

import pytest

from turnout import types
from turnout.types import (
    Attempt,
    Explanation,
    Failover,
    Finish,
    Message,
    Place,
    ReasoningDelta,
    Reply,
    Restart,
    Target,
    ToolCall,
    ToolCallDelta,
    Usage,
)

HELLO = Target("Hello", "hello-1")


@pytest.mark.parametrize(
    ("one", "other", "total"),
    [
        (Usage(), Usage(), Usage()),
        (Usage(input_tokens=1), Usage(), Usage(input_tokens=1)),
        (Usage(), Usage(output_tokens=2), Usage(output_tokens=2)),
        (
            Usage(input_tokens=1, output_tokens=2, cached_tokens=3, reasoning_tokens=4),
            Usage(
                input_tokens=10, output_tokens=20, cached_tokens=30, reasoning_tokens=40
            ),
            Usage(
                input_tokens=11, output_tokens=22, cached_tokens=33, reasoning_tokens=44
            ),
        ),
        (Usage(estimated=True), Usage(), Usage(estimated=True)),
        (Usage(), Usage(estimated=True), Usage(estimated=True)),
    ],
)
def test_usages_are_summed(one: Usage, other: Usage, total: Usage) -> None:
    assert one + other == total


@pytest.mark.parametrize(
    ("target", "text"), [(HELLO, "Hello:hello-1"), (Target("Hello", ""), "Hello")]
)
def test_a_target_as_text_is_a_model_id(target: Target, text: str) -> None:
    assert str(target) == text


def test_a_reply_continues_a_conversation() -> None:
    call = ToolCall(id="c", name="f", arguments="{}")
    reply = Reply(text="Hello.", reasoning="Hm.", tool_calls=(call,))

    assert reply.to_message() == Message(
        role="assistant", content="Hello.", tool_calls=(call,)
    )


def test_an_explanation_as_text_has_the_steps_and_the_places() -> None:
    explanation = Explanation(
        name="fast",
        steps=("'fast' is an alias", "'x' is a model of 2 providers"),
        places=(
            Place(target=HELLO, reason="it needs no key"),
            Place(target=Target("Local", ""), reason="an engine in this process"),
        ),
    )

    assert str(explanation) == (
        "'fast' is an alias\n"
        "'x' is a model of 2 providers\n"
        "1. Hello:hello-1 (it needs no key)\n"
        "2. Local (an engine in this process)"
    )
    assert explanation.targets == (HELLO, Target("Local", ""))


VALUES = [
    value
    for value in vars(types).values()
    if isinstance(value, type) and is_dataclass(value)
]


@pytest.mark.parametrize("cls", VALUES)
def test_every_value_is_frozen_and_has_slots(cls: type) -> None:
    names = {field.name for field in fields(cls)}

    assert cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert names <= set(cls.__slots__)  # type: ignore[attr-defined]


@pytest.mark.parametrize("cls", [cls for cls in VALUES if cls is not Target])
def test_every_value_but_a_target_is_made_by_keywords(cls: type) -> None:
    assert all(field.kw_only for field in fields(cls))


@pytest.mark.parametrize(
    "value",
    [
        HELLO,
        ReasoningDelta(text="Hm."),
        ToolCallDelta(index=0, id="c", name="f", arguments="{"),
        Usage(input_tokens=1),
        Finish(reason="stop", details={"stop": 1}),
        Failover(source=HELLO, target=HELLO, reason="ServerError", characters=5),
        Restart(source=HELLO, target=HELLO, reason="ServerError"),
        Reply(text="Hello.", attempts=(Attempt(target=HELLO, outcome="complete"),)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_pickled(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
