"""The cost of an answer, as the provider reports it or by the prices of `genai-prices`.

The cost is None unless all of it is known. A price of another model is never used, and
counts are never guessed. Prices are those of the installed data, which turnout does not
update.

Source: the README and the sources of genai-prices 0.2.3, read 2026-11-22.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from turnout.errors import (
    AuthenticationError,
    ConnectError,
    ContextLengthError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    UnavailableError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from types import ModuleType

    from genai_prices.types import ModelPrice

    from turnout.types._events import Usage
    from turnout.types._reply import Attempt

__all__ = ["cost"]

_log = logging.getLogger("turnout")

_NOT_CHARGED = (
    AuthenticationError,
    ConnectError,
    ContextLengthError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    UnavailableError,
    UnsupportedError,
)
"""With these errors nothing was sent, or it was refused before a model read it."""

_STANDARD_TIERS = frozenset({"auto", "default", "on_demand", "standard"})
"""Services' names for the tier that their price list is about."""


def cost(attempts: Sequence[Attempt], details: Mapping[str, object]) -> Decimal | None:
    """Return the US dollars for the tokens of attempts; None if not all is known.

    Args:
        attempts: All attempts of a request.
        details: The service's own fields about the answer.
    """
    if not attempts:
        return None
    usage = attempts[-1].usage
    reported = usage is not None and usage.cost is not None
    tier = details.get("service_tier")
    if not (reported or tier is None or tier in _STANDARD_TIERS):
        return None
    total = last = Decimal(0)
    for attempt in attempts:
        of_attempt = _cost(attempt, attempt.target.model)
        if of_attempt is None:
            return None
        total += (last := of_attempt)
    # A gateway may let another model answer than the one of the request.
    answered = None if reported else details.get("model")
    if isinstance(answered, str) and _cost(attempts[-1], answered) not in {last, None}:
        return None
    return total


def _cost(attempt: Attempt, model: str) -> Decimal | None:
    """Return an attempt's cost by the prices of a model; None if it is not known."""
    usage = attempt.usage
    if usage is not None and usage.cost is not None:
        return usage.cost
    if usage is None and isinstance(attempt.error, _NOT_CHARGED):
        return Decimal(0)
    if usage is None or usage.estimated or attempt.prices_id is None:
        return None
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    prices = _prices()
    if prices is None:
        return None
    counts = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
    }
    try:
        found = prices.calc_price(
            prices.Usage(**counts),
            model,
            provider_id=attempt.prices_id,
        )
    except (LookupError, ValueError):  # An unknown model, or impossible counts.
        return None
    return found.total_price if _known(usage, found.model_price) else None


def _known(usage: Usage, price: ModelPrice) -> bool:
    """Return whether there is a count for each kind of token with its own price."""
    if usage.cached_tokens is None and price.cache_read_mtok is not None:
        return False
    return usage.cache_write_tokens is not None or price.cache_write_mtok is None


@cache
def _prices() -> ModuleType | None:
    """Return the package with the prices; None if it is not installed."""
    try:
        import genai_prices
    except ImportError:
        _log.warning(
            "costs need the package genai-prices; run: pip install 'turnout[prices]'"
        )
        return None
    return genai_prices
