r"""Halves of surrogate pairs, as services send them: `\ud83d` here, `\ude00` there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from turnout._record import Record
from turnout._surrogates import lenient_json
from turnout.decoding import LineDecoder, OddEventError, as_mapping
from turnout.errors import ProtocolError
from turnout.testing import SLICINGS, SlicingName, slices
from turnout.testing._wire import merged
from turnout.types import (
    Citation,
    Event,
    Finish,
    MediaDelta,
    ReasoningDelta,
    Reply,
    ToolCallDelta,
    Usage,
)

EMPTY: dict[str, object] = {}
FIRST, SECOND, WHOLE, ALONE = "\ud83d", "\ude00", "\U0001f600", "\ufffd"


class Lines(LineDecoder):
    """Each line has the fields of one event; the last one has those of a `Finish`."""

    def __init__(self) -> None:
        super().__init__("Vendor")
        self.last: dict[str, Any] = {}

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        for data in datas:
            self.read_line(self.value_of(data), events)

    def value_of(self, data: bytes) -> object:
        try:
            value: object = self.from_json(data)
        except ValueError:
            value = self.read_leniently(data)
            if value is None:
                raise OddEventError("is not valid JSON") from None
        return value

    def read_line(self, line: object, events: list[Event]) -> None:
        for kind, value in as_mapping(line, "a line").items():
            match kind:
                case "text":
                    events.append(value)
                case "reasoning":
                    events.append(ReasoningDelta(text=value))
                case "call":
                    events.append(ToolCallDelta(**value))
                case "media":
                    events.append(MediaDelta(**value))
                case "citation":
                    events.append(Citation(**value))
                case "count":
                    events.append(Usage(output_tokens=value))
                case "usage":
                    self.usage = Usage(output_tokens=value)
                case _:
                    self.last = value
                    self.ended = True

    def read_document(self, value: object, document: bytes) -> list[Event]:
        events: list[Event] = []
        (lines,) = as_mapping(value, "a document").values()
        for line in lines:
            self.read_line(line, events)
        return events

    def finish(self) -> Finish:
        last = self.last
        return Finish(
            reason="stop",
            details=last.get("details", EMPTY),
            state=last.get("state"),
            items=tuple(last.get("items", ())),
        )


class Document(Lines):
    """Reads a body that is one JSON text."""

    documents = b"{"


END: dict[str, Any] = {"end": {}}


def body_of(*lines: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in [*lines, END])


def given(decoder: Lines, pieces: Sequence[bytes]) -> list[Event]:
    """Return the events of an answer, which have no halves."""
    events = [event for piece in pieces for event in decoder.feed(piece)]
    events += decoder.close()
    decoder.check()
    assert str(events).encode()
    return events


def read(*lines: dict[str, Any]) -> Reply:
    """Return the reply to lines, the same for each way to cut them."""
    body = body_of(*lines)
    ways = [given(Lines(), slices(body, how)) for how in SLICINGS]
    document = json.dumps({"lines": [*lines, END]}).encode()
    ways.append(given(Document(), [document]))
    for events in ways:
        assert merged(e for e in events if e) == merged(e for e in ways[0] if e)
    record = Record()
    record.complete = True
    record.take(ways[0])
    return record.reply()


def text(*pieces: str) -> list[dict[str, Any]]:
    return [{"text": piece} for piece in pieces]


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        pytest.param(("a" + FIRST, SECOND + "b"), f"a{WHOLE}b", id="two halves"),
        pytest.param((FIRST, SECOND), WHOLE, id="halves alone"),
        pytest.param((FIRST, "", SECOND), WHOLE, id="an empty text between"),
        pytest.param((FIRST, "b"), f"{ALONE}b", id="lone first half"),
        pytest.param(("a", SECOND, "b"), f"a{ALONE}b", id="lone second half"),
        pytest.param((f"a{FIRST}b", "c"), f"a{ALONE}bc", id="within a text"),
        pytest.param((f"a{SECOND}b",), f"a{ALONE}b", id="second half within a text"),
        pytest.param((FIRST, FIRST, SECOND), ALONE + WHOLE, id="two first halves"),
        pytest.param((SECOND, FIRST), ALONE * 2, id="in the wrong order"),
        pytest.param(("a", FIRST), f"a{ALONE}", id="at the very end"),
        pytest.param((FIRST, f"é{WHOLE}"), f"{ALONE}é{WHOLE}", id="before a whole one"),
        pytest.param((f"{WHOLE}{FIRST}", f"{SECOND}{FIRST}", SECOND), WHOLE * 3),
        pytest.param(("\udbff", "\udfff"), "\U0010ffff", id="the last pair"),
        pytest.param(("\ud800", "\udc00"), "\U00010000", id="the first pair"),
    ],
)
def test_text_has_whole_characters(pieces: tuple[str, ...], whole: str) -> None:
    assert read(*text(*pieces)).text == whole
    reasoning = [{"reasoning": piece} for piece in pieces]
    assert read(*reasoning).reasoning == whole
    calls = [{"call": {"index": 7, "arguments": piece}} for piece in pieces]
    assert read(*calls).tool_calls[0].arguments == whole
    media = [{"media": {"index": 3, "transcript": piece}} for piece in pieces]
    assert read(*media).media[0].transcript == whole


def call(index: int, arguments: str) -> dict[str, Any]:
    return {"call": {"index": index, "arguments": arguments}}


def test_halves_of_texts_that_are_interleaved_are_joined_separately() -> None:
    reply = read(
        call(0, FIRST),
        {"text": FIRST},
        call(1, FIRST),
        {"reasoning": FIRST},
        {"media": {"index": 0, "transcript": FIRST}},
        call(1, SECOND),
        {"media": {"index": 0, "transcript": SECOND}},
        {"text": f"{SECOND}a"},
        call(0, f"{SECOND}b"),
        {"reasoning": "c"},
    )

    assert (reply.text, reply.reasoning) == (f"{WHOLE}a", f"{ALONE}c")
    assert [one.arguments for one in reply.tool_calls] == [f"{WHOLE}b", WHOLE]
    assert reply.media[0].transcript == WHOLE


def test_halves_without_the_other_are_yielded_before_the_finish() -> None:
    lines = [
        {"text": FIRST},
        {"reasoning": FIRST},
        call(4, FIRST),
        {"media": {"index": 2, "transcript": FIRST}},
        {"usage": 1},
    ]
    events = given(Lines(), [body_of(*lines)])

    assert [event for event in events if event][3:] == [
        ALONE,
        ReasoningDelta(text=ALONE),
        ToolCallDelta(index=4, arguments=ALONE),
        MediaDelta(index=2, transcript=ALONE),
        Usage(output_tokens=1),
        Finish(reason="stop"),
    ]


def test_events_without_text_are_unchanged() -> None:
    decoder = Lines()
    events = decoder.feed(body_of({"text": FIRST}, {"count": 3}, {"text": SECOND}))

    assert [event for event in events if event] == [Usage(output_tokens=3), WHOLE]


def test_values_of_one_event_have_no_halves() -> None:
    whole = {"a": [FIRST, {FIRST: SECOND}], "b": FIRST + SECOND, "n": 1}
    reply = read(
        {"text": "x"},
        {"call": {"index": 0, "id": FIRST, "name": SECOND, "item": whole}},
        {"media": {"index": 0, "url": f"https://x/{FIRST}"}},
        {"citation": {"title": FIRST, "cited_text": "ok", "item": whole, "start": 0}},
    )

    repaired = {"a": [ALONE, {ALONE: ALONE}], "b": WHOLE, "n": 1}
    (called,), (media,), (citation,) = reply.tool_calls, reply.media, reply.citations
    assert (called.id, called.name, called.item) == (ALONE, ALONE, repaired)
    assert media.url == f"https://x/{ALONE}"
    assert (citation.title, citation.cited_text, citation.start) == (ALONE, "ok", 0)
    assert citation.item == repaired


@pytest.mark.parametrize("state", [None, {"id": FIRST}])
def test_a_finish_has_no_halves(state: dict[str, Any] | None) -> None:
    end = {"details": {"word": FIRST}, "items": [{"x": [SECOND]}], "state": state}
    body = (
        json.dumps({"text": "x"}).encode() + b"\n" + json.dumps({"end": end}).encode()
    )

    (*_, finish) = given(Lines(), [body])

    assert finish == Finish(
        reason="stop",
        details={"word": ALONE},
        items=({"x": [ALONE]},),
        state=None if state is None else {"id": ALONE},
    )


def test_text_before_and_after_a_half_is_kept() -> None:
    assert read(*text("é", FIRST + "a", "ü", "b")).text == f"é{ALONE}aüb"


def test_an_answer_that_breaks_yields_the_half() -> None:
    decoder = Lines()
    events = decoder.feed(json.dumps({"text": FIRST}).encode() + b"\nnull\n")

    assert [event for event in events if event] == [ALONE]
    with pytest.raises(ProtocolError):
        decoder.check()


@pytest.mark.parametrize("how", SLICINGS)
def test_half_a_pair_in_an_incomplete_last_line_is_read(how: SlicingName) -> None:
    body = body_of(*text("a" + FIRST)).rstrip(b"\n")

    assert merged(e for e in given(Lines(), slices(body, how)) if e) == [
        f"a{ALONE}",
        Finish(reason="stop"),
    ]


def test_numbers_beside_half_a_pair_are_read_as_without_one() -> None:
    line = rb'{"end": {"details": {"n": NaN, "x": "\uD83D", "big": 1e400}}}'

    (finish,) = given(Lines(), [line])

    assert isinstance(finish, Finish)
    assert finish.details["x"] == ALONE


@pytest.mark.parametrize(
    "data",
    [
        rb'{"text": "\ud83d',
        rb"\ud83d",
        b'{"text": "\\ud83d"' + b"[" * 100_000,
        b"",
        b"null",
        b'{"text": "a"}',
        b'{"text": ',
    ],
)
def test_data_without_a_half_or_that_is_not_json_is_not_read(data: bytes) -> None:
    assert lenient_json(data) is None
