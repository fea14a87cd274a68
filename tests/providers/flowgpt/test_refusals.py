"""Which error each refusal becomes, over real sockets."""

from __future__ import annotations

import pytest

from turnout.errors import (
    AuthenticationError,
    ConfigError,
    ConnectError,
    ConnectionLostError,
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
)
from turnout.testing import (
    FaultServer,
    Step,
    fin,
    refused_url,
    respond,
    rst,
    send,
    wait_request,
)
from turnout_flowgpt import FlowGpt

from ...support.flowgpt_server import (
    FlowGptServer,
    StatusAnswer,
    html_status,
    json_status,
)

BODIES = [
    pytest.param(b'{"error": {"message": "no", "code": 7}}', id="json"),
    pytest.param(b'{"error": "no"}', id="string"),
    pytest.param(b'{"message": "no"}', id="message"),
    pytest.param(b'[{"error": {"message": "no"}}]', id="array"),
    pytest.param(b'{"error": {"mess', id="truncated"),
    pytest.param(b"<!DOCTYPE html><title>no</title>", id="html"),
    pytest.param(b"\xff\xfe\x00", id="binary"),
    pytest.param(b"null", id="null"),
    pytest.param(b"", id="empty"),
]
CLASSES: dict[int, type[ProviderError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    402: QuotaExceededError,
    403: PermissionDeniedError,
    404: ModelUnavailableError,
    408: ServerError,
    409: ServerError,
    413: RequestTooLargeError,
    418: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitError,
    500: ServerError,
    502: ServerError,
    503: OverloadedError,
    504: ServerError,
    520: ServerError,
    529: OverloadedError,
    599: ServerError,
}


async def failure_at(url: str) -> TurnoutError:
    with pytest.raises(TurnoutError) as caught:
        await FlowGpt(base_url=url).complete("A question that stays private.")
    return caught.value


@pytest.mark.parametrize(("status", "expected"), CLASSES.items())
@pytest.mark.parametrize("body", BODIES)
async def test_a_status_has_its_class_whatever_the_body(
    status: int, expected: type[ProviderError], body: bytes
) -> None:
    async with FlowGptServer(StatusAnswer(status=status, body=body)) as server:
        error = await failure_at(server.base_url)

    assert type(error) is expected
    assert error.status_code == status
    assert (error.provider, error.model) == ("FlowGpt", "gpt-3.5-turbo")
    assert error.retry_after is None
    assert error.reply is not None
    assert error.reply.text == ""
    assert error.reply.attempts[0].error is error
    assert len(server.requests) == 1
    assert server.refusals == []


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("hint", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("0.5", 0.5, id="fraction"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", 0.0, id="past-date"),
        pytest.param("soon", None, id="words"),
        pytest.param("-1", None, id="negative"),
        pytest.param("nan", None, id="nan"),
        pytest.param("1e400", None, id="infinite"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="none"),
    ],
)
async def test_a_hint_is_given_in_seconds(
    status: int, hint: str | None, seconds: float | None
) -> None:
    async with FlowGptServer(json_status(status, retry_after=hint)) as server:
        error = await failure_at(server.base_url)

    assert isinstance(error, RateLimitError | OverloadedError)
    assert error.retry_after == seconds


async def test_the_service_is_quoted_and_the_question_is_not() -> None:
    message = "too long: A question that stays private. Shorten it"
    async with FlowGptServer(json_status(400, message)) as server:
        error = await failure_at(server.base_url)

    assert "Shorten it" in str(error)
    assert "private" not in str(error)


async def test_a_page_is_quoted_by_its_title() -> None:
    async with FlowGptServer(html_status(502, "Bad gateway | origin")) as server:
        error = await failure_at(server.base_url)

    assert isinstance(error, ServerError)
    assert "Bad gateway | origin" in str(error)
    assert "<" not in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with FaultServer(respond(200, b"{}")) as elsewhere:
        to = ("Location", f"{elsewhere.url}/v3/chat-anonymous")
        async with FlowGptServer(StatusAnswer(status=status, headers=[to])) as server:
            error = await failure_at(server.base_url)

    assert isinstance(error, ConfigError)
    assert elsewhere.connections == []


async def test_a_service_that_cannot_be_reached_is_told_by_its_place() -> None:
    with refused_url() as url:
        error = await failure_at(url)

    assert isinstance(error, ConnectError)
    assert url.removeprefix("http://") in str(error)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([fin()], id="closed"),
        pytest.param([rst()], id="reset"),
        pytest.param([wait_request(), fin()], id="asked-then-closed"),
        pytest.param([wait_request(), rst()], id="asked-then-reset"),
    ],
)
async def test_a_service_that_hangs_up_has_lost_the_connection(
    script: list[Step],
) -> None:
    async with FaultServer(script) as server:
        error = await failure_at(server.url)

    assert isinstance(error, ConnectionLostError)
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"garbage\r\n\r\n", id="garbage"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", id="no-header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 9000 + b"\r\n\r\n", id="long"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", id="many"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="cut-off"),
    ],
)
async def test_a_head_that_is_not_http_breaks_the_protocol(head: bytes) -> None:
    async with FaultServer([wait_request(), send(head), fin()]) as server:
        error = await failure_at(server.url)

    assert isinstance(error, ProtocolError)
    assert error.status_code is None
