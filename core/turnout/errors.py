"""Everything that turnout raises.

    TurnoutError
    ├── ConfigError              an option or the configuration is wrong
    ├── ArgumentError            an argument of a call cannot be used
    ├── UnknownProviderError     no plugin brings a provider of this name
    ├── UnknownModelError        no provider serves a model of this name
    ├── UnavailableError         the target cannot be asked now; nothing was sent
    ├── PluginError              a plugin is broken or was refused
    ├── DeadlineError            the request's time is up
    ├── ProviderError            what a provider, or the way to it, got wrong
    │   ├── InvalidRequestError      it refused the request as such
    │   ├── UnsupportedError         the target cannot do what the request needs
    │   ├── ContextLengthError       the input is longer than the model accepts
    │   ├── RequestTooLargeError     the request has too many bytes
    │   ├── ContentFilterError       the prompt was blocked
    │   ├── AuthenticationError      the key was refused
    │   │   └── PermissionDeniedError    the key may not do this
    │   ├── ModelUnavailableError    it does not know the model
    │   ├── QuotaExceededError       out of credit or quota
    │   ├── RateLimitError           too many requests for now
    │   ├── OverloadedError          it has no capacity for now
    │   ├── ServerError              it failed
    │   ├── ConnectError             it could not be reached
    │   ├── ConnectionLostError      it hung up before it answered
    │   ├── FirstDeltaTimeoutError   nothing of an answer came in time
    │   ├── ProtocolError            it said what its protocol does not allow
    │   ├── EmptyReplyError          its answer has neither text nor a tool call
    │   ├── InvalidReplyError        its answer is not of the form that was asked for
    │   └── StreamError              it reported an error inside its answer
    │       ├── StreamTruncatedError     the answer ended before its end
    │       ├── StreamStalledError       the answer stopped coming
    │       └── StreamBrokenError        it broke and could not be continued
    └── FallbackError            every target failed; an `ExceptionGroup`

Errors carry data, can be pickled, and hold neither a secret nor a prompt. What an
answer had brought before it failed is kept in `reply`.
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
    """What had come of the answer; None where no stream was under way."""


class ConfigError(TurnoutError, ValueError):
    """An option of a provider or an entry of the configuration is wrong."""


class ArgumentError(TurnoutError, ValueError):
    """An argument of a call cannot be used: a message, a role, a temperature."""


class UnknownProviderError(TurnoutError, LookupError):
    """No plugin brings a provider of this name."""


class UnknownModelError(TurnoutError, LookupError):
    """No provider serves a model of this name, and no alias bears it."""


class UnavailableError(TurnoutError):
    """The target cannot be asked now; the message says what is missing or full."""

    retry_after: float | None = None
    """Seconds after which it may be asked, where that is known."""


class PluginError(TurnoutError):
    """A plugin cannot be imported, was refused, or raised in a hook."""


class DeadlineError(TurnoutError):
    """The request's time, over all of its attempts, is up."""


class ProviderError(TurnoutError):
    """What a provider, or the way to it, got wrong.

    Args:
        message: What happened and what to do, without secrets and prompts.
        provider: The name of the provider.
        model: The name of the model that was asked.
        status_code: The HTTP status, where one came.
        retry_after: Seconds after which the provider may be asked again, where
            it said so.
        request_id: The provider's own name for the request.
        details: What the provider said beyond that, redacted.
    """

    retryable: bool = False
    """Whether the same provider may be asked the same thing again.

    The class says it, and an instance says otherwise where the provider did.
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
        """Add to the message what to do about it."""
        self.args = (f"{self}; {advice}",)


class InvalidRequestError(ProviderError):
    """The provider refused the request as such; another try would not help."""


class UnsupportedError(ProviderError):
    """The target cannot do what the request needs: a parameter, a tool, a schema.

    Nothing was sent, or the provider refused it, which `status_code` tells.
    """


class ContextLengthError(ProviderError):
    """The input is longer than the model accepts."""


class RequestTooLargeError(ProviderError):
    """The request has more bytes than the provider accepts."""


class ContentFilterError(ProviderError):
    """The provider's content filter blocked the prompt."""


class AuthenticationError(ProviderError):
    """The provider refused the key, or wanted one."""


class PermissionDeniedError(AuthenticationError):
    """The key is good but may not do this."""


class ModelUnavailableError(ProviderError):
    """The provider does not know the model, or not any more."""


class QuotaExceededError(ProviderError):
    """The account is out of credit or quota; waiting a moment would not help."""


class RateLimitError(ProviderError):
    """Too many requests for now; `retry_after` has the provider's own hint."""

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
    """The provider hung up before a byte of its answer came."""

    retryable = True


class FirstDeltaTimeoutError(ProviderError):
    """Nothing of an answer came within `first_delta_timeout`."""


class ProtocolError(ProviderError):
    """The provider sent what its own protocol does not allow."""


class EmptyReplyError(ProviderError):
    """The answer ended as if it were complete, and holds nothing.

    It has no text, or white space alone, and no tool call. `allow_empty=True` in the
    request takes such an answer.
    """


class InvalidReplyError(ProviderError):
    """The answer is not of the form that was asked for.

    It is whole and not what `response_format` asks for; or the service says that its
    model failed, as with a tool call that is not valid. Only then is it retryable.
    """


class StreamError(ProviderError):
    """The provider reported an error inside its answer."""


class StreamTruncatedError(StreamError):
    """The answer ended before the end that its protocol asks for."""


class StreamStalledError(StreamError):
    """The answer stopped coming; the message names the timer and its seconds."""


class StreamBrokenError(StreamError):
    """The answer broke after text was shown and could not be continued."""


class FallbackError(ExceptionGroup[TurnoutError], TurnoutError):
    """Every target failed. Holds one error an attempt, in the order tried.

    `__cause__` is the first of them: what went wrong with the target that was
    preferred.
    """

    attempts: tuple[Attempt, ...] = ()
    """What became of each attempt, in the order tried."""
    retry_after: float | None = None
    """The shortest `retry_after` among the targets, in seconds."""

    @property
    def retryable(self) -> bool:
        """Whether asking one of the targets again may help."""
        errors = self.exceptions
        return any(isinstance(e, ProviderError) and e.retryable for e in errors)

    def derive(self, excs: Sequence[TurnoutError], /) -> Self:  # type: ignore[override]
        """Return a group of some of the errors, as `split` and `except*` ask."""
        group = type(self)(self.message, excs)
        group.attempts = self.attempts
        group.retry_after = self.retry_after
        group.reply = self.reply
        return group
