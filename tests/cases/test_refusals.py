"""Refusals: each is the error that says why. E01 to E22 of the cases, and X01."""

from __future__ import annotations

import asyncio
import json
import time
from email.utils import formatdate

import pytest

from tests.support.gemini_server import error as gemini_error
from turnout import BoundTarget
from turnout.errors import (
    AuthenticationError,
    ContentFilterError,
    ContextLengthError,
    FallbackError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    TurnoutError,
    UnsupportedError,
)
from turnout.testing import (
    CHUNKED,
    Step,
    chunk,
    fin,
    respond,
    respond_in_chunks,
    response_head,
    rst,
    send,
    until,
    wait_request,
)

from .harness import HEALTHY, KEY, OPENAI, PROMPT, Case, Service, serving
from .routed import leg, routed, see
from .services import ANTHROPIC, GEMINI


def told(**fields: object) -> bytes:
    return json.dumps({"error": {"message": "no", **fields}}).encode()


LIMITED = told(type="requests", code="rate_limit_exceeded")


# Hints.


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        pytest.param("Retry-After", "1", 1.0, id="E01-seconds"),
        pytest.param("Retry-After-Ms", "250", 0.25, id="E03-milliseconds"),
        pytest.param("Retry-After", formatdate(0, usegmt=True), 0.0, id="E05-past"),
        pytest.param("Retry-After", "abc", None, id="E06-words"),
        pytest.param("Retry-After", "-1", None, id="E06-negative"),
        pytest.param("Retry-After", "nan", None, id="E06-nan"),
        pytest.param("Retry-After", "1e400", None, id="E06-infinite"),
        pytest.param("Retry-After", "", None, id="E06-empty"),
        pytest.param("Retry-After", "3600", 3600.0, id="E07-an-hour"),
    ],
)
async def test_a_hint_is_told_in_seconds(
    case: Case, service: Service, name: str, value: str, seconds: float | None
) -> None:
    script = respond(429, LIMITED, (name, value))
    error = await case.fails(service, script, RateLimitError)

    assert error.retry_after == seconds
    assert ("may be asked again" in str(error)) is (seconds is not None)


async def test_e04_a_hint_may_be_a_date(case: Case, service: Service) -> None:
    at = int(time.time()) + 100
    script = respond(429, LIMITED, ("Retry-After", formatdate(at, usegmt=True)))
    error = await case.fails(service, script, RateLimitError)

    assert error.retry_after is not None
    assert 90 < error.retry_after <= 100


async def test_e06_the_words_of_a_body_are_the_next_best_hint(case: Case) -> None:
    body = told(code="rate_limit_exceeded", message="Please try again in 6m1.5s.")
    script = respond(429, body, ("Retry-After", "abc"))
    error = await case.fails(OPENAI, script, RateLimitError)

    assert error.retry_after == 361.5


async def test_e06_the_reset_of_what_is_used_up_is_the_last_hint(case: Case) -> None:
    headers = [
        ("x-ratelimit-remaining-requests", "7"),
        ("x-ratelimit-reset-requests", "20ms"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "1m2s"),
    ]
    error = await case.fails(OPENAI, respond(429, LIMITED, *headers), RateLimitError)

    assert error.retry_after == 62.0


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_provider_may_forbid_another_try(case: Case, status: int) -> None:
    script = respond(status, told(), ("x-should-retry", "false"))
    error = await case.breaks(OPENAI, script, STATUSES[status])

    assert not error.retryable


# Money.


@pytest.mark.parametrize(
    "code",
    [
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "insufficient_quota",
    ],
)
async def test_e08_a_code_of_billing_is_a_quota(case: Case, code: str) -> None:
    script = respond(429, told(type="insufficient_quota", code=code))
    error = await case.breaks(OPENAI, script, QuotaExceededError)

    assert not error.retryable
    assert "out of credit or quota" in str(error)


# What Google says of a quota and of a key.
PER_DAY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}
SOON = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "19s"}
BAD_KEY = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "API_KEY_INVALID",
}


@pytest.mark.parametrize(
    ("service", "status", "body", "kind"),
    [
        pytest.param(
            ANTHROPIC,
            429,
            told(
                type="rate_limit_error",
                details={"error_code": "enforced_spend_limit_reached"},
            ),
            QuotaExceededError,
            id="E09-spend-limit",
        ),
        pytest.param(
            GEMINI,
            429,
            gemini_error(429, "RESOURCE_EXHAUSTED", "no", PER_DAY, SOON),
            QuotaExceededError,
            id="E10-per-day",
        ),
        pytest.param(
            GEMINI,
            400,
            gemini_error(400, "INVALID_ARGUMENT", "no", BAD_KEY),
            AuthenticationError,
            id="E17-bad-key",
        ),
    ],
)
async def test_what_a_vendor_says_in_its_own_way_has_its_class(
    case: Case, service: Service, status: int, body: bytes, kind: type[ProviderError]
) -> None:
    error = await case.breaks(service, respond(status, body), kind)

    assert not error.retryable


async def test_e11_a_payment_that_is_due_is_a_quota(
    case: Case, service: Service
) -> None:
    script = respond(402, told(code=402, message="Insufficient Balance"))
    error = await case.breaks(service, script, QuotaExceededError)

    assert not error.retryable


async def test_e12_a_budget_that_is_in_flight_is_a_rate(case: Case) -> None:
    body = told(code=402, metadata={"limit_source": "openrouter_in_flight_budget"})
    script = respond(402, body, ("Retry-After", "60"))
    error = await case.breaks(OPENAI, script, RateLimitError)

    assert error.retry_after == 60.0
    assert error.retryable


# Every status with every body. reliability.md 2.3, wire.md 2.7.

STATUSES: dict[int, type[ProviderError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: ModelUnavailableError,
    408: ServerError,
    409: ServerError,
    413: RequestTooLargeError,
    422: InvalidRequestError,
    424: InvalidRequestError,
    429: RateLimitError,
    498: RateLimitError,
    499: ServerError,
    500: ServerError,
    501: ServerError,
    502: ServerError,
    503: OverloadedError,
    504: ServerError,
    520: ServerError,
    522: ServerError,
    524: ServerError,
    529: OverloadedError,
}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(told(type="x", code=None), id="E13-json"),
        pytest.param(b"<!DOCTYPE html><title>no</title>", id="E13-html"),
        pytest.param(b"", id="E13-empty"),
        pytest.param(told()[:-9], id="E13-truncated"),
        pytest.param(b'[{"error":{"message":"no"}}]', id="E13-array"),
        pytest.param(b'{"error":"no"}', id="E13-text"),
        pytest.param(told(code=400), id="E13-int-code"),
    ],
)
async def test_a_status_has_its_class_whatever_the_body(
    case: Case, service: Service, body: bytes
) -> None:
    scripts = [respond(status, body) for status in STATUSES]
    async with serving(*scripts, keep_alive=True) as server:
        async with service.provider(server.url) as provider:
            for status, kind in STATUSES.items():
                with pytest.raises(TurnoutError) as caught:
                    await provider.complete(PROMPT)
                error = caught.value
                case.raised.append(error)
                assert type(error) is kind
                assert isinstance(error, ProviderError)
                assert error.status_code == status
                assert f"(status {status})" in str(error)

    # One each: a provider alone tries nothing twice.
    assert len(server.http_requests) == len(STATUSES)


@pytest.mark.parametrize("status", [401, 404, 413, 429, 498, 503, 529])
async def test_e13_a_refusal_falls_over(
    case: Case, service: Service, status: int
) -> None:
    await case.falls_over(service, respond(status, told()), STATUSES[status])


@pytest.mark.parametrize("status", [400, 403, 418, 422, 424])
async def test_e13_a_refusal_of_unknown_kind_goes_on_to_the_next_target(
    case: Case, service: Service, status: int
) -> None:
    kind = STATUSES.get(status, InvalidRequestError)

    await case.falls_over(service, respond(status, told(type="x")), kind)


async def test_e13_a_refusal_by_every_target_is_a_fallback_error(
    case: Case, service: Service
) -> None:
    # Both refuse it, so it may be the request: the error holds what each one said.
    legs = leg(service, respond(400, told())), leg(service, respond(422, told()))
    async with routed(*legs) as (route, servers):
        error = await case.fails_through(route, FallbackError)

    assert [type(one) for one in error.exceptions] == [InvalidRequestError] * 2
    assert [len(server.http_requests) for server in servers] == [1, 1]


@pytest.mark.parametrize("passed", [False, True], ids=["stops", "passed"])
async def test_a_blocked_prompt_goes_on_only_if_the_policy_says_so(
    case: Case, passed: bool
) -> None:
    legs = (
        leg(OPENAI, respond(400, told(code="content_filter"))),
        leg(OPENAI, OPENAI.answering(HEALTHY)),
    )
    async with routed(*legs, fallback_on_content_filter=passed) as (route, servers):
        if passed:
            assert (await route.complete(PROMPT)).text == HEALTHY
        else:
            await case.fails_through(route, ContentFilterError)

    assert [len(server.http_requests) for server in servers] == [1, int(passed)]


# A refusal about one request says nothing against the target.


@pytest.mark.parametrize(
    ("status", "fields", "kind"),
    [
        pytest.param(403, {"code": "content_filter"}, ContentFilterError, id="filter"),
        pytest.param(
            403,
            {"message": "Content violates usage guidelines"},
            ContentFilterError,
            id="filter-words",
        ),
        pytest.param(
            400, {"code": "context_length_exceeded"}, ContextLengthError, id="length"
        ),
        pytest.param(
            400, {"code": "unsupported_parameter"}, UnsupportedError, id="parameter"
        ),
        pytest.param(400, {"code": "x"}, InvalidRequestError, id="unknown"),
        pytest.param(400, {"code": "tool_use_failed"}, InvalidReplyError, id="model"),
    ],
)
async def test_a_refused_request_closes_nothing_for_others(
    case: Case, status: int, fields: dict[str, object], kind: type[ProviderError]
) -> None:
    refused = respond(status, told(**fields), ("Retry-After", "60"))
    first = leg(OPENAI, refused, OPENAI.answering("A"))
    script = OPENAI.answering("B")

    def longer(url: str) -> BoundTarget:
        return OPENAI.provider(url).target("gpt-4.1")

    async with routed(first, (longer, [script]), fallback_on_content_filter=True) as (
        route,
        servers,
    ):
        one = await route.complete(PROMPT)
        two = await route.complete(PROMPT)

    assert [type(attempt.error) for attempt in one.attempts] == [kind, type(None)]
    assert (one.text, two.text) == ("B", "A")
    assert len(two.attempts) == 1
    assert [len(server.http_requests) for server in servers] == [2, 1]


# The model failed, and not the request.

FAILED = respond(400, told(code="tool_use_failed", failed_generation="<function"))


@pytest.mark.parametrize("others", [False, True])
async def test_a_target_whose_model_failed_is_asked_again(
    case: Case, others: bool
) -> None:
    first = leg(OPENAI, FAILED, OPENAI.answering(HEALTHY))
    legs = [first, *([leg(OPENAI, OPENAI.answering("no"))] if others else [])]
    async with routed(*legs) as (route, servers):
        reply = await route.complete(PROMPT)

    assert reply.text == HEALTHY
    assert [type(a.error) for a in reply.attempts] == [InvalidReplyError, type(None)]
    assert [len(server.http_requests) for server in servers] == [2, 0][: len(legs)]


async def test_a_target_whose_model_failed_is_asked_again_once(case: Case) -> None:
    legs = leg(OPENAI, FAILED, FAILED), leg(OPENAI, OPENAI.answering(HEALTHY))
    async with routed(*legs) as (route, servers):
        assert (await route.complete(PROMPT)).text == HEALTHY

    assert [len(server.http_requests) for server in servers] == [2, 1]


async def test_a_provider_alone_asks_nothing_twice(case: Case) -> None:
    error = await case.fails(OPENAI, FAILED, InvalidReplyError)

    assert error.retryable


async def test_a_model_that_failed_after_text_is_not_asked_again(case: Case) -> None:
    failed = [OPENAI.piece("maybe"), b"data: " + told(code="tool_use_failed") + b"\n\n"]
    script = respond_in_chunks(failed, ("Content-Type", OPENAI.content_type))
    legs = leg(OPENAI, script), leg(OPENAI, OPENAI.answering(HEALTHY))
    async with routed(*legs) as (route, servers):
        seen = await see(case, route.stream(PROMPT))

    assert seen.text == "maybe"
    assert type(seen.error) is InvalidReplyError
    assert [len(server.http_requests) for server in servers] == [1, 0]


# A service says whether to try again.


@pytest.mark.parametrize(
    ("status", "said", "requests"),
    [
        pytest.param(400, "true", 2, id="a refusal"),
        pytest.param(500, "false", 1, id="a failure"),
        pytest.param(500, "maybe", 2, id="another word"),
        # A key that was refused is refused for a while.
        pytest.param(401, "true", 1, id="a key"),
    ],
)
async def test_a_service_says_whether_it_is_asked_again(
    case: Case, status: int, said: str, requests: int
) -> None:
    refused = respond(status, told(), ("x-should-retry", said))
    legs = (
        leg(OPENAI, refused, OPENAI.answering("A")),
        leg(OPENAI, OPENAI.answering("B")),
    )
    async with routed(*legs) as (route, servers):
        reply = await route.complete(PROMPT)

    assert reply.text == ("A" if requests == 2 else "B")
    assert len(servers[0].http_requests) == requests


# What stands in the body goes before the status.


@pytest.mark.parametrize(
    ("status", "said"),
    [
        pytest.param(
            403, "maximum context length is 8192 tokens", id="E14-together-403"
        ),
        pytest.param(400, "This model's maximum context length is 9", id="E14-openai"),
        pytest.param(400, "prompt is too long: 9 tokens > 8", id="E14-anthropic"),
        pytest.param(400, "exceeds the maximum number of tokens", id="E14-gemini"),
        pytest.param(400, "Current length is 9 while limit is 8", id="E14-cerebras"),
        pytest.param(400, "input would exceed context limit", id="E14-limit"),
        pytest.param(400, "longer than the model's context length", id="E14-longer"),
        pytest.param(
            400, "input tokens exceed the configured limit", id="E14-configured"
        ),
        pytest.param(422, "`inputs` tokens + `max_new_tokens` must be", id="E14-tgi"),
    ],
)
async def test_words_tell_that_the_input_is_too_long(
    case: Case, status: int, said: str
) -> None:
    script = respond(status, told(message=said))

    await case.breaks(OPENAI, script, ContextLengthError)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"code": "context_length_exceeded"}, id="E14-code"),
        pytest.param(
            {"code": 400, "type": "exceed_context_size_error"}, id="E14-llama.cpp"
        ),
        pytest.param(
            {"metadata": {"error_type": "context_length_exceeded"}},
            id="E14-openrouter",
        ),
    ],
)
async def test_codes_tell_that_the_input_is_too_long(
    case: Case, fields: dict[str, object]
) -> None:
    await case.breaks(OPENAI, respond(400, told(**fields)), ContextLengthError)


async def test_e15_a_field_that_is_too_long_is_not_the_input(case: Case) -> None:
    said = "Invalid 'user': maximum context length"
    script = respond(400, told(code="string_above_max_length", message=said))

    await case.fails(OPENAI, script, InvalidRequestError)


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        pytest.param(
            400,
            {
                "code": "content_filter",
                "innererror": {"code": "ResponsibleAIPolicyViolation"},
            },
            id="E16-azure",
        ),
        pytest.param(
            400, {"code": "content_policy_violation"}, id="E16-content-policy"
        ),
        pytest.param(
            403,
            {"code": 403, "metadata": {"reasons": ["x"], "flagged_input": "y"}},
            id="E16-openrouter",
        ),
        pytest.param(
            400,
            {"message": "rejected as a result of our safety system"},
            id="E16-safety-system",
        ),
    ],
)
async def test_a_filter_is_no_refused_key(
    case: Case, status: int, fields: dict[str, object]
) -> None:
    await case.fails(OPENAI, respond(status, told(**fields)), ContentFilterError)


# Bodies that are no good.


async def test_e19_a_refusal_of_ten_megabytes_is_read_in_part(
    case: Case, service: Service
) -> None:
    script = respond(500, b"x" * (10 << 20))
    async with serving(script) as server:
        error = await case.fails_at(service, server.url, ServerError)
        (connection,) = server.connections
        await connection.wait_peer_closed()

    assert error.status_code == 500
    assert len(str(error)) < 700


async def test_e20_a_refusal_that_drips_is_read_for_a_while(
    case: Case, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Five seconds else, which is no option.
    monkeypatch.setattr("turnout.http._errors._SECONDS", 0.04)
    head = response_head(503, CHUNKED)
    drops = [chunk(b"d"), chunk(b"r"), until(asyncio.Event())]
    error = await case.fails(
        service, [wait_request(), send(head), *drops], OverloadedError
    )

    assert error.status_code == 503
    assert str(error).endswith(": dr")


@pytest.mark.parametrize("end", [fin(), rst()], ids=["E20-fin", "E20-rst"])
async def test_a_refusal_that_was_cut_has_its_status(
    case: Case, service: Service, end: Step
) -> None:
    script = [wait_request(), send(response_head(503, CHUNKED)), chunk(b"dr"), end]
    error = await case.fails(service, script, OverloadedError)

    assert error.status_code == 503


@pytest.mark.parametrize("status", [*STATUSES, 204, 301, 402, 407, 418])
async def test_e21_x01_a_refusal_that_quotes_our_secrets_does_not_show_them(
    case: Case, service: Service, status: int
) -> None:
    quoted = f"You said {PROMPT!r} with Bearer {KEY}, or {KEY[:-4]}"
    headers = [("X-Request-Id", KEY), ("Location", f"/{KEY}"), ("Set-Cookie", KEY)]
    script = respond(status, told(message=quoted, code=KEY, type=KEY), *headers)
    async with serving(script) as server:
        async with service.provider(server.url) as provider:
            with pytest.raises(TurnoutError) as caught:
                await provider.complete(PROMPT)

    # What they show is looked through when the case is over.
    case.raised.append(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(599, ServerError, id="E22-599"),
        pytest.param(299, ProtocolError, id="E22-299"),
        pytest.param(418, InvalidRequestError, id="E22-418"),
    ],
)
async def test_a_status_that_nobody_knows_has_its_class(
    case: Case, service: Service, status: int, kind: type[ProviderError]
) -> None:
    error = await case.fails(service, respond(status, told()), kind)

    assert error.status_code == status
