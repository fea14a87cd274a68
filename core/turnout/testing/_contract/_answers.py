"""Good answers, over all the ways in which their bytes may come."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TypeGuard

import pytest

from turnout.errors import StreamTruncatedError
from turnout.provider import Provider
from turnout.testing._contract._limits import run
from turnout.testing._contract._setting import QUESTION, ServiceSetting
from turnout.testing._fault_server import FaultServer
from turnout.testing._responses import http_response, response_head
from turnout.testing._slicing import SLICINGS, slices
from turnout.testing._steps import Script, chunk, last_chunk, send, wait_request
from turnout.testing._wire import WireAnswer, merged
from turnout.types import (
    Event,
    Finish,
    ReasoningDelta,
    Reply,
    ToolCall,
    ToolCallDelta,
    Usage,
)

__all__ = ["Answers"]


class Answers(ServiceSetting):
    """What an answer means, and that it means the same in any pieces."""

    def test_the_answers_given_show_what_it_can_do(self) -> None:
        plain = self.text_answer.events()
        all_events = [event for answer in self.answers for event in answer.events()]

        assert all(isinstance(event, str) for event in plain), "the first is plain text"
        assert len(plain) > 1, "the first has two pieces of text at least"
        if self.capabilities.tools:
            called = [event for event in all_events if isinstance(event, ToolCallDelta)]
            assert called, "it takes tools; give an answer that calls one"

    def test_an_answer_is_what_it_says(self, answer: WireAnswer) -> None:
        ((events, reply),) = self._read(answer, self.whole(answer))

        assert merged(filter(_is_delta, events)) == merged(answer.events())
        assert reply.text == answer.text
        assert reply.reasoning == _reasoning(answer)
        assert reply.tool_calls == _calls(answer)
        assert reply.usage == answer.usage
        # Without a last word nothing says why it ended.
        if answer.end:
            assert reply.finish_reason == answer.finish_reason

    def test_an_answer_is_the_same_in_any_pieces(self, answer: WireAnswer) -> None:
        cuts = [slices(answer.body, how) for how in SLICINGS]
        scripts = [self.streaming(*map(chunk, cut), last_chunk()) for cut in cuts]

        (whole, said), *others = self._read(answer, *scripts)

        for events, reply in others:
            assert merged(events) == merged(whole)
            assert _said(reply) == _said(said)

    def test_bytes_that_mean_nothing_change_nothing(self, answer: WireAnswer) -> None:
        steps = [chunk(self.filler)]
        for data in [*answer.begin(len(answer.pieces)), answer.end]:
            steps += [chunk(data + self.filler)]

        ((_, reply),) = self._read(answer, self.streaming(*steps, last_chunk()))

        assert reply.text == answer.text
        assert reply.tool_calls == _calls(answer)

    def test_a_body_with_a_length_is_an_answer(self, answer: WireAnswer) -> None:
        typed = ("Content-Type", self.content_type)
        whole = http_response(200, answer.body, typed)

        ((_, reply),) = self._read(answer, [wait_request(), send(whole)])

        assert reply.text == answer.text

    def test_a_body_that_only_a_close_ends_needs_a_last_word(
        self, answer: WireAnswer
    ) -> None:
        head = response_head(200, ("Content-Type", self.content_type))
        script = [wait_request(), send(head), send(answer.body)]

        if answer.end:
            ((_, reply),) = self._read(answer, script)

            assert reply.text == answer.text
        else:
            with pytest.raises(StreamTruncatedError):
                self._read(answer, script)

    def _read(
        self, answer: WireAnswer, *scripts: Script
    ) -> list[tuple[list[Event], Reply]]:
        """Ask once for each script; return the events and the reply of each.

        No two answers have the same ids where the provider makes them: without those.
        """
        given = {event.id for event in _deltas_of_calls(answer)}

        async def read(provider: Provider) -> tuple[list[Event], Reply]:
            stream = provider.stream(QUESTION, **self.asked(**answer.request))
            events = [_as_given(event, given) async for event in stream.events()]
            return events, _reply_as_given(stream.reply, given)

        async def main() -> list[tuple[list[Event], Reply]]:
            async with FaultServer(*scripts) as server, self.at(server) as provider:
                read_all = [await read(provider) for _ in scripts]

            assert len(server.http_requests) == len(scripts)
            return read_all

        return run(main())


def _is_delta(event: Event) -> TypeGuard[Event]:
    return not isinstance(event, Usage | Finish)


def _reasoning(answer: WireAnswer) -> str:
    return "".join(e.text for e in answer.events() if isinstance(e, ReasoningDelta))


def _calls(answer: WireAnswer) -> tuple[ToolCall, ...]:
    """Return the tool calls of an answer, each as a whole."""
    found: dict[int, ToolCall] = {}
    for event in _deltas_of_calls(answer):
        begun = found.get(event.index, ToolCall(id="", name="", arguments=""))
        found[event.index] = ToolCall(
            id=begun.id or event.id or "",
            name=begun.name or event.name or "",
            arguments=begun.arguments + event.arguments,
        )
    return tuple(found[index] for index in sorted(found))


def _deltas_of_calls(answer: WireAnswer) -> Iterable[ToolCallDelta]:
    return (event for event in answer.events() if isinstance(event, ToolCallDelta))


def _as_given(event: Event, ids: Collection[str | None]) -> Event:
    """Return an event without an id that the service did not give."""
    if isinstance(event, ToolCallDelta) and event.id not in ids:
        return replace(event, id=None)
    return event


def _reply_as_given(reply: Reply, ids: Collection[str | None]) -> Reply:
    calls = [
        call if call.id in ids else replace(call, id="") for call in reply.tool_calls
    ]
    return replace(reply, tool_calls=tuple(calls))


def _said(reply: Reply) -> tuple[object, ...]:
    """Return all that a reply says of the answer, and nothing of the attempt."""
    return (
        reply.text,
        reply.reasoning,
        reply.tool_calls,
        reply.finish_reason,
        reply.usage,
        reply.details,
        reply.state,
    )
