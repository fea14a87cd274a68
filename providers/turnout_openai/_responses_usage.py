"""What an answer by Responses cost. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from turnout.decoding import as_count
from turnout.types import Usage

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["usage_of"]

_TICKS = 10**10
"""How many of xAI's ticks are a US dollar. Source: docs.x.ai/developers/cost-tracking,
read 2026-11-30."""


def usage_of(usage: object, provider: str) -> Usage | None:
    """Return what an answer cost; None if the service did not say.

    Usage comes with a whole answer, so that an odd form of it is logged and not raised.
    """
    if not usage:
        return None
    if not isinstance(usage, dict):
        from logging import getLogger

        kind = type(usage).__name__
        getLogger("turnout").warning("%s sent a %s for usage", provider, kind)
        return None
    fields = cast("dict[str, Any]", usage)
    inputs, outputs = (
        fields.get(f"{way}_tokens_details") for way in ("input", "output")
    )
    total, cached = as_count(fields, "input_tokens"), as_count(inputs, "cached_tokens")
    if total is not None and cached is not None and cached > total:
        # xAI counts the cache apart at times. Source: vercel/ai, packages/xai/src/
        # responses/convert-xai-responses-usage.test.ts, read 2026-11-30.
        total += cached
    return Usage(
        input_tokens=total,
        output_tokens=as_count(fields, "output_tokens"),
        cached_tokens=cached,
        cache_write_tokens=as_count(inputs, "cache_write_tokens"),
        reasoning_tokens=as_count(outputs, "reasoning_tokens"),
        cost=_cost(fields),
    )


def _cost(fields: dict[str, Any]) -> Decimal | None:
    """Return the US dollars that xAI or OpenRouter names."""
    ticks, dollars = as_count(fields, "cost_in_usd_ticks"), fields.get("cost")
    if ticks is None and ("cost_details" not in fields or dollars is None):
        return None
    from decimal import Decimal, InvalidOperation

    try:
        return Decimal(str(dollars)) if ticks is None else Decimal(ticks) / _TICKS
    except InvalidOperation:
        return None
