"""From a refusal to its error, without any network."""

from __future__ import annotations

import json
import pickle
import time
from typing import Any

import pytest

from turnout.errors import (
    AuthenticationError,
    ContentFilterError,
    ContextLengthError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    StreamError,
    UnsupportedError,
)
from turnout.http import Refusal, StatusRule
from turnout.http._errors import classify
from turnout.http._refusal import shortened


def refusal(status: int, body: object = b"", **headers: str) -> Refusal:
    """Return a refusal; headers are given with `_` for `-`."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refusal.read(status, named, body)


def error_of(told: Refusal, *rules: StatusRule) -> ProviderError:
    return classify(
        told, rules, provider="P", key="P_KEY", reason=told.reason, details={}
    )


def error_body(**fields: object) -> dict[str, object]:
    return {"error": {"message": "no", **fields}}


# reliability.md 2.3 and wire.md 2.7.
BY_STATUS: dict[int, type[ProviderError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    402: QuotaExceededError,
    403: PermissionDeniedError,
    404: ModelUnavailableError,
    405: InvalidRequestError,
    408: ServerError,
    409: ServerError,
    413: RequestTooLargeError,
    418: InvalidRequestError,
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
    599: ServerError,
}

BODIES: list[Any] = [
    pytest.param(b'{"error":{"message":"no","type":"x","code":null}}', id="json"),
    pytest.param(b'{"error":{"message":"no","code":400}}', id="int-code"),
    pytest.param(b'{"error":"no"}', id="string"),
    pytest.param(b'{"message":"no"}', id="message"),
    pytest.param(b'{"detail":"no"}', id="detail"),
    pytest.param(b'{"detail":[{"loc":["body"],"msg":"no"}]}', id="details"),
    pytest.param(b'{"success":false,"error":{"message":"no"}}', id="success"),
    pytest.param(b'{"object":"error","message":"no"}', id="object"),
    pytest.param(b'[{"error":{"message":"no"}}]', id="array"),
    pytest.param(b'["no"]', id="array-of-text"),
    pytest.param(b"<!DOCTYPE html><html><title>no</title></html>", id="html"),
    pytest.param(b"no", id="text"),
]

SILENT: list[Any] = [
    pytest.param(b"", id="empty"),
    pytest.param(b'{"error":{"mess', id="truncated"),
    pytest.param(b"\xff\xfe\x00", id="binary"),
    pytest.param(b"null", id="null"),
    pytest.param(b"7", id="number"),
    pytest.param(b"[]", id="empty-array"),
    pytest.param(b"{}", id="empty-object"),
    pytest.param(b'{"error":null,"message":7}', id="no-text"),
    pytest.param(b'{"error":{"message":{"a":"b"}}}', id="message-is-no-text"),
    pytest.param(b"[" * 5000, id="deep"),
    pytest.param(b"<html></html>", id="html-without-title"),
]


@pytest.mark.parametrize(("status", "expected"), BY_STATUS.items())
@pytest.mark.parametrize("body", [*BODIES, *SILENT])
def test_a_status_has_its_class_whatever_the_body(
    status: int, expected: type[ProviderError], body: bytes
) -> None:
    error = error_of(refusal(status, body))

    assert type(error) is expected
    assert error.status_code == status
    assert f"(status {status})" in str(error)


@pytest.mark.parametrize("body", BODIES)
def test_the_reason_is_found_in_every_form(body: bytes) -> None:
    assert refusal(400, body).reason == "no"


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("context_length_exceeded", 400, ContextLengthError),
        ("exceed_context_size_error", 400, ContextLengthError),
        ("model_context_window_exceeded", 400, ContextLengthError),
        ("string_above_max_length", 400, InvalidRequestError),
        ("content_filter", 400, ContentFilterError),
        ("content_policy_violation", 400, ContentFilterError),
        ("ResponsibleAIPolicyViolation", 400, ContentFilterError),
        ("insufficient_quota", 429, QuotaExceededError),
        ("credit_balance_exhausted", 429, QuotaExceededError),
        ("organization_spend_limit_exceeded", 429, QuotaExceededError),
        ("project_spend_limit_exceeded", 429, QuotaExceededError),
        ("organization_usage_limit_exceeded", 429, QuotaExceededError),
        ("billing_error", 402, QuotaExceededError),
        ("enforced_spend_limit_reached", 400, QuotaExceededError),
        ("enforced_spend_limit_reached", 429, QuotaExceededError),
        ("rate_limit_exceeded", 429, RateLimitError),
        ("slow_down", 429, RateLimitError),
        ("ramp_limit_exceeded", 429, RateLimitError),
        ("API_KEY_INVALID", 400, AuthenticationError),
        ("invalid_api_key", 400, AuthenticationError),
        ("overloaded_error", 500, OverloadedError),
        ("server_is_overloaded", 500, OverloadedError),
        ("capacity_exceeded", 498, RateLimitError),
        ("unheard_of", 400, InvalidRequestError),
    ],
)
@pytest.mark.parametrize("field", ["code", "type", "status", "error_code"])
def test_a_code_goes_before_the_status(
    code: str, status: int, expected: type[ProviderError], field: str
) -> None:
    told = refusal(status, error_body(**{field: code}))

    assert type(error_of(told)) is expected
    assert code.lower() in told.codes


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(
            400,
            error_body(
                code=400,
                status="INVALID_ARGUMENT",
                details=[
                    {"@type": "type.googleapis.com/google.rpc.Help"},
                    {"@type": "x/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"},
                ],
            ),
            AuthenticationError,
            id="gemini-bad-key",
        ),
        pytest.param(
            429,
            error_body(
                status="RESOURCE_EXHAUSTED",
                details=[
                    {
                        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                        "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}],
                    },
                    {"@type": "google.rpc.RetryInfo", "retryDelay": "19s"},
                ],
            ),
            QuotaExceededError,
            id="gemini-daily-quota",
        ),
        pytest.param(
            429,
            error_body(status="RESOURCE_EXHAUSTED"),
            RateLimitError,
            id="gemini-rate",
        ),
        pytest.param(
            400,
            error_body(
                type="invalid_request_error",
                details={"error_code": "enforced_spend_limit_reached"},
            ),
            QuotaExceededError,
            id="anthropic-spend-limit",
        ),
        pytest.param(
            400,
            error_body(code="x", innererror={"code": "ResponsibleAIPolicyViolation"}),
            ContentFilterError,
            id="azure-filter",
        ),
        pytest.param(
            403,
            error_body(
                code=403, metadata={"reasons": ["hate"], "flagged_input": "you ..."}
            ),
            ContentFilterError,
            id="openrouter-moderation",
        ),
        pytest.param(
            400,
            error_body(metadata={"error_type": "context_length_exceeded"}),
            ContextLengthError,
            id="openrouter-context",
        ),
    ],
)
def test_a_vendors_own_form_is_understood(
    status: int, body: object, expected: type[ProviderError]
) -> None:
    assert type(error_of(refusal(status, body))) is expected


@pytest.mark.parametrize(
    ("status", "phrase"),
    [
        (400, "This model's maximum context length is 8192 tokens"),
        (400, "prompt is too long: 205351 tokens > 200000 maximum"),
        (400, "The input exceeds the maximum number of tokens allowed"),
        (400, "Current length is 9000 while limit is 8192"),
        (400, "your messages exceed context limit"),
        (400, "is longer than the model's context length"),
        (400, "input tokens exceed the configured limit"),
        (422, "`inputs` tokens + `max_new_tokens` must be <= 4096"),
        (403, "maximum context length exceeded"),
        (500, "the request exceeds the available context size"),
    ],
)
@pytest.mark.parametrize("form", ["json", "text"])
def test_a_phrase_tells_that_the_input_is_too_long(
    status: int, phrase: str, form: str
) -> None:
    body = error_body(message=phrase) if form == "json" else phrase.encode()

    assert type(error_of(refusal(status, body))) is ContextLengthError


def test_a_phrase_counts_only_with_its_statuses() -> None:
    told = refusal(401, error_body(message="maximum context length"))

    assert type(error_of(told)) is AuthenticationError


def test_a_safety_systems_phrase_is_a_filter() -> None:
    message = "Your request was rejected as a result of our safety system."

    assert type(error_of(refusal(400, error_body(message=message)))) is (
        ContentFilterError
    )


def test_a_payment_that_is_asked_for_again_soon_is_a_rate() -> None:
    assert type(error_of(refusal(402, retry_after="2"))) is RateLimitError
    assert type(error_of(refusal(402, retry_after="soon"))) is QuotaExceededError


@pytest.mark.parametrize(
    ("status", "seconds"), [(429, 1.5), (503, 1.5), (500, 1.5), (400, None)]
)
def test_a_bodys_hint_is_taken_where_waiting_helps(
    status: int, seconds: float | None
) -> None:
    told = refusal(status, error_body(message="Please try again in 1.5s."))

    assert error_of(told).retry_after == seconds


def test_a_daily_quota_does_not_come_back_in_a_minute() -> None:
    said = "Quota GenerateRequestsPerDay; please retry in 19s"

    assert error_of(refusal(429, error_body(message=said))).retry_after is None


def test_a_header_goes_before_the_body() -> None:
    told = refusal(429, error_body(message="try again in 1s"), retry_after="7")

    assert error_of(told).retry_after == 7.0


@pytest.mark.parametrize(
    ("status", "body", "seconds"),
    [
        (429, {}, 360.0),
        (429, error_body(message="try again in 1s"), 1.0),
        (429, error_body(code="insufficient_quota"), None),
        (503, {}, None),
    ],
)
def test_a_reset_is_the_last_hint_at_a_rate(
    status: int, body: object, seconds: float | None
) -> None:
    used = {"x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "6m0s"}

    assert error_of(refusal(status, body, **used)).retry_after == seconds


@pytest.mark.parametrize(
    ("status", "said", "retryable"),
    [
        (500, "false", False),
        (500, "False", False),
        (500, "true", True),
        (500, "maybe", True),
        (429, " false ", False),
        (400, "true", True),
        (401, "True", True),
        (400, "false", False),
        (400, "maybe", False),
    ],
)
def test_a_provider_may_say_whether_another_try_helps(
    status: int, said: str, retryable: bool
) -> None:
    error = error_of(refusal(status, x_should_retry=said))

    assert error.retryable is retryable
    assert pickle.loads(pickle.dumps(error)).retryable is retryable


@pytest.mark.parametrize(
    ("headers", "retryable"), [({}, True), ({"x_should_retry": "false"}, False)]
)
def test_a_model_that_failed_may_succeed_another_time(
    headers: dict[str, str], retryable: bool
) -> None:
    error = error_of(refusal(400, error_body(code="tool_use_failed"), **headers))

    assert type(error) is InvalidReplyError
    assert error.retryable is retryable
    assert "the model of P failed (status 400): no" in str(error)


def test_a_refused_ability_has_its_words_and_status() -> None:
    error = error_of(refusal(400, error_body(code="unsupported_parameter")))

    assert type(error) is UnsupportedError
    assert error.status_code == 400
    assert str(error).startswith("P does not support what the request needs")


def test_an_error_says_what_there_is_to_know() -> None:
    body = error_body(code="rate_limit_exceeded")
    told = refusal(429, body, retry_after="7")
    error = error_of(told)

    assert str(error) == (
        "P has had too many requests (status 429); it may be asked again in 7 s: no"
    )
    assert error.retry_after == 7.0
    assert error.provider == "P"


def test_a_refused_key_is_told_by_its_source() -> None:
    assert "check P_KEY" in str(error_of(refusal(401)))


@pytest.mark.parametrize(
    ("body", "expected", "status"),
    [
        (error_body(code=429), RateLimitError, 429),
        (error_body(code="503"), OverloadedError, 503),
        (error_body(status=401), AuthenticationError, 401),
        ({"message": "no", "status_code": 404}, ModelUnavailableError, 404),
        ([error_body(code=413)], RequestTooLargeError, 413),
        ([], StreamError, 200),
        (error_body(code=200), StreamError, 200),
        (error_body(code=1001), StreamError, 200),
        (error_body(code="context_length_exceeded"), ContextLengthError, 200),
        (error_body(type="rate_limit_error"), RateLimitError, 200),
        (error_body(code="slow_down"), RateLimitError, 200),
        (error_body(type="overloaded_error"), OverloadedError, 200),
        (
            error_body(metadata={"error_type": "provider_unavailable"}),
            OverloadedError,
            200,
        ),
        (
            error_body(metadata={"error_type": "payment_required"}),
            QuotaExceededError,
            200,
        ),
        (error_body(type="authentication_error"), AuthenticationError, 200),
        (error_body(type="permission_error"), PermissionDeniedError, 200),
        (error_body(type="NotFoundError"), ModelUnavailableError, 200),
        (error_body(type="InternalServerError"), ServerError, 200),
        (error_body(type="BadRequestError"), InvalidRequestError, 200),
        (error_body(type="brand_new"), StreamError, 200),
        ({"error": "no"}, StreamError, 200),
    ],
)
def test_an_error_inside_of_an_answer_has_its_class(
    body: object, expected: type[ProviderError], status: int
) -> None:
    error = error_of(refusal(200, body))

    assert type(error) is expected
    assert error.status_code == status
    where = "inside its answer" if status == 200 else f"status {status}"
    assert f" ({where})" in str(error)


def test_the_status_of_a_refusal_goes_before_what_its_body_says() -> None:
    assert type(error_of(refusal(500, error_body(code=429)))) is ServerError


def test_a_providers_own_rules_come_first() -> None:
    own = StatusRule(error=QuotaExceededError, statuses={400}, codes={"no_gold"})

    assert type(error_of(refusal(400, error_body(code="NO_GOLD")), own)) is (
        QuotaExceededError
    )
    assert type(error_of(refusal(403, error_body(code="no_gold")), own)) is (
        PermissionDeniedError
    )
    assert type(error_of(refusal(400, error_body()), own)) is InvalidRequestError


def test_a_rule_may_give_an_error_of_the_providers_own() -> None:
    class BannedError(ProviderError):
        """The account is banned."""

    error = error_of(refusal(451), StatusRule(error=BannedError, statuses={451}))

    assert type(error) is BannedError
    assert str(error) == "P refused (status 451)"


@pytest.mark.parametrize(
    ("phrase", "matches"),
    [
        ("no tools", True),
        ("no * here", True),
        ("no*tools*here", True),
        ("tools * no", False),
        ("no tools here and more", False),
        ("", True),
    ],
)
def test_a_phrase_may_leave_words_out(phrase: str, matches: bool) -> None:
    told = refusal(400, error_body(message="There are NO \n tools\there"))

    rule = StatusRule(error=ServerError, phrases=(phrase,))

    assert rule.matches(told) is matches


def test_phrases_are_looked_for_in_what_is_said_and_in_the_codes() -> None:
    body = error_body(code="a_code", details=[{"message": "deep"}], prompt="secret")
    told = refusal(400, body)

    assert told.words == "no; deep; a_code"
    assert told.reason == "no"


def test_the_error_behind_one_that_says_nothing_is_told() -> None:
    inner = '{"error": {"message": "too loud", "code": "too_loud"}}'
    told = refusal(
        502, error_body(message="Provider returned error", metadata={"raw": inner})
    )

    assert told.reason == "Provider returned error: too loud"
    assert told.codes == {"too_loud"}


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (error_body(code=1113), {"1113"}),
        (error_body(code=400, type=True), set[str]()),
        ({"base_resp": {"status_code": 1008}}, {"base_resp.1008"}),
        ({"base_resp": "no"}, set[str]()),
        ({"__type": "com.amazon#ThrottlingException"}, {"throttlingexception"}),
        (error_body(message='{\'code\': 429, "type": "a"}'), {"a"}),
        ({"error": {"message": [{"errorCode": "b"}]}}, {"b"}),
    ],
)
def test_codes_are_found_in_every_form(body: object, codes: set[str]) -> None:
    assert refusal(400, body).codes == codes


@pytest.mark.parametrize("status", [400, 200])
@pytest.mark.parametrize("value", ["NoSeeds", "noseeds:http://x", " NoSeeds "])
def test_a_rule_may_be_about_the_code_in_a_header(value: str, status: int) -> None:
    rule = StatusRule(
        error=QuotaExceededError, header="X-Ms-Error-Code", codes={"noseeds"}
    )
    body = b'{"error": {"code": "noseeds"}}'

    assert type(error_of(refusal(status, x_ms_error_code=value), rule)) is (
        QuotaExceededError
    )
    for told in (refusal(400, body), refusal(400, x_ms_error_code="other")):
        assert type(error_of(told, rule)) is InvalidRequestError


def test_a_code_may_be_in_a_header() -> None:
    told = refusal(400, b"", x_amzn_errortype="ThrottlingException:http://x")

    assert told.codes == {"throttlingexception"}


def test_a_code_is_a_word() -> None:
    body = error_body(code="no word at all", type="x" * 65, status=7)

    assert refusal(400, body).codes == frozenset()


@pytest.mark.parametrize(
    ("page", "title"),
    [
        (b"<html><title>520: Web server</title>", "520: Web server"),
        (b"<TITLE lang=en>\n a &amp; b\n</TITLE>", "a & b"),
        (b"<html><body>" + b"x" * 999, ""),
    ],
)
def test_a_page_is_reduced_to_its_title(page: bytes, title: str) -> None:
    assert shortened(refusal(502, page).reason) == title


def test_a_reason_is_one_printable_line_and_not_too_long() -> None:
    assert shortened("a\r\n\tb\x1b[31m\u202ec") == "a b[31mc"
    assert shortened("x" * 500) == "x" * 500
    assert shortened("x" * 501) == "x" * 500 + "…"


def test_an_error_can_be_pickled() -> None:
    error = error_of(refusal(429, error_body(code="slow_down"), retry_after="7"))
    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


LIMIT = 64 * 1024


@pytest.mark.parametrize("size", [1000, LIMIT, 2 * LIMIT, 8 << 20])
def test_a_long_refusal_gives_its_code_and_message(size: int) -> None:
    body = {"error": {"code": "rate_limit", "message": "no", "details": "x" * size}}

    told = refusal(400, body)

    assert (set(told.codes), told.reason) == ({"rate_limit"}, "no")
    assert len(told.text) <= LIMIT


@pytest.mark.parametrize("opened", [b'{"error":', b'[{"error":'])
def test_a_refusal_that_is_cut_off_gives_what_it_has(opened: bytes) -> None:
    told = refusal(400, opened + b'{"code":"a_code","message":"so it is","x":{"y')

    assert (set(told.codes), told.reason) == ({"a_code"}, "so it is")


def test_a_message_that_is_cut_off_is_given_up_to_its_last_word() -> None:
    told = refusal(400, b'{"code":"half_a_co","message":"so it is, sk-0815-ca')

    assert told.reason == "so it is, "


def test_half_a_code_is_none() -> None:
    assert refusal(400, b'{"message":"no","code":"invalid').codes == frozenset()


def test_a_text_that_begins_with_a_number_is_a_text() -> None:
    assert refusal(404, b"404 page not found").reason == "404 page not found"


def test_a_long_reason_is_cut_at_a_word() -> None:
    words = refusal(400, {"message": "word " * 10_000}).reason
    signs = refusal(400, {"message": "\u6f22" * 10_000}).reason
    letters = refusal(400, {"message": "x" * 10_000}).reason

    assert 2000 < len(words) <= 2048
    assert words.endswith("word ")
    assert len(signs) == 2048
    assert 1000 < len(letters) < 2048


@pytest.mark.parametrize(
    "body",
    [
        b"<title>" * 100_000,
        b"<title " * 100_000,
        b"<title>&" + b"&a" * 100_000,
        b'{"error":[' + b'{"error":{"details":[1]}},' * 100_000 + b"1]}",
        b'{"error":' * 100_000,
        b"[" * 100_000,
        b"[1," * 100_000,
        b"{" + b'"a":1,' * 100_000,
        b'{"message":"try again in ' + b"1" * 100_000,
        b'{"message":"' + b"retry in 1" * 100_000,
        b'{"code":"' + b"a." * 100_000 + b'"}',
        b'[{"code":"a"},' * 100_000,
        "\u0130".encode() * 100_000,
        b"\xff" * 200_000,
        b"maximum context lengt" * 100_000,
    ],
)
def test_a_hostile_refusal_takes_no_longer_the_longer_it_is(body: bytes) -> None:
    def seconds(size: int) -> float:
        began = time.process_time()
        error_of(refusal(500, body[:size]))
        return time.process_time() - began

    # What is beyond the limit is not read at all.
    whole = seconds(len(body))
    assert whole < 20 * max(0.005, seconds(LIMIT))
    assert whole < 1  # It takes some milliseconds.
