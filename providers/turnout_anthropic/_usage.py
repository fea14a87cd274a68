"""The usage of an answer, from its events. No I/O.

A count is a total so far, so a later one replaces it. There are two exceptions. Some
servers of the protocol send zeros at the end in place of the counts that they sent at
the start. And the tokens that the service used for compaction are only in `iterations`.

Source: the types `Usage` and `IterationsUsage` of Anthropic's SDK 2.14.0; for the
zeros, envoyproxy/ai-gateway issue 1631 and sgl-project/sglang issue 20830; read
2026-11-30.
"""

from __future__ import annotations

from typing import Any, cast

from turnout.decoding import as_count
from turnout.types import Usage

__all__ = ["Counts"]

_INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
"""The parts of the input, which the service counts separately."""

_TOKENS = frozenset((*_INPUT, "output_tokens"))

_NOT_DETAILS = _TOKENS - {"cache_creation_input_tokens"} | {"output_tokens_details"}
"""Fields that are in the reply's usage."""


class Counts:
    """The counts of an answer.

    Args:
        provider: The provider's name, for the log.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._counts: dict[str, Any] = {}
        self._logged = False
        # The output that was counted at the start.
        self._early: object = None

    def add(self, usage: object, without: str | None = None) -> None:
        """Read the usage of an event.

        Args:
            usage: As it was sent. Unknown forms are logged and ignored.
            without: A count that does not hold yet. It only replaces a later zero.
        """
        if not isinstance(usage, dict):
            self._log_odd()
            return
        counts = cast("dict[str, object]", usage)
        # Zeros in an event that lists its iterations are real counts.
        keeps = not counts.get("iterations")
        for name, value in counts.items():
            if name == without:
                self._early = value if _is_count(value) else None
                continue
            if value is None:
                continue
            early = self._early if name == "output_tokens" and keeps else None
            if value == 0 and early and not self._counts.get(name):
                value = early
            if name in _TOKENS and not _is_count(value):
                self._log_odd()
            elif not (keeps and value == 0 and self._counts.get(name)):
                self._counts[name] = value

    def usage(self) -> Usage | None:
        """Return the answer's usage; None if the service sent none."""
        counts = self._counts
        if not counts:
            return None
        if counts.get("iterations"):
            counts = {**counts, **self._with_compaction()}
        given = [counts[name] for name in _INPUT if name in counts]
        return Usage(
            input_tokens=sum(given) if given else None,
            output_tokens=counts.get("output_tokens"),
            cached_tokens=counts.get("cache_read_input_tokens"),
            reasoning_tokens=as_count(
                counts.get("output_tokens_details"), "thinking_tokens"
            ),
            cache_write_tokens=counts.get("cache_creation_input_tokens"),
        )

    def details(self) -> dict[str, object]:
        """Return the other fields of the service's usage."""
        return {k: v for k, v in self._counts.items() if k not in _NOT_DETAILS}

    def _with_compaction(self) -> dict[str, int]:
        """Return the counts with those of compaction, which the service leaves out.

        An advisor's tokens are another model's, and have another price.
        """
        totals: dict[str, int] = {}
        iterations = self._counts["iterations"]
        listed = cast("list[object]", iterations if type(iterations) is list else [])
        for each in (self._counts, *filter(_is_compaction, listed)):
            for name in _TOKENS:
                count = as_count(each, name)
                if count is not None:
                    totals[name] = totals.get(name, 0) + count
        return totals

    def _log_odd(self) -> None:
        if self._logged:
            return
        self._logged = True
        import logging  # Imported here, since the import is slow.

        logging.getLogger("turnout").warning(
            "%s sent usage in an unknown form; it is ignored", self._provider
        )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_compaction(iteration: object) -> bool:
    match iteration:
        case {"type": "compaction"}:
            return True
        case _:
            return False
