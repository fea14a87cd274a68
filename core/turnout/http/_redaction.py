"""Remove secrets, and quotes of the request, from a provider's message.

A provider may repeat the key that it refused, or the prompt: in part, in another case,
with other white space, or encoded. So only letters and digits are compared, in lower
case and with escapes decoded. A run of them that both texts have, and that is long
enough, counts as a secret or a quote.

Each step takes linear time.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from turnout.types import Secret

__all__ = ["Redactor", "redacted", "without_quotes"]

_SHORTEST = 8
"""A shorter secret is not searched for, because it would match by chance.

A run of this many letters and digits of a secret counts as a part of it.
"""

_LONGEST = 16 * 1024
"""How many characters of a secret are searched for, from its beginning."""

_SHORTEST_QUOTE = 12
"""A run of this many letters and digits counts as a quote of a short request."""

_LONG = 4096
"""A request with more characters of text than this is long: a provider's own
message may share short runs of words with it."""

_SHORTEST_LONG_QUOTE = 24
"""A run of this many letters and digits counts as a quote of a long request."""

_MOST = 16 * 1024
"""Of a request with more than twice this many characters of text, this many are
compared from its beginning and from its end. What is between is sampled."""

_SAMPLES = 4096
_SAMPLE = 64
"""How many samples there are at most, and how many characters each has."""

_AROUND = 2048
_MOST_AROUND = 4
"""How many characters around a sample that matches are compared too, and for how many
samples."""

_TOKEN = re.compile(
    r"""
    (?P<word>[^\W_]+)
    | (?P<percent>(?:%(?:25)*[0-9A-Fa-f]{2})+)                  # of addresses and forms
    | (?P<entity>&(?:amp;)*(?:\#\d{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,31});)
    | (?<!\\)(?P<unicode>(?:\\++u[0-9A-Fa-f]{4})+)             # of JSON
    | (?<!\\)(?P<hex>(?:\\++x[0-9A-Fa-f]{2})+)
    | (?<!\\)\\++[nrtbf]                                        # JSON's white space
    """,
    re.VERBOSE,
)

_HEX = re.compile(r"[0-9A-Fa-f]{2}(?=[%\\]|\Z)")

_HEX_OF_UNICODE = re.compile(r"u([0-9A-Fa-f]{4})")

_SCHEME = re.compile(r"\A[A-Za-z]+\s+(?=\S)")
"""The word before a credential, as in `Bearer …`."""

_MASK = re.compile(r"[*\u2022\u25cf\xd7#]{2,}|\.{3,}|\u2026+|[xX]{4,}")
"""Characters that vendors put in place of a key's middle."""

_ENDING = re.compile(r"\bend(?:s|ing)?\s+(?:in|with)\W{1,4}(?P<end>[\w-]{3,12})", re.I)

_SHOWN = range(3, 12)
"""How many characters of a key vendors show beside a mask."""

# Characters that belong to the same word as the part of a secret that was found.
_BEFORE = re.compile(r"[\w*\u2022\u25cf\xd7\u2026%=+~-]")
_AFTER = re.compile(r"(?:[\w*\u2022\u25cf\xd7\u2026%=+~-]|\.(?=[\w*.\u2026-])){0,256}")

_PATTERNS = re.compile(
    r"""
    \b(?:sk|pk|rk|gsk|xai|hf|r8|nvapi|ghp|gho|github_pat|glpat|key)[-_][\w-]{8,}
                                                       # keys that many vendors give out
    | \bAIza[\w-]{10,}                                 # Google's
    | \bya29\.[\w-]{10,}
    | \bAKIA[0-9A-Z]{16}                               # Amazon's
    | \b(?:Bearer|Basic)\s++[^\s"',;]+
    | (?<![\w-])(?=[\w-]*eyJ)[\w-]++\.[\w-]++\.[\w-]*  # JSON web tokens
    | \b(?:api[-_]?)?key=[^\s&"']+
    | (?:secret|password|passwd|assertion|(?:access|refresh|id)_token)
      (?:=|"\s*+:\s*+")[^\s&"']+
    """,
    re.VERBOSE | re.IGNORECASE,
)

Span = tuple[int, int]


def redacted(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return `text` with `***` for each secret, in any form, and what looks like one.

    Args:
        text: A provider's message.
        secrets: The credentials that were sent to it.
    """
    return Redactor(secrets)(text)


class Redactor:
    """Remove the same secrets from several texts, see `redacted`."""

    __slots__ = ("_parts", "_values")

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._values: list[str] = []
        """The secrets, of which vendors show the beginning or the end."""
        self._parts: set[str] = set()
        """Each part of each form of a secret."""
        for secret in secrets:
            value = _SCHEME.sub("", secret.reveal()[:_LONGEST], count=1)
            if len(value) >= _SHORTEST:
                self._values.append(value)
                for form in _forms(value):
                    self._parts.update(_windows(form, _SHORTEST))

    def __call__(self, text: str) -> str:
        """Return `text` without the secrets."""
        for value in self._values:  # For secrets with few letters and digits.
            text = text.replace(value, "***")
        spans = [*_shared(_squeezed(text), self._parts, _SHORTEST), *self._ends(text)]
        text = _replaced(text, [_whole_word(text, span) for span in spans], "***", 3)
        return _PATTERNS.sub("***", text)

    def _ends(self, text: str) -> Iterator[Span]:
        """Find the beginnings and ends of secrets beside a mask."""
        if not self._values:
            return
        for mask in _MASK.finditer(text):
            start, end = mask.span()
            for value in self._values:
                before = [n for n in _SHOWN if _same(text, start - n, value[:n])]
                after = [n for n in _SHOWN if _same(text, end, value[-n:])]
                if before or after:
                    yield start - max(before, default=0), end + max(after, default=0)
        for ending in _ENDING.finditer(text):
            shown = ending["end"].lower()
            if any(value.lower().endswith(shown) for value in self._values):
                yield ending.span("end")


def without_quotes(text: str, quoted: Sequence[str]) -> str:
    """Return `text` with `…` in place of quotes.

    Args:
        text: A provider's message.
        quoted: The texts of the request, in its order.
    """
    total = sum(map(len, quoted))
    if total <= 2 * _MOST:
        for one in sorted(quoted, key=len, reverse=True):
            if len(one) >= _SHORTEST_QUOTE:  # With its punctuation.
                text = text.replace(one, "\u2026")
    squeezed = _squeezed(text)
    size = _SHORTEST_LONG_QUOTE if total > _LONG else _SHORTEST_QUOTE
    wanted = set(_windows(squeezed.text, size))
    spans: list[Span] = []
    found: set[str] = set()
    if total <= 2 * _MOST:
        for one in quoted:
            only = _letters(one)
            found.update(wanted.intersection(_windows(only, size)))
            if len(only) < size:
                spans += _whole(squeezed, only, len(one))
    else:
        for part in _parts("\n".join(quoted), wanted, size):
            found.update(wanted.intersection(_windows(_letters(part), size)))
    return _replaced(text, [*_shared(squeezed, found, size), *spans], "\u2026", 12)


def _parts(request: str, wanted: Collection[str], size: int) -> Iterator[str]:
    """Yield the parts of a long request that are compared.

    Args:
        request: The texts of the request.
        wanted: The runs of characters to find.
        size: How many characters each run has.
    """
    yield request[:_MOST]
    yield request[-_MOST:]
    around = _MOST_AROUND
    stride = max(_SAMPLE, len(request) // _SAMPLES)
    for start in range(_MOST, len(request) - _MOST, stride):
        if _letters(request[start : start + _SAMPLE])[:size] in wanted:
            yield request[max(0, start - _AROUND) : start + _AROUND]
            around -= 1
            if not around:
                return


def _whole(squeezed: _Squeezed, only: str, length: int) -> Iterator[Span]:
    """Find quotes of a whole text that is too short to be compared in parts."""
    if length < _SHORTEST_QUOTE or len(only) < _SHORTEST_QUOTE // 2:
        return
    at = squeezed.text.find(only)
    while at >= 0:
        yield squeezed.starts[at], squeezed.ends[at + len(only) - 1]
        at = squeezed.text.find(only, at + len(only))


class _Squeezed(NamedTuple):
    """The letters and digits of a text, in lower case, and their positions in it."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def _squeezed(text: str) -> _Squeezed:
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        kind = token.lastgroup
        if kind == "word":
            piece = token[0].lower()
            if len(piece) == end - start:
                pieces.append(piece)
                starts += range(start, end)
                ends += range(start + 1, end + 1)
                continue
        elif kind is None:
            continue
        else:
            piece = _letters(_unescaped(kind, token[0]))
        pieces.append(piece)
        starts += [start] * len(piece)
        ends += [end] * len(piece)
    return _Squeezed("".join(pieces), starts, ends)


def _unescaped(kind: str, escaped: str) -> str:
    """Return the text that an escape means.

    Args:
        kind: The group of `_TOKEN`.
        escaped: One or more escapes.
    """
    if kind == "entity":
        from html import unescape  # Its table takes long to load.

        return unescape("&" + escaped.rpartition("&")[2].rpartition("amp;")[2])
    if kind == "unicode":
        units = "".join(_HEX_OF_UNICODE.findall(escaped))
        return bytes.fromhex(units).decode("utf-16-be", "replace")
    return bytes.fromhex("".join(_HEX.findall(escaped))).decode("utf-8", "replace")


def _letters(text: str) -> str:
    """Return the letters and digits of a text in lower case, without any escapes."""
    return "".join(filter(str.isalnum, text.lower()))


def _windows(text: str, size: int) -> Iterator[str]:
    """Yield each run of `size` characters."""
    return (text[at : at + size] for at in range(len(text) - size + 1))


def _shared(squeezed: _Squeezed, parts: Collection[str], size: int) -> Iterator[Span]:
    """Find the parts in a text; each has `size` characters."""
    text, starts, ends = squeezed
    if not parts:
        return
    for at, window in enumerate(_windows(text, size)):
        if window in parts:
            yield starts[at], ends[at + size - 1]


def _forms(value: str) -> Iterator[str]:
    """Yield the letters and digits of a secret in each form that is searched for."""
    plain = _letters(value)
    yield plain
    yield plain[::-1]
    data = value.encode("utf-8", "replace")
    yield data.hex()
    for shift in range(3):
        # For each offset within the encoded text, without the characters that depend
        # on the bytes beside the secret.
        coded = b64encode(b"\0" * shift + data).decode("ascii")
        yield _letters(coded[(0, 2, 3)[shift] : -4])
    try:
        yield _letters(b64decode(value, validate=True).decode("utf-8"))
    except ValueError:
        return


def _same(text: str, at: int, part: str) -> bool:
    return at >= 0 and text[at : at + len(part)].lower() == part.lower()


def _whole_word(text: str, span: Span) -> Span:
    """Return a span, extended to whole words."""
    start, end = span
    first = max(0, start - 256)
    while start > first and _BEFORE.match(text, start - 1):
        start -= 1
    rest = _AFTER.match(text, end)
    return start, end if rest is None else rest.end()


def _replaced(text: str, spans: Iterable[Span], mark: str, gap: int) -> str:
    """Return a text with a mark in place of spans.

    Args:
        text: The text.
        spans: The spans to replace.
        mark: The replacement.
        gap: Up to this many characters between two spans are replaced with them.
    """
    pieces: list[str] = []
    at = 0
    for start, end in sorted(spans):
        if not pieces or start > at + gap:
            pieces += [text[at:start], mark]
        at = max(at, end)
    pieces.append(text[at:])
    return "".join(pieces)
