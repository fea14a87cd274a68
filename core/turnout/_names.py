"""How names are compared, and which ones a mistyped name may have meant."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

__all__ = [
    "Suggester",
    "did_you_mean",
    "fold",
    "followed",
    "nearest",
    "without_marks",
]

_LIKENESS = 0.64
"""The least ratio of difflib for a suggestion.

`Nope` and `OpenAI` have 0.6, `claude` and `Cloudflare` 0.63, `Goo` and `Foo` 0.67.
"""

_LIKENESS_OF_SAME_START = 0.6
"""The same for names that begin with the same three letters."""

_MARKS = 1_000
"""How many shared triples are counted."""

_SHORTLIST = 5
"""How many names are compared closely."""

_CANDIDATES = 40
"""How many names are compared by all of their triples."""

_LONGEST = 200
"""A text longer than this is no mistyped name."""

_FOLDED = str.maketrans("", "", "-_ ")

_MARKS_OF_MODELS = str.maketrans("", "", "-_.: ")


def fold(name: str) -> str:
    """Return a provider's name without case, `-`, `_` and spaces."""
    return name.casefold().translate(_FOLDED)


def without_marks(name: str) -> str:
    """Return a model's name without case and the marks that are often left out."""
    return name.casefold().translate(_MARKS_OF_MODELS)


def did_you_mean(names: Sequence[str]) -> str:
    """Return the clause that ends an error's message; empty without names.

    Nothing but `followed` puts anything behind it, as it ends in a question mark.
    """
    if not names:
        return ""
    return f"; did you mean {' or '.join(repr(name) for name in names)}?"


def followed(text: str, clause: str) -> str:
    """Return a message and what is to be said after it.

    Args:
        text: Any; the clause begins a sentence where this has ended one.
        clause: Begins with a small letter.
    """
    if text.endswith((".", "!", "?")):
        return f"{text} {clause[:1].upper()}{clause[1:]}"
    return f"{text}; {clause}"


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

        if len(name) > _LONGEST:
            return ()
        # Names that differ in case alone are as alike.
        folded: dict[str, list[str]] = {}
        for candidate in self._shortlist(name):
            folded.setdefault(candidate.casefold(), []).append(candidate)
        wanted = name.casefold()
        matcher = difflib.SequenceMatcher(b=wanted)
        alike: list[tuple[float, str]] = []
        for candidate in folded:
            matcher.set_seq1(candidate)
            ratio = matcher.ratio()
            same_start = candidate.startswith(wanted[:3])
            if ratio >= (_LIKENESS_OF_SAME_START if same_start else _LIKENESS):
                alike.append((ratio, candidate))
        alike.sort(reverse=True)
        return tuple(one for _, match in alike for one in folded[match])[:most]

    def _shortlist(self, name: str) -> list[str]:
        """Return the names that share most letter triples with `name`."""
        if self._index is None:
            self._index = self._build()
        index, wanted = self._index, _triples(name)
        # The triples that few names have tell most; those that thousands have
        # would cost most of the time and tell hardly anything.
        found = [index[triple] for triple in sorted(wanted) if triple in index]
        marks: Counter[int] = Counter()
        left = _MARKS
        for positions in sorted(found, key=len):
            marks.update(positions[:left])
            left = max(left - len(positions), 0)

        def unlike(candidate: str) -> float:
            triples = _triples(candidate)
            return -len(wanted & triples) / (len(wanted) + len(triples))

        candidates = [self._names[i] for i, _ in marks.most_common(_CANDIDATES)]
        return sorted(candidates, key=unlike)[:_SHORTLIST]

    def _build(self) -> dict[str, list[int]]:
        index: defaultdict[str, list[int]] = defaultdict(list)
        for position, name in enumerate(self._names):
            padded = _padded(name)
            for i in range(len(padded) - 2):  # A set of them would take longer.
                index[padded[i : i + 3]].append(position)
        return index


def _triples(name: str) -> set[str]:
    padded = _padded(name)
    return {padded[i : i + 3] for i in range(len(padded) - 2)}


def _padded(name: str) -> str:
    """Return a name so that its first and last letters are in triples of their own."""
    return f"  {name.casefold()} "
