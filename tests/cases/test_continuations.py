"""Answers that break in the middle. M01 to M18 of the cases.

How a continuation is joined to what was shown is tried in tests/core/routes in every
way; here is what goes over the wire, and what the caller sees of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from tests.core.routes.answers import (
    DELTAS,
    TEXT,
    Way,
    exactly,
    otherwise,
    over_again,
    pieces_of,
    politely,
    repeating,
)
from tests.support.openai_server import DONE, event, finish, usage
from tests.support.openai_server import chunk as delta
from turnout.errors import (
    FallbackError,
    InvalidRequestError,
    StreamBrokenError,
    StreamTruncatedError,
    UnsupportedError,
)
from turnout.routes._continuation import instruction
from turnout.testing import Script, Step, chunk, fin, respond, rst
from turnout.types import (
    Failover,
    Finish,
    ReasoningDelta,
    Restart,
    ToolCallDelta,
)

from .harness import FLOWGPT, HEALTHY, OPENAI, PROMPT, Case, Service
from .routed import Leg, Seen, leg, routed, see

CUTS = [1, 2, 7, 50, 120, 199]
"""After how many increments an answer is cut; all are tried without sockets."""

CONVERSATION = [
    {"role": "system", "content": "Be  brief, señor.\n"},
    {"role": "user", "content": f'Why "so"? {PROMPT}'},
]

TOOLS: list[Mapping[str, object]] = [{"type": "function", "function": {"name": "f"}}]

PLAINLY: Mapping[str, Any] = {}

CALL = {"index": 0, "id": "1", "function": {"name": "f", "arguments": '{"ci'}}

SHOWN = "".join(DELTAS[:50])

ENDS = [pytest.param(fin, id="fin"), pytest.param(rst, id="rst")]


def events(*bodies: bytes, how: Step) -> list[Step]:
    """Return a script that sends OpenAI's events, and breaks off."""
    return OPENAI.streaming(*map(chunk, bodies), how)


def breaking(service: Service, deltas: Sequence[str], how: Step) -> list[Step]:
    """Return a script whose answer breaks off after these increments."""
    return service.streaming(*(chunk(service.piece(text)) for text in deltas), how)


def saying(service: Service, said: str) -> list[Step]:
    return service.answering(*pieces_of(said))


def asking(*scripts: Script, prefill: bool = False) -> Leg:
    """Return a leg of OpenAI's, by an instruction or by a prefill."""
    return (OPENAI.prefilling, scripts) if prefill else leg(OPENAI, *scripts)


async def failed_over(
    case: Case, *legs: Leg, ask: Mapping[str, Any] = PLAINLY, **policy: Any
) -> tuple[Seen, list[list[Any]]]:
    """Return what was seen, and the bodies that each leg was sent."""
    async with routed(*legs, **policy) as (route, servers):
        seen = await see(case, route.stream(CONVERSATION, **ask))
    return seen, [[r.json() for r in server.http_requests] for server in servers]


# M01, M02, M03


async def test_m01_an_answer_cut_after_any_piece_is_whole(
    case: Case, service: Service
) -> None:
    pieces = pieces_of(TEXT[:240])
    text = "".join(pieces)
    for cut in range(len(pieces)):
        rest = service.answering(*pieces[cut:])
        first = leg(service, breaking(service, pieces[:cut], rst()))
        seen, (_, sent) = await failed_over(
            case, first, leg(service, rest), max_attempts=1
        )

        assert seen.error is None, f"cut after {cut}"
        assert seen.text == seen.reply.text == text
        assert len(sent) == 1
        told = [(e.reason, e.characters) for e in seen.all_of(Failover)]
        shown = len("".join(pieces[:cut]))
        assert told == ([("StreamTruncatedError", shown)] if cut else [])


@pytest.mark.parametrize("end", ENDS)
async def test_m01_an_answer_is_whole_once_its_end_was_told(
    case: Case, end: Callable[[], Step]
) -> None:
    told = [OPENAI.piece(HEALTHY), finish(), usage(), DONE]
    unasked = leg(OPENAI, OPENAI.answering("never"))
    for count in range(2, len(told) + 1):
        first = leg(OPENAI, events(*told[:count], how=end()))
        seen, (_, sent) = await failed_over(case, first, unasked)

        assert seen.error is None
        assert seen.text == HEALTHY
        assert not sent
        assert seen.reply.finish_reason == "stop"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "way",
    [
        pytest.param(exactly, id="M01-exactly"),
        pytest.param(repeating(16), id="M02-16"),
        pytest.param(repeating(40), id="M02-40"),
        pytest.param(repeating(300), id="M02-300"),
        pytest.param(over_again, id="M03-again"),
        pytest.param(politely, id="politely"),
    ],
)
async def test_a_cut_answer_is_whole(
    case: Case, service: Service, end: Callable[[], Step], way: Way
) -> None:
    for cut in CUTS:
        rest = saying(service, way("".join(DELTAS[:cut])))
        first = leg(service, breaking(service, DELTAS[:cut], end()))
        seen, _ = await failed_over(case, first, leg(service, rest))

        assert seen.error is None, f"cut after {cut}"
        assert seen.text == seen.reply.text == TEXT
        (told,) = seen.all_of(Failover)
        assert told.reason == "StreamTruncatedError"


# M04, M07


async def test_m04_an_answer_that_differs_is_not_spliced(
    case: Case, service: Service
) -> None:
    first = leg(service, breaking(service, DELTAS[:50], rst()))
    second = leg(service, saying(service, otherwise("")))
    seen, _ = await failed_over(case, first, second)

    assert isinstance(seen.error, StreamBrokenError)
    assert isinstance(seen.error.__cause__, StreamTruncatedError)
    assert seen.error.reply is not None
    assert seen.error.reply.text == seen.text == SHOWN


@pytest.mark.parametrize("helps", [True, False], ids=["helps", "does-not"])
async def test_m07_a_refused_prefill_is_asked_by_an_instruction(
    case: Case, helps: bool
) -> None:
    refusal = respond(
        400, b'{"error":{"message":"the last message is not the user\'s"}}'
    )
    rest = saying(OPENAI, exactly(SHOWN)) if helps else refusal
    first = asking(breaking(OPENAI, DELTAS[:50], rst()))
    seen, (_, sent) = await failed_over(
        case, first, asking(refusal, rest, prefill=True)
    )

    assert [body["messages"][-1]["role"] for body in sent] == ["assistant", "user"]
    assert seen.text == (TEXT if helps else SHOWN)
    if helps:
        assert seen.error is None
        errors = [type(attempt.error) for attempt in seen.reply.attempts]
        assert errors == [StreamTruncatedError, InvalidRequestError, type(None)]
    else:
        assert isinstance(seen.error, StreamBrokenError)
        assert isinstance(seen.error.__cause__, StreamTruncatedError)


# M08, M09, M10


@pytest.mark.parametrize(
    "call",
    [
        pytest.param({**CALL, "function": {"name": "f"}}, id="start"),
        pytest.param(CALL, id="arguments"),
    ],
)
async def test_m08_a_tool_call_that_has_begun_is_not_continued(
    case: Case, call: Mapping[str, object]
) -> None:
    called = event(delta({"tool_calls": [call]}))
    first = asking(events(OPENAI.piece("Let me see. "), called, how=rst()))
    seen, (_, sent) = await failed_over(
        case,
        first,
        asking(OPENAI.answering("never")),
        ask={"tools": TOOLS},
    )

    assert isinstance(seen.error, StreamBrokenError)
    assert "begun to call a tool" in str(seen.error)
    assert not sent
    assert seen.text == "Let me see. "
    assert len(seen.all_of(ToolCallDelta)) == 1
    # Nothing says that it is whole.
    assert not seen.all_of(Finish)
    assert seen.reply.finish_reason is None


@pytest.mark.parametrize("allowed", [False, True])
async def test_m09_tools_that_might_be_called_forbid_to_continue(
    case: Case, allowed: bool
) -> None:
    first = asking(breaking(OPENAI, DELTAS[:50], rst()))
    second = asking(saying(OPENAI, exactly(SHOWN)))
    policy = {} if allowed else {"continue_with_tools": False}
    seen, (_, sent) = await failed_over(
        case, first, second, ask={"tools": TOOLS}, **policy
    )

    if allowed:
        assert seen.error is None
        assert seen.text == TEXT
        (body,) = sent
        assert body["tools"]
        assert "call it after the text" in body["messages"][-1]["content"]
    else:
        assert isinstance(seen.error, StreamBrokenError)
        assert "continue_with_tools" in str(seen.error)
        assert seen.text == SHOWN
        assert not sent


PLAIN_FORMS: list[Any] = [
    pytest.param(OPENAI, {"response_format": {"type": "json_object"}}, id="M10-form"),
    pytest.param(OPENAI, {"extra": {"logprobs": True}}, id="M10-logprobs"),
    pytest.param(OPENAI, {"extra": {"previous_response_id": "r"}}, id="M10-state"),
    pytest.param(OPENAI, {"max_tokens": 20}, id="M10-length"),
    pytest.param(FLOWGPT, {"extra": {"n": 2}}, id="M10-choices"),
    pytest.param(FLOWGPT, {"extra": {"store": True}}, id="M10-store"),
]


@pytest.mark.parametrize(("service", "ask"), PLAIN_FORMS)
async def test_what_is_more_than_plain_text_is_not_continued(
    case: Case, service: Service, ask: Mapping[str, Any]
) -> None:
    first = leg(service, breaking(service, DELTAS[:50], rst()))
    second = leg(service, service.answering("never"))
    seen, (_, sent) = await failed_over(case, first, second, ask=ask)

    assert isinstance(seen.error, StreamBrokenError)
    assert seen.text == SHOWN
    assert not sent


async def test_m10_two_choices_are_not_asked_of_who_gives_one(case: Case) -> None:
    legs = [asking(OPENAI.answering("never")), asking(OPENAI.answering("never"))]
    seen, sent = await failed_over(case, *legs, ask={"extra": {"n": 2}})

    assert isinstance(seen.error, FallbackError)
    assert [type(one) for one in seen.error.exceptions] == [UnsupportedError] * 2
    assert sent == [[], []]


# M11, M13, M15, M16


async def test_m11_reasoning_alone_is_begun_anew(case: Case) -> None:
    hm = event(delta({"reasoning_content": "Hm. "}))
    ha = event(delta({"reasoning_content": "Ha. "}))
    whole = OPENAI.streaming(chunk(ha + OPENAI.answer("So: ", "4")), chunk(b""))
    seen, ((asked,), (again,)) = await failed_over(
        case, asking(events(hm, how=rst())), asking(whole)
    )

    thought, restart, another, *_ = seen.events
    assert thought == ReasoningDelta(text="Hm. ")
    assert isinstance(restart, Restart)
    assert another == ReasoningDelta(text="Ha. ")
    assert (seen.reply.text, seen.reply.reasoning) == ("So: 4", "Ha. ")
    assert again == asked


@pytest.mark.parametrize("hops", [1, 2])
async def test_m13_as_many_go_on_as_the_policy_says(
    case: Case, service: Service, hops: int
) -> None:
    legs = [
        leg(service, breaking(service, DELTAS[:50], rst())),
        leg(service, breaking(service, DELTAS[50:120], fin())),
        leg(service, saying(service, "".join(DELTAS[120:]))),
    ]
    seen, (_, _, sent) = await failed_over(case, *legs, max_continuations=hops)

    assert len(seen.all_of(Failover)) == hops
    if hops == 2:
        assert seen.error is None
        assert seen.text == TEXT
        return
    assert isinstance(seen.error, StreamBrokenError)
    assert "max_continuations" in str(seen.error)
    assert seen.error.reply is not None
    assert seen.error.reply.text == seen.text == "".join(DELTAS[:120])
    assert not sent


async def test_m15_what_a_broken_attempt_used_is_estimated(case: Case) -> None:
    first = asking(breaking(OPENAI, DELTAS[:50], rst()))
    rest = OPENAI.piece(exactly(SHOWN)) + finish() + usage(300, 200) + DONE
    second = asking(OPENAI.streaming(chunk(rest), chunk(b"")))
    seen, _ = await failed_over(case, first, second)

    broken, whole = (attempt.usage for attempt in seen.reply.attempts)
    assert broken is not None
    assert whole is not None
    assert broken.estimated
    assert broken.output_tokens == pytest.approx(len(SHOWN) / 4, abs=1)
    assert not whole.estimated
    assert (whole.input_tokens, whole.output_tokens) == (300, 200)
    total = broken + whole
    assert seen.reply.usage == total
    assert total.estimated


@pytest.mark.parametrize("failover", ["off", "before_text"])
async def test_m16_a_policy_may_forbid_to_go_on(
    case: Case, service: Service, failover: str
) -> None:
    first = leg(service, breaking(service, DELTAS[:50], rst()))
    second = leg(service, service.answering("never"))
    seen, (asked, sent) = await failed_over(case, first, second, failover=failover)

    assert type(seen.error) is StreamTruncatedError
    assert seen.text == SHOWN
    assert len(asked) == 1
    assert not sent


# M17


@pytest.mark.parametrize("prefill", [False, True])
async def test_m17_what_is_sent_begins_with_the_very_same_bytes(
    case: Case, prefill: bool
) -> None:
    first = asking(breaking(OPENAI, ["It is", " so,", " \n"], rst()))
    second = asking(saying(OPENAI, "he said."), prefill=prefill)
    async with routed(first, second) as (route, servers):
        seen = await see(case, route.stream(CONVERSATION))
    (asked,), (sent,) = (server.http_requests for server in servers)

    assert seen.text.endswith("he said.")
    head, mark, tail = asked.body.partition(b"}]")
    assert mark
    assert sent.body.startswith(head + b"}")
    assert sent.body.endswith(tail)
    body = cast("dict[str, Any]", sent.json())
    assert body["messages"] == [
        *CONVERSATION,
        {"role": "assistant", "content": "It is so," + ("" if prefill else " \n")},
        *(
            []
            if prefill
            else [{"role": "user", "content": instruction("It is so,", tools=False)}]
        ),
    ]


async def test_m17_a_history_goes_on_with_the_documented_turns(case: Case) -> None:
    first = leg(FLOWGPT, breaking(FLOWGPT, ["It is", " so,", " \n"], rst()))
    second = leg(FLOWGPT, saying(FLOWGPT, "he said."))
    seen, ((asked,), (sent,)) = await failed_over(case, first, second)

    assert seen.text == "It is so, \nhe said."
    assert sent.pop("question") == instruction("It is so,", tools=False)
    assert sent.pop("history") == [
        *asked.pop("history"),
        {"role": "user", "content": asked.pop("question")},
        {"role": "assistant", "content": "It is so, \n"},
    ]
    assert json.dumps(sent) == json.dumps(asked)


# M18


@pytest.mark.parametrize("begun", [False, True], ids=["refused", "role"])
async def test_m18_what_fails_before_its_content_shows_nothing(
    case: Case, begun: bool
) -> None:
    role = event(delta({"role": "assistant", "content": ""}))
    overloaded: list[Step] = respond(529, b"{}", ("Retry-After", "30"))
    limited = respond(429, b"{}", ("Retry-After", "60"))
    first = asking(events(role, how=rst()) if begun else overloaded)
    seen, _ = await failed_over(case, first, asking(limited), max_attempts=1)

    assert seen.events == []
    assert isinstance(seen.error, FallbackError)
    statuses = [attempt.status_code for attempt in seen.error.attempts]
    # A status that had come says nothing of what followed it.
    assert statuses == [None if begun else 529, 429]
    assert seen.error.__cause__ is seen.error.exceptions[0]
    assert seen.error.retry_after == (60.0 if begun else 30.0)


async def test_m18_a_continuation_that_fails_before_its_content_shows_nothing(
    case: Case, service: Service
) -> None:
    legs = [
        leg(service, breaking(service, DELTAS[:50], rst())),
        leg(service, breaking(service, [], rst())),
        leg(service, saying(service, exactly(SHOWN))),
    ]
    seen, _ = await failed_over(case, *legs)

    assert seen.error is None
    assert seen.text == TEXT
    (told,) = seen.all_of(Failover)
    assert told.characters == len(SHOWN)
