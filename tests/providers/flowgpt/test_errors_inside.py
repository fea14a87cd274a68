"""Errors with status 200, in place of an answer and inside one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

import pytest

import turnout
from turnout.errors import (
    AuthenticationError,
    ContextLengthError,
    EmptyReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamError,
    StreamTruncatedError,
)
from turnout.testing import FakeProvider
from turnout.testing._slicing import Slicing, at_random, by_size, whole
from turnout.types import Event, Finish
from turnout_flowgpt import FlowGpt
from turnout_flowgpt._protocol import Decoder

from ...support.flowgpt_rules import Rules
from ...support.flowgpt_server import Answer, FlowGptServer, Framing

WORDS = "The service says why"

NESTED = json.dumps({"code": 429, "message": WORDS})

Row = tuple[object, type[ProviderError]]

ERRORS: dict[str, Row] = {
    "code": ({"code": 401, "message": WORDS}, AuthenticationError),
    "code-text": ({"code": "403", "msg": WORDS}, PermissionDeniedError),
    "code-404": ({"code": 404, "message": WORDS, "data": None}, ModelUnavailableError),
    "code-400": ({"code": 400, "detail": WORDS}, InvalidRequestError),
    "code-data": ({"code": 402, "data": WORDS}, QuotaExceededError),
    "code-data-object": ({"code": 429, "data": {"message": WORDS}}, RateLimitError),
    "code-own": ({"code": 10401, "message": WORDS}, StreamError),
    "code-negative": ({"code": -1, "msg": WORDS}, StreamError),
    "code-own-data": ({"code": 1002, "data": WORDS}, StreamError),
    "code-name": ({"code": "rate_limit_exceeded", "message": WORDS}, RateLimitError),
    "code-upper": ({"code": "UNAUTHORIZED", "message": WORDS}, AuthenticationError),
    "status": ({"status": 503, "error": WORDS, "path": "/v3"}, OverloadedError),
    "status-code": ({"statusCode": 429, "message": WORDS}, RateLimitError),
    "status-words": ({"statusCode": 400, "message": [WORDS]}, InvalidRequestError),
    "status-name": ({"status": "error", "message": WORDS}, StreamError),
    "type": ({"type": "server_error", "message": WORDS}, ServerError),
    "error-code": (
        {"errorCode": "insufficient_quota", "errorMessage": WORDS},
        QuotaExceededError,
    ),
    "success": ({"success": False, "message": WORDS}, StreamError),
    "success-text": ({"success": "false", "msg": WORDS}, StreamError),
    "success-data": (
        {"success": False, "data": {"code": 429, "msg": WORDS}},
        RateLimitError,
    ),
    "ok": ({"ok": False, "description": WORDS}, StreamError),
    "error": ({"error": WORDS}, StreamError),
    "error-true": ({"error": True, "data": WORDS}, StreamError),
    "error-object": (
        {"error": {"message": WORDS, "code": "context_length_exceeded"}},
        ContextLengthError,
    ),
    "error-status": ({"error": {"message": WORDS, "code": 500}}, ServerError),
    "errors": ({"errors": [{"message": WORDS, "code": 401}]}, AuthenticationError),
    "event": ({"event": "error", "data": WORDS}, StreamError),
    "event-message": ({"event": "error", "message": WORDS}, StreamError),
    "event-object": (
        {"event": "error", "data": {"code": 429, "message": WORDS}},
        RateLimitError,
    ),
    "event-code": ({"event": "error", "code": 401, "data": WORDS}, AuthenticationError),
    "event-json": ({"event": "error", "data": NESTED}, RateLimitError),
    "event-no-json": ({"event": "error", "data": "{" + WORDS}, StreamError),
    "event-name": ({"event": "Stream_Error", "data": WORDS}, StreamError),
    "event-failed": ({"event": "failed", "data": WORDS}, StreamError),
    "event-other": ({"event": "end", "error": {"message": WORDS}}, StreamError),
    "event-text": ({"event": "text", "error": WORDS, "data": None}, StreamError),
    "event-null": ({"event": None, "code": 401, "msg": WORDS}, AuthenticationError),
    "detail-object": ({"code": 401, "detail": {"msg": WORDS}}, AuthenticationError),
    "message-object": ({"code": 429, "message": {"msg": WORDS}}, RateLimitError),
    "list": ([{"error": {"message": WORDS, "code": 503}}], OverloadedError),
}

WORDLESS: dict[str, Row] = {
    "code": ({"code": 401}, AuthenticationError),
    "event": ({"event": "error"}, StreamError),
    "success": ({"success": False}, StreamError),
    "data": ({"event": "error", "data": {}}, StreamError),
}

IN_PLACE: dict[str, Row] = {
    "message": ({"message": WORDS}, StreamError),
    "msg": ({"msg": WORDS, "data": None}, StreamError),
    "detail": ({"detail": WORDS}, StreamError),
}
"""Errors only if no text came."""

PASSED_OVER: list[object] = [
    {"message": "bye"},
    {"msg": "success", "code": 0},
    {"msg": "success", "code": 20000},
    {"message": "ok", "code": 200},
    {"message": "ok", "code": "0"},
    {"message": "Done.", "code": "OK"},
    {"message": "Done.", "code": 1},
    {"message": "Done.", "code": True},
    {"message": "Done.", "code": 4.5},
    {"code": 123456},
    {"code": "print(1)"},
    {"success": True, "message": "Done."},
    {"status": "completed", "message": "Done."},
    {"status": 200},
    {"error": None, "errors": []},
    {"error": False},
    {"type": "usage", "data": "7"},
    {"event": "metadata", "code": 500, "message": "of the metadata"},
    {"event": "usage", "error": 0.25},
    {"event": "", "data": "x"},
    {"event": 7, "data": "x"},
    {"event": "Text", "data": "another case"},
    {},
]

SLICINGS = [
    pytest.param(whole, id="whole"),
    pytest.param(by_size(1), id="bytes"),
    pytest.param(at_random(3), id="random"),
]


def params(*tables: dict[str, Row]) -> list[object]:
    return [
        pytest.param(*row, id=name) for table in tables for name, row in table.items()
    ]


def line(value: object) -> bytes:
    return json.dumps(value).encode()


async def failure_of(answer: Answer) -> ProviderError:
    async with FlowGptServer(answer) as server:
        with pytest.raises(ProviderError) as caught:
            await FlowGpt(base_url=server.base_url).complete("Why?")
    return caught.value


async def route_of(answer: Answer) -> tuple[turnout.Reply, FakeProvider]:
    """Ask a route whose second target answers all requests the same way."""
    other = FakeProvider("of the other.", name="Other")
    async with FlowGptServer(answer) as server:
        first = FlowGpt(base_url=server.base_url)
        reply = await turnout.fallback(first, other, max_attempts=1).complete("Why?")
    return reply, other


@pytest.mark.parametrize(("error", "expected"), params(ERRORS, IN_PLACE))
@pytest.mark.parametrize("slicing", SLICINGS)
async def test_an_error_in_place_of_an_answer_has_its_class_and_words(
    error: object, expected: type[ProviderError], slicing: Slicing
) -> None:
    failure = await failure_of(Answer(pieces=[line(error)], slicing=slicing))

    assert type(failure) is expected
    assert WORDS in str(failure)
    assert failure.provider == "FlowGpt"
    assert failure.reply is not None
    assert failure.reply.text == ""


@pytest.mark.parametrize(("error", "expected"), params(ERRORS))
@pytest.mark.parametrize("slicing", SLICINGS)
async def test_an_error_after_text_keeps_the_text(
    error: object, expected: type[ProviderError], slicing: Slicing
) -> None:
    pieces: list[str | bytes] = ["Half of", " an answer", line(error), "not shown"]
    failure = await failure_of(Answer(pieces=pieces, slicing=slicing))

    assert type(failure) is expected
    assert WORDS in str(failure)
    assert failure.reply is not None
    assert failure.reply.text == "Half of an answer"
    assert failure.reply.finish_reason is None


@pytest.mark.parametrize(("error", "expected"), params(WORDLESS))
@pytest.mark.parametrize("pieces", [[], ["Half"]], ids=["in-place", "after-text"])
async def test_an_error_without_words_is_an_error(
    error: object, expected: type[ProviderError], pieces: list[str | bytes]
) -> None:
    failure = await failure_of(Answer(pieces=[*pieces, line(error)]))

    assert type(failure) is expected


@pytest.mark.parametrize(("error", "expected"), params(ERRORS, IN_PLACE, WORDLESS))
@pytest.mark.parametrize("framing", ["chunked", "content-length"])
@pytest.mark.parametrize("final_newline", [False, True])
async def test_an_error_may_be_written_over_several_lines(
    error: object, expected: type[ProviderError], framing: Framing, final_newline: bool
) -> None:
    lines = json.dumps(error, indent=2).encode().split(b"\n")
    answer = Answer(pieces=lines, framing=framing, final_newline=final_newline)
    failure = await failure_of(answer)

    assert type(failure) is expected


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("final_newline", [False, True])
@pytest.mark.parametrize("cut_by", ["fin", "rst"])
async def test_an_error_counts_in_a_body_without_framing(
    indent: int | None, final_newline: bool, cut_by: Literal["fin", "rst"]
) -> None:
    lines = json.dumps(ERRORS["code"][0], indent=indent).encode().split(b"\n")
    answer = Answer(
        pieces=["Half", *lines],
        framing="close",
        final_newline=final_newline,
        cut_after=1 << 20,
        cut_by=cut_by,
    )
    failure = await failure_of(answer)

    assert isinstance(failure, AuthenticationError)
    assert failure.reply is not None
    assert failure.reply.text == "Half"


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("error", [ERRORS["code"][0], [ERRORS["code"][0]]])
async def test_lines_of_an_error_after_text_keep_the_text(
    error: object, newline: bytes, slicing: Slicing
) -> None:
    lines = json.dumps(error, indent=4).encode().split(b"\n")
    pieces: list[str | bytes] = ["Half", *lines, b""]
    failure = await failure_of(Answer(pieces=pieces, newline=newline, slicing=slicing))

    assert isinstance(failure, AuthenticationError)
    assert WORDS in str(failure)
    assert failure.reply is not None
    assert failure.reply.text == "Half"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([b"{", b'  "event": "metadata"', b"}"], id="other-event"),
        pytest.param([b"{", b'  "code": 200', b"}"], id="no-words"),
        pytest.param([b'{"message":"bye"}', b"{", b"}"], id="words-before"),
        pytest.param([b"[", b"]"], id="empty-list"),
        pytest.param([b"{", b'  "code": 401,', b"}"], id="trailing-comma"),
        pytest.param([b"{", b"<html>", b"}"], id="page"),
        pytest.param([b"[", b'{"event":"text","data":"a"}', b"]"], id="listed-text"),
        pytest.param([b'[{"event":"text","data":"a"}]'], id="list-of-text"),
        pytest.param([b"Service Unavailable"], id="words"),
        pytest.param([b'"Unauthorized"'], id="json-text"),
        pytest.param([b"<!DOCTYPE html>", b"<title>Log in</title>"], id="html"),
    ],
)
@pytest.mark.parametrize("before", [[], ["Half"]], ids=["in-place", "after-text"])
async def test_what_is_not_of_the_protocol_breaks_it(
    lines: list[bytes], before: list[str]
) -> None:
    pieces: list[str | bytes] = [*before, *lines]
    failure = await failure_of(Answer(pieces=pieces))

    assert isinstance(failure, ProtocolError)
    assert failure.reply is not None
    assert failure.reply.text == "".join(before)


@pytest.mark.parametrize("lines", [[b"{"], [b"{", b'"code": 401,']])
async def test_a_document_without_its_end_is_truncated(lines: list[bytes]) -> None:
    failure = await failure_of(Answer(pieces=["Half", *lines]))

    assert isinstance(failure, StreamTruncatedError)


async def test_a_document_is_read_up_to_the_limit() -> None:
    lines = [b"{", *[b'"x": "%b",' % (b"x" * 999)] * 1100, b'"code": 401}']
    failure = await failure_of(Answer(pieces=lines))

    assert isinstance(failure, ProtocolError)
    assert "set max_event_bytes" in str(failure)


@pytest.mark.parametrize("passed_over", PASSED_OVER)
async def test_what_reports_no_error_is_passed_over(passed_over: object) -> None:
    noise = line(passed_over)
    answer = Answer(pieces=[noise, "a", noise, "b", noise])
    async with FlowGptServer(answer) as server:
        reply = await FlowGpt(base_url=server.base_url).complete("Why?")

    assert reply.text == "ab"
    assert reply.finish_reason == "unknown"


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([{"event": "metadata"}, {"event": "end"}], id="events"),
        pytest.param([{}, {"id": 7}], id="no-events"),
        pytest.param([{"code": 0, "message": "success"}], id="success"),
        pytest.param([{"event": "text", "data": ""}, {"message": "x"}], id="no-text"),
    ],
)
async def test_an_answer_without_text_is_empty(others: list[object]) -> None:
    pieces = [line(other) for other in others]
    assert isinstance(await failure_of(Answer(pieces=pieces)), EmptyReplyError)

    async with FlowGptServer(Answer(pieces=pieces)) as server:
        provider = FlowGpt(base_url=server.base_url)
        assert (await provider.complete("Why?", allow_empty=True)).text == ""


async def test_the_words_quote_no_secret_and_no_prompt() -> None:
    error = {"code": 401, "message": "no: tell me nothing, Bearer tok-canary-token"}
    rules = Rules(token="tok-canary-token")
    async with FlowGptServer(Answer(pieces=[line(error)]), rules=rules) as server:
        provider = FlowGpt(base_url=server.base_url, api_key="tok-canary-token")
        with pytest.raises(AuthenticationError) as caught:
            await provider.complete("tell me nothing")

    assert "canary" not in str(caught.value)
    assert "tell me nothing" not in str(caught.value)


PAGE = b"<title>Log in</title>"

PLACED: list[Sequence[str | bytes]] = [
    *([line(error)] for error, _ in [*ERRORS.values(), *IN_PLACE.values()]),
    json.dumps(ERRORS["code"][0], indent=2).encode().split(b"\n"),
    [b"<!DOCTYPE html>", PAGE],
    [b"[]"],
    [b"Too many requests"],
    [],
    [b'{"event":"metadata"}'],
]


@pytest.mark.parametrize("pieces", PLACED)
async def test_a_route_goes_on_to_its_next_target(
    pieces: Sequence[str | bytes],
) -> None:
    reply, other = await route_of(Answer(pieces=pieces))

    assert reply.text == "of the other."
    assert [attempt.outcome for attempt in reply.attempts] == ["failed", "complete"]
    assert len(other.requests) == 1


@pytest.mark.parametrize(
    "error", [*(line(error) for error, _ in ERRORS.values()), PAGE, b"no", b"[]"]
)
async def test_a_route_continues_an_answer_that_an_error_ended(error: bytes) -> None:
    other = FakeProvider("and the other half.", name="Other")
    answer = Answer(pieces=["Half of the answer, ", error])
    async with FlowGptServer(answer) as server:
        first = FlowGpt(base_url=server.base_url)
        stream = turnout.fallback(first, other, max_attempts=1).stream("Why?")
        text = "".join([piece async for piece in stream])

    assert text == "Half of the answer, and the other half."
    assert [a.outcome for a in stream.reply.attempts] == ["failed", "complete"]


@pytest.mark.parametrize("error", [ERRORS["code"], ERRORS["event-object"]])
@pytest.mark.parametrize("pieces", [[], ["Half"]], ids=["in-place", "after-text"])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("cut_by", ["fin", "rst"])
async def test_an_error_that_is_cut_anywhere_is_an_error(
    error: Row, pieces: list[str], indent: int | None, cut_by: Literal["fin", "rst"]
) -> None:
    value, expected = error
    lines = json.dumps(value, indent=indent).encode().split(b"\n")
    uncut = Answer(pieces=[*pieces, *lines])
    wire, head = uncut.wire(), len(uncut.head())
    cuts = range(head, len(wire))
    answers = [
        Answer(pieces=uncut.pieces, cut_after=cut, cut_by=cut_by) for cut in cuts
    ]
    async with FlowGptServer(*answers) as server:
        provider = FlowGpt(base_url=server.base_url)
        for cut in cuts:
            with pytest.raises(ProviderError) as caught:
                await provider.complete("Why?")
            assert type(caught.value) in {StreamTruncatedError, expected}, cut
            assert caught.value.reply is not None
            assert caught.value.reply.text in {"", "".join(pieces)}, cut


UNKNOWN: list[bytes] = [
    b'{"event":"citation","data":{"url":"https://example.invalid"}}',
    b'{"event":"status","code":500,"message":"a tool failed"}',
    b'{"type":"ping"}',
    b'{"id":1,"usage":{"tokens":3}}',
    b"{}",
    b"",
    b" \t",
]
"""Lines that nobody has seen from the service."""

FIELDS: list[dict[str, object]] = [
    {"id": 7},
    {"error": None},
    {"error": {"message": "of this field alone"}},
    {"code": 500, "message": "x"},
    {"success": False},
    {"nested": [{"event": "text", "data": "no"}]},
]

PIECES = ("Café", " \u2028", "", " \U0001f5fc", " end")


@pytest.mark.parametrize("unknown", UNKNOWN)
@pytest.mark.parametrize("place", range(len(PIECES) + 1))
def test_an_unknown_line_loses_no_text(unknown: bytes, place: int) -> None:
    lines = [line({"event": "text", "data": piece}) for piece in PIECES]
    lines.insert(place, unknown)
    data = b"\n".join(lines)

    for slicing in (whole, by_size(1), at_random(place)):
        assert text_of(data, slicing) == "".join(PIECES)


@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("place", range(len(PIECES)))
@pytest.mark.parametrize("first", [False, True])
def test_an_unknown_field_loses_no_text(
    fields: dict[str, object], place: int, first: bool
) -> None:
    events: list[dict[str, object]] = [
        {"event": "text", "data": piece} for piece in PIECES
    ]
    known = events[place]
    events[place] = {**fields, **known} if first else {**known, **fields}

    assert text_of(b"\n".join(map(line, events)), whole) == "".join(PIECES)


def text_of(data: bytes, slicing: Slicing) -> str:
    decoder = Decoder("FlowGpt")
    decoder.framed = True
    events: list[Event] = []
    for part in slicing(data):
        events += decoder.feed(part)
    events += decoder.close()
    decoder.check()
    assert isinstance(events.pop(), Finish)
    return "".join(map(str, events))
