"""The usage and cost of an answer by Responses. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from turnout.decoding import as_count
from turnout.types import Usage

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["has_more", "joined", "usage_of"]

_TICKS = 10**10
"""How many of xAI's ticks are a US dollar. Source: docs.x.ai/developers/cost-tracking,
read 2026-11-30."""

_COUNTED = frozenset(
    {
        "input_tokens",
        "input_tokens_details",
        "output_tokens",
        "output_tokens_details",
        "total_tokens",
    }
)
"""What `Usage` has."""

_TOO_MUCH = 1 << 60
"""Not the cost of an answer; `NaN` is not below it either."""

_COSTS = (("cost", 1), ("cost_in_usd_ticks", _TICKS))
"""Where the cost is, and how many of its units are a US dollar. OpenRouter's `cost` is
a number; Perplexity's is an object with `total_cost` in its `currency`. Source:
openrouter.ai/docs/use-cases/usage-accounting; docs.perplexity.ai/api-reference/
responses-post; read 2026-11-30."""


def joined(before: object, usage: object) -> object:
    """Return the usage of an answer that was sent twice.

    A count that is zero or missing in the later usage does not replace an earlier one.
    """
    later = usage or before
    if not isinstance(before, dict) or not isinstance(usage, dict):
        return later
    first, second = cast("dict[str, Any]", before), cast("dict[str, Any]", usage)
    return {**first, **{name: joined(first.get(name), second[name]) for name in second}}


def has_more(usage: object) -> bool:
    """Return whether usage says more than `Usage` can hold, such as a cost's parts."""
    fields = cast("dict[str, Any]", usage) if isinstance(usage, dict) else {}
    return any(value and name not in _COUNTED for name, value in fields.items())


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
    """Return the US dollars that xAI, OpenRouter or Perplexity names."""
    for name, unit in _COSTS:
        amount = fields.get(name)
        if isinstance(amount, dict):
            amount = _dollars(cast("dict[str, Any]", amount))
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            continue
        if 0 <= amount < _TOO_MUCH:
            from decimal import Decimal

            # The text is what the service wrote, and not the nearest binary number.
            return Decimal(str(amount)) / unit
    return None


def _dollars(cost: dict[str, Any]) -> object:
    return cost.get("total_cost") if cost.get("currency", "USD") == "USD" else None
