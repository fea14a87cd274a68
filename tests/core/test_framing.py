"""Lines and server-sent events, however the network cuts the bytes."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys

import pytest

from turnout.framing import (
    MAX_EVENT_BYTES,
    FramingError,
    LineSplitter,
    ServerSentEvent,
    SseSplitter,
)
from turnout.testing._slicing import Slicing, at, at_random, by_size, whole

BOM = b"\xef\xbb\xbf"

SLICINGS = [
    pytest.param(whole, id="whole"),
    pytest.param(by_size(1), id="byte by byte"),
    pytest.param(by_size(2), id="two by two"),
    pytest.param(at_random(1), id="at random"),
    pytest.param(at_random(2, longest=3), id="at random, short"),
]


def lines_of(
    data: bytes, slicing: Slicing, max_bytes: int = MAX_EVENT_BYTES
) -> tuple[list[bytes], bytes]:
    """Return the lines of some bytes, and what came after the last of them."""
    splitter = LineSplitter(max_bytes)
    lines = [line for piece in slicing(data) for line in splitter.feed(piece)]
    return lines, splitter.close()


def events_of(
    data: bytes, slicing: Slicing = whole, max_bytes: int = MAX_EVENT_BYTES
) -> list[ServerSentEvent | None]:
    """Return the events of some bytes, the one that their end cuts off as the last."""
    splitter = SseSplitter(max_bytes)
    events = [event for piece in slicing(data) for event in splitter.feed(piece)]
    return [*events, splitter.close()]


def event(data: str, name: str = "") -> ServerSentEvent:
    return ServerSentEvent(data.encode(), name)


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    ("data", "lines", "rest"),
    [
        pytest.param(b"", [], b"", id="nothing"),
        pytest.param(b"one\ntwo\n", [b"one", b"two"], b"", id="lines"),
        pytest.param(b"one\ntwo", [b"one"], b"two", id="an open end"),
        pytest.param(b"\n\n", [b"", b""], b"", id="blank lines"),
        pytest.param(b"one\r\ntwo\r", [b"one\r"], b"two\r", id="carriage returns"),
        pytest.param(
            "a\u2028b\x85c\x0bd\x1ce\n".encode(),
            ["a\u2028b\x85c\x0bd\x1ce".encode()],
            b"",
            id="line ends of other conventions",
        ),
    ],
)
def test_lines_are_split_at_line_feeds(
    data: bytes, lines: list[bytes], rest: bytes, slicing: Slicing
) -> None:
    assert lines_of(data, slicing) == (lines, rest)


def test_a_line_splitter_is_empty_once_it_was_closed() -> None:
    splitter = LineSplitter(max_bytes=5)
    splitter.feed(b"12345")

    assert splitter.close() == b"12345"
    assert splitter.close() == b""
    assert splitter.feed(b"67890\n") == [b"67890"]


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"12345\n67890\n", id="ended"),
        pytest.param(b"12345\n67890", id="open"),
    ],
)
def test_a_line_may_have_as_many_bytes_as_are_accepted(
    data: bytes, slicing: Slicing
) -> None:
    lines, rest = lines_of(data, slicing, max_bytes=5)

    assert [*lines, rest][:2] == [b"12345", b"67890"]


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"123456\n", id="ended"),
        pytest.param(b"123456", id="open"),
        pytest.param(b"1\n123456\n2\n", id="among others"),
        pytest.param(b"123456\n1", id="before another"),
    ],
)
def test_a_line_may_not_have_more_bytes(data: bytes, slicing: Slicing) -> None:
    with pytest.raises(FramingError, match="6 bytes or more; 5 are accepted"):
        lines_of(data, slicing, max_bytes=5)


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    ("data", "events"),
    [
        pytest.param("", [None], id="nothing"),
        pytest.param("data: one\n\ndata: two\n\n", ["one", "two"], id="LF"),
        pytest.param("data: one\r\n\r\ndata: two\r\n\r\n", ["one", "two"], id="CRLF"),
        pytest.param("data: one\r\rdata: two\r\r", ["one", "two"], id="CR"),
        pytest.param(
            "data: 1\r\n\ndata: 2\n\r\ndata: 3\r\r\ndata: 4\n\rdata: 5\r\n\r",
            ["1", "2", "3", "4", "5"],
            id="line ends mixed",
        ),
        pytest.param("data:one\n\n", ["one"], id="no space"),
        pytest.param("data:  one \n\n", [" one "], id="two spaces"),
        pytest.param("data:\tone\n\n", ["\tone"], id="a tab is no space"),
        pytest.param("data: a\ndata: b\n\n", ["a\nb"], id="several lines"),
        pytest.param("data: a\ndata\ndata:\n\n", ["a\n\n"], id="empty lines"),
        pytest.param("data\n\n", [""], id="data without a colon"),
        pytest.param("data:\n\n", [""], id="empty data"),
        pytest.param("datax: one\n\n", [], id="a field that only begins so"),
        pytest.param(" data: one\n\n", [], id="a space before the field"),
        pytest.param("Data: one\n\n", [], id="fields have case"),
        pytest.param(": hello\ndata: one\n:\n\n", ["one"], id="comments"),
        pytest.param(": keep-alive\n\n: keep-alive\n\n", [], id="comments alone"),
        pytest.param("id: 1\nretry: 5\ndata: one\nid\n\n", ["one"], id="id and retry"),
        pytest.param("\n\n\ndata: one\n\n\n\n", ["one"], id="blank lines"),
        pytest.param("data: a: b\n\n", ["a: b"], id="a colon in the data"),
        pytest.param(
            'data: {"x": "a\u2028b\x85"}\n\n', ['{"x": "a\u2028b\x85"}'], id="u"
        ),
    ],
)
def test_events_are_split(
    data: str, events: list[str | None], slicing: Slicing
) -> None:
    expected = [None if text is None else event(text) for text in events]

    assert events_of(data.encode(), slicing) == [
        *(one for one in expected if one is not None),
        None,
    ]


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("event: ping\ndata: x\n\n", "ping"),
        ("data: x\nevent:ping\n\n", "ping"),
        ("event: ping\nevent: pong\ndata: x\n\n", "pong"),
        ("event: ping\nevent\ndata: x\n\n", ""),
        ("event: ping\n\ndata: x\n\n", ""),
        ("event: ünï\ndata: x\n\n", "ünï"),
    ],
)
def test_an_events_name_is_the_last_that_is_given(
    data: str, name: str, slicing: Slicing
) -> None:
    assert events_of(data.encode(), slicing) == [event("x", name), None]


def test_a_name_that_is_not_utf_8_does_no_harm() -> None:
    assert events_of(b"event: \xff\ndata: x\n\n") == [event("x", "\ufffd"), None]


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    ("data", "events"),
    [
        pytest.param(BOM + b"data: one\n\n", [event("one"), None], id="first"),
        pytest.param(BOM + BOM + b"data: one\n\n", [None], id="only one"),
        pytest.param(b"\n" + BOM + b"data: one\n\n", [None], id="first only"),
        pytest.param(BOM + b"\r\ndata: one\r\n\r\n", [event("one"), None], id="alone"),
        pytest.param(BOM + b"data: one", [event("one")], id="on an open line"),
        pytest.param(BOM, [None], id="and nothing else"),
    ],
)
def test_one_byte_order_mark_may_stand_first(
    data: bytes, events: list[ServerSentEvent | None], slicing: Slicing
) -> None:
    assert events_of(data, slicing) == events


@pytest.mark.parametrize("cut", [1, 2])
def test_a_byte_order_mark_may_be_cut(cut: int) -> None:
    assert events_of(BOM + b"data: one\n\n", at(cut)) == [event("one"), None]


def test_an_event_is_given_as_soon_as_its_end_is_known() -> None:
    splitter = SseSplitter()

    assert splitter.feed(b"data: one\r\n\r") == [event("one")]
    assert splitter.feed(b"\ndata: two\r\r") == [event("two")]
    assert splitter.feed(b"") == []
    assert splitter.feed(b"\n") == []


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    ("data", "last"),
    [
        pytest.param(b"data: one", event("one"), id="in its line"),
        pytest.param(b"data: one\n", event("one"), id="after its line"),
        pytest.param(b"data: one\r", event("one"), id="after its CR"),
        pytest.param(b"event: e\ndata: a\ndata: b", event("a\nb", "e"), id="long"),
        pytest.param(b"event: e\n", None, id="without data"),
        pytest.param(b"dat", None, id="in the field's name"),
    ],
)
def test_an_event_that_the_end_cuts_off_is_given_at_the_close(
    data: bytes, last: ServerSentEvent | None, slicing: Slicing
) -> None:
    assert events_of(b"data: before\n\n" + data, slicing) == [event("before"), last]


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    ("value", "error"),
    [
        pytest.param('{"code":500,"message":"no"}', {"code": 500, "message": "no"}),
        pytest.param('{"error":{"code":500}}', {"code": 500}, id="wrapped"),
        pytest.param('{"error":"no"}', "no", id="wrapped text"),
        pytest.param("failed to decode", "failed to decode", id="text"),
        pytest.param('{"code":', '{"code":', id="half"),
        pytest.param("[" * 100_000, "[" * 100_000, id="deep"),
        pytest.param("", "", id="nothing"),
    ],
)
@pytest.mark.parametrize("end", ["\n\n", "\n", ""])
def test_a_line_error_is_an_event(
    value: str, error: object, end: str, slicing: Slicing
) -> None:
    stream = f"data: one\n\ndata: two\nerror: {value}{end}".encode()
    *found, last = events_of(stream, slicing)
    events = [*found, *([] if last is None else [last])]

    assert events[:1] == [event("one")]
    failure = events[-1]
    assert failure is not None
    assert failure.name == "error"
    assert json.loads(failure.data) == {"type": "error", "error": error}
    # What the end of the stream cuts off is given alone.
    assert events[1:-1] == ([event("two")] if end else [])


def test_data_alone_has_errors_too() -> None:
    splitter = SseSplitter()
    found = splitter.feed_data(b"data: 1\n\nerror: no\n\ndata: 2\n\n")

    assert found == [b"1", b'{"type": "error", "error": "no"}', b"2"]


def test_an_event_that_was_cut_off_is_given_once() -> None:
    splitter = SseSplitter()
    splitter.feed(b"event: e\ndata: one")

    assert splitter.close() == event("one", "e")
    assert splitter.close() is None


@pytest.mark.parametrize("slicing", SLICINGS)
def test_an_event_may_have_as_many_bytes_as_are_accepted(slicing: Slicing) -> None:
    data = b"data: 123456789\ndata: 0123456789\n\n" * 2

    first, *_ = events_of(data, slicing, max_bytes=20)

    assert first == event("123456789\n0123456789")


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"data: 0123456789\ndata: 0123456789\n\n", id="data"),
        pytest.param(b"data:\n" * 22, id="empty lines of data"),
        pytest.param(b": 0123456789 0123456789", id="a comment"),
        pytest.param(b"event: 0123456789 0123456789\n", id="a name"),
    ],
)
def test_an_event_may_not_have_more_bytes(data: bytes, slicing: Slicing) -> None:
    with pytest.raises(FramingError, match=r"20 (bytes of data|are accepted)$"):
        events_of(data, slicing, max_bytes=20)


def reference(data: bytes) -> list[ServerSentEvent | None]:
    """Decode a whole stream at once, by the letter of the standard's grammar."""
    events: list[ServerSentEvent | None] = []
    buffer, name = b"", b""
    *lines, rest = re.split(b"\r\n|\r|\n", data.removeprefix(BOM))
    for number, line in enumerate([*lines, rest]):
        field, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if field == b"data":
            buffer += value + b"\n"
        elif field == b"event":
            name = value
        if number == len(lines) or not line:
            found = ServerSentEvent(buffer[:-1], name.decode()) if buffer else None
            events.append(found)
            buffer, name = b"", b""
    return [*filter(None, events[:-1]), events[-1]]


TOKENS = [
    *(b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n"),
    *(b"data", b"data:", b"data: ", b"data:  ", b"event:", b"event: e", b"id: 1"),
    *(b":", b": c", b" ", b"x", b"{}", "é\u2028".encode(), BOM),
]


@pytest.mark.parametrize("seed", range(40))
def test_any_stream_in_any_pieces_is_what_the_standard_says(seed: int) -> None:
    source = random.Random(seed)
    for _ in range(25):
        stream = b"".join(source.choices(TOKENS, k=source.randint(0, 40)))
        expected = reference(stream)

        for slicing in (whole, by_size(1), at_random(source.randrange(10**6))):
            assert events_of(stream, slicing) == expected, stream


# What nearly all streams are made of, and little of what may stand between.
USUAL = [b'data: {"a": 1}\n\n'] * 9 + TOKENS
NAMED = [b'event: e\ndata: {"a": 1}\n\n'] * 9 + TOKENS
BOTH = USUAL[:9] + NAMED
CARRIAGES = [b'data: {"a": 1}\r\n\r\n'] * 9 + TOKENS


def data_of(
    stream: bytes, slicing: Slicing, max_bytes: int = MAX_EVENT_BYTES
) -> tuple[list[bytes], ServerSentEvent | None]:
    splitter = SseSplitter(max_bytes)
    found = [data for piece in slicing(stream) for data in splitter.feed_data(piece)]
    return found, splitter.close()


@pytest.mark.parametrize(
    "tokens",
    [TOKENS, USUAL, NAMED, BOTH, CARRIAGES],
    ids=["odd", "usual", "named", "both", "carriages"],
)
@pytest.mark.parametrize("seed", range(20))
def test_data_alone_is_that_of_the_events(seed: int, tokens: list[bytes]) -> None:
    source = random.Random(seed)
    for _ in range(25):
        stream = b"".join(source.choices(tokens, k=source.randint(0, 40)))
        *expected, last = reference(stream)

        longest = at_random(source.randrange(10**6), longest=60)
        for slicing in (whole, by_size(1), by_size(16), longest):
            found, rest = data_of(stream, slicing)
            assert found == [event.data for event in expected if event], stream
            assert rest == last


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(b"event: a\ndata: 1\n\n", [b"1"], id="one"),
        pytest.param(
            b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", [b"1", b"2"], id="two"
        ),
        pytest.param(
            b"event: a\n\nevent: b\ndata: 2\ndata: 3\n\n", [b"2\n3"], id="uneven"
        ),
        pytest.param(b"event: a\ndata: \n\n", [b""], id="empty"),
        pytest.param(b"event: a\ndata: 1\ndata: 2\n\n", [b"1\n2"], id="two lines"),
        pytest.param(
            b"event: a\ndata: 1\n\ndata: 0\ndata: 2\n\n", [b"1", b"0\n2"], id="mixed"
        ),
        pytest.param(
            b"event: a\ndata: 1\n\n\nevent: b\ndata: 2\n\n", [b"1", b"2"], id="blank"
        ),
        pytest.param(
            b"event: a\ndata: 1\n\n: c\ndata: 2\n\n", [b"1", b"2"], id="comment"
        ),
    ],
)
@pytest.mark.parametrize("slicing", [whole, by_size(1), by_size(18)])
def test_data_alone_of_events_that_have_names(
    stream: bytes, expected: list[bytes], slicing: Slicing
) -> None:
    assert data_of(stream, slicing) == (expected, None)


def test_data_alone_and_events_may_be_asked_for_in_turn() -> None:
    splitter = SseSplitter()

    assert splitter.feed_data(b"data: 1\n\ndata: 2\n\n") == [b"1", b"2"]
    assert splitter.feed(b"event: e\ndata: 3") == []
    assert splitter.feed_data(b"4\n\ndata: 5\n\n") == [b"34", b"5"]
    assert splitter.feed_data(b"") == []
    assert splitter.feed(b"data: 6\n\n") == [event("6")]


@pytest.mark.parametrize("slicing", [whole, by_size(1), by_size(7)])
def test_data_alone_may_not_have_more_bytes(slicing: Slicing) -> None:
    data = b"data: 1\n\ndata: " + b"x" * 21 + b"\n\n"

    with pytest.raises(FramingError):
        data_of(data, slicing, max_bytes=20)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("named", [False, True], ids=["data", "named"])
@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(b"", [], id="first"),
        pytest.param(b"data: 1\n\n", [b"1"], id="after an event"),
        pytest.param(b"data: 1\n\ndata: [2", [b"1", b"[2"], id="within one"),
        pytest.param(b"data: 1\n\n: x\n", [b"1"], id="after a comment"),
    ],
)
def test_a_line_may_begin_a_document(
    before: bytes, expected: list[bytes], end: bytes, *, named: bool
) -> None:
    inside = b"\n" if before.endswith(b"2") else b""
    stream = (before + inside + b'[{"error": {\n"code": 1}}]').replace(b"\n", end)
    for cut in range(len(stream) + 1):
        splitter = SseSplitter(documents=b"[{")
        found: list[bytes] = []
        rest = b""
        for piece in (stream[:cut], stream[cut:]):
            if splitter.document is not None:
                rest = piece
            elif named:
                found += [event.data for event in splitter.feed(piece)]
            else:
                found += splitter.feed_data(piece)
        assert splitter.document is not None
        document = splitter.document + rest

        assert found == expected, cut
        assert document.split() == [b'[{"error":', b"{", b'"code":', b"1}}]"]


@pytest.mark.parametrize("stream", [b"data: 1\n\n[2]\n\n", b"data: [1\ndata: {\n\n"])
def test_no_line_begins_a_document_where_none_is_expected(stream: bytes) -> None:
    splitter = SseSplitter()

    assert len(splitter.feed_data(stream)) == 1
    assert splitter.document is None


def test_the_reference_finds_what_the_standards_examples_say() -> None:
    stream = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"

    assert reference(stream + b"data:  third event") == [
        event("first event"),
        event("second event"),
        event(" third event"),
    ]


MEASURE = """
import time
from turnout.framing import SseSplitter

def seconds(size):
    splitter = SseSplitter(max_bytes=size)
    began = time.process_time()
    for _ in range(size):
        splitter.feed(b"x")
    splitter.feed(b"\\n\\n")
    return time.process_time() - began

size = 2 * 1024 * 1024
print(seconds(size) / min(seconds(size // 10) for _ in range(3)))
"""


def test_a_line_of_two_megabytes_byte_by_byte_takes_linear_time() -> None:
    # In a process of its own, which no measurement of coverage slows down.
    plain = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}

    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        env=plain,
        check=True,
        capture_output=True,
        text=True,
    )

    # The square of the length would make it a hundred times as much.
    assert float(done.stdout) < 30
