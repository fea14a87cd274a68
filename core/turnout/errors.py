"""All errors that turnout raises.

    TurnoutError
    ├── ConfigError              an option or the configuration is wrong
    ├── ArgumentError            an argument of a call cannot be used
    ├── UnknownProviderError     no plugin has a provider of this name
    ├── UnknownModelError        no provider serves a model of this name
    ├── UnavailableError         the target cannot be used now; nothing was sent
    ├── PluginError              a plugin is broken or was refused
    ├── DeadlineError            the request's time is up
    ├── ProviderError            a provider or the connection to it failed
    │   ├── InvalidRequestError      it rejected the request
    │   ├── UnsupportedError         the target cannot do what the request needs
    │   ├── ContextLengthError       the input is longer than the model accepts
    │   ├── RequestTooLargeError     the request has too many bytes
    │   ├── ContentFilterError       the prompt was blocked
    │   ├── AuthenticationError      the key is missing or was refused
    │   │   └── PermissionDeniedError    the key may not do this
    │   ├── ModelUnavailableError    it does not know the model
    │   ├── QuotaExceededError       out of credit or quota
    │   ├── RateLimitError           too many requests for now
    │   ├── OverloadedError          it has no capacity for now
    │   ├── ServerError              it failed
    │   ├── ConnectError             it could not be reached
    │   ├── ConnectionLostError      it closed the connection before it answered
    │   ├── FirstDeltaTimeoutError   it sent no first delta in time
    │   ├── ProtocolError            it sent what its protocol does not allow
    │   ├── EmptyReplyError          its answer has neither text nor a tool call
    │   ├── InvalidReplyError        its answer does not have the requested format
    │   └── StreamError              it reported an error inside its answer
    │       ├── StreamTruncatedError     the answer ended before its end mark
    │       ├── StreamStalledError       the answer stopped arriving
    │       └── StreamBrokenError        it broke and could not be continued
    └── FallbackError            every target failed; an `ExceptionGroup`

Errors carry data, can be pickled, and hold neither a secret nor a prompt. The answer
that arrived before the failure is in `reply`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from turnout.types import Attempt, Reply

__all__ = [
    "ArgumentError",
    "AuthenticationError",
    "ConfigError",
    "ConnectError",
    "ConnectionLostError",
    "ContentFilterError",
    "ContextLengthError",
    "DeadlineError",
    "EmptyReplyError",
    "FallbackError",
    "FirstDeltaTimeoutError",
    "InvalidReplyError",
    "InvalidRequestError",
    "ModelUnavailableError",
    "OverloadedError",
    "PermissionDeniedError",
    "PluginError",
    "ProtocolError",
    "ProviderError",
    "QuotaExceededError",
    "RateLimitError",
    "RequestTooLargeError",
    "ServerError",
    "StreamBrokenError",
    "StreamError",
    "StreamStalledError",
    "StreamTruncatedError",
    "TurnoutError",
    "UnavailableError",
    "UnknownModelError",
    "UnknownProviderError",
    "UnsupportedError",
]


class TurnoutError(Exception):
    """The root: catch it to catch everything that turnout raises."""

    reply: Reply | None = None
    """The answer so far; None if no stream was open."""


class ConfigError(TurnoutError, ValueError):
    """An option of a provider or an entry of the configuration is wrong."""


class ArgumentError(TurnoutError, ValueError):
    """An argument of a call cannot be used: a message, a role, a temperature."""


class UnknownProviderError(TurnoutError, LookupError):
    """No plugin has a provider of this name."""


class UnknownModelError(TurnoutError, LookupError):
    """No provider serves a model of this name, and no alias has it."""


class UnavailableError(TurnoutError):
    """The target cannot be used now; the message says what is missing or full."""

    retry_after: float | None = None
    """Seconds after which it can be tried; None if that is not known."""


class PluginError(TurnoutError):
    """A plugin cannot be imported, was refused, or raised in a hook."""


class DeadlineError(TurnoutError):
    """The request's time, over all of its attempts, is up."""


class ProviderError(TurnoutError):
    """A provider or the connection to it failed.

    Args:
        message: What happened and what to do, without secrets and prompts.
        provider: The name of the provider.
        model: The name of the requested model.
        status_code: The HTTP status; None if there was no response.
        retry_after: Seconds after which the provider accepts requests again; None if
            it named no time.
        request_id: The provider's own name for the request.
        details: What else the provider said, redacted.
    """

    retryable: bool = False
    """Whether the same request to the same provider may succeed later.

    The class sets it. An instance differs if the provider said so.
    """

    def __init__(
        self,
        message: str = "",
        *,
        provider: str = "",
        model: str = "",
        status_code: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.model = model
        self.status_code = status_code
        self.retry_after = retry_after
        self.request_id = request_id
        self.details = dict(details or {})

    def advise(self, advice: str) -> None:
        """Add to the message what the user can do."""
        self.args = (f"{self}; {advice}",)


class InvalidRequestError(ProviderError):
    """The provider rejected the request; another try would not help."""


class UnsupportedError(ProviderError):
    """The target cannot do what the request needs: a parameter, a tool, a schema.

    If `status_code` is None, nothing was sent. Otherwise the provider refused it.
    """


class ContextLengthError(ProviderError):
    """The input is longer than the model accepts."""


class RequestTooLargeError(ProviderError):
    """The request has more bytes than the provider accepts."""


class ContentFilterError(ProviderError):
    """The provider's content filter blocked the prompt."""


class AuthenticationError(ProviderError):
    """The key is missing, is not a key, or was refused by the provider.

    If `status_code` is None, nothing was sent, and a route does not hold the target.
    """


class PermissionDeniedError(AuthenticationError):
    """The key is valid but may not do this."""


class ModelUnavailableError(ProviderError):
    """The provider does not know the model, or has removed it."""


class QuotaExceededError(ProviderError):
    """The account is out of credit or quota; a short wait would not help."""


class RateLimitError(ProviderError):
    """Too many requests for now; `retry_after` has the time that the provider names."""

    retryable = True


class OverloadedError(ProviderError):
    """The provider has no capacity for now."""

    retryable = True


class ServerError(ProviderError):
    """The provider failed."""

    retryable = True


class ConnectError(ProviderError):
    """The provider could not be reached: name, connection, TLS or proxy."""

    retryable = True


class ConnectionLostError(ProviderError):
    """The provider closed the connection before a byte of its answer arrived."""

    retryable = True


class FirstDeltaTimeoutError(ProviderError):
    """No delta of the answer arrived within `first_delta_timeout`."""


class ProtocolError(ProviderError):
    """The provider sent what its own protocol does not allow."""


class EmptyReplyError(ProviderError):
    """The answer ended as if it were complete, and is empty.

    It has no text, or only white space, and no tool call. With `allow_empty=True` the
    request accepts such an answer.
    """


class InvalidReplyError(ProviderError):
    """The answer does not have the requested format.

    It is complete and does not match `response_format`; or the service says that its
    model failed, for example by an invalid tool call. Only the latter is retryable.
    """


class StreamError(ProviderError):
    """The provider reported an error inside its answer."""


class StreamTruncatedError(StreamError):
    """The answer ended before the end mark that its protocol requires."""


class StreamStalledError(StreamError):
    """The answer stopped arriving; the message names the timer and its seconds."""


class StreamBrokenError(StreamError):
    """The answer broke after text was shown and could not be continued."""


class FallbackError(ExceptionGroup[TurnoutError], TurnoutError):
    """Every target failed. Holds one error per attempt, in the order tried.

    `__cause__` is the first of them: the failure of the preferred target.
    """

    attempts: tuple[Attempt, ...] = ()
    """The result of each attempt, in the order tried."""
    retry_after: float | None = None
    """The shortest `retry_after` among the targets, in seconds."""

    @property
    def retryable(self) -> bool:
        """Whether trying one of the targets again may help."""
        errors = self.exceptions
        return any(isinstance(e, ProviderError) and e.retryable for e in errors)

    def derive(self, excs: Sequence[TurnoutError], /) -> Self:  # type: ignore[override]
        """Return a group of some of the errors, for `split` and `except*`."""
        group = type(self)(self.message, excs)
        group.attempts = self.attempts
        group.retry_after = self.retry_after
        group.reply = self.reply
        return group
