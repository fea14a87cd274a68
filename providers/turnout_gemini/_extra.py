"""Additional fields that the user sets: sent, or refused by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from turnout.errors import UnsupportedError

__all__ = ["known_fields", "refuse"]


def known_fields(
    extra: Mapping[str, object] | None, known: Collection[str], where: str
) -> Mapping[str, object]:
    """Return the fields, if the protocol has all of them.

    Args:
        extra: The user's fields; None without any.
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
    """Refuse all of the user's fields in a place.

    Raises:
        UnsupportedError: A field is set.
    """
    known_fields(extra, (), where)


def _unknown(where: str, name: str) -> UnsupportedError:
    return UnsupportedError(
        f"{where} has the field {name!r}, which Gemini does not have; leave it out"
    )
