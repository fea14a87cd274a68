"""Collect the values of a request that no error may show.

Loaded with the first error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from turnout.types import Secret

__all__ = ["Sent"]

_MOST_FIELDS = 1024
"""How many fields of a form are read."""

_LONGEST = 1024 * 1024
"""A longer body counts as one text, because parsing it would take too long."""

_FORM = re.compile(rb"[\w.%+~*\[\]-]{1,256}=", re.ASCII)

_SECRET_NAMES = re.compile(
    r"secret|passw|token|assertion|credential|api[_-]?key|private_?key|verifier|cookie"
    r"|authorization|\A(?:device_)?code\Z",
    re.IGNORECASE,
)
"""The names of fields and headers whose texts are secret."""

_PUBLIC_NAMES = frozenset({"model", "object", "role", "type"})
"""The names of fields that an error may quote."""


class Sent:
    """The values of a request that errors must not show.

    Args:
        headers: Its headers.
        json: Its body, if that is written as JSON.
        data: Its body, if it is given as bytes.
        secrets: Its other secret values.
    """

    __slots__ = ("_data", "_headers", "_json", "_secrets")

    def __init__(
        self,
        headers: Mapping[str, str | Secret],
        json: object = None,
        data: bytes | None = None,
        secrets: Sequence[Secret] = (),
    ) -> None:
        self._headers = headers
        self._json = json
        self._data = data
        self._secrets = secrets

    def hidden(self) -> tuple[list[Secret], list[str]]:
        """Return its secrets, and its texts, which include prompts."""
        secrets = [*self._secrets]
        for name, header in self._headers.items():
            if isinstance(header, Secret):
                secrets.append(header)
            elif _SECRET_NAMES.search(name):
                secrets.append(Secret(header))
        texts: list[str] = []
        json = self._json
        if json is None and self._data:
            json = _read(self._data)
        for name, text in _fields("", json):
            if _SECRET_NAMES.search(name):
                secrets.append(Secret(text))
            if name not in _PUBLIC_NAMES:
                texts.append(text)
        return secrets, texts


def _read(data: bytes) -> object:
    """Parse a body: as JSON, as a form, or else as one text."""
    text = data.decode("utf-8", "replace")
    if len(data) > _LONGEST:
        return text
    try:
        if data.lstrip()[:1] in {b"{", b"["}:
            from pydantic_core import from_json

            return cast("object", from_json(data))
        if _FORM.match(data):
            from urllib.parse import parse_qsl

            fields = parse_qsl(text, max_num_fields=_MOST_FIELDS)
            return [{name: value} for name, value in fields]
    except ValueError:  # It is not valid, or has too many fields.
        pass
    return text


def _fields(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the texts in a value, each with the name of its field."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in cast("Mapping[object, object]", value).items():
            yield from _fields(str(key), item)
    elif isinstance(value, list | tuple):
        for item in cast("Sequence[object]", value):
            yield from _fields(name, item)
