"""A text that grows by pieces, in little more memory than the text itself."""

from __future__ import annotations

__all__ = ["Pieces"]

_MANY = 256
"""So many pieces are made one: a piece of a few characters takes 50 bytes more."""

_SMALL = 64 * 1024
"""Pieces of more characters than this together are left as they are."""

_PARTS = 32
"""In so many parts a text is put together, so that there are never two whole ones."""


class Pieces:
    """Collect the pieces of a text."""

    __slots__ = ("_joined", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._joined = 0
        """How many of the pieces stay as they are."""

    def add(self, piece: str) -> None:
        """Take the next piece."""
        pieces = self._pieces
        pieces.append(piece)
        if len(pieces) - self._joined > _MANY:
            latest = pieces[self._joined :]
            if sum(map(len, latest)) <= _SMALL:
                pieces[self._joined :] = ["".join(latest)]
            self._joined = len(pieces)

    def take(self, other: Pieces) -> None:
        """Take the pieces of another text."""
        for piece in other._pieces:
            self.add(piece)

    def clear(self) -> None:
        """Forget the text."""
        self._pieces.clear()
        self._joined = 0

    def __len__(self) -> int:
        """Return how many characters the text has."""
        return sum(map(len, self._pieces))

    def is_blank(self) -> bool:
        """Return whether the text is empty, or white space alone."""
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
                text += "".join(part)  # CPython lets it grow where it is.
            pieces.append(text)
            self._joined = 1
        return pieces[0] if pieces else ""
