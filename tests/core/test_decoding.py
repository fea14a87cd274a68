"""What decoders have in common, through a small protocol of each framing."""

from __future__ import annotations

import json
import time

import pytest

from turnout.decoding import (
    Decoder,
    LineDecoder,
    OddEventError,
    SseDecoder,
    as_count,
    as_list,
    as_mapping,
    as_text,
    is_error,
)
from turnout.errors import ProtocolError, StreamTruncatedError
from turnout.framing import EventTooLongError, FramingError
from turnout.testing import SLICINGS, slices
from turnout.testing._slicing import SlicingName, by_size
from turnout.types import Event, Finish, Usage


def read(decoder: Decoder, datas: list[bytes], events: list[Event]) -> None:
    for data in datas:
        try:
            fields = as_mapping(decoder.from_json(data), "an event")
        except ValueError:
            raise OddEventError("is no JSON") from None
        if "error" in fields:
            decoder.report(data)
        elif "text" in fields:
            events.append(as_text(fields["text"], "text"))
        else:
            decoder.usage = Usage(output_tokens=as_count(fields, "tokens"))
            decoder.ended = decoder.done = True


class Lines(LineDecoder):
    def read(self, datas: list[bytes], events: list[Event]) -> None:
        read(self, datas, events)

    def finish(self) -> Finish:
        return Finish(reason="stop")


class Events(SseDecoder):
    def read(self, datas: list[bytes], events: list[Event]) -> None:
        read(self, datas, events)

    def finish(self) -> Finish:
        return Finish(reason="stop")


LINES = b'{"text": "Hel"}\n\n \r\n{"text": "lo"}\r\n{"tokens": 2}\n'
EVENTS = LINES.replace(b"{", b"data: {").replace(b"\n", b"\n\n")
WHOLE = ["Hel", "lo", Usage(output_tokens=2), Finish(reason="stop")]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    ("kind", "data"), [(Lines, LINES), (Events, EVENTS)], ids=["lines", "events"]
)
def test_an_answer_is_the_same_however_it_is_cut(
    kind: type[Decoder], data: bytes, size: int
) -> None:
    decoder = kind("Vendor")
    events: list[Event] = []
    for part in by_size(size)(data):
        events += decoder.feed(part)
    events += decoder.close()
    decoder.check()

    assert events == WHOLE
    assert decoder.close() == []


@pytest.mark.parametrize(
    ("kind", "data"), [(Lines, LINES), (Events, EVENTS)], ids=["lines", "events"]
)
def test_the_last_event_counts_without_its_line_feed_where_it_is_whole(
    kind: type[Decoder], data: bytes
) -> None:
    whole, cut = kind("Vendor"), kind("Vendor")
    data = data.rstrip()

    assert [*whole.feed(data), *whole.close()] == WHOLE
    assert [*cut.feed(data[:-1]), *cut.close()] == WHOLE[:2]
    with pytest.raises(StreamTruncatedError, match="ended without its last event"):
        cut.check()


class Reasons(Lines):
    """Lines of which one is the reason why the answer ended, and another a mark."""

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        for data in datas:
            if data == b"reason":
                self.ended = True
            elif data == b"mark":
                self.ended = self.done = True
            elif data == b"odd":
                raise OddEventError("is odd")
            else:
                events.append(data.decode().strip("-"))

    def is_whole(self, data: bytes) -> bool:
        return True


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("lines", "texts"),
    [
        pytest.param("a reason", ["a"], id="reason"),
        pytest.param("a reason b reason", ["a", "b"], id="another-reason"),
        pytest.param("reason a reason", ["a"], id="reason-before-all"),
        pytest.param("a reason b mark", ["a", "b"], id="mark"),
        pytest.param("a mark", ["a"], id="mark-alone"),
        pytest.param("a reason reason", ["a"], id="reason-twice"),
        pytest.param("a reason odd", ["a"], id="odd-after-the-end"),
        pytest.param("a reason b", None, id="text-after"),
        pytest.param("a reason b reason c", None, id="text-after-another"),
        pytest.param("a reason b odd", None, id="text-and-odd-after"),
        pytest.param("a", None, id="no-reason"),
    ],
)
@pytest.mark.parametrize("feed", ["\n", ""], ids=["whole", "cut"])
def test_an_end_holds_until_more_comes(
    lines: str, texts: list[str] | None, size: int, feed: str
) -> None:
    decoder = Reasons("Vendor")
    events: list[Event] = []
    for part in by_size(size)(("\n".join(lines.split()) + feed).encode()):
        if not decoder.done:
            events += decoder.feed(part)
    events += decoder.close()

    if texts is None:
        assert not any(isinstance(event, Finish) for event in events)
        with pytest.raises((StreamTruncatedError, ProtocolError)):
            decoder.check()
    else:
        decoder.check()
        assert events == [*texts, Finish(reason="stop")]


def test_what_is_no_increment_takes_no_end_back() -> None:
    decoder = Reasons("Vendor")
    # The decoder adds an empty text, and no text.
    events = decoder.feed(b"a\nreason\n-\n")
    assert decoder.ended

    assert [*events, *decoder.close()][-1] == Finish(reason="stop")


def test_a_fault_is_told_after_what_came_before_it() -> None:
    decoder = Lines("Vendor", "req-1")
    given = decoder.feed(b'{"text": "Hel"}\n{"text": 5}\n{"text": "lo"}\n')

    assert given == ["Hel"]
    with pytest.raises(ProtocolError, match="Vendor sent an event that has a int for"):
        decoder.check()


def test_an_error_is_kept_as_it_was_sent() -> None:
    decoder = Lines("Vendor")
    error = b'{"error": "out of memory"}'
    given = decoder.feed(b'{"text": "Hel"}\n' + error + b"\n")

    assert given == ["Hel"]
    assert decoder.reported == error


def test_an_error_in_place_of_events_is_a_document() -> None:
    decoder = Events("Vendor")
    error = b'[{\n  "error": {"message": "no"}\n}]\n'

    assert decoder.feed(b"\xef\xbb\xbf\n" + error[:5]) == []
    assert [*decoder.feed(error[5:]), *decoder.close()] == []
    assert decoder.reported == error


@pytest.mark.parametrize("kind", [Lines, Events])
def test_a_page_is_a_fault(kind: type[Decoder]) -> None:
    decoder = kind("Vendor")

    assert [*decoder.feed(b"<html>"), *decoder.close()] == []
    with pytest.raises(ProtocolError, match="a page in place of an answer"):
        decoder.check()


class Sized(Decoder):
    """Messages of a length, a checksum and JSON."""

    documents = b"{[<"
    end = "its last message"

    def __init__(self, provider: str, request_id: str | None = None) -> None:
        super().__init__(provider, request_id)
        self.held = b""

    def split(self, data: bytes) -> list[bytes]:
        self.held += data
        found: list[bytes] = []
        while len(self.held) >= 2:
            length, checksum = self.held[:2]
            if length > self.max_event_bytes:
                raise EventTooLongError(
                    f"a message has {length} bytes", self.held[2:], events=found
                )
            body = self.held[2 : 2 + length]
            if len(body) < length:
                break
            if sum(body) % 256 != checksum:
                raise FramingError("the checksum of a message is wrong", events=found)
            found.append(body)
            self.held = self.held[2 + length :]
        return found

    def rest(self) -> bytes:
        return b""

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        for data in datas:
            text = json.loads(data)
            self.read_leniently(data)  # Joins halves of pairs from here on.
            if text == "end":
                self.ended = self.done = True
            else:
                events.append(text)

    def finish(self) -> Finish:
        return Finish(reason="stop")


def message(text: str) -> bytes:
    body = json.dumps(text).encode()
    return bytes([len(body), sum(body) % 256]) + body


BROKEN = b"\x03\x00abc"


@pytest.mark.parametrize("how", SLICINGS)
def test_a_framing_of_its_own_is_read(how: SlicingName) -> None:
    decoder = Sized("Vendor")
    body = message("a") + message("\ud83d") + message("\ude82") + message("end")

    events = [event for piece in slices(body, how) for event in decoder.feed(piece)]

    assert "".join(e for e in events if isinstance(e, str)) == "a\U0001f682"
    assert events[-1] == Finish(reason="stop")
    decoder.check()


@pytest.mark.parametrize("how", SLICINGS)
def test_a_fault_of_the_framing_has_its_own_words(how: SlicingName) -> None:
    decoder = Sized("Vendor")
    body = message("a") + message("b\ud83d") + BROKEN + message("c")
    events: list[Event] = []

    for piece in slices(body, how):
        if not decoder.done:
            events += decoder.feed(piece)
    events += decoder.close()

    # Half of a pair stays alone.
    assert "".join(e for e in events if isinstance(e, str)) == "ab\ufffd"
    with pytest.raises(ProtocolError) as caught:
        decoder.check()
    assert str(caught.value) == (
        "Vendor sent bytes that are not of its protocol: the checksum of a message is "
        "wrong"
    )


def test_a_fault_of_the_framing_after_the_end_harms_nothing() -> None:
    decoder = Sized("Vendor")

    events = decoder.feed(message("a") + message("end") + BROKEN)

    assert events == ["a", Finish(reason="stop")]
    decoder.check()


def test_a_message_that_is_too_long_has_the_events_before_it() -> None:
    decoder = Sized("Vendor")
    decoder.limit(100)

    events = decoder.feed(message("a") + bytes([200, 0]) + b"x" * 200)

    assert events == ["a"]
    with pytest.raises(ProtocolError, match="too much at once: a message has 200 byte"):
        decoder.check()


def test_a_line_that_never_ends_is_a_fault() -> None:
    decoder = Lines("Vendor")
    for _ in range(9):
        decoder.feed(b"x" * 1024 * 1024)

    with pytest.raises(ProtocolError, match="sent too much at once"):
        decoder.check()


class Unmarked(Lines):
    """Has no mark for the end, and reads errors over several lines."""

    ends_with_body = True

    def is_whole(self, data: bytes) -> bool:
        return True

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        for at, data in enumerate(datas):
            if data.rstrip() == b"{":
                self.begin_document(datas[at:])
                break
            read(self, [data], events)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("framed", [False, True])
def test_the_end_of_a_framed_body_ends_an_answer_without_a_mark(
    size: int, framed: bool
) -> None:
    decoder = Unmarked("Vendor")
    decoder.framed = framed
    parts = by_size(size)(b'{"text": "Hel"}\n{"text": "lo"}')
    events = [event for part in parts for event in decoder.feed(part)]

    assert not decoder.ended
    events += decoder.close()
    assert events == ["Hel", "lo", *([Finish(reason="stop")] if framed else [])]
    assert decoder.ended == framed


@pytest.mark.parametrize("body", [b"", b"\n \n", b'{"text": "a"}\n{\n"error": 1'])
def test_the_end_of_a_body_without_events_or_within_a_document_ends_nothing(
    body: bytes,
) -> None:
    decoder = Unmarked("Vendor")
    decoder.framed = True
    decoder.feed(body)
    decoder.close()

    with pytest.raises(StreamTruncatedError):
        decoder.check()


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_lines_may_begin_a_document(size: int, newline: bytes) -> None:
    decoder = Unmarked("Vendor")
    decoder.framed = True
    document = newline.join([b"{", b"", b'  "error": "no"', b"}"])
    events: list[Event] = []
    for part in by_size(size)(b'{"text": "Hel"}\n' + document):
        events += decoder.feed(part)

    assert [*events, *decoder.close()] == ["Hel"]
    assert decoder.reported is not None
    assert decoder.from_json(decoder.reported) == {"error": "no"}


def test_a_last_line_may_begin_a_document() -> None:
    decoder = Unmarked("Vendor")
    decoder.framed = True
    decoder.feed(b'{"text": "a"}\n{')

    assert decoder.close() == []
    with pytest.raises(StreamTruncatedError):
        decoder.check()


def test_an_odd_document_is_a_fault() -> None:
    class Odd(Events):
        def read_document(self, value: object, document: bytes) -> list[Event]:
            raise OddEventError("has no text")

    decoder = Odd("Vendor")
    decoder.feed(b"{}")
    decoder.close()

    with pytest.raises(ProtocolError, match="Vendor sent a body that has no text"):
        decoder.check()


def test_what_is_of_another_kind_is_odd() -> None:
    with pytest.raises(OddEventError, match="has a list for it"):
        as_mapping([], "it")
    with pytest.raises(OddEventError, match="has a dict for it"):
        as_list({}, "it")
    with pytest.raises(OddEventError, match="has a NoneType for it"):
        as_text(None, "it")


@pytest.mark.parametrize("fields", [None, [], {}, {"n": "5"}, {"n": None}])
def test_a_count_that_is_none_is_not_known(fields: object) -> None:
    assert as_count(fields, "n") is None


LIMIT = 1000

CUT = b'{"error":{"code":"a_code","message":"no","details":"' + b"x" * 5000


def fed(decoder: Decoder, data: bytes, size: int) -> list[Event]:
    """Return the events of an answer that is cut, whose limit is set before."""
    decoder.limit(LIMIT)
    events: list[Event] = []
    for part in by_size(size)(data):
        events += decoder.feed(part)
    return events + decoder.close()


@pytest.mark.parametrize("size", [7, 100, 10_000])
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Lines, b'{"text": "' + b"x" * 990 + b'"}\n'),
        (Events, b'data: {"text": "' + b"x" * 990 + b'"}\n\n'),
        (Events, b'{"te": ["' + b"x" * 990 + b'"]}'),
        (Events, b"[" + b"1," * 500 + b"1]"),
        (Events, b"[1, " + b"x" * 1000),
    ],
)
def test_what_is_longer_than_the_limit_breaks_the_protocol(
    kind: type[Decoder], data: bytes, size: int
) -> None:
    decoder = kind("Vendor")

    assert fed(decoder, data, size) == []
    with pytest.raises(ProtocolError, match=r"too much.*; set max_event_bytes"):
        decoder.check()


@pytest.mark.parametrize("size", [100, 10_000])
@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (Lines, b"", b'"}}\n'),
        (Events, b"data: ", b'"}}\n\n'),
        (Events, b"data:", b""),
        (Events, b"", b'"}}'),
        (Events, b"[", b'"}}]'),
    ],
)
def test_an_error_that_is_longer_than_the_limit_is_reported(
    kind: type[Decoder], before: bytes, after: bytes, size: int
) -> None:
    decoder = kind("Vendor")

    assert fed(decoder, before + CUT + after, size) == []
    assert decoder.reported is not None
    assert b'"a_code"' in decoder.reported
    assert len(decoder.reported) <= 64 * 1024


def test_so_is_one_of_many_short_lines() -> None:
    decoder = Events("Vendor")
    begin = b'data: {"error":{"code":"a_code",\n'

    assert fed(decoder, begin + b'data: "x":1,\n' * 200, 64) == []
    assert decoder.reported is not None
    assert b'"a_code"' in decoder.reported


def test_no_more_is_kept_of_an_error_than_is_read() -> None:
    decoder = Events("Vendor")

    decoder.feed(b'data: {"error": "' + b"x" * 500_000 + b'"}\n\n')

    assert decoder.reported is not None
    assert len(decoder.reported) == 64 * 1024


@pytest.mark.parametrize("begin", [b"<", b"{"])
def test_a_document_byte_by_byte_takes_linear_time(begin: bytes) -> None:
    def seconds(size: int) -> float:
        decoder = Events("Vendor")
        began = time.process_time()
        decoder.feed(begin)
        for _ in range(size):
            decoder.feed(b" ")
        return time.process_time() - began

    # Ten times as long takes 10 times as long, and 100 times if it were quadratic.
    assert seconds(60_000) < 40 * max(0.001, *(seconds(6000) for _ in range(2)))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"error": {"message": "no"}}, id="error"),
        pytest.param({"error": "no"}, id="error as text"),
        pytest.param([{"error": {"code": 1}}, {}], id="list"),
        pytest.param({"errors": [{"code": 1}], "result": {}}, id="errors"),
        pytest.param({"success": False, "result": None}, id="success"),
        pytest.param({"type": "error", "message": "no"}, id="type"),
        pytest.param({"object": "error", "code": 400}, id="object"),
        pytest.param({"event": "error", "data": "no"}, id="event"),
        pytest.param({"choices": None, "base_resp": {"status_code": 1}}, id="MiniMax"),
        pytest.param({"code": 401, "msg": "no"}, id="code"),
        pytest.param({"code": 1001}, id="code alone"),
        pytest.param({"code": "InvalidApiKey", "message": "no"}, id="DashScope"),
        pytest.param({"message": "no"}, id="message"),
        pytest.param({"detail": [{"msg": "no"}]}, id="FastAPI"),
        pytest.param({"error_msg": "no", "error_code": 17}, id="error_msg"),
        pytest.param({"choices": None, "message": "no"}, id="no choices"),
    ],
)
def test_an_error_is_known_in_every_form(value: object) -> None:
    assert is_error(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param([], id="empty list"),
        pytest.param(["no"], id="list of texts"),
        pytest.param({}, id="empty"),
        pytest.param({"error": None, "choices": []}, id="no error"),
        pytest.param({"errors": [], "success": True}, id="no errors"),
        pytest.param({"id": "x", "usage": {}, "choices": []}, id="usage"),
        pytest.param({"message": {"role": "assistant"}, "done": False}, id="Ollama"),
        pytest.param({"message": "hi", "done": True}, id="an answer's message"),
        pytest.param({"base_resp": {"status_code": 0}}, id="MiniMax"),
        pytest.param({"base_resp": None}, id="no base_resp"),
        pytest.param({"code": 0, "msg": "success"}, id="code 0"),
        pytest.param({"code": "200", "message": "ok"}, id="code 200"),
        pytest.param({"type": "x.code.done", "code": "import os"}, id="code of a tool"),
        pytest.param({"type": ["error"], "code": [1]}, id="odd types"),
    ],
)
def test_what_is_not_an_error_is_not_taken_for_one(value: object) -> None:
    assert not is_error(value)
