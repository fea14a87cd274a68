"""Conversations: the roles of messages, and which call a result answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import pytest

from turnout.testing._contract._asking import Asking, holds
from turnout.testing._contract._features import answered
from turnout.testing._contract._limits import run
from turnout.testing._fault_server import FaultServer
from turnout.testing._wire import WireAnswer
from turnout.types import Message, Role, Tool, ToolCall

__all__ = ["Conversations"]

_TOOLS = tuple(
    Tool(name=name, description="canary words", parameters={"type": "object"})
    for name in ("canary_tool", "canary_other")
)
_CALLS = tuple(
    ToolCall(id=f"call_canary{number}", name=tool.name, arguments="{}")
    for number, tool in enumerate(_TOOLS)
)

_FOREIGN_STATE = {"canary_protocol": {"canary": ["canary state"]}}

_OTHERS: dict[str, frozenset[str]] = {
    "user": frozenset({"assistant", "model", "bot", "chatbot", "system", "tool"}),
    "assistant": frozenset({"user", "human", "system", "tool"}),
    "tool": frozenset({"assistant", "model", "bot", "chatbot", "system"}),
}
"""For each role, names of other roles that its message must not have."""


class Conversations(Asking):
    """Each message is sent with its role, its call and its state."""

    @pytest.mark.parametrize("role", ["assistant", "system"])
    def test_a_message_is_sent_with_its_role(self, role: Role) -> None:
        self.needs("history", *(["system"] if role == "system" else []))

        body = self._sent(_with(role)).json()

        assert body != self._sent(_with("user")).json(), (
            f"a message of the role {role!r} is sent as one of the role 'user' is"
        )
        for text, sender in (("canary one", "user"), ("canary two", role)):
            _check_role(body, text, sender)

    def test_a_result_is_sent_as_one(self) -> None:
        self.needs("tools", "history")
        said = Message(role="user", content="canary result 0")
        calling = Message(role="assistant", tool_calls=_CALLS[:1])
        question = Message(role="user", content="canary one")

        result = self._sent_unless_refused(_results(0), tools=_TOOLS)
        words = self._sent_unless_refused([question, calling, said], tools=_TOOLS)

        assert result is not None, "tools are claimed, but a result is refused"
        assert result != words, "the result of a call is sent as a user's message"
        _check_role(result, "canary result 0", "tool")

    def test_a_result_is_sent_with_the_call_that_it_answers(self) -> None:
        self.needs("tools", "history")

        body, swapped = (
            self._sent(_results(*order), tools=_TOOLS).json()
            for order in ((0, 1), (1, 0))
        )

        assert body != swapped, (
            "the request does not say which call a result answers; send tool_call_id"
        )
        for call in _CALLS:
            assert _count(body, call.id) != 1, (
                f"{call.id!r} is sent with the call and not with its result; send "
                "tool_call_id"
            )

    def test_what_the_service_wants_to_see_again_is_sent_back(
        self, answer: WireAnswer
    ) -> None:
        self.needs("history")

        async def main() -> bool:
            script = self.whole(answer)
            async with FaultServer(script) as server, self.at(server) as provider:
                asked = self.asked(**answer.request)
                reply = await self.ask(provider, **answer.request)
                if reply.state is None:
                    return False
                question, said, *rest = answered(reply)
                for message in (said, replace(said, state=None)):
                    await provider.complete([question, message, *rest], **asked)
            _, kept, dropped = (request.json() for request in server.http_requests)
            assert kept != dropped, (
                "Finish.state is set, but does not change the next request; "
                "send Message.state"
            )
            return True

        if not run(main()):
            self.skip("the answer has no state (Finish.state)")

    def test_the_state_of_another_service_changes_nothing(self) -> None:
        self.needs("history")
        said = [Message(role="assistant", content="canary two")]
        if self.claims("tools"):
            said.append(_results(0)[1])
        for message in said:
            conversations = [
                [*_results(0)[:1], each, *_after(each)]
                for each in (message, replace(message, state=_FOREIGN_STATE))
            ]
            tools = _TOOLS if message.tool_calls else None

            plain, foreign = (
                self._sent(conversation, tools=tools).json()
                for conversation in conversations
            )

            assert not holds(foreign, "canary state"), (
                "the state of another service is sent; look for your own protocol's "
                "name in Message.state"
            )
            assert foreign == plain


def _with(role: Role) -> list[Message]:
    """Return a conversation whose second message has a role."""
    roles: Sequence[Role] = ("user", role, "user")
    texts = ("canary one", "canary two", "canary three")
    return [
        Message(role=role, content=text)
        for role, text in zip(roles, texts, strict=True)
    ]


def _results(*answers: int) -> list[Message]:
    """Return a conversation in which calls are answered, in this order."""
    results = [
        Message(
            role="tool",
            content=f"canary result {position}",
            tool_call_id=_CALLS[answer].id,
        )
        for position, answer in enumerate(answers)
    ]
    return [
        Message(role="user", content="canary one"),
        Message(role="assistant", tool_calls=_CALLS[: len(answers)]),
        *results,
    ]


def _after(message: Message) -> list[Message]:
    if message.tool_calls:
        return _results(0)[2:]
    return [Message(role="user", content="canary three")]


def _check_role(body: object, text: str, role: str) -> None:
    sent = _role_of(body, text)
    assert sent is None or sent.lower() not in _OTHERS.get(role, ()), (
        f"a message of the role {role!r} is sent with the role {sent!r}"
    )


def _role_of(value: object, text: str) -> str | None:
    """Return the `role` beside a text in a body; None if there is none."""
    if isinstance(value, list):
        items = cast("list[object]", value)
        roles = [_role_of(item, text) for item in items if holds(item, text)]
        return next(iter(roles), None)
    if not isinstance(value, Mapping):
        return None
    fields = cast("Mapping[str, object]", value)
    inner = _role_of([*fields.values()], text)
    own = fields.get("role")
    return inner or (own if isinstance(own, str) else None)


def _count(value: object, wanted: str) -> int:
    """Return in how many places of a body a text is."""
    if isinstance(value, Mapping):
        value = [*cast("Mapping[str, object]", value).values()]
    if isinstance(value, list):
        return sum(_count(item, wanted) for item in cast("list[object]", value))
    return isinstance(value, str) and wanted in value
