"""Good answers, in all the ways in which their bytes may arrive."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TypeGuard, get_args

import pytest

from turnout._record import Record
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
    Citation,
    Event,
    Finish,
    FinishReason,
    Reply,
    ToolCallDelta,
    Usage,
)

__all__ = ["Answers"]


class Answers(ServiceSetting):
    """An answer has its expected events, in whatever pieces its bytes arrive."""

    def test_the_answers_given_show_what_it_can_do(self) -> None:
        plain = self.text_answer.events()
        all_events = [event for answer in self.answers for event in answer.events()]

        assert all(isinstance(event, str) for event in plain), (
            "the first of `answers` has more than text; give plain text first"
        )
        assert len(plain) > 1, (
            "the first of `answers` has one piece of text; give two at least"
        )
        if self.capabilities.tools:
            called = [event for event in all_events if isinstance(event, ToolCallDelta)]
            assert called, "`tools` is claimed; give an answer that calls a tool"

    def test_an_answer_is_what_it_says(self, answer: WireAnswer) -> None:
        ((events, reply),) = self._read(answer, self.whole(answer))
        wanted = _reply_of(answer)

        assert merged(filter(_is_delta, events)) == merged(answer.events())
        assert reply.text == wanted.text
        assert reply.reasoning == wanted.reasoning
        assert reply.tool_calls == wanted.tool_calls
        assert reply.citations == wanted.citations
        assert reply.media == wanted.media
        assert reply.usage == answer.usage
        if answer.items is not None:
            assert reply.items == tuple(answer.items)
        # Without an end mark, the answer has no finish reason.
        if answer.end:
            assert reply.finish_reason == answer.finish_reason

    def test_an_answer_is_the_same_in_any_pieces(self, answer: WireAnswer) -> None:
        cuts = [slices(answer.body, how) for how in SLICINGS]
        scripts = [self.streaming(*map(chunk, cut), last_chunk()) for cut in cuts]

        (whole, said), *others = self._read(answer, *scripts)

        for events, reply in others:
            assert merged(events) == merged(whole)
            assert _said(reply) == _said(said)

    def test_its_events_have_values_of_their_kinds(self, answer: WireAnswer) -> None:
        ((events, _),) = self._read(answer, self.whole(answer))

        for event in events:
            if isinstance(event, Usage):
                assert all(map(_is_count, _counts(event))), event
            if isinstance(event, Finish):
                assert event.reason in get_args(FinishReason), event
        reasons = [isinstance(event, Finish) for event in events]
        after = events[reasons.index(True) + 1 :] if any(reasons) else []
        assert not [event for event in after if not isinstance(event, Usage)], (
            "events come after Finish; only Usage may"
        )

    def test_bytes_that_mean_nothing_change_nothing(self, answer: WireAnswer) -> None:
        steps = [chunk(self.filler)]
        for data in [*answer.begin(len(answer.pieces)), answer.end]:
            steps += [chunk(data + self.filler)]

        ((_, reply),) = self._read(answer, self.streaming(*steps, last_chunk()))

        assert reply.text == answer.text
        assert reply.tool_calls == _reply_of(answer).tool_calls

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
        """Send a request for each script; return the events and the reply of each.

        Ids that the provider makes are left out, because they differ in each answer. So
        is `item` if the given answer has none.
        """
        given = _Given(answer)

        async def read(provider: Provider) -> tuple[list[Event], Reply]:
            stream = provider.stream(QUESTION, **self.asked(**answer.request))
            events = [given.event(event) async for event in stream.events()]
            return events, given.reply(stream.reply)

        async def main() -> list[tuple[list[Event], Reply]]:
            async with FaultServer(*scripts) as server, self.at(server) as provider:
                read_all = [await read(provider) for _ in scripts]

            assert len(server.http_requests) == len(scripts)
            return read_all

        return run(main())


def _is_delta(event: Event) -> TypeGuard[Event]:
    return not isinstance(event, Usage | Finish)


def _is_count(value: object) -> bool:
    return value is None or (type(value) is int and value >= 0)


def _counts(usage: Usage) -> list[object]:
    return [
        getattr(usage, field.name)
        for field in fields(usage)
        if field.name.endswith("_tokens")
    ]


def _reply_of(answer: WireAnswer) -> Reply:
    """Return the reply that the events of an answer make."""
    record = Record()
    record.take(answer.events())
    return record.reply()


class _Given:
    """Leave out the fields that the given answer does not have."""

    def __init__(self, answer: WireAnswer) -> None:
        events = answer.events()
        calls = [event for event in events if isinstance(event, ToolCallDelta)]
        cited = [event for event in events if isinstance(event, Citation)]
        self._ids = {call.id for call in calls}
        self._has_items = any(call.item is not None for call in calls)
        self._has_sources = any(citation.item is not None for citation in cited)

    def event(self, event: Event) -> Event:
        """Return an event without these fields."""
        if isinstance(event, ToolCallDelta):
            return replace(
                event,
                id=event.id if event.id in self._ids else None,
                item=event.item if self._has_items else None,
            )
        return self._citation(event) if isinstance(event, Citation) else event

    def reply(self, reply: Reply) -> Reply:
        """Return a reply without these fields."""
        calls = [
            replace(
                call,
                id=call.id if call.id in self._ids else "",
                item=call.item if self._has_items else None,
            )
            for call in reply.tool_calls
        ]
        citations = map(self._citation, reply.citations)
        return replace(reply, tool_calls=tuple(calls), citations=tuple(citations))

    def _citation(self, citation: Citation) -> Citation:
        return citation if self._has_sources else replace(citation, item=None)


def _said(reply: Reply) -> tuple[object, ...]:
    """Return the fields of a reply about the answer, without those of attempts."""
    return (
        reply.text,
        reply.reasoning,
        reply.tool_calls,
        reply.citations,
        reply.media,
        reply.items,
        reply.finish_reason,
        reply.usage,
        reply.details,
        reply.state,
    )
