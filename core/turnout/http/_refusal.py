"""What a provider sent in place of an answer, in whatever form.

Vendors nest their errors, name the same things differently, and answer with pages and
plain texts too. What is found is the status, the codes, and what is said for people.

Source: wire.md 2.7, gathered 2026-11-22 from the vendors' pages and SDKs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, cast

from turnout._frozen import frozen
from turnout.http._hints import MOST_ITEMS, body_hint, retry_after
from turnout.http._status import INSIDE

__all__ = ["Refusal", "shortened"]

_FAILURES = range(400, 600)

_STATUS_TEXTS = frozenset(map(str, _FAILURES))

_CODE = re.compile(r"[\w.-]{1,64}", re.ASCII)

_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)

ERROR_BYTES = 64 * 1024
"""How much of an error is read. All that is done with it takes time."""

_READ_CHARACTERS = 2048
"""How much is read of what the provider says for people."""

_LAST_WORD = 512
"""So many characters are left out at most where that is cut, to cut at a space: half a
secret would not be known as one."""

_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))

_REASON_CHARACTERS = 500
"""How much of what the provider said is told."""


@frozen
class Refusal:
    """What a provider sent in place of an answer."""

    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    text: str
    """The body's beginning, as far as it was read; 64 KiB at most."""
    codes: frozenset[str] = frozenset()
    """The error's `code`, `type` and the like, lower-case."""
    reason: str = ""
    """What the provider says for people, if that can be found in the body. Its
    beginning, if it is long."""
    hint: float | None = None
    """The seconds after which, by the body, the provider may be asked again."""

    @classmethod
    def read(cls, status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
        """Return what a body says, whatever form it has.

        What stands in its first 64 KiB is read, also if it is cut off there.
        """
        body = body[:ERROR_BYTES]
        text = body.decode("utf-8", "replace")
        value = _json(body)
        if status == INSIDE:
            status = _status_in(value) or status
        codes: set[str] = set()
        reason = _reason(value, codes) if value is not None else _plain(text)
        cut = False
        if value is not None and not reason:
            # Where it is cut off in the middle of what is said, this is not in `value`.
            reason = _reason(_json(body, half_texts=True), set())
            cut = bool(reason)
        reason = _beginning(reason, cut=cut)
        return cls(
            status=status,
            headers=headers,
            text=text,
            codes=frozenset(codes),
            reason=reason,
            hint=body_hint(value, reason),
        )

    @property
    def retry_after(self) -> float | None:
        """The seconds after which, by its headers, the provider may be asked again."""
        return retry_after(self.headers)


def shortened(reason: str) -> str:
    """Return a reason on one line, of printable characters, and not too long."""
    line = " ".join(reason.split())
    line = "".join(c for c in line if c.isprintable())
    if len(line) <= _REASON_CHARACTERS:
        return line
    return f"{line[:_REASON_CHARACTERS]}…"


def _status_in(value: object) -> int | None:
    """Return the status that an error document gives, where it gives one."""
    if isinstance(value, list):
        value = next(iter(cast("list[object]", value)), None)
    if not isinstance(value, Mapping):
        return None
    fields = cast("Mapping[str, object]", value)
    inner = _status_in(fields.get("error"))
    if inner is not None:
        return inner
    for name in ("status", "status_code", "code"):
        status = fields.get(name)
        if isinstance(status, int) and status in _FAILURES:
            return status
        if isinstance(status, str) and status in _STATUS_TEXTS:
            return int(status)
    return None


def _beginning(reason: str, *, cut: bool) -> str:
    """Return as much of a reason as is read, up to the end of a word.

    Args:
        reason: What the provider says.
        cut: Whether its end is missing.
    """
    if not cut and len(reason) <= _READ_CHARACTERS:
        return reason
    reason = reason[:_READ_CHARACTERS]
    # Languages that are written without spaces are cut between two characters.
    words = reason.rstrip(_VISIBLE)
    return words if len(reason) - len(words) <= _LAST_WORD else reason[:-_LAST_WORD]


def _json(body: bytes, *, half_texts: bool = False) -> object | None:
    """Read JSON, as far as it goes where it was cut off; None if it is not JSON.

    Args:
        body: The JSON.
        half_texts: Whether a text counts that was cut off.
    """
    from pydantic_core import from_json

    try:
        return cast("object", from_json(body))
    except ValueError:
        pass
    if body.lstrip()[:1] not in {b"{", b"["}:
        return None  # A text may begin as JSON does: with a number.
    partial: Literal["on", "trailing-strings"]
    partial = "trailing-strings" if half_texts else "on"
    try:
        return cast("object", from_json(body, allow_partial=partial))
    except ValueError:
        return None


def _reason(value: object, codes: set[str]) -> str:
    """Return what an error document says for people; add its codes to `codes`."""
    if isinstance(value, list):
        items = cast("list[object]", value)[:MOST_ITEMS]
        reasons = [_reason(item, codes) for item in items]
        return next((reason for reason in reasons if reason), "")
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        return ""
    fields = cast("Mapping[str, object]", value)
    for name in ("code", "type", "status", "error_code", "error_type", "reason"):
        code = fields.get(name)
        if isinstance(code, str) and _CODE.fullmatch(code):
            codes.add(code.lower())
    # Vendors nest their error once more, or keep its finer code one level down.
    inner = [
        _reason(fields[name], codes)
        for name in ("error", "innererror", "details", "metadata")
        if name in fields
    ]
    message = fields.get("message") or fields.get("detail") or fields.get("msg")
    if isinstance(message, str):
        return message
    if isinstance(message, list):
        return _reason(cast("object", message), codes)
    return next((reason for reason in inner if reason), "")


def _plain(text: str) -> str:
    """Return a body that is no JSON: a page's title, or a short text itself."""
    if "<" in text[:200]:
        title = _TITLE.search(text)
        if title is None:
            return ""
        from html import unescape  # Its table takes long to load.

        return unescape(_beginning(title[1], cut=False))
    return text
