"""Messages and replies as JSON in the log, and back without loss."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from typing import cast

from turnout.types import (
    AudioPart,
    Citation,
    FilePart,
    ImagePart,
    Media,
    Message,
    Reply,
    Target,
    TextPart,
    ToolCall,
    Usage,
    VideoPart,
)

__all__ = ["dumped", "loaded"]

_TYPE = "$type"
"""The key that says what an object is."""

_TYPES: dict[str, type] = {
    each.__name__: each
    for each in (
        AudioPart,
        Citation,
        FilePart,
        ImagePart,
        Media,
        Message,
        Reply,
        Target,
        TextPart,
        ToolCall,
        Usage,
        VideoPart,
    )
}


def dumped(value: Message | Reply) -> str:
    """Return a value as JSON. The attempts and `parsed` of a reply are left out."""
    plain = _plain(value)
    text = json.dumps(plain, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # Half of a surrogate pair.
        return json.dumps(plain)
    return text


def loaded(text: str) -> Message | Reply:
    """Return the value that `dumped` wrote.

    Raises:
        ValueError: It did not write this.
    """
    try:
        value = json.loads(text, object_hook=_made)
    except (TypeError, KeyError) as error:
        raise ValueError(f"{error}") from error
    if not isinstance(value, Message | Reply):
        raise ValueError(f"a {type(value).__name__} is not a message or a reply")
    return value


def _plain(value: object) -> object:
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, bytes):
        return {_TYPE: "bytes", "base64": b64encode(value).decode("ascii")}
    if isinstance(value, Decimal):
        return {_TYPE: "Decimal", "value": str(value)}
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        table = {str(key): _plain(item) for key, item in items}
        return {_TYPE: "table", "of": [*table.items()]} if _TYPE in table else table
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("list[object]", value)]
    name = type(value).__name__
    if is_dataclass(value) and _TYPES.get(name) is type(value):
        return {_TYPE: name, **_fields(value)}
    # A plugin may put anything into the details of a reply.
    return repr(value)


def _fields(value: object) -> dict[str, object]:
    """Return the fields that are not as they are without being set."""
    assert is_dataclass(value)
    found: dict[str, object] = {}
    for each in fields(value):
        held = getattr(value, each.name)
        default = each.default
        if each.default_factory is not MISSING:
            default = each.default_factory()
        left_out = isinstance(value, Reply) and each.name in {"attempts", "parsed"}
        if held != default and not left_out:
            found[each.name] = _plain(held)
    return found


def _made(table: dict[str, object]) -> object:
    name = table.pop(_TYPE, None)
    if name is None:
        return table
    if name == "bytes":
        return b64decode(cast("str", table["base64"]))
    if name == "Decimal":
        return Decimal(cast("str", table["value"]))
    if name == "table":
        return dict(cast("list[tuple[str, object]]", table["of"]))
    given = {
        key: tuple(cast("list[object]", value)) if isinstance(value, list) else value
        for key, value in table.items()
    }
    return _TYPES[cast("str", name)](**given)
