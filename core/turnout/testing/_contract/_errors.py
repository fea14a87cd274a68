"""Refusals and errors: their classes and their attributes."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import pytest

from turnout.errors import (
    AuthenticationError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
)
from turnout.testing._contract._limits import run_clean, run_simulated
from turnout.testing._contract._outcomes import failure, failures
from turnout.testing._contract._setting import ServiceSetting
from turnout.testing._fault_server import FaultServer
from turnout.testing._responses import http_response
from turnout.testing._steps import (
    Script,
    chunk,
    last_chunk,
    respond,
    send,
    sleep,
    wait_request,
)
from turnout.testing._wire import WireError, text_of

__all__ = ["Errors"]

_ODD_BODIES = [
    b"",
    b"null",
    b'{"error": {"mess',
    b"<!DOCTYPE html><html><head><title>Bad gateway</title></head></html>",
    b"\xff\xfe\x00",
    b"x" * 100_000,
]


class Failing(NamedTuple):
    """An error, and how many pieces of an answer come before it."""

    error: WireError
    after: int


class Errors(ServiceSetting):
    """The service's own errors, and those that have only a status."""

    statuses: ClassVar[Mapping[int, type[ProviderError]]] = {
        400: InvalidRequestError,
        401: AuthenticationError,
        403: PermissionDeniedError,
        404: ModelUnavailableError,
        413: RequestTooLargeError,
        429: RateLimitError,
        500: ServerError,
        502: ServerError,
        503: OverloadedError,
        529: OverloadedError,
    }
    """The error of each status, if the body is not the service's own."""

    hints: ClassVar[Sequence[tuple[str, str, float]]] = (
        ("Retry-After", "7", 7.0),
        ("Retry-After", "0.5", 0.5),
        ("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Retry-After-Ms", "1500", 1.5),
    )
    """Headers that say when to retry, each with the expected seconds."""

    def parameters(self) -> dict[str, dict[str, object]]:
        """Return the errors too, at each position where they may come."""
        refusal = WireError(503, b"", self.statuses[503])
        failing: dict[str, object] = {"refusal": Failing(refusal, 0)}
        for index, error in enumerate(self.errors):
            name = f"{error.name} {index}"
            failing[name] = Failing(error, 0)
            if error.status == 200:
                middle = self.text_answer.middle()
                failing[f"{name} inside"] = Failing(error, middle)
        return {
            **super().parameters(),
            "failing": failing,
            "status": {str(status): status for status in self.statuses},
        }

    def test_an_error_has_its_class(self, failing: Failing) -> None:
        raised = failure(self, self._failing(failing))

        wanted = failing.error.error
        assert type(raised) is wanted, (
            f"the error is {raised!r}, not a {wanted.__name__}; for an error inside an "
            "answer, raise what self.http.error_from returns (a decoder calls report); "
            "put codes and phrases of this service into status_rules"
        )
        assert isinstance(raised, ProviderError)
        assert raised.reply is not None
        assert raised.reply.text == text_of(self.text_answer.events(failing.after))
        assert (raised.provider, raised.model) == (self.told.name, self.model_name)
        assert raised.retry_after == failing.error.retry_after
        assert failing.error.status in (200, raised.status_code)

    def test_an_error_can_be_pickled(self, failing: Failing) -> None:
        raised = failure(self, self._failing(failing))

        copy = pickle.loads(pickle.dumps(raised))  # noqa: S301 - It is our own.

        assert type(copy) is type(raised)
        assert str(copy) == str(raised)
        assert {**vars(copy), "reply": None} == {**vars(raised), "reply": None}

    def test_a_status_has_its_class_whatever_the_body(self, status: int) -> None:
        scripts = [respond(status, body) for body in _ODD_BODIES]

        for raised in failures(self, scripts):
            assert type(raised) is self.statuses[status]
            assert getattr(raised, "status_code", None) == status

    def test_a_refusal_is_asked_for_once(self) -> None:
        async def main() -> None:
            async with FaultServer(respond(503), keep_alive=True) as server:
                async with self.at(server) as provider:
                    with pytest.raises(OverloadedError):
                        await self.ask(provider)

                assert len(server.http_requests) == 1

        run_clean(main)

    def test_when_to_ask_again_is_told_in_seconds(self) -> None:
        if not self.hints:
            self.skip("`hints` is empty")
        hints = [hint for hint in self.hints for _ in (429, 503)]
        scripts = [
            respond(status, b"", (name, value))
            for name, value, _ in self.hints
            for status in (429, 503)
        ]

        for hint, raised in zip(hints, failures(self, scripts), strict=True):
            assert isinstance(raised, ProviderError)
            assert raised.retry_after == hint[-1], hint

    def test_a_refusal_whose_body_never_ends_is_not_waited_for(self) -> None:
        begun = http_response(429, b"too many")[:-1]
        script = [wait_request(), send(begun), sleep(3600)]

        assert isinstance(failure(self, script, runner=run_simulated), RateLimitError)

    def _failing(self, failing: Failing) -> Script:
        """Return a script that sends an error at its position."""
        error, after = failing
        if error.status != 200:
            return respond(error.status, error.body, *error.headers)
        begun = map(chunk, self.text_answer.begin(after))
        return self.streaming(*begun, chunk(error.body), last_chunk())
