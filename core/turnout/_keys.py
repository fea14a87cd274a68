"""What keeps a text from being a key, in words that do not show it."""

from __future__ import annotations

from turnout._environment import variable

__all__ = [
    "fault_of_key",
    "fault_of_quotes",
    "fault_of_secret",
    "fault_of_variable",
]

_LINE_BREAKS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")

_TYPOGRAPHIC = frozenset("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033")
"""Quotation marks that word processors and chats put in place of straight ones."""

_QUOTES = "\"'`"


def fault_of_secret(text: str) -> str | None:
    """Return what is wrong with a secret, after what it is called; None if nothing.

    Of the text, only a character that cannot be seen is named.
    """
    if text.isprintable():
        return None if text else "is blank; set it"
    odd = next(character for character in text if not character.isprintable())
    if odd in _LINE_BREAKS:
        return "has a line break; remove it"
    import unicodedata  # Few keys are wrong.

    names = {"\ufeff": "BYTE ORDER MARK"}
    name = names.get(odd) or unicodedata.name(odd, "control character")
    return f"has a character that cannot be seen (U+{ord(odd):04X} {name}); remove it"


def fault_of_key(text: str) -> str | None:
    """Return what is wrong with a key, as `fault_of_secret` does.

    A key is a secret that is sent in a header as it stands.
    """
    if not text.isascii() and text.isprintable():
        if not _TYPOGRAPHIC.isdisjoint(text):
            return "has typographic quotation marks; remove them"
        return "has a character that is not ASCII; correct it"
    if text.startswith(("env:", "keyring:")):
        return "is a reference, which only turnout.toml can have; give the key itself"
    return fault_of_secret(text) or fault_of_quotes(text)


def fault_of_quotes(text: str) -> str | None:
    """Return what to do if a secret stands in quotation marks; None if it does not.

    Some programs that read a file of variables keep the marks.
    """
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        return "has quotation marks around its value; remove them"
    return None


def fault_of_variable(name: str) -> str | None:
    """Return what is wrong with the key in an environment variable, if it has one.

    A message of its own, so that no frame of a traceback holds the key.
    """
    value = variable(name)
    fault = None if value is None else fault_of_key(value)
    return None if fault is None else f"the environment variable {name} {fault}"
