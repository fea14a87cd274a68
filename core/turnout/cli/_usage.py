"""What an answer used, in one line."""

from __future__ import annotations

from decimal import Context, Decimal

from turnout.types import Reply, Usage

__all__ = ["usage_line"]

_COST = Context(prec=3)
"""Digits of a cost that are shown."""


def usage_line(reply: Reply, seconds: float) -> str:
    """Return the tokens of an answer, its cost if that is known, and its time.

    Args:
        reply: The answer, of all attempts.
        seconds: From the question to the end.
    """
    parts = _tokens(reply.usage or Usage())
    cost = reply.cost
    if cost is not None:
        parts.append(f"US$ {_money(cost)}")
    return f"Usage: {', '.join([*parts, f'{seconds:.1f} s'])}"


def _tokens(usage: Usage) -> list[str]:
    about = "about " if usage.estimated else ""
    read, reasoned = usage.cached_tokens, usage.reasoning_tokens
    parts: list[str] = []
    if usage.input_tokens is not None:
        cached = f" ({read:,} cached)" if read else ""
        parts.append(f"{about}{_count(usage.input_tokens, 'input token')}{cached}")
    if usage.output_tokens is not None:
        reasoning = f" ({reasoned:,} reasoning)" if reasoned else ""
        written = _count(usage.output_tokens, "output token")
        parts.append(f"{about}{written}{reasoning}")
    return parts or ["no tokens were reported"]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _money(cost: Decimal) -> str:
    return f"{_COST.plus(cost).normalize():f}"
