"""What a conversation sends again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from turnout.cli._session import Session
from turnout.cli._views import TextView
from turnout.errors import InvalidRequestError, TurnoutError
from turnout.routes import Route
from turnout.testing import FakeProvider
from turnout.types import Finish, Message, Reply, RequestOptions, ToolCallDelta

STATE = {"vendor": ["signature"]}


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (["One.", Finish(reason="stop", state=STATE)], STATE),
        (["One.", ToolCallDelta(index=0, id="c", name="f", arguments="{}")], None),
    ],
    ids=["text", "a call that is not answered"],
)
def test_an_answer_is_sent_again_with_what_its_service_wants(
    answer: list[Any], state: Mapping[str, object] | None
) -> None:
    fake = FakeProvider(answers=[answer, "Two."])
    with asyncio.Runner() as runner:
        session = Session(Route([fake.target()]), runner, TextView(), {})
        for question in ("First?", "Second?"):
            session.ask(Message(role="user", content=question))

    assert fake.requests[1].messages == (
        Message(role="user", content="First?"),
        Message(role="assistant", content="One.", state=state),
        Message(role="user", content="Second?"),
    )


class Log:
    def __init__(self) -> None:
        self.added: list[tuple[str, str, str, RequestOptions]] = []
        self.conversations = 1

    def add(
        self,
        question: Message,
        reply: Reply,
        error: TurnoutError | None,
        *,
        options: RequestOptions,
    ) -> None:
        self.added.append((question.text, reply.text, type(error).__name__, options))

    def new_conversation(self) -> None:
        self.conversations += 1


def test_answers_are_added_to_the_log_those_that_failed_too() -> None:
    fake = FakeProvider(answers=["One.", InvalidRequestError("no")])
    log = Log()
    with asyncio.Runner() as runner:
        session = Session(
            Route([fake.target()]), runner, TextView(), {"max_tokens": 7}, log=log
        )
        session.ask(Message(role="user", content="First?"))
        with pytest.raises(InvalidRequestError):
            session.ask(Message(role="user", content="Second?"))
        session.clear()

    assert log.conversations == 2
    assert log.added == [
        ("First?", "One.", "NoneType", {"max_tokens": 7}),
        ("Second?", "", "InvalidRequestError", {"max_tokens": 7}),
    ]


@pytest.mark.parametrize("system", ["", "Be brief."])
def test_an_earlier_conversation_is_continued(system: str) -> None:
    fake = FakeProvider(answers=["Two."])
    earlier = [
        Message(role="system", content="Be long."),
        Message(role="user", content="First?"),
        Message(role="assistant", content="One."),
    ]
    with asyncio.Runner() as runner:
        route = Route([fake.target()])
        session = Session(route, runner, TextView(), {}, system, messages=earlier)
        session.ask(Message(role="user", content="Second?"))
        session.clear()

    assert [message.role for message in session.messages] == ["system"]
    assert fake.requests[0].messages == (
        Message(role="system", content=system or "Be long."),
        *earlier[1:],
        Message(role="user", content="Second?"),
    )
