"""Common mistakes in the address of a service, and the advice for them."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from turnout.errors import ModelUnavailableError, ProviderError

__all__ = ["advice", "check"]

_ENDS = ("/chat/completions", "/responses")
"""The paths that are appended to an address."""


def check(address: str) -> None:
    """Refuse the address of a single call, as portals show it.

    Raises:
        ValueError: It is the address of a call.
    """
    path, _, query = address.partition("?")
    wrong = [
        f"base_url must not contain {end}, which is appended"
        for end in _ENDS
        if path.rstrip("/").endswith(end)
    ]
    if "api-version=" in query:
        wrong.append(
            "base_url must not contain api-version; set the option api_version"
        )
    if wrong:
        raise ValueError("; ".join(wrong))


def advice(
    error: ProviderError, address: str, *, own: bool, dated: bool, responses: bool
) -> str | None:
    """Return the advice for an address without a service.

    Args:
        error: The error of the request.
        address: `base_url`, which has no slash at its end.
        own: Whether it is a vendor's address for all customers.
        dated: Whether a version was appended to it.
        responses: Whether the request used Responses.
    """
    codes = cast("Collection[str]", error.details.get("codes", ()))
    if not isinstance(error, ModelUnavailableError) or "model_not_found" in codes:
        return None
    if "/deployments/" in address and not dated:
        return "a deployment needs the option api_version"
    if address.count("/") == 2 and not own:
        return f"try base_url={address + '/v1'!r}, as for most servers"
    if responses:
        return 'if the service has no Responses, set protocol="chat"'
    return None
