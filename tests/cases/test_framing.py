"""Bytes that come in odd pieces, odd forms, or not at all. F01 to F25 of the cases."""

from __future__ import annotations

import json
import random

import pytest

from tests.support.openai_server import DONE, finish, text
from turnout.errors import (
    OverloadedError,
    ProtocolError,
    StreamTruncatedError,
    TurnoutError,
)
from turnout.testing import (
    SLICINGS,
    Connection,
    SlicingName,
    chunk,
    fin,
    last_chunk,
    respond,
    slices,
)

from .harness import FLOWGPT, OPENAI, PROMPT, Case, Service, serving

WORDS = ("Zwölf ", "\U0001f469\u200d\U0001f680 ", "مرحبا ", "e\u0301\u2028", "end")

SAID = "".join(WORDS)

ANSWER = OPENAI.answer(*WORDS)


async def said(case: Case, service: Service, body: bytes, how: SlicingName) -> str:
    """Return what the user reads of an answer that comes in such pieces."""
    cut = map(chunk, slices(body, how))
    reply = await case.replies(service, service.streaming(*cut, last_chunk()))
    assert reply.finish_reason in {"stop", "unknown"}
    return reply.text


@pytest.mark.parametrize("how", SLICINGS)
async def test_f01_f11_any_slicing_reads_the_same(
    case: Case, service: Service, how: SlicingName
) -> None:
    assert await said(case, service, service.answer(*WORDS), how) == SAID


def mixed(body: bytes) -> bytes:
    """Return the body with each line ended in another way."""
    ends = [b"\r\n", b"\n", b"\r"]
    lines = body.split(b"\n")
    last = len(lines) - 1
    return b"".join(
        line + (ends[i % 3] if i < last else b"") for i, line in enumerate(lines)
    )


@pytest.mark.parametrize("how", SLICINGS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(ANSWER.replace(b"\n", b"\r\n"), id="F02-crlf"),
        pytest.param(ANSWER.replace(b"\n", b"\r"), id="F03-cr"),
        # A CR before an LF would be one end, not two.
        pytest.param(mixed(ANSWER).replace(b"\n\r\n", b"\n\n"), id="F04-mixed"),
        pytest.param(ANSWER.replace(b"data: ", b"data:"), id="F05-no-space"),
        pytest.param(ANSWER.replace(b"data: {", b"data:  {"), id="F06-two-spaces"),
        pytest.param(b"\xef\xbb\xbf" + ANSWER, id="F07-mark"),
        pytest.param(
            ANSWER.replace(b"data: ", b": keep-alive\n\n:\n: x\ndata: "),
            id="F08-comments",
        ),
        pytest.param(
            ANSWER.replace(b'"delta":', b'\ndata: "delta":\ndata: '), id="F09-lines"
        ),
        pytest.param(
            b"retry: 10\n\nevent: x\n\n"
            + ANSWER.replace(b"data: ", b"id: 7\nfoo: bar\nevent\ndata: "),
            id="F10-fields",
        ),
    ],
)
async def test_events_may_be_written_in_many_ways(
    case: Case, body: bytes, how: SlicingName
) -> None:
    assert await said(case, OPENAI, body, how) == SAID


async def test_f02_lines_of_json_may_end_in_crlf(case: Case) -> None:
    body = FLOWGPT.answer(*WORDS).replace(b"\n", b"\r\n\r\n")

    assert await said(case, FLOWGPT, body, "random") == SAID


async def test_f06_the_mark_may_stand_after_two_spaces(case: Case) -> None:
    script = OPENAI.streaming(chunk(text("a") + b"data:  [DONE]\n\n"), last_chunk())

    assert (await case.replies(OPENAI, script)).finish_reason == "unknown"


async def test_f08_ten_thousand_comments_are_nothing(case: Case) -> None:
    noise = b": OPENROUTER PROCESSING\n\n" * 10_000
    body = b"".join([noise, text("a"), noise, text("b"), finish(), noise, DONE])

    assert await said(case, OPENAI, body, "whole") == "ab"


@pytest.mark.parametrize("wrong", [b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80"])
async def test_f14_bytes_that_are_no_text_break_the_protocol(
    case: Case, service: Service, wrong: bytes
) -> None:
    body = service.answer("?").replace(b"?", wrong)

    script = service.streaming(chunk(body), last_chunk())
    await case.breaks(service, script, ProtocolError)


@pytest.mark.parametrize(
    ("service", "body"),
    [
        pytest.param(OPENAI, text("all") + b"data: [DONE]", id="F15-mark"),
        pytest.param(OPENAI, text("all") + finish().rstrip(), id="F15-finish"),
        pytest.param(FLOWGPT, FLOWGPT.piece("all").rstrip(), id="F15-line"),
    ],
)
async def test_a_last_event_without_its_end_counts_where_it_is_whole(
    case: Case, service: Service, body: bytes
) -> None:
    assert await said(case, service, body, "random") == "all"


@pytest.mark.parametrize("end", [[], [last_chunk()]], ids=["F16-cut", "F16-ended"])
async def test_a_last_event_that_was_cut_is_truncated(
    case: Case, end: list[object]
) -> None:
    script = OPENAI.streaming(
        chunk(text("half") + text("lost")[:-9]), *([last_chunk()] if end else [fin()])
    )
    error = await case.fails(OPENAI, script, StreamTruncatedError)

    assert error.reply is not None
    assert error.reply.text == "half"


async def test_f16_a_last_line_that_was_cut_is_truncated(case: Case) -> None:
    script = FLOWGPT.streaming(chunk(FLOWGPT.piece("lost")[:-9]), fin())

    await case.breaks(FLOWGPT, script, StreamTruncatedError)


async def test_f17_an_event_may_have_two_megabytes_where_an_option_says_so(
    case: Case, service: Service
) -> None:
    long = "x" * (2 << 20)
    script = service.answering(long)
    reply = await case.replies(service, script, max_event_bytes=4 << 20)

    assert reply.text == long


async def test_f18_an_event_of_more_than_a_megabyte_breaks_the_protocol(
    case: Case, service: Service
) -> None:
    script = service.answering("x" * (1 << 20))

    await case.breaks(service, script, ProtocolError)


async def test_f20_an_error_document_in_place_of_events_has_its_class(
    case: Case,
) -> None:
    told = {"error": {"message": "no", "type": "overloaded_error", "code": 503}}
    document = json.dumps(told, indent=2).encode()
    script = OPENAI.streaming(*map(chunk, slices(document)), last_chunk())
    error = await case.breaks(OPENAI, script, OverloadedError)

    assert error.status_code == 503


async def test_f21_a_whole_completion_is_one_delta_and_its_end(case: Case) -> None:
    message = {"role": "assistant", "content": "all at once"}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    script = respond(
        200, json.dumps(whole).encode(), ("Content-Type", "application/json")
    )
    reply = await case.replies(OPENAI, script)

    assert (reply.text, reply.finish_reason) == ("all at once", "stop")


async def test_f22_a_page_breaks_the_protocol(case: Case, service: Service) -> None:
    page = b"<!DOCTYPE html>\n<html><title>Log in</title></html>\n"
    script = respond(200, page, ("Content-Type", "text/html"))

    await case.breaks(service, script, ProtocolError)


@pytest.mark.parametrize("body", [b"", b"\n\n"], ids=["F23-empty", "F23-blank"])
async def test_an_empty_body_is_truncated(
    case: Case, service: Service, body: bytes
) -> None:
    await case.breaks(service, respond(200, body), StreamTruncatedError)


async def test_f25_random_bytes_raise_nothing_but_our_errors(
    case: Case, service: Service
) -> None:
    # Each parser is fed ten thousand of these in its own tests; here they also pass
    # through HTTP's parser.
    pieces = [service.answer("a", "b"), b"\n", b"\r\n", b"data: ", b"0\r\n\r\n"]

    async def noise(connection: Connection) -> None:
        chance = random.Random(connection.index)
        await connection.read_request()
        whole = [service.head(("Transfer-Encoding", "chunked"))]
        whole += [chance.choice(pieces) for _ in range(chance.randrange(4))]
        whole += [chance.randbytes(chance.randrange(64))]
        data = b"".join(whole)
        if chance.random() < 0.3:
            data = data[chance.randrange(len(data)) :]
        await connection.send(data)

    async with serving(noise) as server:
        for _ in range(150):
            async with service.provider(server.url) as provider:
                try:
                    await provider.complete(PROMPT)
                except TurnoutError as error:
                    case.raised.append(error)
