"""Fields that the user wrote beside turnout's own: sent, or refused by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from turnout.errors import UnsupportedError

__all__ = ["known_fields", "refuse"]


def known_fields(
    extra: Mapping[str, object] | None, known: Collection[str], where: str
) -> Mapping[str, object]:
    """Return the fields, all of which the protocol has to know.

    Args:
        extra: As the user wrote them; None without any.
        known: The protocol's names. The JSON of Protocol Buffers takes each in
            `snake_case` too.
        where: Their place, as in `messages[0].content[1]`.

    Raises:
        UnsupportedError: The protocol does not have one of them.
    """
    for name in extra or ():
        head, *words = name.split("_")
        if "".join([head, *map(str.capitalize, words)]) not in known and (
            name not in known
        ):
            raise _unknown(where, name)
    return extra or {}


def refuse(extra: Mapping[str, object] | None, where: str) -> None:
    """Refuse fields in a place where the protocol has none of the user's.

    Raises:
        UnsupportedError: There is one.
    """
    known_fields(extra, (), where)


def _unknown(where: str, name: str) -> UnsupportedError:
    return UnsupportedError(
        f"{where} has the field {name!r}, which Gemini does not have; leave it out"
    )
