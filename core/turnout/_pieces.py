"""A text that grows piece by piece, in little more memory than the text itself."""

from __future__ import annotations

__all__ = ["Pieces"]

_MANY = 256
"""How many pieces are joined at once: each small piece takes 50 bytes more."""

_SMALL = 64 * 1024
"""Pieces with more characters than this in total are not joined."""

_PARTS = 32
"""How many parts a text is joined in, so that it is never twice in memory."""


class Pieces:
    """Collect the pieces of a text."""

    __slots__ = ("_joined", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._joined = 0
        """How many of the pieces are not joined any more."""

    def add(self, piece: str) -> None:
        """Add the next piece."""
        pieces = self._pieces
        pieces.append(piece)
        if len(pieces) - self._joined > _MANY:
            latest = pieces[self._joined :]
            if sum(map(len, latest)) <= _SMALL:
                pieces[self._joined :] = ["".join(latest)]
            self._joined = len(pieces)

    def take(self, other: Pieces) -> None:
        """Add the pieces of another text."""
        for piece in other._pieces:
            self.add(piece)

    def clear(self) -> None:
        """Remove all pieces."""
        self._pieces.clear()
        self._joined = 0

    def __len__(self) -> int:
        """Return how many characters the text has."""
        return sum(map(len, self._pieces))

    def is_blank(self) -> bool:
        """Return whether the text is empty or only white space."""
        return all(map(str.isspace, self._pieces))

    @property
    def text(self) -> str:
        """The text so far."""
        pieces = self._pieces
        if len(pieces) > 1:
            most = len(self) // _PARTS
            pieces.reverse()
            text = ""
            for _ in range(_PARTS):
                size, part = 0, list[str]()
                while pieces and size <= most:
                    part.append(pieces.pop())
                    size += len(part[-1])
                text += "".join(part)  # CPython extends it in place.
            pieces.append(text)
            self._joined = 1
        return pieces[0] if pieces else ""
