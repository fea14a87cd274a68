from __future__ import annotations

import json

import pytest

from turnout.framing import SseSplitter
from turnout.testing import chunked, http_response, json_lines, response_head, sse


@pytest.mark.parametrize(
    ("status", "line"),
    [
        pytest.param(429, b"HTTP/1.1 429 Too Many Requests", id="known"),
        pytest.param(599, b"HTTP/1.1 599 Unknown", id="unknown"),
    ],
)
def test_a_head_has_what_it_was_given(status: int, line: bytes) -> None:
    head = response_head(status, ("A", "b"), ("A", "c"))

    assert head == line + b"\r\nA: b\r\nA: c\r\n\r\n"


def test_a_whole_answer_declares_its_length() -> None:
    response = http_response(200, b"body", ("A", "b"))

    assert response == b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 4\r\n\r\nbody"


def test_a_chunked_body_has_no_empty_chunk_but_its_last() -> None:
    body = chunked(b"x" * 26, b"", b"y")

    assert body == b"1a\r\n" + b"x" * 26 + b"\r\n1\r\ny\r\n0\r\n\r\n"


def test_events_are_read_back_as_they_were_given() -> None:
    data = sse("[DONE]", "two\nlines", "", {"text": "é"})

    told = [event.data for event in SseSplitter().feed(data)]
    assert told == [b"[DONE]", b"two\nlines", b"", '{"text":"é"}'.encode()]


def test_events_can_have_a_name() -> None:
    (event,) = SseSplitter().feed(sse({}, name="ping"))

    assert (event.name, event.data) == ("ping", b"{}")


def test_json_lines_are_a_line_each() -> None:
    values: list[object] = [{"a": "b\nc"}, [1], None]

    lines = json_lines(*values).splitlines()

    assert [json.loads(line) for line in lines] == values
