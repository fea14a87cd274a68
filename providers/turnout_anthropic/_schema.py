"""JSON schemas as Anthropic takes them.

It refuses an object without `additionalProperties: false`, limits of numbers, strings
and lists, most formats, and `oneOf`. So `additionalProperties` is added if the schema
does not have it, and `oneOf` becomes `anyOf`. Limits and formats move to the
description, as in Anthropic's own SDKs.

Source: Anthropic's page "Structured outputs", and `transform_schema` of its SDK 2.12.0;
read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

__all__ = ["accepted"]

_LIMITS = frozenset(
    {
        # OpenAPI's: the property that distinguishes the schemas of a `oneOf`.
        "discriminator",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "pattern",
        "uniqueItems",
    }
)

_NAMED = frozenset({"$defs", "definitions", "properties"})
"""Keywords that hold schemas by name; a name may be the same as that of a limit."""

_LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})

_FORMATS = (
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uri",
    "uuid",
)
"""The formats of strings that the service supports."""


def accepted(schema: Mapping[str, object]) -> dict[str, object]:
    """Return a schema in the form that is accepted, without changing the given one."""
    fields: dict[str, object] = {}
    limits: list[str] = []
    for name, value in schema.items():
        if _is_refused(name, value):
            limits.append(f"{name}: {value}")
        elif name in _NAMED and isinstance(value, Mapping):
            named = cast("Mapping[str, object]", value)
            fields[name] = {key: _inner(one) for key, one in named.items()}
        elif name in _LISTED and isinstance(value, list):
            either = name == "oneOf" and "anyOf" not in schema
            listed = [_inner(one) for one in cast("list[object]", value)]
            fields["anyOf" if either else name] = listed
        else:
            fields[name] = _inner(value) if name == "items" else value
    kind = schema.get("type")
    if "object" in (kind if isinstance(kind, list) else [kind]):
        fields.setdefault("additionalProperties", False)
    if limits:
        limited = f"{{{', '.join(limits)}}}"
        said = fields.get("description")
        fields["description"] = f"{said}\n\n{limited}" if said else limited
    return fields


def _is_refused(name: str, value: object) -> bool:
    if name == "format":
        return value not in _FORMATS
    return name in _LIMITS and not (name == "minItems" and value in (0, 1))


def _inner(schema: object) -> object:
    if not isinstance(schema, Mapping):  # A schema may be a bool.
        return schema
    return accepted(cast("Mapping[str, object]", schema))
