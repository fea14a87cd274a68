"""A rule that gives refusals a class of error.

The table of rules is in `_status_rules`, which is loaded with the first refusal.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence, Set
from typing import TYPE_CHECKING

from turnout._frozen import frozen
from turnout.errors import ProviderError

if TYPE_CHECKING:
    from turnout.http._refusal import Refusal

__all__ = ["INSIDE", "StatusRule", "phrase_rows", "plain"]

INSIDE = 200
"""The status of an error inside an answer, if the error gives none."""

_PLAIN_CHARACTERS = 1000

_PLAIN = str.maketrans("_", " ", "\"'`\u2018\u201c\u201d\\")


@frozen
class StatusRule:
    """A class of error, and the refusals that get it: those that match every field."""

    error: type[ProviderError]
    statuses: Collection[int] = ()
    """Any of these; empty means every status."""
    codes: Collection[str] = ()
    """Any of these among the refusal's codes, lower-case."""
    header: str = ""
    """The header of the response that has the code, such as `x-ms-error-code`. If it is
    empty, the codes are those of the body and of `x-amzn-errortype`."""
    phrases: Sequence[str] = ()
    """Any of these in the provider's message, lower-case; `*` matches any text. Other
    fields of the body are not searched, because they may repeat a prompt."""
    patterns: Sequence[str] = ()
    """All of these regular expressions, in the provider's message, lower-case and
    `plain`."""
    unless: str = ""
    """The rule does not match if this regular expression is found in the message."""
    hinted: bool = False
    """Whether the rule matches only if a header says when to retry."""
    service: str = ""
    """The service that sends these refusals, for readers."""
    source: str = ""
    """Where they are documented."""

    def matches(self, refusal: Refusal) -> bool:
        """Return whether the rule matches this refusal."""
        if self.statuses and refusal.status not in self.statuses:
            return False
        if self.codes and self._codes(refusal).isdisjoint(self.codes):
            return False
        if self.hinted and refusal.retry_after is None:
            return False
        words = refusal.words
        if self.phrases and not any(_says(words, phrase) for phrase in self.phrases):
            return False
        return not self.patterns or self._fits(plain(words))

    def _codes(self, refusal: Refusal) -> Set[str]:
        if not self.header:
            return refusal.codes
        # AWS may put an address after the code.
        value = refusal.headers.get(self.header.lower(), "").partition(":")[0]
        return {value.strip().lower()}

    def _fits(self, words: str) -> bool:
        if not all(re.search(pattern, words) for pattern in self.patterns):
            return False
        return not self.unless or re.search(self.unless, words) is None


def plain(words: str) -> str:
    """Return words in the form that patterns expect.

    It has no quotes, `_` or contractions. A full stop at the end of a sentence becomes
    `;`, because names have full stops too. Only the beginning is returned, since a
    refusal names its cause there.
    """
    words = words[:_PLAIN_CHARACTERS]
    words = words.replace("can't", "can not").replace("cannot", "can not")
    words = words.replace("n't", " not").replace(". ", " ; ")
    return words.translate(_PLAIN)


def _says(words: str, phrase: str) -> bool:
    """Return whether a text has the parts of a phrase, in their order."""
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
