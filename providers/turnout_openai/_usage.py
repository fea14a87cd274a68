"""The usage of an answer, as services of chat completions count it. No I/O.

| count | field, of the first that has one |
|---|---|
| input | `prompt_tokens`, which includes what was cached, at all of them; `input_tokens` at some relays |
| read from a cache | `prompt_tokens_details.cached_tokens`; DeepSeek's `prompt_cache_hit_tokens`; Moonshot's `cached_tokens`; Mistral's `num_cached_tokens`; LiteLLM's `cache_read_input_tokens` |
| written to a cache | `prompt_tokens_details.cache_write_tokens` (OpenAI, OpenRouter); LiteLLM's `cache_creation_tokens` there and `cache_creation_input_tokens`; Qwen's `cache_creation_input_tokens` there |
| output | `completion_tokens`, or `output_tokens`, see `Vendor.reasoning_in_output` |
| reasoning | `completion_tokens_details.reasoning_tokens`; Perplexity's `reasoning_tokens` |
| cost in US dollars | `cost` (OpenRouter); `cost.total_cost` (Perplexity); xAI's `cost_in_usd_ticks` |

Source: OpenAI's SDK 3.57.0, `completion_usage.py`; xAI's page on cost tracking;
LiteLLM's `calculate_usage` for Anthropic, which adds both cache counts to
`prompt_tokens`; answers recorded in pydantic-ai's and vercel/ai's repositories. Read
2026-11-30.
"""  # noqa: E501

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import fields as fields_of
from typing import TYPE_CHECKING, Any

from turnout.types import Usage
from turnout_openai._forms import object_in

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["has_more", "updated"]

_log = logging.getLogger("turnout")

_TOO_MUCH = 1 << 60
"""No answer has so many tokens."""

_PROMPT = "prompt_tokens_details"
_COMPLETION = "completion_tokens_details"

_INPUT = ("prompt_tokens", "input_tokens")
_OUTPUT = ("completion_tokens", "output_tokens")
_CACHED = (
    f"{_PROMPT}.cached_tokens",
    "prompt_cache_hit_tokens",
    "cached_tokens",
    "num_cached_tokens",
    "cache_read_input_tokens",
)
_WRITTEN = (
    f"{_PROMPT}.cache_write_tokens",
    f"{_PROMPT}.cache_creation_tokens",
    f"{_PROMPT}.cache_creation_input_tokens",
    "cache_creation_input_tokens",
)
_REASONING = (f"{_COMPLETION}.reasoning_tokens", "reasoning_tokens")
_COSTS = (
    ("cost", 1),
    ("cost.total_cost", 1),
    ("cost_in_usd_ticks", 10_000_000_000),
)
"""Where the cost stands, and how many of its units are one US dollar."""

_COUNTED = frozenset(
    {
        "total_tokens",
        "prompt_cache_miss_tokens",
        _PROMPT,
        _COMPLETION,
        *_INPUT,
        *_OUTPUT,
        *_CACHED,
        *_WRITTEN,
        *_REASONING,
    }
)
"""What `Usage` has, or the rest of it."""


def has_more(usage: object) -> bool:
    """Return whether usage says more than `Usage` can hold, such as a cost's parts."""
    fields = object_in(usage)
    paths = [name for name, value in fields.items() if value]
    for outer in (_PROMPT, _COMPLETION):
        inner = object_in(fields.get(outer)).items()
        paths += [f"{outer}.{name}" for name, value in inner if value]
    return not _COUNTED.issuperset(paths)


def updated(
    before: Usage | None, usage: object, *, reasoning_in_output: bool
) -> Usage | None:
    """Return the usage after an event of it.

    A count that is missing or zero does not replace an earlier one. Usage that is not
    an object is passed over, with a log record: the answer is worth more.

    Args:
        before: The usage so far.
        usage: As it was sent.
        reasoning_in_output: See `Vendor.reasoning_in_output`.
    """
    fields = object_in(usage)
    if not fields:
        _log.warning("ignored usage that is a %s", type(usage).__name__)
        return before
    now = _read(fields, reasoning_in_output)
    if before is None:
        return now
    counts = {f.name: getattr(now, f.name) for f in fields_of(Usage)}
    return Usage(**{n: v or getattr(before, n) or v for n, v in counts.items()})


def _read(usage: Mapping[str, Any], reasoning_in_output: bool) -> Usage:
    input_tokens = _first(usage, _INPUT)
    output_tokens = _first(usage, _OUTPUT)
    reasoning_tokens = _first(usage, _REASONING)
    if not reasoning_in_output:
        output_tokens = _with_reasoning(
            input_tokens, output_tokens, reasoning_tokens, _count(usage, "total_tokens")
        )
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=_first(usage, _CACHED),
        reasoning_tokens=reasoning_tokens,
        cache_write_tokens=_first(usage, _WRITTEN),
        cost=_cost(usage),
    )


def _with_reasoning(
    input_tokens: int | None,
    output_tokens: int | None,
    reasoning_tokens: int | None,
    total_tokens: int | None,
) -> int | None:
    if input_tokens is not None and total_tokens is not None:
        rest = total_tokens - input_tokens
        if rest >= (output_tokens or 0):
            return rest
    if output_tokens is None:
        return None
    return output_tokens + (reasoning_tokens or 0)


def _first(usage: Mapping[str, Any], paths: tuple[str, ...]) -> int | None:
    """Return the first count that is not zero; zero if all are; None without any."""
    counts = [count for count in (_count(usage, p) for p in paths) if count is not None]
    return next(filter(None, counts), 0) if counts else None


def _count(usage: Mapping[str, Any], path: str) -> int | None:
    value = _number(_at(usage, path))
    return None if value is None or value != int(value) else int(value)


def _number(value: object) -> int | float | None:
    """Return a number that can be a count or a cost; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < _TOO_MUCH else None  # NaN is in no range.


def _at(usage: Mapping[str, Any], path: str) -> object:
    outer, _, inner = path.partition(".")
    value = usage.get(outer)
    return object_in(value).get(inner) if inner else value


def _cost(usage: Mapping[str, Any]) -> Decimal | None:
    for path, unit in _COSTS:
        amount = _number(_at(usage, path))
        if amount is not None:
            from decimal import Decimal

            # The text is what the service wrote, and not the nearest binary number.
            return Decimal(str(amount)) / unit
    return None
