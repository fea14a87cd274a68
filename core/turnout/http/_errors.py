"""The errors for responses that are no answers, without the secrets they may repeat.

Loaded with the first of them: what most programs ask is answered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from turnout.errors import (
    AuthenticationError,
    ConfigError,
    ContentFilterError,
    ContextLengthError,
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
    StreamError,
    TurnoutError,
    UnsupportedError,
)
from turnout.http._hints import reset_hint
from turnout.http._proxy_failures import not_forwarded
from turnout.http._redaction import Redactor, without_quotes
from turnout.http._refusal import ERROR_BYTES, Refusal, shortened
from turnout.http._sent import Sent
from turnout.http._status import INSIDE, StatusRule
from turnout.http._status_rules import STATUS_RULES
from turnout.http._tls_failures import needs_tls

if TYPE_CHECKING:
    from turnout._proxy import Proxy
    from turnout.http._client import Http, Place
    from turnout.http._response import Response

__all__ = ["classify", "refused", "reported"]

_SECONDS = 5.0
"""For how long a refusal's body is read."""

_SPEAKS_TLS = re.compile(
    # nginx, Apache, Go, and Tomcat.
    rb"plain HTTP request was sent to HTTPS port"
    rb"|speaking plain HTTP to an SSL-enabled server"
    rb"|sent an HTTP request to an HTTPS server"
    rb"|combination of host and port requires TLS",
    re.IGNORECASE,
)
"""What servers say to a request without TLS that came to a port with it."""

_MOST_CODES = 16
"""How many of a refusal's codes are kept."""

_SAID: dict[type[ProviderError], str] = {
    InvalidRequestError: "{provider} rejected the request",
    UnsupportedError: "{provider} does not support what the request needs",
    ContextLengthError: "the input is longer than {provider} accepts",
    RequestTooLargeError: "the request has more bytes than {provider} accepts",
    ContentFilterError: "blocked by the content filter of {provider}",
    AuthenticationError: "{provider} refused the key, or got none; check {key}",
    PermissionDeniedError: "{provider} denies access to the key; check {key}",
    ModelUnavailableError: "{provider} does not know the model or the address",
    QuotaExceededError: "{provider} is out of credit or quota",
    RateLimitError: "{provider} has had too many requests",
    OverloadedError: "{provider} is overloaded",
    InvalidReplyError: "the model of {provider} failed",
    ServerError: "{provider} failed",
    StreamError: "{provider} reported an error",
}


async def refused(
    http: Http, response: Response, place: Place, sent: Sent
) -> TurnoutError:
    """Return the error for a response whose status is not that of an answer."""
    status = response.status
    # In a tunnel, the proxy is not heard.
    proxy = None if place.secure else place.proxy
    if proxy is not None and proxy.socks is not None:
        proxy = None
    if proxy is not None:
        failure = not_forwarded(status, response.headers, place.name, proxy)
        if failure is not None:
            return failure
    if 300 <= status < 400:
        to = _redirected(response)
        return ConfigError(
            f"{http.provider} redirects to {to!r} (status {status}), which is not "
            "followed; check base_url"
        )
    if status < 300:
        return ProtocolError(
            f"{http.provider} sent no answer (status {status})", status_code=status
        )
    body = await response.read_some(ERROR_BYTES, _SECONDS)
    if status == 400 and not place.secure and _SPEAKS_TLS.search(body):
        return needs_tls(place.name)
    return reported(http, body, response, sent, proxy)


def reported(
    http: Http,
    body: bytes,
    response: Response,
    sent: Sent,
    proxy: Proxy | None = None,
) -> ProviderError:
    """Return the error that a body reports; see `Http.error_from`.

    Args:
        http: The client that sent the request.
        body: What was reported.
        response: The response that it came in.
        sent: The request.
        proxy: The proxy that may have made the response.
    """
    refusal = Refusal.read(response.status, response.headers, body)
    secrets, texts = sent.hidden()
    redacted = Redactor([*secrets, *http.secrets])
    reason = without_quotes(redacted(refusal.reason), texts)
    codes = sorted(refusal.codes)[:_MOST_CODES]
    error = classify(
        refusal.without_quotes(texts),
        http.status_rules,
        provider=http.provider,
        key=http.key,
        reason=shortened(reason),
        details={"codes": [redacted(code) for code in codes]},
        through="" if proxy is None else f" through {proxy}",
    )
    if response.request_id is not None:
        error.request_id = redacted(response.request_id)
    return error


def classify(
    refusal: Refusal,
    rules: Sequence[StatusRule],
    *,
    provider: str,
    key: str,
    reason: str,
    details: Mapping[str, object],
    through: str = "",
) -> ProviderError:
    """Return the error that a refusal is.

    Args:
        refusal: What the provider sent.
        rules: The provider's own; turnout's come after them.
        provider: The provider's name.
        key: Where its key comes from, for people.
        reason: What the provider said, without secrets.
        details: What else it said, without secrets.
        through: Through which proxy it came, for people.
    """
    matching = (rule for rule in (*rules, *STATUS_RULES) if rule.matches(refusal))
    error = next(matching).error
    said = _SAID.get(error, "{provider} refused").format(provider=provider, key=key)
    wait = _wait(error, refusal)
    hint = "" if wait is None else f"; it may be asked again in {wait:g} s"
    told = f": {reason}" if reason else ""
    inside = refusal.status == INSIDE
    where = "inside its answer" if inside else f"status {refusal.status}"
    failure = error(
        f"{said} ({where}){through}{hint}{told}",
        provider=provider,
        status_code=refusal.status,
        retry_after=wait,
        details=details,
    )
    should_retry = refusal.headers.get("x-should-retry", "").strip().lower()
    if should_retry in {"true", "false"}:
        failure.retryable = should_retry == "true"
    elif error is InvalidReplyError:
        failure.retryable = True  # Another try may give another answer.
    return failure


def _wait(error: type[ProviderError], refusal: Refusal) -> float | None:
    """Return the seconds after which the provider says that it may be asked again."""
    wait = refusal.retry_after
    # The hints in bodies are wrong where a quota is used up: Google's daily ones come
    # with that of the minute.
    if wait is None and error.retryable:
        wait = refusal.hint
    if wait is None and issubclass(error, RateLimitError):
        wait = reset_hint(refusal.headers)
    return wait


def _redirected(response: Response) -> str:
    """Return the host that a redirect is to."""
    try:
        to = urlsplit(urljoin(response.url, response.headers.get("location", "")))
    except ValueError:
        return ""
    return to.netloc.rpartition("@")[2]
