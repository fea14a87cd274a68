"""Find what is wrong with a key or an address, in messages that do not show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout._environment import variable

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = [
    "fault_of_address",
    "fault_of_key",
    "fault_of_quotes",
    "fault_of_secret",
    "fault_of_variable",
    "parts_of_address",
]

_LINE_BREAKS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")

_TYPOGRAPHIC = frozenset("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033")
"""Quotation marks that word processors and chats write for straight ones."""

_QUOTES = "\"'`"


def fault_of_secret(text: str) -> str | None:
    """Return what is wrong with a secret, to follow its name; None if nothing is.

    The message shows only an invisible character of the text.
    """
    if text.isprintable():
        return None if text else "is blank; set it"
    odd = next(character for character in text if not character.isprintable())
    if odd in _LINE_BREAKS:
        return "has a line break; remove it"
    import unicodedata  # Here, as few keys are wrong.

    names = {"\ufeff": "BYTE ORDER MARK"}
    name = names.get(odd) or unicodedata.name(odd, "control character")
    return f"has an invisible character (U+{ord(odd):04X} {name}); remove it"


def fault_of_key(text: str) -> str | None:
    """Return what is wrong with a key, as `fault_of_secret` does.

    A key is a secret that is sent in a header unchanged.
    """
    if not text.isascii() and text.isprintable():
        if not _TYPOGRAPHIC.isdisjoint(text):
            return "has typographic quotation marks; remove them"
        return "has a character that is not ASCII; correct it"
    if text.startswith(("env:", "keyring:")):
        return "is a reference, which works only in turnout.toml; set the key itself"
    return fault_of_secret(text) or fault_of_quotes(text)


def fault_of_quotes(text: str) -> str | None:
    """Return what is wrong with a secret in quotation marks; None without them.

    Some programs that read a file of variables keep the marks.
    """
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        return "has quotation marks around its value; remove them"
    return None


def fault_of_variable(name: str) -> str | None:
    """Return what is wrong with the key in an environment variable; None if nothing is.

    It is a function of its own, so that no frame of a traceback holds the key.
    """
    value = variable(name)
    fault = None if value is None else fault_of_key(value)
    return None if fault is None else f"the environment variable {name} {fault}"


def fault_of_address(address: str) -> str | None:
    """Return what is wrong with a `base_url`, to follow its name; None if nothing is.

    The message does not quote the address, which may have a credential.
    """
    # The standard library drops some of these, and a request goes to another host.
    if not address.isprintable() or " " in address:
        return "has a space or a control character; remove it"
    parts = parts_of_address(address)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is not an http or https address, as in https://host/path; correct it"
    if parts.username is not None:
        return "has a user name; remove it, and set api_key"
    if parts.query or parts.fragment:
        return "has a query or a fragment after its path; remove it"
    return None


def parts_of_address(address: str) -> SplitResult | None:
    """Return the parts of an address; None if it is not a URL."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts
