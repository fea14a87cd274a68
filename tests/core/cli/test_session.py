"""What a conversation sends again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from turnout.cli._session import Session
from turnout.cli._views import TextView
from turnout.routes import Route
from turnout.testing import FakeProvider
from turnout.types import Finish, Message, ToolCallDelta

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
