"""Validate a JSON value against a JSON schema.

The keywords that services support are checked: types, `enum`, `const`, the properties
of objects, the items of lists, lengths and ranges, `anyOf`, `oneOf`, `allOf`, and
references within the schema. Others, such as `pattern` and `format`, are not: some
faults may be missed, but each one found is real.

Source: JSON Schema 2020-12, core and validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import ge, gt, le, lt
from typing import Any, TypeAlias, TypeGuard

__all__ = ["faults"]

_Schema: TypeAlias = Mapping[str, Any]


class _Place:
    """The position in a value that is checked, for messages."""

    __slots__ = ("_path", "_seen", "root")

    def __init__(self, root: _Schema, path: str = "", seen: tuple[str, ...] = ()):
        self.root = root
        self._path = path
        self._seen = seen

    def within(self, step: object) -> _Place:
        """Return the place of a part of the value."""
        return _Place(self.root, f"{self._path}.{step}" if self._path else str(step))

    def followed(self, reference: str) -> _Place | None:
        """Return the same place behind a reference; None if it was followed before."""
        if reference in self._seen:
            return None
        return _Place(self.root, self._path, (*self._seen, reference))

    def message(self, fault: str) -> str:
        """Return a message that says what is wrong here."""
        return f"{self._path}: {fault}" if self._path else fault


_Check: TypeAlias = Callable[[Any, Any, _Schema, _Place], Iterator[str]]
"""Yields the faults of a value, given a keyword's value and the schema that has it."""


def faults(value: object, schema: Mapping[str, object]) -> Iterator[str]:
    """Yield what is wrong with a value, each fault with its position.

    Args:
        value: A value from a JSON parser.
        schema: The schema that the value should match.
    """
    yield from _faults(value, schema, _Place(schema))


def _faults(value: Any, schema: object, place: _Place) -> Iterator[str]:
    if schema is False:
        yield place.message("it is not allowed here")
    if not _is_schema(schema):
        return
    for keyword, check in _CHECKS.items():
        if keyword in schema:
            yield from check(value, schema[keyword], schema, place)


def _fits(value: Any, schema: object, place: _Place) -> bool:
    return not any(True for _ in _faults(value, schema, place))


def _reference(
    value: Any, pointer: Any, schema: _Schema, place: _Place
) -> Iterator[str]:
    behind = place.followed(str(pointer))
    if behind is not None:
        yield from _faults(value, _pointed(place.root, str(pointer)), behind)


def _pointed(root: _Schema, pointer: str) -> object:
    """Return what a reference within the schema points to; None for another one."""
    if pointer != "#" and not pointer.startswith("#/"):
        return None
    found: object = root
    for step in pointer.split("/")[1:]:
        if not _is_schema(found):
            return None
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name)
    return found


def _type(value: Any, kinds: Any, schema: _Schema, place: _Place) -> Iterator[str]:
    names = [kinds] if isinstance(kinds, str) else kinds
    if not any(_is(value, name) for name in names):
        yield place.message(f"it is not {' or '.join(map(_with_article, names))}")


def _with_article(kind: str) -> str:
    if kind == "null":
        return kind
    return f"an {kind}" if kind[0] in "aio" else f"a {kind}"


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "integer":
            return _number(value) and value == value // 1
        case "number":
            return _number(value)
        case _:
            return isinstance(value, _KINDS.get(kind, object))


_KINDS: dict[str, type] = {
    "array": list,
    "boolean": bool,
    "null": type(None),
    "object": dict,
    "string": str,
}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_schema(value: object) -> TypeGuard[_Schema]:
    return isinstance(value, Mapping)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _enum(value: Any, choices: Any, schema: _Schema, place: _Place) -> Iterator[str]:
    if not any(_same(value, choice) for choice in choices):
        yield place.message("it is not one of the allowed values")


def _const(value: Any, only: Any, schema: _Schema, place: _Place) -> Iterator[str]:
    if not _same(value, only):
        yield place.message("it is not the only allowed value")


def _same(one: Any, other: Any) -> bool:
    """Return whether two values are equal in JSON, where true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if _is_list(one) and _is_list(other):
        return len(one) == len(other) and all(map(_same, one, other))
    if _is_object(one) and _is_object(other):
        return one.keys() == other.keys() and all(
            _same(one[name], other[name]) for name in one
        )
    return bool(one == other)


def _required(value: Any, names: Any, schema: _Schema, place: _Place) -> Iterator[str]:
    if _is_object(value):
        yield from (place.message(f"{n!r} is missing") for n in names if n not in value)


def _named(value: Any, parts: Any, schema: _Schema, place: _Place) -> Iterator[str]:
    if _is_object(value):
        for name, part in parts.items():
            if name in value:
                yield from _faults(value[name], part, place.within(name))


def _others(value: Any, other: Any, schema: _Schema, place: _Place) -> Iterator[str]:
    """Check the properties that are not named, unless patterns may name them."""
    if _is_object(value) and "patternProperties" not in schema:
        for name in value.keys() - schema.get("properties", ()):
            yield from _faults(value[name], other, place.within(name))


def _prefix(value: Any, parts: Any, schema: _Schema, place: _Place) -> Iterator[str]:
    if _is_list(value):
        # They may have different lengths.
        for index, (item, part) in enumerate(zip(value, parts, strict=False)):
            yield from _faults(item, part, place.within(index))


def _items(value: Any, part: Any, schema: _Schema, place: _Place) -> Iterator[str]:
    if _is_list(value):
        begin = len(schema.get("prefixItems", ()))
        for index, item in enumerate(value[begin:], begin):
            yield from _faults(item, part, place.within(index))


def _all_of(value: Any, parts: Any, schema: _Schema, place: _Place) -> Iterator[str]:
    for part in parts:
        yield from _faults(value, part, place)


def _any_of(value: Any, parts: Any, schema: _Schema, place: _Place) -> Iterator[str]:
    if not any(_fits(value, part, place) for part in parts):
        yield place.message("it matches none of the allowed schemas")


def _one_of(value: Any, parts: Any, schema: _Schema, place: _Place) -> Iterator[str]:
    count = sum(_fits(value, part, place) for part in parts)
    if count > 1:
        # A keyword that is not checked, such as pattern, may exclude the others.
        return
    yield from _any_of(value, parts, schema, place)


def _measured(
    kinds: type | tuple[type, ...],
    measure: Callable[[Any], Any],
    holds: Callable[[Any, Any], bool],
    fault: str,
) -> _Check:
    """Return the check of a length or a range."""

    def check(value: Any, limit: Any, schema: _Schema, place: _Place) -> Iterator[str]:
        # In older drafts the exclusive limits are true or false.
        measurable = isinstance(value, kinds) and not isinstance(value, bool)
        if measurable and _number(limit) and not holds(measure(value), limit):
            yield place.message(f"{fault} {limit}")

    return check


def _itself(value: Any) -> Any:
    return value


_CHECKS: dict[str, _Check] = {
    "$ref": _reference,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "required": _required,
    "properties": _named,
    "additionalProperties": _others,
    "prefixItems": _prefix,
    "items": _items,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "minimum": _measured((int, float), _itself, ge, "it is less than"),
    "maximum": _measured((int, float), _itself, le, "it is more than"),
    "exclusiveMinimum": _measured((int, float), _itself, gt, "it is not more than"),
    "exclusiveMaximum": _measured((int, float), _itself, lt, "it is not less than"),
    "minLength": _measured(str, len, ge, "it has fewer characters than"),
    "maxLength": _measured(str, len, le, "it has more characters than"),
    "minItems": _measured(list, len, ge, "it has fewer items than"),
    "maxItems": _measured(list, len, le, "it has more items than"),
}
"""The check of each keyword; other keywords are not checked."""
