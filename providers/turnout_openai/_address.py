"""What is easily wrong with the address of a service, and what to do about it."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from turnout.errors import ModelUnavailableError, ProviderError

__all__ = ["advice", "check"]

_ENDS = ("/chat/completions", "/responses")
"""What is put after an address."""


def check(address: str) -> None:
    """Make sure that it is not the address of one call, as portals show it.

    Raises:
        ValueError: It is.
    """
    path, _, query = address.partition("?")
    wrong = [
        f"base_url ends before {end}, which is put after it"
        for end in _ENDS
        if path.rstrip("/").endswith(end)
    ]
    if "api-version=" in query:
        wrong.append("its api-version goes into the option api_version")
    if wrong:
        raise ValueError("; ".join(wrong))


def advice(
    error: ProviderError, address: str, *, own: bool, dated: bool, responses: bool
) -> str | None:
    """Return what to do where nobody is at an address.

    Args:
        error: What came of asking there.
        address: `base_url`, which has no slash at its end.
        own: Whether it is one that a vendor has for all.
        dated: Whether a version was put after it.
        responses: Whether it was asked by Responses.
    """
    codes = cast("Collection[str]", error.details.get("codes", ()))
    if not isinstance(error, ModelUnavailableError) or "model_not_found" in codes:
        return None
    if "/deployments/" in address and not dated:
        return "a deployment is asked with the option api_version"
    if address.count("/") == 2 and not own:
        return f"most servers are asked as in base_url={address + '/v1'!r}"
    if responses:
        return 'where there are no Responses, set protocol="chat"'
    return None
