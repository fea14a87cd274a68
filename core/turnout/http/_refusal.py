"""Read what a provider sent in place of an answer, in any form.

Services nest their errors, name the same things differently, quote each other's errors
in texts, and answer with HTML pages and plain text too. The reader finds the status,
the codes and the message.

Source: wire.md 2.7, gathered 2026-11-22 from the vendors' pages and SDKs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Literal, cast

from turnout._frozen import frozen
from turnout.http._hints import MOST_ITEMS, body_hint, retry_after
from turnout.http._status import INSIDE

__all__ = ["Refusal", "shortened"]

_FAILURES = range(400, 600)

_STATUS_TEXTS = frozenset(map(str, _FAILURES))

_CODE = re.compile(r"[\w.-]{1,64}", re.ASCII)

_LEAST_NUMBER = 1000
"""Smaller numbers are statuses."""

_QUOTED_CODE = re.compile(
    r"""["'](?:code|type|status|error_?code|error_?type|reason|quotaId)\\?["']\s?:\s?"""
    r"""\\?["']?([\w.-]{1,64})""",
    re.ASCII,
)
"""A code in an error that another error quotes, as JSON or as Python prints it."""

_CODES = (
    "code",
    "type",
    "status",
    "statuscode",
    "errorcode",
    "errortype",
    "errcode",
    "reason",
    "quotaid",
)
"""Fields with a code. Names are compared in lower case and without `_` and `-`."""

_MESSAGES = (
    "message",
    "detail",
    "msg",
    "errormessage",
    "errormsg",
    "errmsg",
    "statusmsg",
    "errordescription",
)
"""Fields with the message, the best one first."""

_INNER = (
    "error",
    "errors",
    "innererror",
    "details",
    "metadata",
    "raw",
    "violations",
)
"""Fields with another error. Services nest theirs, have a finer code one level down, or
quote the error of the service behind them (OpenRouter's `raw`)."""

_FLAGGED = "flagged_input"
"""OpenRouter's field for a filtered prompt. If it is present, it counts as a code."""

_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)

ERROR_BYTES = 64 * 1024
"""How many bytes of an error are read, to limit the time."""

_READ_CHARACTERS = 2048
"""How much of a provider's message is read."""

_SAY_NOTHING = frozenset({"provider returned error", "upstream error"})
"""Messages that say less than the error that comes with them."""

_MOST_TEXTS = 8
"""How many texts of an error are searched for phrases."""

_LAST_WORD = 512
"""A message is cut at a space, and loses at most this many characters for it: half a
secret would not be recognized."""

_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))

_REASON_CHARACTERS = 500
"""How much of a provider's message is quoted."""


_QUOTED = re.compile(r"""["'`\u2018\u201c\xab]""")

_QUOTED_CHARACTERS = 12
"""This many equal characters make a quote one of the request."""


@frozen
class Refusal:
    """What a provider sent in place of an answer."""

    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    text: str
    """The beginning of the body, 64 KiB at most."""
    codes: frozenset[str] = frozenset()
    """The error's `code`, `type` and the like, lower-case. Numbers from 1000 on are
    codes too; MiniMax's are `base_resp.1008`."""
    reason: str = ""
    """The provider's message, if one is found in the body. Its beginning, if it is
    long."""
    words: str = ""
    """The text that rules search for phrases, lower-case, with single spaces: all
    messages, those of quoted errors too, and the codes, with `; ` between them. If
    there is neither, it is the beginning of the body, unless that is an answer."""
    hint: float | None = None
    """The seconds to wait before a retry, by the body."""

    @classmethod
    def read(cls, status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
        """Read a body in any form.

        Only its first 64 KiB are read; a longer body may end there in the middle.
        """
        body = body[:ERROR_BYTES]
        text = body.decode("utf-8", "replace")
        value = _json(body)
        # Inside an answer, a body that is not an error is the answer's own text.
        unread = "" if status == INSIDE else text[:_REASON_CHARACTERS]
        if status == INSIDE:
            status = _status_in(value) or status
        found = _Found()
        reason = found.read(value) if value is not None else found.keep(_plain(text))
        if reason.lower() in _SAY_NOTHING:
            reason = ": ".join(found.texts[:2])
        cut = False
        if value is not None and not reason:
            # If the body ends in the middle of the message, `value` lacks the message.
            reason = _Found().read(_json(body, half_texts=True))
            cut = bool(reason)
        reason = found.keep(_beginning(reason, cut=cut))
        kind = headers.get("x-amzn-errortype", "").partition(":")[0]
        found.code(kind)
        return cls(
            status=status,
            headers=headers,
            text=text,
            codes=frozenset(found.codes),
            reason=reason,
            words=found.words() or _words(unread),
            hint=body_hint(value, reason),
        )

    def without_quotes(self, texts: Iterable[str]) -> Refusal:
        """Return the refusal without quotes of a request in its `words`.

        A prompt may contain "insufficient balance" too. Only text after a quotation
        mark counts as a quote, because a prompt may contain the service's own words.

        Args:
            texts: The request's texts.
        """
        return replace(self, words=_without_quotes(self.words, texts))

    @property
    def retry_after(self) -> float | None:
        """The seconds to wait before a retry, by the headers."""
        return retry_after(self.headers)


class _Found:
    """The codes and the texts of an error."""

    def __init__(self) -> None:
        self.codes: set[str] = set()
        self.texts: list[str] = []

    def words(self) -> str:
        """Return the text to search for phrases; empty if nothing was found."""
        return _words("; ".join([*self.texts, *sorted(self.codes)]))

    def code(self, value: object) -> None:
        """Add a code, if it is one."""
        if isinstance(value, int) and value >= _LEAST_NUMBER:
            value = str(value)
        if isinstance(value, str):
            value = value.rpartition("#")[2]  # AWS puts a namespace before it.
            if _CODE.fullmatch(value):
                self.codes.add(value.lower())

    def keep(self, text: str) -> str:
        """Keep a text, with the codes of an error that it quotes; return it."""
        text = _beginning(text, cut=False)
        if text and text not in self.texts and len(self.texts) < _MOST_TEXTS:
            self.texts.append(text)
            for code in _QUOTED_CODE.findall(text):
                if not code.isdigit() or int(code) >= _LEAST_NUMBER:
                    self.codes.add(code.lower())
        return text

    def read(self, value: object) -> str:
        """Read an error document; return its message."""
        if isinstance(value, list):
            items = cast("list[object]", value)[:MOST_ITEMS]
            reasons = [self.read(item) for item in items]
            return next(filter(None, reasons), "")
        if isinstance(value, str):
            is_json = value.lstrip()[:1] in {"{", "["}
            quoted = self.read(_json(value.encode())) if is_json else ""
            return quoted or self.keep(value)
        if not isinstance(value, Mapping):
            return ""
        named = cast("Mapping[str, object]", value)
        return self._fields({_plain_name(name): named[name] for name in named})

    def _fields(self, fields: Mapping[str, object]) -> str:
        for name in _CODES:
            code = fields.get(name)
            self.code(code)
            if isinstance(code, str) and " " in code:  # xAI's is a sentence.
                self.keep(code)
        self.code(fields.get("error"))
        if _plain_name(_FLAGGED) in fields:
            self.codes.add(_FLAGGED)
        said = [self.read(fields[name]) for name in _MESSAGES if fields.get(name)]
        said += [self.read(fields[name]) for name in _INNER if fields.get(name)]
        said.append(self._base_resp(fields.get("baseresp")))
        return next(filter(None, said), "")

    def _base_resp(self, value: object) -> str:
        """Read MiniMax's error. Other services use its codes for other errors."""
        if not isinstance(value, Mapping):
            return ""
        fields = cast("Mapping[str, object]", value)
        self.code(f"base_resp.{fields.get('status_code')}")
        return self.read(fields.get("status_msg"))


def _plain_name(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _words(text: str) -> str:
    """Return a text in the form in which phrases are searched for."""
    return " ".join(text.split()).lower().replace("\u2019", "'")


def _without_quotes(words: str, texts: Iterable[str]) -> str:
    """Return words without quotes of these texts, each up to its first difference."""
    ends = [mark.end() for mark in _QUOTED.finditer(words)]
    size = _QUOTED_CHARACTERS
    known = {_words(text[: 4 * size])[:size]: text for text in texts if ends}
    left: list[str] = []
    at = 0
    for end in ends:
        text = known.get(words[end : end + size])
        if text is not None and end >= at:
            left += [words[at:end], "\u2026"]
            at = end + _same(words[end:], _words(text[:_READ_CHARACTERS]))
    return "".join([*left, words[at:]])


def _same(one: str, another: str) -> int:
    """Return how many characters at the beginning of two texts are equal."""
    pairs = zip(one, another, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def shortened(reason: str) -> str:
    """Return a reason on one line, with printable characters only, and shortened."""
    line = " ".join(reason.split())
    line = "".join(c for c in line if c.isprintable())
    if len(line) <= _REASON_CHARACTERS:
        return line
    return f"{line[:_REASON_CHARACTERS]}…"


def _status_in(value: object) -> int | None:
    """Return the status that an error document has; None without one."""
    if isinstance(value, list):
        value = next(iter(cast("list[object]", value)), None)
    if not isinstance(value, Mapping):
        return None
    named = cast("Mapping[str, object]", value)
    fields = {_plain_name(name): named[name] for name in named}
    inner = _status_in(fields.get("error"))
    if inner is not None:
        return inner
    for name in ("status", "statuscode", "httpcode", "code"):
        status = fields.get(name)
        if isinstance(status, int) and status in _FAILURES:
            return status
        if isinstance(status, str) and status in _STATUS_TEXTS:
            return int(status)
    return None


def _beginning(reason: str, *, cut: bool) -> str:
    """Return the part of a reason that is read, up to the end of a word.

    Args:
        reason: The provider's message.
        cut: Whether its end is missing.
    """
    if not cut and len(reason) <= _READ_CHARACTERS:
        return reason
    reason = reason[:_READ_CHARACTERS]
    # A text without spaces, as in Chinese, is cut between two characters.
    words = reason.rstrip(_VISIBLE)
    return words if len(reason) - len(words) <= _LAST_WORD else reason[:-_LAST_WORD]


def _json(body: bytes, *, half_texts: bool = False) -> object | None:
    """Read JSON that may be truncated; return None if it is not JSON.

    Args:
        body: The JSON.
        half_texts: Whether to keep a truncated string.
    """
    from pydantic_core import from_json

    try:
        return cast("object", from_json(body))
    except ValueError:
        pass
    if body.lstrip()[:1] not in {b"{", b"["}:
        return None  # A text may begin with a number, as JSON does.
    partial: Literal["on", "trailing-strings"]
    partial = "trailing-strings" if half_texts else "on"
    try:
        return cast("object", from_json(body, allow_partial=partial))
    except ValueError:
        return None


def _plain(text: str) -> str:
    """Return the message of a body that is not JSON: a page's title, or the text."""
    if "<" in text[:200]:
        title = _TITLE.search(text)
        if title is None:
            return ""
        from html import unescape  # Its table takes long to load.

        return unescape(_beginning(title[1], cut=False))
    return text
