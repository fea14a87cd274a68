"""Answers that one protocol begins and another goes on with: each with each.

What does not depend on the protocol is in the other files; here is what the next one is
asked, to the byte, and what the caller sees of both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias, cast

import pytest
from pydantic_core import to_json

from tests.core.routes.answers import pieces_of
from turnout import BoundTarget
from turnout.errors import InvalidRequestError, StreamTruncatedError
from turnout.routes._continuation import instruction
from turnout.testing import (
    HttpRequest,
    Step,
    chunk,
    fin,
    respond,
    rst,
    send,
    wait_request,
)
from turnout.types import Failover, Usage

from .harness import PROMPT, Case, Service
from .routed import Leg, Seen, leg, routed, see
from .services import ANTHROPIC, FLOWGPT, GEMINI, OLLAMA, OPENAI, PROTOCOLS, Body

Make: TypeAlias = Callable[[str], BoundTarget]

PREFILLED = (OPENAI, ANTHROPIC, GEMINI, OLLAMA)
"""Who goes on with the beginning of an answer, by its data or a plugin's."""

CONVERSATION = [
    {"role": "system", "content": "Sei  kurz, señor.\n"},
    {"role": "user", "content": f'Warum "so"? {PROMPT}'},
    {"role": "assistant", "content": "Darum \U0001f937\u200d\u2640\ufe0f."},
    {"role": "user", "content": "而且\u2028呢?"},
]

# Increments end in the midst of what is seen as one sign.
DELTAS = [
    *("Der Zwölf", "uhrzug ", "fährt — wie ", "immer — ", "über Brück", "en, an "),
    *("\U0001f469", "\u200d\U0001f680", " und 駅", "員の横を", "通り、 ", "\n\n"),
    *("مرحبا ", "e", "\u0301toile", "s\u2028", "bis „Süd“ ", "und zurück."),
]
TEXT = "".join(DELTAS)

CUT = 12
"""Increments that the first one gives; white space stands at their end."""
SHOWN = "".join(DELTAS[:CUT])
LOST = DELTAS[CUT]
"""The increment that a lost connection cuts in two."""

WAYS = {
    "exactly": len(SHOWN),
    "repeating": len(SHOWN) - 18,
    "over again": 0,
}
"""How the next one goes on: where in the text it begins."""

PREFILLED_WAYS = {
    "exactly": len(SHOWN),
    "with the white space that was not sent": len(SHOWN.rstrip()),
    "over again": 0,
}


def saying(service: Service, at: int) -> list[Step]:
    """Return a script that says the text from there on."""
    return service.answering(*pieces_of(TEXT[at:], 5))


def closed(service: Service) -> list[Step]:
    """Return a script whose answer has no end but that of the connection."""
    lost = service.piece(LOST)
    body = service.begun(*DELTAS[:CUT]) + lost[: len(lost) // 2]
    return [wait_request(), send(service.head()), send(body), fin()]


def reset(service: Service) -> list[Step]:
    """Return a script whose answer ends with a reset."""
    return service.streaming(chunk(service.begun(*DELTAS[:CUT])), rst())


def given_up(service: Service) -> list[Step]:
    """Return a script whose answer ends with the service's own error."""
    told = service.begun(*DELTAS[:CUT]) + service.fault
    return service.streaming(chunk(told), chunk(b""))


BREAKS = [pytest.param(how, id=how.__name__) for how in (closed, reset, given_up)]


def pairs_with(*others: Service) -> list[Any]:
    """Return the pairs whose second one is among these."""
    return [
        pytest.param(one, other, id=f"{one.name}-{other.name}")
        for one in PROTOCOLS.values()
        for other in others
    ]


async def failed_over(case: Case, *legs: Leg) -> tuple[Seen, list[list[HttpRequest]]]:
    """Return what was seen, and what each leg was sent."""
    async with routed(*legs) as (route, servers):
        seen = await see(case, route.stream(CONVERSATION))
    return seen, [server.http_requests for server in servers]


async def asked_alone(case: Case, service: Service, make: Make) -> HttpRequest:
    """Return what a target is sent where nothing was shown before."""
    _, ((asked,),) = await failed_over(case, (make, [service.answering("yes")]))
    return asked


def check_continued(
    service: Service, asked: HttpRequest, sent: HttpRequest, *added: Body
) -> None:
    """Insist that a request is another one with these turns more, and nothing else."""
    before, now = (cast("Body", request.json()) for request in (asked, sent))
    turns = service.take_turns(before)
    assert service.take_turns(now) == [*turns, *added]
    assert json.dumps(now) == json.dumps(before)
    assert sent.target == asked.target
    for turn in turns:
        assert to_json(turn) in sent.body


def check_seen(seen: Seen, first: Service, second: Service, reason: str) -> None:
    """Insist that the text is whole, and that one failover is told."""
    assert seen.error is None
    assert seen.text == seen.reply.text == TEXT
    (told,) = seen.all_of(Failover)
    assert (told.source.provider, told.target.provider) == (first.name, second.name)
    assert (told.reason, told.characters) == (reason, len(SHOWN))
    assert seen.reply.target == told.target
    assert seen.reply.finish_reason == ("stop" if second.end else "unknown")
    # No service has seen all of it as its own.
    assert seen.reply.state is None


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize(("first", "second"), pairs_with(*PROTOCOLS.values()))
async def test_a_cut_answer_is_whole_in_another_protocol(
    case: Case, first: Service, second: Service, how: Callable[[Service], list[Step]]
) -> None:
    asked = await asked_alone(case, second, second.target)
    kind = first.fault_class if how is given_up else StreamTruncatedError
    for way, at in WAYS.items():
        rest = leg(second, saying(second, at))
        seen, (_, (sent,)) = await failed_over(case, leg(first, how(first)), rest)

        check_seen(seen, first, second, kind.__name__)
        assert seen.all_of(Failover)[0].dropped == len(SHOWN) - at, way
        check_continued(
            second,
            asked,
            sent,
            second.turn("assistant", SHOWN),
            second.turn("user", instruction(SHOWN, tools=False)),
        )
        attempts = seen.reply.attempts
        assert [attempt.outcome for attempt in attempts] == ["failed", "complete"]
        assert [type(attempt.error) for attempt in attempts] == [kind, type(None)]


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("first", PROTOCOLS.values(), ids=list(PROTOCOLS))
async def test_what_both_used_is_summed(
    case: Case, first: Service, how: Callable[[Service], list[Step]]
) -> None:
    said = [message["content"] for message in CONVERSATION]
    early = first.told_early or Usage()
    estimate = replace(
        early,
        input_tokens=early.input_tokens or sum(-(-len(text) // 4) for text in said),
        output_tokens=early.output_tokens or -(-len(SHOWN) // 4),
        estimated=None in {early.input_tokens, early.output_tokens},
    )
    for second in PROTOCOLS.values():
        rest = leg(second, saying(second, len(SHOWN)))
        seen, _ = await failed_over(case, leg(first, how(first)), rest)

        broken, whole = (attempt.usage for attempt in seen.reply.attempts)
        assert (broken, whole) == (estimate, second.told)
        assert seen.reply.usage == estimate + (second.told or Usage())


@pytest.mark.parametrize(("first", "second"), pairs_with(*PREFILLED))
async def test_who_goes_on_with_a_beginning_is_given_it(
    case: Case, first: Service, second: Service
) -> None:
    asked = await asked_alone(case, second, second.prefilling)
    for way, at in PREFILLED_WAYS.items():
        rest = (second.prefilling, [saying(second, at)])
        seen, (_, (sent,)) = await failed_over(case, leg(first, reset(first)), rest)

        assert seen.text == TEXT, way
        check_seen(seen, first, second, StreamTruncatedError.__name__)
        begun = second.turn("assistant", SHOWN.rstrip())
        check_continued(second, asked, sent, begun)


@pytest.mark.parametrize("second", PREFILLED, ids=lambda service: service.name)
async def test_who_refuses_a_beginning_is_asked_by_an_instruction(
    case: Case, second: Service
) -> None:
    asked = await asked_alone(case, second, second.prefilling)
    scripts = [respond(400, second.refusal), saying(second, len(SHOWN))]
    first = leg(FLOWGPT, reset(FLOWGPT))
    seen, (_, sent) = await failed_over(case, first, (second.prefilling, scripts))

    check_seen(seen, FLOWGPT, second, StreamTruncatedError.__name__)
    errors = [type(attempt.error) for attempt in seen.reply.attempts]
    assert errors == [StreamTruncatedError, InvalidRequestError, type(None)]
    begun = second.turn("assistant", SHOWN.rstrip())
    check_continued(second, asked, sent[0], begun)
    begun = second.turn("assistant", SHOWN)
    asking = second.turn("user", instruction(SHOWN, tools=False))
    check_continued(second, asked, sent[1], begun, asking)
