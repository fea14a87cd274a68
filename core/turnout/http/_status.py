"""A rule for refusals: which of them are an error of one class.

The table of rules is in `_status_rules`, which is loaded with the first refusal.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from turnout._frozen import frozen
from turnout.errors import ProviderError

if TYPE_CHECKING:
    from turnout.http._refusal import Refusal

__all__ = ["INSIDE", "StatusRule", "phrase_rows"]

INSIDE = 200
"""The status of an error inside an answer, if the error gives none."""


@frozen
class StatusRule:
    """Which refusals are an error of one class: those that match all that is given."""

    error: type[ProviderError]
    statuses: Collection[int] = ()
    """Any of these; every status if it is empty."""
    codes: Collection[str] = ()
    """Any of these among the refusal's codes, lower-case."""
    phrases: Sequence[str] = ()
    """Any of these in what the provider said, lower-case; `*` stands for any text. Not
    searched are the other fields of the body, which may repeat a prompt."""
    hinted: bool = False
    """Only if a header says when the provider may be asked again."""
    service: str = ""
    """Whose refusals these are, for people."""
    source: str = ""
    """Where that can be read."""

    def matches(self, refusal: Refusal) -> bool:
        """Return whether the rule is about this refusal."""
        if self.statuses and refusal.status not in self.statuses:
            return False
        if self.codes and refusal.codes.isdisjoint(self.codes):
            return False
        if self.hinted and refusal.retry_after is None:
            return False
        words = refusal.words
        return not self.phrases or any(_says(words, phrase) for phrase in self.phrases)


def _says(words: str, phrase: str) -> bool:
    """Return whether the parts of a phrase stand in a text, in their order."""
    at = 0
    for part in phrase.split("*"):
        at = words.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def phrase_rows(
    error: type[ProviderError],
    statuses: Collection[int],
    *facts: tuple[str, str, tuple[str, ...]],
) -> tuple[StatusRule, ...]:
    """Return rules of one class; a fact is a service, a source and its phrases."""
    return tuple(
        StatusRule(
            error=error,
            statuses=statuses,
            phrases=phrases,
            service=service,
            source=source,
        )
        for service, source, phrases in facts
    )
