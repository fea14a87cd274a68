"""How names are compared, and which ones a mistyped name may have meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

__all__ = ["Suggester", "did_you_mean", "fold", "nearest"]

_LIKENESS = 0.6
"""How alike two names are at least, by difflib's ratio, to be suggested."""

_SHORTLIST = 12
"""How many names are compared closely."""

_FOLDED = str.maketrans("", "", "-_ ")


def fold(name: str) -> str:
    """Return a provider's name without case, `-`, `_` and spaces."""
    return name.casefold().translate(_FOLDED)


def did_you_mean(names: Sequence[str]) -> str:
    """Return the clause that ends an error's message; empty without names."""
    if not names:
        return ""
    return f"; did you mean {' or '.join(repr(name) for name in names)}?"


def nearest(name: str, known: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """Return the names of a short list that are most like `name`, best first."""
    return Suggester(known).nearest(name, most=most)


class Suggester:
    """Find the names most like a given one, quickly among thousands.

    difflib judges well but takes some 20 microseconds a name, so a count of shared
    letter triples picks the few that it is asked about. The triples are indexed
    when they are first asked for.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._index: dict[str, list[int]] | None = None

    def nearest(self, name: str, *, most: int = 3) -> tuple[str, ...]:
        """Return at most `most` names that are much like `name`, best first."""
        import difflib

        index = self._index
        if index is None:
            index = self._index = self._build()
        shared: Counter[int] = Counter()
        for triple in _triples(name):
            shared.update(index.get(triple, ()))
        # Of two names that share as many triples, the shorter is more alike.
        order = sorted(shared, key=lambda i: (-shared[i], len(self._names[i])))
        folded = {self._names[i].casefold(): self._names[i] for i in order[:_SHORTLIST]}
        alike = difflib.get_close_matches(name.casefold(), folded, most, _LIKENESS)
        return tuple(folded[match] for match in alike)

    def _build(self) -> dict[str, list[int]]:
        index: dict[str, list[int]] = {}
        for position, name in enumerate(self._names):
            for triple in _triples(name):
                index.setdefault(triple, []).append(position)
        return index


def _triples(name: str) -> set[str]:
    # The padding makes the first and last letters count, and short names have some.
    padded = f"  {name.casefold()} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}
