"""FlowGPT keeps the contract of every provider."""

from __future__ import annotations

from turnout.errors import (
    AuthenticationError,
    ModelUnavailableError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamError,
)
from turnout.testing import ProviderContract, WireAnswer, WireError, json_lines
from turnout_flowgpt import FlowGpt


def line(piece: str) -> bytes:
    return json_lines({"event": "text", "data": piece})


class TestFlowGpt(ProviderContract):
    provider = FlowGpt
    content_type = "text/plain; charset=utf-8"
    answers = (
        WireAnswer(
            name="text",
            pieces=(
                (json_lines({"event": "metadata", "data": {"id": "7b2"}}),),
                (line("The capital"), "The capital"),
                (line(" is \u2028Pa"), " is \u2028Pa"),
                (line("ris 🗼."), "ris 🗼."),
            ),
        ),
        WireAnswer(name="short", pieces=((line("Hi"), "Hi"),)),
    )
    errors = (
        WireError(401, json_lines({"message": "no"}), AuthenticationError),
        WireError(404, json_lines({"error": "no"}), ModelUnavailableError),
        WireError(
            429,
            json_lines({"message": "no"}),
            RateLimitError,
            headers=[("Retry-After", "3")],
            retry_after=3.0,
        ),
        WireError(503, b"<title>no</title>", OverloadedError),
        WireError(200, json_lines({"code": 401, "message": "no"}), AuthenticationError),
        WireError(200, json_lines({"code": 402, "data": "no"}), QuotaExceededError),
        WireError(200, json_lines({"error": {"type": "server_error"}}), ServerError),
        WireError(200, json_lines({"event": "error", "data": "no"}), StreamError),
        WireError(200, b'{\n "statusCode": 429,\n "message": "no"\n}', RateLimitError),
    )
